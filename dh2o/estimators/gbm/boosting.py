"""The boosting loop: tree after tree, each fitted to what the ones before left over.

How a tree is grown is up to two subclasses: over quantile bins made once
(`dh2o.estimators.gbm.binned`), or over values that every node bins anew, by H2O's rules
(`dh2o.estimators.gbm.by_value`).
"""

from __future__ import annotations

import functools
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dh2o.estimators.gbm.distributions import Distribution
from dh2o.estimators.gbm.response import ResponseFacts
from dh2o.estimators.scoring import spec_metric_builder
from dh2o.estimators.trees.arrays import BOOL, F64
from dh2o.estimators.trees.keys import Stream, derive_key
from dh2o.estimators.trees.rounds import Grown, Rounds
from dh2o.estimators.trees.steps import ApplyTrees, ScoreRows, WalkTrees
from dh2o.models.forest import Forest
from dh2o.models.gbm import response_scale
from dh2o.models.metrics import ModelMetrics
from dh2o.models.model import corrected
from dh2o.mrtask import LocalState

if TYPE_CHECKING:
    from dh2o.estimators.spec import TrainSpec
    from dh2o.mrtask import JobContext

__all__ = ["Booster", "Grown", "Sampling"]

_MIN_RATE = 1e-6


@dataclass(frozen=True, slots=True)
class Sampling:
    """The part of the rows, by class if there are several rates, that a tree is grown on."""

    rates: F64
    is_stochastic: bool

    @classmethod
    def of(cls, params: Any) -> Sampling:
        """Return what the parameters ask for."""
        per_class = params["sample_rate_per_class"]
        rates = np.array(per_class or [params["sample_rate"]], np.float64)
        columns = ("col_sample_rate", "col_sample_rate_per_tree")
        return cls(rates, bool((rates < 1).any()) or any(params[c] < 1 for c in columns))


class Booster(Rounds):
    """Builds the trees of one model; `grown` says how far it is."""

    def __init__(
        self, ctx: JobContext, spec: TrainSpec, distribution: Distribution, facts: ResponseFacts,
        init_f: float, before: Forest | None = None,
    ) -> None:  # fmt: skip
        k = spec.n_classes if spec.n_classes > 2 else 1
        super().__init__(ctx, spec, init_f, k, 0 if before is None else before.n_trees)
        self.distribution = distribution
        self.before = before  # trees of the model that this build goes on from
        self.facts = facts
        self.sampling = Sampling.of(self.params)
        self.keep: Callable[[Grown], None] | None = None  # called with unfinished models

    # ---- what subclasses say

    @abstractmethod
    def _tree(self, state: LocalState, k: int, rate: float) -> Any:
        """Return the next tree of class k, with its values."""

    @abstractmethod
    def forest(self, grown: Grown) -> Forest:
        """Return all trees as they score, those of the model before first."""

    # ---- a round

    def _signs(self) -> dict[str, int]:
        return {k: int(v) for k, v in (self.params["monotone_constraints"] or {}).items()}

    def _groups(self) -> BOOL | None:
        """Return the features of each group that may interact; others are not used at all."""
        given = self.params["interaction_constraints"]
        if not given:
            return None
        return np.array([[name in group for name in self.spec.x] for group in given])

    def _rate(self) -> float:
        """Return the learning rate of the tree to come.

        H2O counts from -1: the first tree's rate is ``learn_rate / learn_rate_annealing``.
        """
        params, n = self.params, self.n_rounds
        return float(params["learn_rate"] * params["learn_rate_annealing"] ** (n - 1))

    def _grow_round(self, state: LocalState) -> list[Any]:
        rate = self._rate()
        if rate < _MIN_RATE:
            self.grown.done = True
            return []
        self._keep_unfinished()
        trees = []
        for k in range(self.n_trees_a_round):
            tree = self._tree(state, k, rate)
            trees.append(tree)
            self._pending = (*self._pending, (k, tree))
        stuck = all(t.n_nodes == 1 and t.values[0] == 0.0 for t in trees)
        self.grown.done = stuck and not self.sampling.is_stochastic
        return trees

    def _keep_unfinished(self) -> None:
        n, interval = self.n_rounds, self.params["in_training_checkpoints_tree_interval"]
        if self.keep is not None and n > self.n_before and n % interval == 0:
            self.keep(self.grown)

    def _key(self, stream: Stream, k: int | None = None) -> int:
        """Return the key of a stream of this round, or of class k's tree of it."""
        n = self.n_rounds if k is None else self.n_rounds * self.n_trees_a_round + k
        return derive_key(self.spec.seed, stream, n)

    def _noise(self, n: int, k: int) -> F64 | None:
        """Return the factors of n leaves' values, None if they are not disturbed."""
        width = self.params["pred_noise_bandwidth"]
        if width <= 0:
            return None
        rng = np.random.Generator(np.random.Philox(key=self._key(Stream.NOISE, k)))
        return np.asarray(1 + width * rng.normal(size=n))

    def _limited(self, values: F64) -> F64:
        limit = self.params["max_abs_leafnode_pred"]
        return np.clip(values, -limit, limit)

    # ---- states

    def _apply(self, state: LocalState, trees: tuple[tuple[int, Any], ...]) -> None:
        state.run(ApplyTrees(trees))

    def _follow(self, valid: LocalState, trees: tuple[tuple[int, Any], ...]) -> None:
        valid.run(WalkTrees(trees))

    def _measure(self, state: LocalState, valid: bool) -> ModelMetrics | None:
        factors = self.spec.class_correction
        link = functools.partial(_prediction, self.distribution.scale, factors)
        metrics: ModelMetrics | None = state.run(
            ScoreRows(spec_metric_builder(self.spec, valid), link)
        )
        return metrics


def _prediction(scale: str, factors: tuple[float, ...] | None, f: F64) -> F64:
    return corrected(response_scale(scale, f), factors)
