"""What a trained estimator says of its model: tables, folds, threshold, times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dh2o.estimators.building.inputs import engine_or_start
from dh2o.estimators.trained.accessors import table_or_pandas

if TYPE_CHECKING:
    from dh2o.estimators.estimator import H2OEstimator
    from dh2o.models import Model
    from dh2o.rapids import H2OFrame

__all__ = ["TrainedSide"]


class TrainedSide:
    """Looking into a trained model, under H2O's names."""

    _model: Model | None

    if TYPE_CHECKING:

        @property
        def model(self) -> Model:
            """The trained model."""

        @property
        def key(self) -> str:
            """Key under which the model is stored."""

    def scoring_history(self, as_data_frame: bool = True) -> Any:
        """Return how the metrics went while the model grew.

        Parameters
        ----------
        as_data_frame : bool
            As a pandas frame; False gives a `TwoDimTable`.

        Raises
        ------
        ModelError
            The model has no scoring history.
        """
        table = self.model.output.scoring_history
        return table_or_pandas(table, as_data_frame, "scoring history")

    def varimp(self, use_pandas: bool = False) -> Any:
        """Return variable, relative, scaled and percentual importance, the largest first.

        Parameters
        ----------
        use_pandas : bool
            As a pandas frame instead of a list of tuples.

        Raises
        ------
        ModelError
            Such models have no variable importances.
        """
        table = self.model.output.variable_importances
        if use_pandas:
            return table_or_pandas(table, True, "variable importances")
        return [tuple(row) for row in table_or_pandas(table, False, "variable importances")]

    def summary(self) -> Any:
        """Return the table that sums the model up."""
        return table_or_pandas(self.model.output.model_summary, False, "summary")

    def cross_validation_metrics_summary(self) -> Any:
        """Return mean and spread of the folds' metrics."""
        table = self.model.output.cross_validation_metrics_summary
        return table_or_pandas(table, False, "cross-validation")

    def cross_validation_models(self) -> list[H2OEstimator]:
        """Return the models of the folds; they must have been kept."""
        from dh2o.estimators.estimator import estimator_of

        dkv = engine_or_start().dkv
        return [estimator_of(dkv.get(key)) for key in self.model.output.cross_validation_models]

    def cross_validation_predictions(self) -> list[H2OFrame]:
        """Return each fold model's predictions of its held-out rows; they must have been kept."""
        return [_stored_frame(key) for key in self.model.output.cross_validation_predictions]

    def cross_validation_holdout_predictions(self) -> H2OFrame | None:
        """Return the combined predictions of held-out rows, if they were kept."""
        key = self.model.output.cross_validation_holdout_predictions_frame
        return None if key is None else _stored_frame(key)

    def cross_validation_fold_assignment(self) -> H2OFrame | None:
        """Return the frame that says in which fold each row was, if it was kept."""
        key = self.model.output.cross_validation_fold_assignment_frame
        return None if key is None else _stored_frame(key)

    @property
    def xvals(self) -> list[H2OEstimator]:
        """The models of the folds."""
        return self.cross_validation_models()

    def is_cross_validated(self) -> bool:
        """Return whether the model has cross-validation metrics."""
        return self.model.output.cross_validation_metrics is not None

    @property
    def default_threshold(self) -> float:
        """Probability from which the second class is predicted."""
        return self.model.output.default_threshold

    def reset_threshold(self, threshold: float) -> float:
        """Predict the second class from this probability on; return the old one.

        Parameters
        ----------
        threshold : float
            The probability, 0 to 1.

        Raises
        ------
        ModelError
            The model is not of two classes.
        """
        from dh2o.estimators.model_prims import reset_threshold

        old = reset_threshold(self.model, threshold)
        self._model = engine_or_start().dkv.get(self.key)
        return old

    def calibrate(self, calibration_model: Any) -> None:
        """Add probabilities that a GLM or an isotonic regression calibrates to predictions.

        Parameters
        ----------
        calibration_model : estimator
            The trained GLM (Platt's way) or isotonic regression, of one numeric column.

        Raises
        ------
        ModelError
            This model is not of two classes, or the other one is none of these.
        """
        from dh2o.estimators.model_prims import calibration_by

        found = calibration_by(self.model, calibration_model.model)
        self._model = self.model.replace(output=self.model.output.replace(calibration=found))
        engine_or_start().dkv.put(self.key, self._model, kind="model")

    @property
    def start_time(self) -> int:
        """When the build started, in milliseconds since 1970."""
        return self.model.output.start_time_ms

    @property
    def end_time(self) -> int:
        """When the build ended, in milliseconds since 1970."""
        return self.model.output.end_time_ms

    @property
    def run_time(self) -> int:
        """How long the build took, in milliseconds."""
        return self.model.output.run_time_ms


def _stored_frame(key: str) -> H2OFrame:
    from dh2o.frame import Frame
    from dh2o.rapids import H2OFrame

    return H2OFrame(Frame.get(key))
