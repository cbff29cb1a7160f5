"""Boosting over bins made once: quantiles of each column, exact integer histograms."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from dh2o.estimators.gbm.boosting import Booster, Grown
from dh2o.estimators.gbm.distributions import Distribution
from dh2o.estimators.gbm.monotone import monotone_values
from dh2o.estimators.gbm.response import ResponseFacts
from dh2o.estimators.trees.arrays import F64
from dh2o.estimators.trees.binning import BinMap
from dh2o.estimators.trees.fixed_point import FixedPoint
from dh2o.estimators.trees.gradients import Loss
from dh2o.estimators.trees.grower import Columns, Grower, TreeParams
from dh2o.estimators.trees.keys import Stream, derive_key
from dh2o.estimators.trees.quantiles import HuberLeaves, leaf_quantiles
from dh2o.estimators.trees.raw_tree import RawTree
from dh2o.estimators.trees.rounds import n_threads
from dh2o.estimators.trees.state import StateSpec, build_state
from dh2o.estimators.trees.steps import ApplyTrees, LeafTerms, MaxTerms, ShiftScores, StartTree
from dh2o.estimators.trees.to_forest import forest_of
from dh2o.models.forest import Forest
from dh2o.mrtask import LocalState

if TYPE_CHECKING:
    from dh2o.estimators.spec import TrainSpec
    from dh2o.frame import Frame
    from dh2o.mrtask import JobContext

__all__ = ["BinnedBooster"]


class BinnedBooster(Booster):
    """Grows trees over the bins of `bin_map`."""

    def __init__(
        self, ctx: JobContext, spec: TrainSpec, distribution: Distribution, facts: ResponseFacts,
        init_f: float, bin_map: BinMap, before: Forest | None = None,
    ) -> None:  # fmt: skip
        super().__init__(ctx, spec, distribution, facts, init_f, before)
        self.bin_map = bin_map
        # Newton's gain helps several classes; with two, squared error ranks real data better.
        curved = distribution.loss is Loss.MULTINOMIAL
        bound_d = distribution.bounds[1] if curved and distribution.bounds else 0.0
        self.fixed = FixedPoint.of(facts.weights, bound_d)
        self.grower = Grower(
            bin_map, TreeParams.of(self.params, facts.weights, shifts_cells=True), self.fixed,
            n_threads(), self._signs(),
            needs_terms=distribution.needs_terms,
        )  # fmt: skip

    def forest(self, grown: Grown) -> Forest:
        """Return all trees as they score, those of the model before first."""
        forest = forest_of(grown.trees, self.n_trees_a_round, self.bin_map)
        return forest if self.before is None else self.before.then(forest)

    def _close(self) -> None:
        self.grower.close()

    def _before_first(self, state: LocalState) -> None:
        """Set the first score to the quantile of the response, offsets taken off."""
        if not self.distribution.fits_quantiles:
            return
        alpha, total = self.distribution.alpha, np.array([self.facts.total_weight])
        scale = self.fixed.weight_scale
        value = float(leaf_quantiles(state.run, None, total, alpha, scale)[0])
        state.run(ShiftScores(value))
        self.grown.init_f = value

    # ---- one tree

    def _tree(self, state: LocalState, k: int, rate: float) -> RawTree:
        self._set_delta(state)
        bound_z, bound_d = self._bounds(state)
        rounding = self._key(Stream.ROUNDING, k)
        columns = Columns.draw(
            len(self.bin_map.features), self.grower.params, self._columns_key(k), self._groups()
        )
        root = state.run(
            StartTree(
                pending=self._take_pending(),
                loss=int(self.distribution.loss),
                param=self.distribution.param,
                klass=k if self.n_trees_a_round > 1 else -1,
                refresh=k == 0,
                scales=self.fixed.scales(bound_z, bound_d),
                shift=self.fixed.shift,
                keys=np.array(
                    [self._key(Stream.ROWS), rounding if self.fixed.rounds_at_random else 0]
                ),
                rates=self.sampling.rates,
                features=columns.of_tree,
            )
        )
        tree = self.grower.grow(root, columns, state.run)
        self._set_values(tree, state, rate, bound_z, bound_d, k)
        return tree

    def _columns_key(self, k: int) -> int:
        """Return the key of a tree's columns and cells; the seed is in it if columns are drawn.

        Without sampling the seed does not matter, as with H2O.
        """
        limits = self.grower.params
        if limits.col_sample_rate * limits.col_sample_rate_per_tree < 1.0:
            return self._key(Stream.COLUMNS, k)
        return derive_key(0, Stream.COLUMNS, self.n_rounds * self.n_trees_a_round + k)

    def _bounds(self, state: LocalState) -> tuple[float, float]:
        """Return the largest |w z| and w d of a row at the current predictions."""
        bounds, most = self.distribution.bounds, self.facts.max_weight
        if bounds is not None:
            return bounds[0] * most, bounds[1] * most
        step = MaxTerms(self._take_pending(), int(self.distribution.loss), self.distribution.param)
        largest = state.run(step)
        return float(largest[0]), float(largest[1])

    def _set_values(
        self, tree: RawTree, state: LocalState, rate: float, bound_z: float, bound_d: float, k: int
    ) -> None:
        fixed, leaves = self.fixed, tree.leaves
        weights = tree.counts.astype(np.float64) if fixed.curved else fixed.weight_of(tree.sums)
        tree.weights = weights.astype(np.float32)
        scale = fixed.gradient_scale(bound_z)
        tree.gains *= fixed.weight_scale / scale**2
        if self.distribution.fits_quantiles:
            values = self._quantile_values(tree, state, weights[leaves])
        else:
            if self.distribution.needs_terms and not tree.has_terms:
                tree.terms[leaves] = state.run(LeafTerms(tree))
            terms = tree.terms / fixed.scales(bound_z, bound_d)[2]
            values = self.distribution.leaf_values(
                weights[leaves], fixed.gradient_of(tree.sums, bound_z)[leaves], terms[leaves]
            )
        signs = self._signs()
        if signs:
            of_features = np.array([signs.get(name, 0) for name in self.spec.x], np.float64)
            values = monotone_values(tree, values, weights, of_features)
        noise = self._noise(len(leaves), k)
        values = values * rate if noise is None else values * rate * noise
        tree.values[leaves] = self._limited(values).astype(np.float32)

    def _set_delta(self, state: LocalState) -> None:
        """Set where the Huber loss turns linear: a quantile of the absolute errors of now."""
        if self.distribution.loss is not Loss.HUBER:
            return
        if self._pending:
            state.run(ApplyTrees(self._take_pending()))
        delta = leaf_quantiles(
            state.run, None, np.array([self.facts.total_weight]), self.params["huber_alpha"],
            self.fixed.weight_scale, absolute=True,
        )[0]  # fmt: skip
        self.distribution = dataclasses.replace(self.distribution, param=float(delta))

    def _quantile_values(self, tree: RawTree, state: LocalState, weights: F64) -> F64:
        alpha, scale = self.distribution.alpha, self.fixed.weight_scale
        values = leaf_quantiles(state.run, tree, weights, alpha, scale)
        if self.distribution.loss is Loss.HUBER:
            step = HuberLeaves(tree, values, self.distribution.param, self.facts.max_weight)
            values = values + state.run(step) / weights
        return values

    # ---- states

    def _state_spec(self, weights: str | None, learns: bool) -> StateSpec:
        k = self.n_trees_a_round
        return StateSpec(
            bin_map=self.bin_map,
            response=str(self.spec.response),
            weights=weights,
            offset=self.spec.offset,
            init=(self.grown.init_f,) * k,
            trees=tuple((i % k, tree) for i, tree in enumerate(self.grown.trees)),
            fixed=self.fixed if learns else None,
            before=self.before,
        )

    def _state(self, frame: Frame, weights: str | None, learns: bool) -> LocalState:
        return self.ctx.engine.local(frame, build_state, self._state_spec(weights, learns))
