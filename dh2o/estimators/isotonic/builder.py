"""Building an isotonic regression: sums by value in one pass, then pools of neighbours."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dh2o.estimators.builder import ModelBuilder, register
from dh2o.estimators.isotonic.parameters import PARAMS
from dh2o.estimators.messages import Message, raise_errors
from dh2o.estimators.scoring import metrics_partial, spec_metric_builder
from dh2o.estimators.spec import TrainSpec
from dh2o.models import ModelCategory, TwoDimTable
from dh2o.models.calibration import IsotonicCalibration
from dh2o.models.isotonic import IsotonicModel
from dh2o.rapids.isotonic import isotonic_line
from dh2o.rapids.prim_isotonic import PointsPass

if TYPE_CHECKING:
    from dh2o.models import Model
    from dh2o.mrtask import JobContext

__all__ = ["IsotonicBuilder"]


class IsotonicBuilder(ModelBuilder):
    """Isotonic regression; a response of two classes counts as 0 and 1."""

    algo = "isotonicregression"
    algo_full_name = "Isotonic Regression"
    params = PARAMS
    model_class = IsotonicModel
    category = ModelCategory.REGRESSION
    can_build = (ModelCategory.REGRESSION,)
    warns_of_numeric_binary = False

    def check(self, spec: TrainSpec) -> Iterable[Message]:
        """Return what isotonic regression cannot learn from."""
        if len(spec.x) != 1:
            listed = ", ".join(f'"{name}"' for name in spec.train.names)
            yield Message.error(
                "training_frame",
                "Training frame for Isotonic Regression can only have a single feature column, "
                f"training frame columns: [{listed}]",
            )
            return
        x, y = spec.train.select([spec.x[0], str(spec.response)]).rollups()
        if y.n_na:
            yield Message.error(
                "response_column", "Isotonic Regression doesn't support NA values in response."
            )
        if x.n_na:
            yield Message.error(
                "response_column",
                f"Isotonic Regression doesn't support NA values in feature column '{spec.x[0]}'.",
            )

    def build(self, ctx: JobContext, spec: TrainSpec) -> Model:
        """Return the model."""
        ctx.check()
        x, y = str(spec.x[0]), str(spec.response)
        points = PointsPass(y, x, spec.weights).do_all(spec.train)
        if len(points.x) == 0:
            text = "No row has a weight above 0."
            raise_errors(spec.algo, [Message.error("training_frame", text)], spec.model_key)
        xs, ys = isotonic_line(points)
        clips = spec.params["out_of_bounds"] == "Clip"
        low, high = float(points.x[0]), float(points.x[-1])
        output = spec.output(extra={
            "thresholds_x": xs.tolist(), "thresholds_y": ys.tolist(), "min_x": low, "max_x": high,
        })  # fmt: skip
        line = IsotonicCalibration(xs, ys)
        model = IsotonicModel(spec.model_key, spec.params, output, line, low, high, clips)
        return _measured(model, spec)


def _measured(model: IsotonicModel, spec: TrainSpec) -> Model:
    counter = spec_metric_builder(spec)
    training = counter.finish(metrics_partial(model, spec.train, counter, spec.weights))
    validation = None
    if spec.valid is not None:
        counter = spec_metric_builder(spec, valid=True)
        weights = spec.valid_weights or spec.weights
        validation = counter.finish(metrics_partial(model, spec.valid, counter, weights))
    summary = TwoDimTable.of(
        "Isotonic Regression Model",
        {
            "": ("string", [""]),
            "number_of_observations": ("long", [training.n_obs]),
            "number_of_thresholds": ("long", [len(model.line.x)]),
        },
        "summary",
    )
    output = model.output.replace(
        model_summary=summary, training_metrics=training, validation_metrics=validation
    )
    return model.replace(output=output)


register(IsotonicBuilder())
