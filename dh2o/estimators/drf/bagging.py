"""The loop of random forests: trees on samples of rows, measured on the rows left out.

How a tree is grown is up to two subclasses: over quantile bins made once
(`dh2o.estimators.drf.binned`), or over values that every node bins anew, by H2O's rules
(`dh2o.estimators.drf.by_value`).
"""

from __future__ import annotations

import functools
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from dh2o.estimators.drf.response import ResponseFacts
from dh2o.estimators.scoring import spec_metric_builder
from dh2o.estimators.trees.arrays import F64, I64
from dh2o.estimators.trees.ballot import Bag, FollowTrees, ScoreBag
from dh2o.estimators.trees.keys import Stream, derive_key
from dh2o.estimators.trees.rounds import Grown, Rounds
from dh2o.estimators.trees.steps import ApplyTrees
from dh2o.models.drf import DRFModel, vote_scale
from dh2o.models.forest import Forest
from dh2o.models.metrics import ModelMetrics
from dh2o.mrtask import LocalState

if TYPE_CHECKING:
    from dh2o.estimators.spec import TrainSpec
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
        self, ctx: JobContext, spec: TrainSpec, facts: ResponseFacts, before: DRFModel | None
    ) -> None:
        n = spec.n_classes
        double = spec.params["binomial_double_trees"]
        n_before = 0 if before is None else before.forest.n_trees
        super().__init__(ctx, spec, 0.0, n if n > 2 or (n == 2 and double) else 1, n_before)
        self.before = before
        self.facts = facts
        per_class = spec.params["sample_rate_per_class"]
        self.rates: F64 = np.array(per_class or [spec.params["sample_rate"]], np.float64)
        self.keys = self._keys()

    def _keys(self) -> I64:
        """Return the keys of the row samples of all rounds; those of the model before are its."""
        seed, n = self.spec.seed, self._n_trees_wanted()
        own = [derive_key(seed, Stream.ROWS, i) for i in range(self.n_before, n)]
        before = np.zeros(0, np.int64) if self.before is None else self.before.row_keys
        return np.concatenate([before, np.array(own, np.int64)])

    # ---- what subclasses say

    @abstractmethod
    def _tree(self, state: LocalState, k: int) -> Any:
        """Return the next tree of class k, with its values."""

    @abstractmethod
    def forest(self, grown: Grown) -> Forest:
        """Return all trees as they score, those of the model before first."""

    # ---- a round

    def _grow_round(self, state: LocalState) -> list[Any]:
        trees = []
        for k in range(self.n_trees_a_round):
            tree = self._tree(state, k)
            trees.append(tree)
            self._pending = (*self._pending, (k, tree))
        return trees

    def _key(self, stream: Stream, k: int) -> int:
        """Return the key of a stream of class k's tree of this round."""
        return derive_key(self.spec.seed, stream, self.n_rounds * self.n_trees_a_round + k)

    def _target(self, k: int) -> int:
        return k if self.spec.category.is_classifier else -1

    def _n_tries(self) -> int:
        params, spec = self.params, self.spec
        return columns_to_try(params["mtries"], len(spec.x), spec.category.is_classifier)

    # ---- states and scoring

    def _bag(self, learns: bool) -> Bag:
        k = self.n_trees_a_round
        return Bag(
            keys=self.keys,
            rates=self.rates,
            learns=learns,
            trees=tuple((i % k, tree) for i, tree in enumerate(self.grown.trees)),
            n_before=self.n_before,
            n_trees_a_round=k,
            before=None if self.before is None else self.before.forest,
        )

    def _apply(self, state: LocalState, trees: tuple[tuple[int, Any], ...]) -> None:
        state.run(ApplyTrees(trees))

    def _follow(self, valid: LocalState, trees: tuple[tuple[int, Any], ...]) -> None:
        k = self.n_trees_a_round
        first = self.n_before + self._validated // k
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
