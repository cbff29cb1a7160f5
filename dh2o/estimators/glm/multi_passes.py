"""The passes of models of several classes: one predictor per class, or ordered thresholds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks import Block
from dh2o.estimators.glm.passes import FitSums, GramSums, SumsTask
from dh2o.estimators.glm.rows import Roles, Tile, tiles
from dh2o.estimators.glm.sandwich import (
    add_class_sums,
    add_gradient,
    linear_predictor,
)
from dh2o.estimators.glm.slopes import SlopedNumbers
from dh2o.models.glm_classes import cumulative, softmax
from dh2o.models.glm_design import Design
from dh2o.mrtask import MRTask

F64 = NDArray[np.float64]

_TINY = 1e-300


@dataclass(frozen=True, eq=False)
class MultinomialTask(SumsTask):
    """Gradient and Hessian of the multinomial likelihood at `beta`, shape (n_classes, n_places).

    With p the probabilities of a row: gradient of class k = x (p_k - y_k), Hessian of classes
    k and l = x x' (p_k [k = l] - p_k p_l).
    """

    design: Design
    roles: Roles
    beta: F64
    standardise: bool
    with_gram: bool = True
    every: int = 1
    #: Only the Hessian's blocks of one class each.
    by_class: bool = False

    @property
    def n_parameters(self) -> int:
        return self.beta.size

    def add(self, tile: Tile, total: GramSums) -> None:
        n = self.design.n_places
        etas = np.array([linear_predictor(self.design, tile, b) for b in self.beta])
        p = softmax(etas)
        actual = np.take_along_axis(p, tile.classes[None], axis=0)[0]
        total.nll -= float(tile.w @ np.log(np.maximum(actual, _TINY)))
        for k in range(len(p)):
            residual = tile.w * (p[k] - (tile.classes == k))
            add_gradient(self.design, tile, residual, total.gradient[k * n : (k + 1) * n])
        if self.with_gram:
            for table, (k, h) in zip(total.tables, self.pairs, strict=True):
                table.add(tile, tile.w * p[k] * ((k == h) - p[h]))

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Pairs of classes in the order of their tables."""
        return [
            (k, h)
            for k in range(len(self.beta))
            for h in range(k + 1)
            if h == k or not self.by_class
        ]

    @property
    def n_tables(self) -> int:
        return len(self.pairs)

    def matrix(self, total: GramSums) -> F64:
        n = self.design.n_places
        out = np.empty((self.beta.size, self.beta.size))
        for table, (k, h) in zip(total.tables, self.pairs, strict=True):
            part = table.matrix(self.design, self.sloped)
            out[k * n : (k + 1) * n, h * n : (h + 1) * n] = part
            out[h * n : (h + 1) * n, k * n : (k + 1) * n] = part
        return out


@dataclass(frozen=True, eq=False)
class CurvatureTask(MultinomialTask):
    """The product of the Hessian at `beta` with ``direction``, of the same shape, as gradient."""

    direction: F64 = field(default_factory=lambda: np.zeros((0, 0)))

    def add(self, tile: Tile, total: GramSums) -> None:
        n = self.design.n_places
        p = softmax(np.array([linear_predictor(self.design, tile, b) for b in self.beta]))
        moved = np.array([linear_predictor(self.design, tile, v) for v in self.direction])
        moved -= (p * moved).sum(axis=0)
        moved *= p
        for k, change in enumerate(moved):
            own = total.gradient[k * n : (k + 1) * n]
            add_gradient(self.design, tile, tile.w * change, own)


class _Ordered(NamedTuple):
    """Derivatives of a row's loss by the linear predictors of its upper and lower threshold."""

    loss: F64
    g_high: F64
    g_low: F64
    h_high: F64
    h_low: F64
    h_both: F64


@dataclass(frozen=True, eq=False)
class OrdinalTask(SumsTask):
    """Gradient and Hessian of proportional odds: P(y <= k) = logistic(threshold_k + x b).

    Parameters are the slopes at all places (that of the intercept stays 0) and then the
    thresholds between the ``present`` classes, in order.
    """

    design: Design
    roles: Roles
    slopes: F64
    thresholds: F64
    present: NDArray[np.int64]
    standardise: bool
    with_gram: bool = True
    every: int = 1

    @property
    def n_parameters(self) -> int:
        return len(self.slopes) + len(self.thresholds)

    def _classes(self, tile: Tile) -> NDArray[np.int32]:
        """Return the place of each row's class among the present ones."""
        return np.searchsorted(self.present, tile.classes).astype(np.int32)

    def add(self, tile: Tile, total: GramSums) -> None:
        n, classes, n_classes = len(self.slopes), self._classes(tile), len(self.thresholds) + 1
        eta = linear_predictor(self.design, tile, self.slopes)
        d = _ordered(eta, classes, self.thresholds)
        total.nll += float(tile.w @ d.loss)
        slope = tile.w * (d.g_high + d.g_low)
        add_gradient(self.design, tile, slope, total.gradient[:n])
        high, low = (np.bincount(classes, tile.w * g, n_classes) for g in (d.g_high, d.g_low))
        total.gradient[n:] += high[:-1] + low[1:]
        if self.with_gram:
            total.tables[0].add(tile, tile.w * (d.h_high + d.h_low + 2 * d.h_both))
            self._add_thresholds(tile, classes, d, total.cross)

    @property
    def cross_shape(self) -> tuple[int, int]:
        return len(self.thresholds), self.n_parameters

    def _add_thresholds(
        self, tile: Tile, classes: NDArray[np.int32], d: _Ordered, cross: F64
    ) -> None:
        """Add the rows of the Hessian that belong to thresholds, below the diagonal."""
        n, w, n_classes = len(self.slopes), tile.w, len(self.thresholds) + 1
        both = np.zeros((2, n_classes, n))
        add_class_sums(self.design, tile, classes, w * (d.h_high + d.h_both), both[0])
        add_class_sums(self.design, tile, classes, w * (d.h_low + d.h_both), both[1])
        cross[:, :n] += both[0][:-1] + both[1][1:]
        high, low, between = (
            np.bincount(classes, w * h, n_classes) for h in (d.h_high, d.h_low, d.h_both)
        )
        at = np.arange(n_classes - 1)
        cross[at, n + at] += high[:-1] + low[1:]
        cross[at[1:], n + at[:-1]] += between[1:-1]

    def matrix(self, total: GramSums) -> F64:
        n = len(self.slopes)
        out = np.empty((self.n_parameters, self.n_parameters))
        out[:n, :n] = total.tables[0].matrix(self.design, self.sloped)
        out[n:, :n], out[:n, n:] = total.cross[:, :n], total.cross[:, :n].T
        out[n:, n:] = total.cross[:, n:] + np.tril(total.cross[:, n:], -1).T
        return out


def _ordered(eta: F64, classes: NDArray[np.int32], thresholds: F64) -> _Ordered:
    """Return -log P(y) of each row and its derivatives; infinite where thresholds cross."""
    edges = np.concatenate([[-np.inf], thresholds, [np.inf]])
    low, high = edges[classes] + eta, edges[classes + 1] + eta
    # F(high) - F(low), taken in the tail where it loses no digits
    flip = low + high > 0
    a, b = np.where(flip, -high, low), np.where(flip, -low, high)
    p = 1.0 / (1.0 + np.exp(-b)) - 1.0 / (1.0 + np.exp(-a))
    f_high, f_low = _density(high), _density(low)
    p = np.where(p > 0, p, np.nan)
    q_high, q_low = f_high / p, f_low / p
    t_high = np.where(np.isinf(high), 0.0, -np.tanh(high / 2))  # f'/f of the logistic density
    t_low = np.where(np.isinf(low), 0.0, -np.tanh(low / 2))
    return _Ordered(
        np.where(np.isnan(p), np.inf, -np.log(p)),
        -q_high,
        q_low,
        q_high * q_high - q_high * t_high,
        q_low * q_low + q_low * t_low,
        -q_high * q_low,
    )


def _density(x: F64) -> F64:
    e = np.exp(-np.abs(x))
    return e / (1.0 + e) ** 2


@dataclass(frozen=True, eq=False)
class SquaredErrorTask(OrdinalTask):
    """Gradient of H2O's squared error of ordered classes: how far predictors are on the wrong side.

    Half the squares of threshold_k + x b where it is above 0 for k < y, or below for k >= y.
    """

    def add(self, tile: Tile, total: GramSums) -> None:
        n = len(self.slopes)
        eta = linear_predictor(self.design, tile, self.slopes)
        etas = self.thresholds[:, None] + eta
        before = np.arange(len(self.thresholds))[:, None] < self._classes(tile)
        wrong = np.where(before == (etas > 0), etas, 0.0) * tile.w
        total.nll += 0.5 * float((wrong * etas).sum())
        add_gradient(self.design, tile, wrong.sum(axis=0), total.gradient[:n])
        total.gradient[n:] += wrong.sum(axis=1)


@dataclass(frozen=True, eq=False)
class ClassFitTask(MRTask[FitSums, FitSums]):
    """Deviance of class probabilities at `beta`, shape (n_classes, n_places)."""

    design: Design
    roles: Roles
    beta: F64
    standardise: bool
    ordinal: bool

    def map(self, block: Block) -> FitSums:
        total, sloped = FitSums(), SlopedNumbers.of(self.design, standardise=self.standardise)
        for tile in tiles(
            block, self.design, self.roles, standardise=self.standardise, sloped=sloped
        ):
            etas = np.array([linear_predictor(self.design, tile, b) for b in self.beta])
            p = cumulative(etas) if self.ordinal else softmax(etas)
            actual = np.take_along_axis(p, tile.classes[None], axis=0)[0]
            with np.errstate(divide="ignore", invalid="ignore"):
                nll = -float(tile.w @ np.log(np.maximum(actual, _TINY)))
            total += FitSums(nll, 2.0 * nll, np.nan, float(tile.w.sum()), tile.n_rows)
        return total

    def combine(self, a: FitSums, b: FitSums) -> FitSums:
        return a + b

    def finish(self, total: FitSums | None) -> FitSums:
        return total or FitSums()
