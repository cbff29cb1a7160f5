"""Boosting by H2O's own rules: every node bins the values of its rows anew."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from dh2o.estimators.gbm.boosting import Booster, Grown
from dh2o.estimators.gbm.distributions import Distribution
from dh2o.estimators.gbm.monotone import monotone_values
from dh2o.estimators.gbm.response import ResponseFacts
from dh2o.estimators.trees.adaptive.columns import ColumnTable, HistogramType
from dh2o.estimators.trees.adaptive.grower import ColumnChoice, ValueGrower, ValueParams
from dh2o.estimators.trees.adaptive.state import ValueSpec, build_values
from dh2o.estimators.trees.adaptive.steps import (
    LargestTerms,
    LeafFacts,
    Residuals,
    ShiftSums,
    StartValues,
)
from dh2o.estimators.trees.adaptive.terms import CUSTOM, scale_of
from dh2o.estimators.trees.adaptive.value_tree import ValueTree, forest_of_values
from dh2o.estimators.trees.arrays import F64
from dh2o.estimators.trees.gradients import Loss
from dh2o.estimators.trees.keys import Stream
from dh2o.estimators.trees.quantiles import HuberLeaves, leaf_quantiles
from dh2o.estimators.trees.steps import ApplyTrees
from dh2o.models.forest import Forest
from dh2o.mrtask import LocalState

if TYPE_CHECKING:
    from dh2o.estimators.spec import TrainSpec
    from dh2o.frame import Frame
    from dh2o.mrtask import JobContext

__all__ = ["ValueBooster"]

_MAX_LOG = 19.0
_CAP = 1e4


class ValueBooster(Booster):
    """Grows trees over the values of `columns`."""

    def __init__(
        self, ctx: JobContext, spec: TrainSpec, distribution: Distribution, facts: ResponseFacts,
        init_f: float, columns: ColumnTable, before: Forest | None = None,
    ) -> None:  # fmt: skip
        super().__init__(ctx, spec, distribution, facts, init_f, before)
        self.columns = columns
        signs = self._signs()
        self.dim = 5 if signs and not distribution.fits_quantiles else 3
        self.grower = ValueGrower(columns, self._tree_params(), self.dim, signs)
        exact = facts.whole_weights and facts.total_weight < 2**61
        self.weight_scale = 1.0 if exact else scale_of(facts.n_rows, facts.max_weight)
        # quantiles count weights in words of their own
        self.count_scale = 1.0 if exact else min(self.weight_scale, 2.0**20)

    def _tree_params(self) -> ValueParams:
        names = [n for n in ValueParams.__dataclass_fields__ if n != "histogram_type"]
        kind = HistogramType[self.params["histogram_type"]]
        return ValueParams(**{name: self.params[name] for name in names}, histogram_type=kind)

    def forest(self, grown: Grown) -> Forest:
        """Return all trees as they score, those of the model before first."""
        trees = [tree for tree in grown.trees if isinstance(tree, ValueTree)]
        forest = forest_of_values(trees, self.n_trees_a_round, self.columns.n_columns)
        return forest if self.before is None else self.before.then(forest)

    def _before_first(self, state: LocalState) -> None:
        """Set the first score to the quantile of the response, offsets taken off."""
        if not self.distribution.fits_quantiles:
            return
        value = self._quantile(state, self.distribution.alpha, False)
        state.run(ShiftSums(value))
        self.grown.init_f = value

    def _quantile(self, state: LocalState, alpha: float, absolute: bool) -> float:
        """Return a quantile of the residuals of all rows."""
        total, scale = np.array([self.facts.total_weight]), self.count_scale
        return float(leaf_quantiles(state.run, None, total, alpha, scale, absolute)[0])

    # ---- one tree

    def _tree(self, state: LocalState, k: int, rate: float) -> ValueTree:
        if self.distribution.loss is Loss.HUBER:
            if self._pending:
                state.run(ApplyTrees(self._take_pending()))
            delta = self._quantile(state, self.params["huber_alpha"], True)
            self.distribution = dataclasses.replace(self.distribution, param=delta)
        residuals = self._residuals(k)
        scales, prepared = self._scales(state, residuals, k)
        start = StartValues(
            pending=self._pending_values(),
            residuals=residuals,
            scales=scales,
            key=self._key(Stream.ROWS),
            rates=self.sampling.rates,
            refresh=k == 0,
            prepared=prepared,
        )
        params, key = self.params, self._key(Stream.COLUMNS, k)
        per_tree = params["col_sample_rate_per_tree"]
        n_tries = max(1, int(params["col_sample_rate"] * per_tree * self.columns.n_columns))
        chosen = ColumnChoice.draw(
            self.columns.n_columns, per_tree, n_tries, params["col_sample_rate_change_per_level"],
            key, self._groups(),
        )  # fmt: skip
        tree, facts = self.grower.grow(start, chosen, key, state.run)
        self._set_values(tree, facts, scales, state, rate, k)
        return tree

    def _pending_values(self) -> tuple[tuple[int, ValueTree], ...]:
        return tuple((k, t) for k, t in self._take_pending() if isinstance(t, ValueTree))

    def _residuals(self, k: int) -> Residuals:
        d = self.distribution
        target = k if self.n_trees_a_round > 1 else -1
        if d.custom is not None:
            return Residuals(CUSTOM, 0.0, target, d.custom)
        return Residuals(int(d.loss), d.param, target)

    def _scales(self, state: LocalState, residuals: Residuals, k: int) -> tuple[F64, bool]:
        """Return the scales of the terms, and whether a pass has prepared the residuals."""
        n, most = self.facts.n_rows, self.facts.max_weight
        bounds = None if self.distribution.custom is not None else self.distribution.bounds
        if bounds is not None:
            z, d = bounds
            largest = np.array([most, z * most, z * z * most, z * most, d * most])
        else:
            largest = state.run(LargestTerms(self._pending_values(), residuals, k == 0))
        scales = np.array([scale_of(n, float(bound)) for bound in largest])
        scales[0] = self.weight_scale
        return scales, bounds is None

    def _set_values(
        self, tree: ValueTree, facts: LeafFacts, scales: F64, state: LocalState, rate: float, k: int
    ) -> None:
        leaves = tree.leaves
        sums = facts.sums / scales[[0, 3, 4]]
        tree.weights = _rolled_up(tree, sums[:, 0]).astype(np.float32)
        if tree.n_nodes == 1:
            return  # H2O gives a tree without a split the value 0
        d = self.distribution
        if d.fits_quantiles:
            values = self._quantile_values(tree, state, sums[:, 0])
        elif self._signs():
            values = d.from_mean(tree.split_values[leaves])
        else:
            values = d.from_sums(sums[:, 1], sums[:, 2])
        values = values * rate * d.class_factor
        if d.is_multinomial:
            values = np.clip(values, -_CAP, _CAP)
        values = np.where(np.isnan(values), 0.0, values)
        values = np.where(np.isinf(values), np.sign(values) * _CAP, values)
        values = self._limited(values).astype(np.float32).astype(np.float64)
        if d.has_log_link:
            values = _truncated(values, facts.ranges, d.loss)
        tree.values[leaves] = values.astype(np.float32)
        noise = self._noise(tree.n_nodes, k)
        if noise is not None:
            tree.noise = noise.astype(np.float32)

    def _quantile_values(self, tree: Any, state: LocalState, weights: F64) -> F64:
        alpha, scale = self.distribution.alpha, self.count_scale
        values = leaf_quantiles(state.run, tree, weights, alpha, scale)
        if self.distribution.loss is Loss.HUBER:
            step = HuberLeaves(tree, values, self.distribution.param, self.facts.max_weight)
            values = values + state.run(step) / np.maximum(weights, 1e-300)
        signs = self._signs()
        if signs:
            of_columns = np.array([signs.get(name, 0) for name in self.columns.names], np.float64)
            values = monotone_values(tree, values, tree.weights.astype(np.float64), of_columns)
        return values

    # ---- states

    def _state_spec(self, weights: str | None, learns: bool) -> ValueSpec:
        k = self.n_trees_a_round
        trees = enumerate(self.grown.trees)
        return ValueSpec(
            columns=self.columns,
            response=str(self.spec.response),
            weights=weights,
            offset=self.spec.offset,
            init=(self.grown.init_f,) * k,
            trees=tuple((i % k, tree) for i, tree in trees if isinstance(tree, ValueTree)),
            dim=self.dim if learns else 0,
            before=self.before,
            n_given=3 if self.distribution.custom is not None and learns else 0,
        )

    def _state(self, frame: Frame, weights: str | None, learns: bool) -> LocalState:
        return self.ctx.engine.local(frame, build_values, self._state_spec(weights, learns))


def _rolled_up(tree: ValueTree, of_leaves: F64) -> F64:
    """Return the weights of all nodes: those of their leaves."""
    weights = np.zeros(tree.n_nodes)
    weights[tree.leaves] = of_leaves
    for k in np.flatnonzero(tree.nodes[:, 2] >= 0)[::-1]:  # children come after their parent
        left = tree.nodes[k, 2]
        weights[k] = weights[left] + weights[left + 1]
    return weights


def _truncated(values: F64, ranges: F64, loss: Loss) -> F64:
    """Return leaf values that keep scores (logarithms) within ±19, by H2O's rule.

    ranges[k] = (least, largest) score in leaf k before this tree.
    """
    low, high = ranges[:, 0].astype(np.float32), ranges[:, 1].astype(np.float32)
    shift = loss is not Loss.POISSON  # there the value alone is looked at
    values = np.where(values + shift * high > _MAX_LOG, _MAX_LOG - high, values)
    return np.where(values + shift * low < -_MAX_LOG, -_MAX_LOG - low, values)
