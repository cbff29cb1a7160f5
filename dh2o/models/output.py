"""What a model tells about itself: columns, domains, tables and metrics."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from dh2o.models.calibration import Calibration
from dh2o.models.category import ModelCategory
from dh2o.models.encoding import Encoding
from dh2o.models.metrics.base import ModelMetrics
from dh2o.models.table import TwoDimTable


@dataclass(frozen=True, slots=True)
class ModelOutput:
    """Everything about a trained model that does not depend on its algorithm.

    ``names`` are the predictors in training order, then offset, weights and fold column where
    there are any, the response last; ``domains`` and ``column_types`` run in parallel.
    They are the columns as the model reads them; ``encoding`` says how the user's columns become
    those. ``prior_class_distrib`` is the share of each class in the training frame,
    ``model_class_distrib`` that in the rows that were learned from, where classes were balanced.
    ``extra`` holds the algorithm's own output fields (JSON-able values or tables) under H2O's
    names; the REST layer and ``save_model`` carry them as they are.
    """

    category: ModelCategory
    names: tuple[str, ...]
    domains: tuple[tuple[str, ...] | None, ...]
    column_types: tuple[str, ...]
    response: str | None = None
    weights: str | None = None
    offset: str | None = None
    fold: str | None = None
    original_names: tuple[str, ...] | None = None
    model_summary: TwoDimTable | None = None
    scoring_history: TwoDimTable | None = None
    variable_importances: TwoDimTable | None = None
    training_metrics: ModelMetrics | None = None
    validation_metrics: ModelMetrics | None = None
    cross_validation_metrics: ModelMetrics | None = None
    cross_validation_metrics_summary: TwoDimTable | None = None
    cv_scoring_history: tuple[TwoDimTable, ...] = ()
    cross_validation_models: tuple[str, ...] = ()
    cross_validation_predictions: tuple[str, ...] = ()
    cross_validation_holdout_predictions_frame: str | None = None
    cross_validation_fold_assignment_frame: str | None = None
    threshold: float | None = None
    start_time_ms: int = 0
    end_time_ms: int = 0
    training_frame: str | None = None
    validation_frame: str | None = None
    warnings: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)
    encoding: Encoding | None = None
    prior_class_distrib: tuple[float, ...] | None = None
    model_class_distrib: tuple[float, ...] | None = None
    calibration: Calibration | None = None

    @property
    def x(self) -> tuple[str, ...]:
        """Names of the predictors, in training order."""
        special = {self.response, self.weights, self.offset, self.fold}
        return tuple(name for name in self.names if name not in special)

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the predictors as the user gives them: before encoding, in training order."""
        if self.encoding is None:
            return self.x
        special = {self.response, self.weights, self.offset, self.fold}
        return tuple(name for name in self.encoding.names if name not in special)

    @property
    def class_correction(self) -> tuple[float, ...] | None:
        """Factors that undo the balancing of classes in probabilities; None if there was none."""
        return class_correction(self.prior_class_distrib, self.model_class_distrib)

    @property
    def response_domain(self) -> tuple[str, ...] | None:
        """Levels of the response of a classifier."""
        return self.domain_of(self.response) if self.response is not None else None

    @property
    def n_classes(self) -> int:
        """Number of classes; 1 for anything that is not a classifier."""
        domain = self.response_domain
        return len(domain) if self.category.is_classifier and domain else 1

    @property
    def run_time_ms(self) -> int:
        """Milliseconds from start to end of the build."""
        return max(self.end_time_ms - self.start_time_ms, 0)

    @property
    def default_threshold(self) -> float:
        """Probability from which a binomial model says the second class.

        The threshold of the largest F1 on validation, else cross-validation, else training data.
        """
        if self.threshold is not None:
            return self.threshold
        for metrics in (
            self.validation_metrics,
            self.cross_validation_metrics,
            self.training_metrics,
        ):
            found = getattr(metrics, "default_threshold", None)
            if found is not None:
                return float(found)
        return 0.5

    def domain_of(self, name: str) -> tuple[str, ...] | None:
        """Return the levels of column `name`, None if it is not categorical."""
        return self.domains[self.names.index(name)]

    def replace(self, **changes: Any) -> ModelOutput:
        """Return a copy with `changes`."""
        return dataclasses.replace(self, **changes)


def class_correction(
    prior: tuple[float, ...] | None, model: tuple[float, ...] | None
) -> tuple[float, ...] | None:
    """Return prior / model share of each class, 1 where one of them is 0."""
    if prior is None or model is None:
        return None
    pairs = zip(prior, model, strict=True)
    return tuple(p / m if p != 0 and m != 0 else 1.0 for p, m in pairs)
