"""TrainSpec: what an algorithm gets to see, after parameters and columns were resolved."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dh2o.estimators.messages import Message
from dh2o.models import ModelCategory, ModelOutput, ModelParameters
from dh2o.models.encoding import Encoding
from dh2o.models.metrics.custom import CustomMetric
from dh2o.models.output import class_correction

if TYPE_CHECKING:
    from dh2o.frame import Frame


@dataclass(frozen=True, slots=True)
class TrainSpec:
    """One model to build. Small and picklable.

    ``train`` holds the columns that are used and no others: the predictors ``x`` in frame order,
    then weights, offset and fold column where there are any, the response last. Rows are to be
    skipped when the response is NA or the weight is 0 or NA. ``valid`` has the same columns with
    the same domains (unseen levels are NA there). In cross-validation both are the whole training
    frame under two weight columns.
    """

    algo: str
    params: ModelParameters
    model_key: str
    train: Frame
    valid: Frame | None
    x: tuple[str, ...]
    response: str | None
    weights: str | None
    offset: str | None
    fold: str | None
    category: ModelCategory
    seed: int
    training_frame: str | None
    validation_frame: str | None
    messages: tuple[Message, ...] = ()
    start_time_ms: int = 0
    deadline_ms: int | None = None
    # Scoring rows are weighted by this column instead of `weights` on the validation frame
    # (cross-validation: the fold's held-out rows).
    valid_weights: str | None = None
    is_cv_model: bool = False
    # Parameters left at AUTO are shown as AUTO, not as what they meant for this data.
    shows_auto: bool = False
    # What was done to categorical columns; `x` and `train` are as they are afterwards.
    encoding: Encoding | None = None
    # Share of each class in the training frame, and in the rows as balance_classes weighs them.
    prior_class_distrib: tuple[float, ...] | None = None
    model_class_distrib: tuple[float, ...] | None = None
    # The user's metric, measured beside the usual ones.
    custom_metric: CustomMetric | None = None
    # Facts that the folds' models found for the main model, e.g. the number of trees to build.
    cv_facts: tuple[dict[str, Any], ...] = ()

    @property
    def response_domain(self) -> tuple[str, ...] | None:
        """Levels of the response of a classifier, None for regression."""
        if self.response is None or not self.category.is_classifier:
            return None
        return self.train.vec(self.response).domain

    @property
    def n_classes(self) -> int:
        """Number of classes; 1 for regression and unsupervised models."""
        domain = self.response_domain
        return len(domain) if domain else 1

    @property
    def domains(self) -> dict[str, tuple[str, ...] | None]:
        """Levels of each column of the training frame, None where it is not categorical."""
        return self.train.domains

    @property
    def class_correction(self) -> tuple[float, ...] | None:
        """Factors that undo the balancing of classes in probabilities; None if there was none."""
        return class_correction(self.prior_class_distrib, self.model_class_distrib)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Texts of the findings that the user should see."""
        return tuple(m.message for m in self.messages if m.message_type == "WARN")

    def time_left_s(self) -> float | None:
        """Seconds until the build should stop, None if there is no limit."""
        import time

        if self.deadline_ms is None:
            return None
        return max(self.deadline_ms / 1e3 - time.time(), 0.0)

    def out_of_time(self) -> bool:
        """Whether ``max_runtime_secs`` is over: finish with what there is."""
        left = self.time_left_s()
        return left is not None and left <= 0.0

    def with_actual(self, **values: Any) -> TrainSpec:
        """Return a copy whose parameters have these actual values (AUTO resolved)."""
        return dataclasses.replace(self, params=self.params.with_actual(**values))

    def replace(self, **changes: Any) -> TrainSpec:
        """Return a copy with `changes`."""
        return dataclasses.replace(self, **changes)

    def output(self, **more: Any) -> ModelOutput:
        """Return the model output with all that the spec knows, and `more` from the algorithm."""
        import time

        vecs = self.train.vecs
        fields: dict[str, Any] = {
            "category": self.category,
            "names": self.train.names,
            "domains": tuple(vec.domain for vec in vecs),
            "column_types": tuple("Enum" if vec.is_enum else "Numeric" for vec in vecs),
            "response": self.response,
            "weights": self.weights,
            "offset": self.offset,
            "fold": self.fold,
            "original_names": self.encoding.names if self.encoding else None,
            "encoding": self.encoding,
            "prior_class_distrib": self.prior_class_distrib,
            "model_class_distrib": self.model_class_distrib,
            "training_frame": self.training_frame,
            "validation_frame": self.validation_frame,
            "warnings": self.warnings,
            "start_time_ms": self.start_time_ms,
            "end_time_ms": int(time.time() * 1000),
        }
        return ModelOutput(**{**fields, **more})
