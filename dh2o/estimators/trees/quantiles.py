"""Quantiles of residuals in leaves, by counting: brackets shrink 256-fold with each pass.

A quantile lies at position ``h = (W - 1) alpha`` of the sorted residuals, between its two
neighbours (as NumPy's linear method, with weights as repetitions); both are bracketed at once.
Counts are integers, so the result does not depend on how rows are spread.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dh2o.compiled import njit
from dh2o.estimators.trees.arrays import F32, F64, I64
from dh2o.estimators.trees.raw_tree import RawTree
from dh2o.estimators.trees.records import ROW_MASK
from dh2o.estimators.trees.state import TreeState
from dh2o.mrtask import LocalTask, WorkerContext

__all__ = ["HuberLeaves", "leaf_quantiles"]

_N_COUNTS = 256
_N_PASSES = 4  # 256**4: finer than the float32 of a leaf
_HUBER_BITS = 40


@njit(nogil=True, cache=True)
def _count(  # noqa: PLR0913, PLR0917
    tags: I64,
    leaves: I64,
    y: F64,
    f: F64,
    weights: F32,
    weight_scale: float,
    absolute: bool,
    low: F64,
    high: F64,
    counts: I64,
    ranges: F64,
) -> None:
    """counts[k, s, b] += weight of the residuals in part b of bracket s of leaf k.

    With no parts: ranges[k] = (least, largest) residual.
    """
    n_parts = counts.shape[2]
    n_weights = 1 if weights.size > 1 else 0
    for k in range(leaves.shape[0]):
        for i in range(leaves[k, 0], leaves[k, 1]):
            row = tags[i] & ROW_MASK
            weight = np.float64(weights[row * n_weights])
            if not weight > 0.0:
                continue
            r = y[row] - f[row]
            if absolute:
                r = abs(r)
            if n_parts == 0:
                ranges[k, 0], ranges[k, 1] = min(ranges[k, 0], r), max(ranges[k, 1], r)
                continue
            word = max(np.int64(weight * weight_scale + 0.5), 1)
            for s in range(2):
                if r > low[k, s] and r <= high[k, s]:
                    share = (r - low[k, s]) / (high[k, s] - low[k, s]) * n_parts
                    counts[k, s, min(np.int64(math.ceil(share)) - 1, n_parts - 1)] += word


@njit(nogil=True, cache=True)
def _sum_clipped(  # noqa: PLR0913, PLR0917
    tags: I64, leaves: I64, y: F64, f: F64, weights: F32, medians: F64, delta: float,
    scale: float, out: I64,
) -> None:  # fmt: skip
    """out[k] += sum of w clip(y - f - median[k], -delta, delta) in units of 1 / scale."""
    n_weights = 1 if weights.size > 1 else 0
    for k in range(leaves.shape[0]):
        for i in range(leaves[k, 0], leaves[k, 1]):
            row = tags[i] & ROW_MASK
            r = min(max(y[row] - f[row] - medians[k], -delta), delta)
            out[k] += np.int64(math.floor(weights[row * n_weights] * r * scale + 0.5))


@dataclass(frozen=True, slots=True)
class _Count(LocalTask[Any, Any]):
    """Counts of residuals in brackets; without brackets, their ranges."""

    tree: RawTree | None
    weight_scale: float
    absolute: bool
    low: F64 | None
    high: F64 | None

    def map(self, state: TreeState, _worker: WorkerContext) -> Any:
        n = 1 if self.tree is None else len(self.tree.leaves)
        n_parts = 0 if self.low is None else _N_COUNTS
        low = np.zeros((n, 2)) if self.low is None else np.array(self.low)
        high = np.zeros((n, 2)) if self.high is None else np.array(self.high)

        def count(shard: int, _lo: int, _hi: int) -> tuple[I64, F64]:
            counts = np.zeros((n, 2, n_parts), np.int64)
            ranges = np.tile([np.inf, -np.inf], (n, 1))
            _count(
                *state.rows_of_leaves(shard, self.tree), state.y, state.f[0], state.weights,
                self.weight_scale, self.absolute, low, high, counts, ranges,
            )  # fmt: skip
            return counts, ranges

        parts = state.each_shard(count)
        total = parts[0]
        for part in parts[1:]:
            total = self.combine(total, part)
        return total

    def combine(self, a: Any, b: Any) -> Any:
        least = np.minimum(a[1][:, 0], b[1][:, 0])
        return a[0] + b[0], np.column_stack([least, np.maximum(a[1][:, 1], b[1][:, 1])])


def leaf_quantiles(
    run: Callable[[Any], Any], tree: RawTree | None, weights: F64, alpha: float,
    weight_scale: float, absolute: bool = False,
) -> F64:  # fmt: skip
    """Return the `alpha` quantile of y - f in each leaf of weight `weights` (or of all rows).

    With `absolute`, of ``|y - f|``.
    """
    _, ranges = run(_Count(tree, weight_scale, absolute, None, None))
    position = (weights - 1) * alpha
    wanted = np.stack([np.floor(position), np.floor(position) + 1], axis=1) + 1
    wanted = np.minimum(wanted, np.maximum(weights, 1)[:, None]) * weight_scale
    empty = ~np.isfinite(ranges[:, 0])
    ranges[empty] = 0.0
    high = np.repeat(ranges[:, 1:], 2, axis=1)
    low = np.repeat(np.nextafter(ranges[:, :1], -np.inf), 2, axis=1)
    below = np.zeros_like(wanted)
    for _ in range(_N_PASSES):
        counts, _ = run(_Count(tree, weight_scale, absolute, low, high))
        reached = below[:, :, None] + np.cumsum(counts, axis=2)
        part = np.minimum((reached < wanted[:, :, None] - 0.5).sum(axis=2), _N_COUNTS - 1)
        before = np.take_along_axis(reached - counts, part[:, :, None], axis=2)[:, :, 0]
        width = (high - low) / _N_COUNTS
        low, high, below = low + part * width, low + (part + 1) * width, before
    found = np.clip(high, ranges[:, :1], ranges[:, 1:])
    share = position - np.floor(position)
    return np.asarray(found[:, 0] * (1 - share) + found[:, 1] * share)


@dataclass(frozen=True, slots=True)
class HuberLeaves(LocalTask[I64, F64]):
    """Sum of the weighted residuals beyond each leaf's median, clipped at delta."""

    tree: RawTree
    medians: F64
    delta: float
    max_weight: float

    @property
    def _scale(self) -> float:
        bound = max(self.delta * self.max_weight, 1e-300)
        return float(2.0 ** (_HUBER_BITS - 1 - math.ceil(math.log2(bound)) - 8))

    def map(self, state: TreeState, _worker: WorkerContext) -> I64:
        medians = np.array(self.medians)

        def add(shard: int, _lo: int, _hi: int) -> I64:
            out = np.zeros(len(medians), np.int64)
            _sum_clipped(
                *state.rows_of_leaves(shard, self.tree), state.y, state.f[0], state.weights,
                medians, self.delta, self._scale, out,
            )  # fmt: skip
            return out

        return np.asarray(np.sum(state.each_shard(add), axis=0))

    def combine(self, a: I64, b: I64) -> I64:
        return a + b

    def finish(self, total: I64 | None) -> F64:
        if total is None:
            return np.zeros(len(self.medians))
        return total / self._scale
