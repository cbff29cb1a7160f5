"""The passes of a linear model: the weighted Gram matrix, and sums over rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks import Block
from dh2o.estimators.glm.rows import Roles, Tile, tiles
from dh2o.models.glm_design import Design
from dh2o.models.glm_family import Family
from dh2o.models.glm_link import Link
from dh2o.mrtask import MRTask

F64 = NDArray[np.float64]


@dataclass(slots=True, eq=False)
class GramSums:
    """X'WX and X'Wz over places (see Design), negative log likelihood, weight and rows."""

    xx: F64
    xy: F64
    nll: float
    weight: float
    n_obs: int

    @classmethod
    def empty(cls, n_places: int) -> GramSums:
        """Return the sums of no rows."""
        return cls(np.zeros((n_places, n_places)), np.zeros(n_places), 0.0, 0.0, 0)

    def __iadd__(self, other: GramSums) -> GramSums:
        self.xx += other.xx
        self.xy += other.xy
        self.nll += other.nll
        self.weight += other.weight
        self.n_obs += other.n_obs
        return self


@dataclass(frozen=True, eq=False)
class GramTask(MRTask[GramSums, GramSums]):
    """One step's least squares problem at `beta` (all places), of standardised x if asked."""

    design: Design
    family: Family
    link: Link
    roles: Roles
    beta: F64
    standardise: bool

    def map(self, block: Block) -> GramSums:
        total = GramSums.empty(self.design.n_places)
        for tile in tiles(block, self.design, self.roles, standardise=self.standardise):
            self._add(tile, total)
        return total

    def _add(self, tile: Tile, total: GramSums) -> None:
        eta = linear_predictor(self.design, tile, self.beta)
        full = eta if tile.offset is None else eta + tile.offset
        with np.errstate(all="ignore"):
            work = self.family.working(self.link, tile.y, eta, tile.offset, tile.w)
            nll = self.family.nll(tile.y, self.link.inverse(full))
            total.nll += float((tile.w * nll).sum())
        total.weight += float(tile.w.sum())
        total.n_obs += len(tile.y)
        add_gram(self.design, tile, work.weight, work.weighted_z, total)

    def combine(self, a: GramSums, b: GramSums) -> GramSums:
        a += b
        return a

    def finish(self, total: GramSums | None) -> GramSums:
        return total if total is not None else GramSums.empty(self.design.n_places)


def linear_predictor(design: Design, tile: Tile, beta: F64) -> F64:
    """Return X beta of the rows of a tile, without the offset."""
    n_levels = design.starts[-1]
    eta: F64 = beta[n_levels:] @ tile.numbers
    for start, codes in zip(design.starts, tile.codes, strict=False):
        eta += beta[start + codes]
    return eta


def add_gram(design: Design, tile: Tile, weight: F64, weighted_z: F64, total: GramSums) -> None:
    """Total += (X'WX, X'Wz).   Numbers by BLAS; levels by counting into their places."""
    starts, numbers = design.starts, tile.numbers
    first_number = starts[-1]
    weighted = numbers * weight
    total.xx[first_number:, first_number:] += numbers @ weighted.T
    total.xy[first_number:] += numbers @ weighted_z
    for i, codes in enumerate(tile.codes):
        n_levels = len(design.levels[i])
        own = slice(starts[i], starts[i + 1])
        total.xy[own] += np.bincount(codes, weighted_z, n_levels)
        for j in range(len(numbers)):
            sums = np.bincount(codes, weighted[j], n_levels)
            total.xx[own, first_number + j] += sums
            total.xx[first_number + j, own] += sums
        diagonal = np.bincount(codes, weight, n_levels)
        total.xx[np.arange(own.start, own.stop), np.arange(own.start, own.stop)] += diagonal
        for h in range(i):
            pairs = np.bincount(
                tile.codes[h] * n_levels + codes, weight, len(design.levels[h]) * n_levels
            ).reshape(-1, n_levels)
            other = slice(starts[h], starts[h + 1])
            total.xx[other, own] += pairs
            total.xx[own, other] += pairs.T


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
        total = FitSums()
        for tile in tiles(block, self.design, self.roles, standardise=self.standardise):
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
class ResponseTask(MRTask[F64, F64]):
    """Weight, weighted response and number of the usable rows."""

    design: Design
    roles: Roles

    def map(self, block: Block) -> F64:
        total = np.zeros(3)
        for tile in tiles(block, self.design, self.roles, standardise=False):
            total += (tile.w.sum(), (tile.w * tile.y).sum(), len(tile.y))
        return total

    def combine(self, a: F64, b: F64) -> F64:
        return a + b

    def finish(self, total: F64 | None) -> F64:
        return np.zeros(3) if total is None else total


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
                work = self.family.working(self.link, tile.y, eta, tile.offset, tile.w)
            total += (work.weight.sum(), (work.weighted_z - work.weight * eta).sum())
        return total

    def combine(self, a: F64, b: F64) -> F64:
        return a + b

    def finish(self, total: F64 | None) -> F64:
        return np.zeros(2) if total is None else total
