"""Building an extended isolation forest: fetch samples, grow trees, measure."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from dh2o.estimators.builder import ModelBuilder, register
from dh2o.estimators.building.cadence import Cadence
from dh2o.estimators.building.history import ScoringHistory
from dh2o.estimators.building.stopping import StopRule
from dh2o.estimators.extended_isolation_forest.growing import (
    ObliqueTree,
    draws,
    forest_of,
    height_limit,
    most_splits,
)
from dh2o.estimators.extended_isolation_forest.parameters import MOST_ROWS, PARAMS
from dh2o.estimators.extended_isolation_forest.tables import summary_table
from dh2o.estimators.isolation_forest.samples import GatherRows
from dh2o.estimators.messages import Message, raise_errors
from dh2o.estimators.scoring import metrics_partial, spec_metric_builder
from dh2o.estimators.spec import TrainSpec
from dh2o.estimators.trees.rounds import n_threads
from dh2o.models import Model, ModelCategory
from dh2o.models.extended_isolation_forest import ExtendedIsolationForestModel
from dh2o.models.metrics import ModelMetrics

if TYPE_CHECKING:
    from dh2o.mrtask import JobContext

__all__ = ["ExtendedIsolationForestBuilder"]

_AS_THEY_ARE = ("AUTO", "Enum", "LabelEncoder", "EnumLimited", "Eigen", "SortByResponse")
_MOST_NBYTES = 1 << 32  # of all trees, at 20 bytes a column that a cut depends on
_MAX_BATCH_NBYTES = 1 << 26  # samples fetched by one pass
_MAX_TREES_A_BATCH = 64


class ExtendedIsolationForestBuilder(ModelBuilder):
    """Extended isolation forest (Hariri, Kind, Brunner 2018), by H2O's conventions."""

    algo = "extendedisolationforest"
    algo_full_name = "Extended Isolation Forest"
    params = PARAMS
    model_class = ExtendedIsolationForestModel
    category = ModelCategory.ANOMALY
    supervised = False
    can_build = (ModelCategory.ANOMALY,)

    def resolve(self, spec: TrainSpec) -> TrainSpec:
        """Return the spec with AUTO values resolved."""
        if spec.params["categorical_encoding"] == "AUTO":
            return spec.with_actual(categorical_encoding="Enum")
        return spec

    def check(self, spec: TrainSpec) -> Iterable[Message]:
        """Return what does not go together."""
        size, most = spec.params["sample_size"], min(MOST_ROWS, spec.train.n_rows)
        if size > most:
            yield Message.error(
                "sample_size",
                f"Parameter sample_size must be in interval [2, {most}] but it is {size}",
            )
        if spec.params["categorical_encoding"] in _AS_THEY_ARE:
            yield from _check_width(spec)

    def build(self, ctx: JobContext, spec: TrainSpec) -> Model:
        """Return the model."""
        raise_errors(spec.algo, list(_check_width(spec)), spec.model_key)
        return _Build(ctx, spec).run()


def _check_width(spec: TrainSpec) -> Iterator[Message]:
    """Yield what is wrong with the number of columns, once categorical ones are encoded."""
    level, n = spec.params["extension_level"], len(spec.x)
    if level > n - 1:
        yield Message.error(
            "extension_level",
            f"Parameter extension_level must be in interval [0, {n - 1}] but it is {level}",
        )
        return
    size = spec.params["sample_size"]
    splits = most_splits(size, height_limit(size))
    nbytes = spec.params["ntrees"] * splits * (level + 1) * 20
    if nbytes > _MOST_NBYTES or size * n > 1 << 28:
        yield Message.error(
            "training_frame",
            f"{spec.params['ntrees']} trees of {size} rows and {n} columns may take "
            f"{nbytes >> 20} MB. Reduce ntrees, sample_size, extension_level or the columns.",
        )


class _Build:
    """Grows the trees of one model, a batch at a time, and measures it now and then."""

    def __init__(self, ctx: JobContext, spec: TrainSpec) -> None:
        self.ctx = ctx
        self.spec = spec
        self.params = spec.params
        self.size = int(spec.params["sample_size"])
        self.trees: list[ObliqueTree] = []
        rule = StopRule(0, "anomaly_score", 0.0)
        self.history = ScoringHistory(spec.category, {"number_of_trees": "int"}, rule)
        self.history.own_columns |= {
            "mean_tree_path_length": "double",
            "mean_anomaly_score": "double",
        }
        self.cadence = Cadence()

    def run(self) -> Model:
        """Return the model."""
        ntrees = int(self.params["ntrees"])
        measures = not self.params["disable_training_metrics"]
        self._note(None)
        metrics: ModelMetrics | None = None
        for tree in self._grown(ntrees):
            self.trees.append(tree)
            n = len(self.trees)
            self.ctx.update(n / ntrees, f"{n} trees built")
            self.ctx.check()
            if n == ntrees or (measures and self._is_due(n)):
                started = time.monotonic()
                metrics = self._measured()
                self._note(metrics)
                self.cadence.measured(started, time.monotonic())
        model = self._model()
        output = model.output.replace(
            model_summary=summary_table(model.forest, self.params, self.spec.seed),
            scoring_history=self.history.table() if measures else None,
            training_metrics=metrics,
        )
        return model.replace(output=output)

    def _is_due(self, n: int) -> bool:
        interval = self.params["score_tree_interval"]
        if self.params["score_each_iteration"] or (interval > 0 and n % interval == 0):
            return True
        return interval == 0 and self.cadence.is_due(time.monotonic())

    def _grown(self, ntrees: int) -> Iterator[ObliqueTree]:
        """Yield the trees: the samples of a batch come in one pass, threads grow them."""
        spec, x = self.spec, self.spec.x
        drawn = draws(spec.seed, spec.train.n_rows, self.size, ntrees)
        limit, width = height_limit(self.size), self.params["extension_level"] + 1
        most = min(max(_MAX_BATCH_NBYTES // (self.size * len(x) * 8), 1), _MAX_TREES_A_BATCH)
        while batch := list(itertools.islice(drawn, most)):
            samples = GatherRows(x, tuple(draw.rows for draw in batch)).do_all(spec.train)
            seeds = [draw.seed for draw in batch]
            with ThreadPoolExecutor(n_threads()) as threads:
                yield from threads.map(
                    lambda sample, seed: ObliqueTree.grow(sample, width, limit, seed),
                    samples, seeds,
                )  # fmt: skip

    def _model(self) -> ExtendedIsolationForestModel:
        forest = forest_of(self.trees, len(self.spec.x))
        spec, output = self.spec, self.spec.output()
        return ExtendedIsolationForestModel(spec.model_key, spec.params, output, forest, self.size)

    def _measured(self) -> ModelMetrics:
        counter = spec_metric_builder(self.spec)
        partial = metrics_partial(self._model(), self.spec.train, counter, None)
        found: ModelMetrics = counter.finish(partial)
        return found.replace(description="Extended Isolation Forest Metrics")

    def _note(self, metrics: ModelMetrics | None) -> None:
        own = {
            "number_of_trees": len(self.trees),
            "mean_tree_path_length": getattr(metrics, "mean_score", math.nan),
            "mean_anomaly_score": getattr(metrics, "mean_normalized_score", math.nan),
        }
        self.history.add(own, metrics)


register(ExtendedIsolationForestBuilder())
