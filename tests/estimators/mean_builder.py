"""The smallest honest algorithm: predicts the weighted mean (or class shares) of the response."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from dh2o.chunks import Block
from dh2o.estimators import H2OEstimator, ModelBuilder, Param, ParamTable, register
from dh2o.estimators.building.history import ScoringHistory
from dh2o.estimators.building.shared_params import shared, shared_group
from dh2o.estimators.building.stopping import StopRule
from dh2o.estimators.scoring import described, model_metrics
from dh2o.models import Columns, Model, ModelError, TwoDimTable
from dh2o.mrtask import MRTask

BREAKS_SECOND_FOLD = -999.0

PARAMS = ParamTable(
    "mean",
    (
        *shared_group(
            "model_id",
            "training_frame",
            "validation_frame",
            "nfolds",
            "keep_cross_validation_models",
            "keep_cross_validation_predictions",
            "keep_cross_validation_fold_assignment",
            "fold_assignment",
            "fold_column",
            "response_column",
            "ignored_columns",
            "ignore_const_cols",
            "offset_column",
            "weights_column",
            "stopping_rounds",
            "stopping_metric",
            "stopping_tolerance",
            "max_runtime_secs",
            "seed",
            "distribution",
            "custom_metric_func",
            "gainslift_bins",
            "auc_type",
            "export_checkpoints_dir",
        ),
        shared("checkpoint", implemented=False),
        Param("steps", "int", 3, "Scoring events.", low=1, gridable=True),
        Param("shift", "double", 0.0, "Added to every prediction.", level="expert"),
        Param(
            "mode",
            "enum",
            "AUTO",
            "What is meant.",
            values=("AUTO", "GrandMean", "Median"),
            supported=("AUTO", "GrandMean"),
        ),
    ),
)


@dataclass(frozen=True, eq=False)
class MeanModel(Model):
    """Predicts one row of numbers for everybody."""

    algo: ClassVar[str] = "mean"
    algo_full_name: ClassVar[str] = "Mean"

    values: np.ndarray

    def score(self, columns: Columns) -> np.ndarray:
        return np.tile(self.values, (columns.n_rows, 1))

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        return {"kind": ("mean", 1)}, {"values": self.values}

    @classmethod
    def from_state(cls, key, params, output, data, arrays) -> MeanModel:
        assert data
        return cls(key, params, output, arrays["values"])


class ResponseSums(MRTask):
    """Sum of weights by class, or of weights and weighted responses."""

    def __init__(self, response: str, weights: str | None, n_classes: int) -> None:
        self.response, self.weights, self.n_classes = response, weights, n_classes

    def map(self, block: Block) -> np.ndarray:
        y = block.floats(self.response)
        w = np.ones(len(y)) if self.weights is None else block.floats(self.weights)
        keep = ~np.isnan(y) & (w > 0)
        y, w = y[keep], w[keep]
        if self.n_classes == 1:
            return np.array([w.sum(), (w * y).sum()])
        return np.bincount(y.astype(int), weights=w, minlength=self.n_classes)

    def combine(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return a + b


class MeanBuilder(ModelBuilder):
    algo = "mean"
    algo_full_name = "Mean"
    params = PARAMS
    model_class = MeanModel

    def resolve(self, spec):
        return spec.with_actual(mode="GrandMean")

    def build(self, ctx, spec) -> Model:
        if spec.params["shift"] == BREAKS_SECOND_FOLD and spec.model_key.endswith("_cv_2"):
            raise ModelError("The second fold broke.")
        sums = ResponseSums(spec.response, spec.weights, spec.n_classes).do_all(spec.train)
        values = sums[1:] / sums[0] if spec.n_classes == 1 else sums / sums.sum()
        values = values + spec.params["shift"] + sum(f["bias"] for f in spec.cv_facts)
        model = MeanModel(spec.model_key, spec.params, spec.output(), values)
        training = described(
            model_metrics(model, spec.train, weights=spec.weights), model, spec.train
        )
        validation = None
        if spec.valid is not None:
            validation = model_metrics(
                model, spec.valid, weights=spec.valid_weights or spec.weights
            )
        rule = StopRule.of(spec.params, spec.category)
        history = ScoringHistory(spec.category, {"step": "int"}, rule, spec.start_time_ms)
        for step in range(spec.params["steps"]):
            ctx.check()
            ctx.update((step + 1) / spec.params["steps"], f"step {step}")
            history.add({"step": step}, training, validation)
            if history.should_stop() or spec.out_of_time():
                break
        importance = {
            "variable": ("string", spec.x),
            "relative_importance": ("float", [1.0] * len(spec.x)),
            "scaled_importance": ("float", [1.0] * len(spec.x)),
            "percentage": ("float", [1.0 / len(spec.x)] * len(spec.x)),
        }
        output = spec.output(
            scoring_history=history.table(),
            variable_importances=TwoDimTable.of("Variable Importances", importance),
            model_summary=TwoDimTable.of("Model Summary", {"": ("string", [""])}),
            training_metrics=training,
            validation_metrics=validation,
            extra={"init_f": float(values[0])},
        )
        return model.replace(output=output)

    def cv_facts(self, model) -> dict[str, Any]:
        return {"bias": 0.0, "mean": float(model.values[0])}


register(MeanBuilder())


class MeanEstimator(H2OEstimator, table=PARAMS):
    """Predicts the mean."""
