"""The loop of isolation forests: small trees grown by the driver, measured on all rows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dh2o.estimators.building.history import ScoringHistory
from dh2o.estimators.isolation_forest.paths import (
    AddTrees,
    CountPaths,
    PathSpec,
    ScorePaths,
    build_paths,
    path_extremes,
)
from dh2o.estimators.isolation_forest.samples import GatherRows, Sampling
from dh2o.estimators.isolation_forest.tree import IsolationTree, TreeRules, isolation_forest_of
from dh2o.estimators.scoring import spec_metric_builder
from dh2o.estimators.trees.arrays import F64, I64
from dh2o.estimators.trees.keys import Stream, derive_key
from dh2o.estimators.trees.rounds import Rounds, n_threads
from dh2o.models import ModelCategory
from dh2o.models.isolation_forest import normalized_path_length
from dh2o.models.metrics import ModelMetrics, metric_builder
from dh2o.mrtask import LocalState

if TYPE_CHECKING:
    from dh2o.estimators.spec import TrainSpec
    from dh2o.frame import Frame
    from dh2o.mrtask import JobContext

__all__ = ["Isolator", "PathScale"]

OUT_OF_BAG = "Metrics reported on Out-Of-Bag training samples"
_MAX_BATCH_NBYTES = 1 << 26  # samples fetched by one pass
_MAX_TREES_A_BATCH = 64


@dataclass(frozen=True, slots=True)
class PathScale:
    """Makes (normalized score, mean path length) of mean path lengths."""

    n_trees: int
    shortest: int
    longest: int

    def __call__(self, mean: F64) -> F64:
        score = normalized_path_length(mean * self.n_trees, self.shortest, self.longest)
        return np.column_stack([score, mean])


class Isolator(Rounds):
    """Builds the trees of one isolation forest.

    Trees are grown a batch at a time, on the driver's threads: a sample is small, and fetching
    the samples of a batch is one pass.  `scale` tells how path lengths become scores.
    """

    def __init__(
        self, ctx: JobContext, spec: TrainSpec, rules: TreeRules, size: int, label: str | None
    ) -> None:
        super().__init__(ctx, spec, 0.0, 1, 0)
        self.rules = rules
        self.label = label
        self.sampling = Sampling(spec.seed, spec.train.n_rows, size)
        self.counts: I64 = np.zeros(1, np.int64)  # rows by path length
        self._ready: dict[int, IsolationTree] = {}

    @property
    def scale(self) -> PathScale:
        """How path lengths become scores, as of the last scoring."""
        return PathScale(self.n_rounds, *path_extremes(self.counts))

    def _new_history(self) -> ScoringHistory:
        history = super()._new_history()
        columns = {"mean_tree_path_length": "double", "mean_anomaly_score": "double"}
        history.own_columns = {**history.own_columns, **columns}
        return history

    def _own_columns(self) -> dict[str, Any]:
        metrics = self.grown.training
        return {
            **super()._own_columns(),
            "mean_tree_path_length": getattr(metrics, "mean_score", float("nan")),
            "mean_anomaly_score": getattr(metrics, "mean_normalized_score", float("nan")),
        }

    # ---- trees

    def _grow_round(self, state: LocalState) -> list[Any]:  # noqa: ARG002  # trees need no state
        number = self.n_rounds
        if number not in self._ready:
            self._ready = self._grow_batch(number)
        tree = self._ready[number]
        self._pending = (*self._pending, (0, tree))
        return [tree]

    def _grow_batch(self, first: int) -> dict[int, IsolationTree]:
        nbytes = max(self.sampling.size * len(self.spec.x) * 8, 1)
        most = min(max(_MAX_BATCH_NBYTES // nbytes, 1), _MAX_TREES_A_BATCH)
        numbers = range(first, min(first + most, int(self.params["ntrees"])))
        samples = tuple(self.sampling.rows(number) for number in numbers)
        rows = GatherRows(self.spec.x, samples).do_all(self.spec.train)

        def grow(number: int) -> IsolationTree:
            key = derive_key(self.spec.seed, Stream.COLUMNS, number)
            return IsolationTree.grow(rows[number - first], self.rules, key)

        with ThreadPoolExecutor(n_threads()) as threads:
            return dict(zip(numbers, threads.map(grow, numbers), strict=True))

    # ---- states and scoring

    def _state_spec(self, weights: str | None, learns: bool) -> PathSpec:  # noqa: ARG002
        trees: Any = self.grown.trees
        forest = isolation_forest_of(trees, len(self.spec.x))
        sampling = self.sampling if learns else None
        return PathSpec(self.spec.x, forest, sampling, None if learns else self.label)

    def _state(self, frame: Frame, weights: str | None, learns: bool) -> LocalState:
        return self.ctx.engine.local(frame, build_paths, self._state_spec(weights, learns))

    def _apply(self, state: LocalState, trees: Any) -> None:
        state.run(AddTrees(isolation_forest_of([t for _, t in trees], len(self.spec.x))))

    def _follow(self, valid: LocalState, trees: Any) -> None:
        self._apply(valid, trees)

    def _finish(self, state: LocalState, valid: LocalState | None) -> None:
        super()._finish(state, valid)
        self.counts = state.run(CountPaths(self.n_rounds * self.rules.max_depth))

    def _measure(self, state: LocalState, valid: bool) -> ModelMetrics | None:
        """Return metrics; before any tree there are none."""
        if self.n_rounds == 0:
            return None
        if valid:
            assert self.spec.valid is not None
            domain = self.spec.valid.vec(str(self.label)).domain
            builder = metric_builder(ModelCategory.ANOMALY, domain, weight_scale=1.0)
        else:
            most = self.n_rounds * self.rules.max_depth
            self.counts = state.run(CountPaths(most))
            builder = spec_metric_builder(self.spec)
        metrics: ModelMetrics = state.run(ScorePaths(builder, self.scale))
        return metrics if valid else metrics.replace(description=OUT_OF_BAG)
