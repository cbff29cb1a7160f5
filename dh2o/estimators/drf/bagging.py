"""The loop of random forests: trees on samples of rows, measured on the rows left out."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING

import numpy as np

from dh2o.estimators.drf.response import ResponseFacts
from dh2o.estimators.scoring import spec_metric_builder
from dh2o.estimators.trees.arrays import F64, I64
from dh2o.estimators.trees.bagged import (
    BagSpec,
    CountTrees,
    FollowTrees,
    ScoreBag,
    StartBag,
    build_bagged_state,
)
from dh2o.estimators.trees.binning import BinMap
from dh2o.estimators.trees.fixed_point import FixedPoint
from dh2o.estimators.trees.grower import Columns, Grower, TreeParams
from dh2o.estimators.trees.keys import Stream, derive_key
from dh2o.estimators.trees.raw_tree import RawTree
from dh2o.estimators.trees.rounds import Rounds, n_threads
from dh2o.models.drf import DRFModel, vote_scale
from dh2o.models.metrics import ModelMetrics
from dh2o.mrtask import LocalState

if TYPE_CHECKING:
    from dh2o.estimators.spec import TrainSpec
    from dh2o.frame import Frame
    from dh2o.mrtask import JobContext

__all__ = ["Bagger", "columns_to_try"]

OUT_OF_BAG = "Metrics reported on Out-Of-Bag training samples"


def columns_to_try(mtries: int, n_features: int, is_classifier: bool) -> int:
    """Return how many columns a split looks at: H2O's rule for -1 (by kind) and -2 (all)."""
    if mtries == -2:
        return n_features
    if mtries == -1:
        return max(int(n_features**0.5) if is_classifier else n_features // 3, 1)
    return min(mtries, n_features)


class Bagger(Rounds):
    """Builds the trees of one forest."""

    def __init__(
        self, ctx: JobContext, spec: TrainSpec, facts: ResponseFacts, bin_map: BinMap,
        before: DRFModel | None = None,
    ) -> None:  # fmt: skip
        n = spec.n_classes
        double = spec.params["binomial_double_trees"]
        n_before = 0 if before is None else before.forest.n_trees
        super().__init__(ctx, spec, 0.0, n if n > 2 or (n == 2 and double) else 1, n_before)
        self.bin_map = bin_map
        self.before = before
        self.facts = facts
        self.fixed = FixedPoint.of(facts.weights)
        self.center = 0.0 if spec.category.is_classifier else facts.mean
        self.bound = facts.max_weight * (1.0 if spec.category.is_classifier else facts.spread)
        per_class = spec.params["sample_rate_per_class"]
        self.rates: F64 = np.array(per_class or [spec.params["sample_rate"]], np.float64)
        self.grower = Grower(bin_map, self._tree_params(), self.fixed, n_threads())
        self.keys = self._keys()

    def _tree_params(self) -> TreeParams:
        names = ("max_depth", "min_rows", "min_split_improvement", "col_sample_rate_per_tree")
        change = "col_sample_rate_change_per_level"
        return TreeParams(**{name: self.params[name] for name in (*names, change)})

    def _keys(self) -> I64:
        """Return the keys of the row samples of all rounds; those of the model before are its."""
        seed, n = self.spec.seed, self._n_trees_wanted()
        own = [derive_key(seed, Stream.ROWS, i) for i in range(self.n_before, n)]
        before = np.zeros(0, np.int64) if self.before is None else self.before.row_keys
        return np.concatenate([before, np.array(own, np.int64)])

    def _close(self) -> None:
        self.grower.close()

    # ---- trees

    def _grow_round(self, state: LocalState) -> list[RawTree]:
        trees = []
        for k in range(self.n_trees_a_round):
            tree = self._tree(state, k)
            trees.append(tree)
            self._pending = (*self._pending, (k, tree))
        return trees

    def _tree(self, state: LocalState, k: int) -> RawTree:
        seed, number = self.spec.seed, self.n_rounds
        count = number * self.n_trees_a_round + k
        rounding = derive_key(seed, Stream.ROUNDING, count) if self.fixed.rounds_at_random else 0
        root = state.run(
            StartBag(
                pending=self._take_pending(),
                klass=k if self.spec.category.is_classifier else -1,
                center=self.center,
                scales=self.fixed.scales(self.bound, 1.0),
                shift=self.fixed.shift,
                keys=np.array([self.keys[number], rounding]),
                rates=self.rates,
            )
        )
        key = derive_key(seed, Stream.COLUMNS, count)
        n_features = len(self.bin_map.features)
        n_tries = columns_to_try(
            self.params["mtries"], n_features, self.spec.category.is_classifier
        )
        columns = Columns.draw(n_features, self.grower.params, key)
        tree = self.grower.grow(root, dataclasses.replace(columns, n_tries=n_tries), state.run)
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

    # ---- states and scoring

    def _state_spec(self, weights: str | None, learns: bool) -> BagSpec:
        k = self.n_trees_a_round
        return BagSpec(
            bin_map=self.bin_map,
            response=str(self.spec.response),
            weights=weights,
            offset=None,
            init=(0.0,) * k,
            trees=tuple((i % k, tree) for i, tree in enumerate(self.grown.trees)),
            learns=learns,
            before=None if self.before is None else self.before.forest,
            keys=self.keys,
            rates=self.rates,
        )

    def _state(self, frame: Frame, weights: str | None, learns: bool) -> LocalState:
        return self.ctx.engine.local(frame, build_bagged_state, self._state_spec(weights, learns))

    def _apply(self, state: LocalState, trees: tuple[tuple[int, RawTree], ...]) -> None:
        state.run(CountTrees(trees))

    def _follow(self, valid: LocalState, trees: tuple[tuple[int, RawTree], ...]) -> None:
        first = self.n_before + self._validated // self.n_trees_a_round
        k = self.n_trees_a_round
        valid.run(FollowTrees(tuple((first + i // k, *tree) for i, tree in enumerate(trees))))

    def _measure(self, state: LocalState, valid: bool) -> ModelMetrics | None:
        """Return metrics over the rows that trees voted for; there are none before any tree."""
        if self.n_rounds == 0:
            return None
        spec = self.spec
        link = functools.partial(vote_scale, spec.n_classes, correction=spec.class_correction)
        metrics: ModelMetrics = state.run(ScoreBag(spec_metric_builder(spec, valid), link))
        return metrics if valid else metrics.replace(description=OUT_OF_BAG)

    def used_keys(self) -> I64:
        """Return the keys of the row samples of the trees there are."""
        return self.keys[: self.n_rounds]
