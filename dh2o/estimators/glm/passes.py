"""The passes of a linear model with one predictor eta a row: Gram matrix, gradient, sums."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks import Block
from dh2o.estimators.glm.gram_tables import GramTables
from dh2o.estimators.glm.rows import Roles, Tile, tiles
from dh2o.estimators.glm.sandwich import add_gradient, linear_predictor
from dh2o.estimators.glm.slopes import SlopedNumbers
from dh2o.models.glm_design import Design
from dh2o.models.glm_family import Family
from dh2o.models.glm_link import Link
from dh2o.mrtask import MRTask

F64 = NDArray[np.float64]


@dataclass(slots=True, eq=False)
class GramSums:
    """Gradient and negative log likelihood over places (see Design), and X'WX as tables.

    Several classes have several tables, and their gradients one after the other; ``cross`` are
    second derivatives of parameters that are not in the design. All empty if only the gradient was
    asked for.
    """

    tables: list[GramTables]
    cross: F64
    gradient: F64
    nll: float = 0.0
    n_obs: int = 0

    def __iadd__(self, other: GramSums) -> GramSums:
        for mine, theirs in zip(self.tables, other.tables, strict=True):
            mine += theirs
        self.cross += other.cross
        self.gradient += other.gradient
        self.nll += other.nll
        self.n_obs += other.n_obs
        return self


class SumsTask(MRTask[GramSums, GramSums]):
    """Adds up `GramSums` tile by tile; a subclass says what a tile adds."""

    design: Design
    roles: Roles
    standardise: bool
    with_gram: bool
    every: int

    @property
    def n_parameters(self) -> int:
        """Length of the gradient."""
        return self.design.n_places

    @cached_property
    def sloped(self) -> SlopedNumbers:
        """How the numbers of the design are read."""
        return SlopedNumbers.of(self.design, standardise=self.standardise)

    @property
    def n_tables(self) -> int:
        """How many tables the Gram matrix takes."""
        return 1

    @property
    def cross_shape(self) -> tuple[int, int]:
        """Shape of the second derivatives of other parameters."""
        return 0, 0

    def empty(self) -> GramSums:
        """Return the sums of no rows."""
        n_tables = self.n_tables if self.with_gram else 0
        cross = self.cross_shape if self.with_gram else (0, 0)
        tables = [GramTables.empty(self.design, self.sloped) for _ in range(n_tables)]
        return GramSums(tables, np.zeros(cross), np.zeros(self.n_parameters))

    def map(self, block: Block) -> GramSums:
        total = self.empty()
        for tile in tiles(
            block, self.design, self.roles, standardise=self.standardise, every=self.every,
            sloped=self.sloped,
        ):  # fmt: skip
            total.n_obs += tile.n_rows
            with np.errstate(all="ignore"):
                self.add(tile, total)
        return total

    def add(self, tile: Tile, total: GramSums) -> None:
        """Add one tile to the total."""
        raise NotImplementedError

    def matrix(self, total: GramSums) -> F64:
        """Return the whole Gram matrix."""
        return total.tables[0].matrix(self.design, self.sloped)

    def combine(self, a: GramSums, b: GramSums) -> GramSums:
        a += b
        return a

    def finish(self, total: GramSums | None) -> GramSums:
        return self.empty() if total is None else total


@dataclass(frozen=True, eq=False)
class GramTask(SumsTask):
    """One step's least squares problem at `beta` (all places), of standardised x if asked."""

    design: Design
    family: Family
    link: Link
    roles: Roles
    beta: F64
    standardise: bool
    with_gram: bool = True
    every: int = 1

    def add(self, tile: Tile, total: GramSums) -> None:
        eta = linear_predictor(self.design, tile, self.beta)
        work = self.family.newton(self.link, tile.y, eta, tile.offset, tile.w)
        total.nll += work.nll
        add_gradient(self.design, tile, work.residual, total.gradient)
        for table in total.tables:
            table.add(tile, work.weight, spoil=True)


@dataclass(frozen=True, eq=False)
class StartTask(GramTask):
    """The same where means lie halfway between each response and ``mean``; its beta must be 0."""

    mean: float = 0.0

    def add(self, tile: Tile, total: GramSums) -> None:
        mu = 0.5 * (tile.y + self.mean)
        eta, slope = self.link.link(mu), self.link.slope(mu)
        weight = tile.w / (self.family.variance(mu) * slope * slope)
        wanted = eta + (tile.y - mu) * slope - (0.0 if tile.offset is None else tile.offset)
        add_gradient(self.design, tile, -weight * wanted, total.gradient)
        for table in total.tables:
            table.add(tile, weight, spoil=True)


@dataclass(slots=True)
class FitSums:
    """Sums over rows at given coefficients."""

    nll: float = 0.0
    deviance: float = 0.0
    pearson: float = 0.0
    weight: float = 0.0
    n_obs: int = 0

    def __add__(self, other: FitSums) -> FitSums:
        return FitSums(
            self.nll + other.nll,
            self.deviance + other.deviance,
            self.pearson + other.pearson,
            self.weight + other.weight,
            self.n_obs + other.n_obs,
        )


@dataclass(frozen=True, eq=False)
class FitTask(MRTask[FitSums, FitSums]):
    """How well `beta` (all places) fits: likelihood, deviance and Pearson's chi-square."""

    design: Design
    family: Family
    link: Link
    roles: Roles
    beta: F64
    standardise: bool

    def map(self, block: Block) -> FitSums:
        total, sloped = FitSums(), SlopedNumbers.of(self.design, standardise=self.standardise)
        for tile in tiles(
            block, self.design, self.roles, standardise=self.standardise, sloped=sloped
        ):
            eta = linear_predictor(self.design, tile, self.beta)
            full = eta if tile.offset is None else eta + tile.offset
            y, w = tile.y, tile.w
            with np.errstate(all="ignore"):
                mu = self.link.inverse(full)
                total += FitSums(
                    float((w * self.family.nll(y, mu)).sum()),
                    float((w * self.family.deviance(y, mu)).sum()),
                    float((w * (y - mu) ** 2 / self.family.variance(mu)).sum()),
                    float(w.sum()),
                    len(y),
                )
        return total

    def combine(self, a: FitSums, b: FitSums) -> FitSums:
        return a + b

    def finish(self, total: FitSums | None) -> FitSums:
        return total or FitSums()


@dataclass(frozen=True, eq=False)
class InterceptTask(MRTask[F64, F64]):
    """One Newton step's sums for an intercept beside offsets: weight, and gradient."""

    design: Design
    roles: Roles
    family: Family
    link: Link
    intercept: float

    def map(self, block: Block) -> F64:
        total = np.zeros(2)
        for tile in tiles(block, self.design, self.roles, standardise=False):
            eta = np.full(len(tile.y), self.intercept)
            with np.errstate(all="ignore"):
                work = self.family.newton(self.link, tile.y, eta, tile.offset, tile.w)
            total += (work.weight.sum(), -work.residual.sum())
        return total

    def combine(self, a: F64, b: F64) -> F64:
        return a + b

    def finish(self, total: F64 | None) -> F64:
        return np.zeros(2) if total is None else total
