"""Random forests over quantile bins that are made once for the whole frame."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from dh2o.estimators.drf.bagging import Bagger
from dh2o.estimators.drf.response import ResponseFacts
from dh2o.estimators.trees.bagged import BagSpec, StartBag, build_bagged_state
from dh2o.estimators.trees.binning import BinMap
from dh2o.estimators.trees.fixed_point import FixedPoint
from dh2o.estimators.trees.grower import Columns, Grower, TreeParams
from dh2o.estimators.trees.keys import Stream
from dh2o.estimators.trees.raw_tree import RawTree
from dh2o.estimators.trees.rounds import Grown, n_threads
from dh2o.estimators.trees.to_forest import forest_of
from dh2o.models.drf import DRFModel
from dh2o.models.forest import Forest
from dh2o.mrtask import LocalState

if TYPE_CHECKING:
    from dh2o.estimators.spec import TrainSpec
    from dh2o.frame import Frame
    from dh2o.mrtask import JobContext

__all__ = ["BinnedBagger"]


class BinnedBagger(Bagger):
    """Grows trees over the bins of `bin_map`.

    Targets are counted from `center`, which keeps their sums exact for longer: 0 for classes.
    """

    def __init__(
        self, ctx: JobContext, spec: TrainSpec, facts: ResponseFacts, bin_map: BinMap,
        before: DRFModel | None = None,
    ) -> None:  # fmt: skip
        super().__init__(ctx, spec, facts, before)
        is_classifier = spec.category.is_classifier
        self.bin_map = bin_map
        self.fixed = FixedPoint.of(facts.weights)
        self.center = 0.0 if is_classifier else facts.mean
        self.bound = facts.max_weight * (1.0 if is_classifier else facts.spread)
        limits = TreeParams.of(spec.params, facts.weights)
        self.grower = Grower(bin_map, limits, self.fixed, n_threads(), settles=False)

    def forest(self, grown: Grown) -> Forest:
        """Return all trees as they score, those of the model before first."""
        forest = forest_of(grown.trees, self.n_trees_a_round, self.bin_map)
        return forest if self.before is None else self.before.forest.then(forest)

    def _close(self) -> None:
        self.grower.close()

    def _tree(self, state: LocalState, k: int) -> RawTree:
        rounding = self._key(Stream.ROUNDING, k) if self.fixed.rounds_at_random else 0
        n_features, key = len(self.bin_map.features), self._key(Stream.COLUMNS, k)
        columns = Columns.draw(n_features, self.grower.params, key)
        columns = dataclasses.replace(columns, n_tries=self._n_tries())
        root = state.run(
            StartBag(
                pending=self._take_pending(),
                klass=self._target(k),
                center=self.center,
                scales=self.fixed.scales(self.bound, 1.0),
                shift=self.fixed.shift,
                keys=np.array([self.keys[self.n_rounds], rounding]),
                rates=self.rates,
                features=columns.of_tree,
            )
        )
        tree = self.grower.grow(root, columns, state.run)
        self._set_values(tree, k)
        return tree

    def _set_values(self, tree: RawTree, k: int) -> None:
        """Set each node's value to the mean target of its rows; without rows it is the prior."""
        fixed = self.fixed
        weights = fixed.weight_of(tree.sums)
        means = fixed.gradient_of(tree.sums, self.bound) / np.where(weights > 0, weights, 1.0)
        values = np.where(weights > 0, means + self.center, self.facts.prior(k))
        tree.values = values.astype(np.float32)
        tree.weights = weights.astype(np.float32)
        tree.gains *= fixed.weight_scale / fixed.gradient_scale(self.bound) ** 2

    # ---- states

    def _state_spec(self, weights: str | None, learns: bool) -> BagSpec:
        bag = self._bag(learns)
        return BagSpec(
            bin_map=self.bin_map,
            response=str(self.spec.response),
            weights=weights,
            offset=None,
            init=(0.0,) * self.n_trees_a_round,
            fixed=self.fixed if learns else None,
            before=bag.before,
            bag=bag,
        )

    def _state(self, frame: Frame, weights: str | None, learns: bool) -> LocalState:
        return self.ctx.engine.local(frame, build_bagged_state, self._state_spec(weights, learns))
