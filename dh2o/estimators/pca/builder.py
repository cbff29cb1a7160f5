"""Builds principal component models."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from dh2o.estimators.builder import ModelBuilder, register
from dh2o.estimators.messages import Message
from dh2o.estimators.params import ParamTable
from dh2o.estimators.pca.decompose import Found, decompose, history_table
from dh2o.estimators.pca.params import PARAMS
from dh2o.estimators.scoring import model_metrics
from dh2o.estimators.spec import TrainSpec
from dh2o.models import Model, ModelCategory, TwoDimTable
from dh2o.models.metrics.unsupervised import ModelMetricsPCA
from dh2o.models.pca import PCAModel

if TYPE_CHECKING:
    from dh2o.mrtask import JobContext

_SKIPS_ROWS = (
    "_train: Dataset used may contain fewer number of rows due to removal of rows with NA/missing "
    "values.  If this is not desirable, set impute_missing argument in pca call to "
    "TRUE/True/true/... depending on the client language."
)


class PCABuilder(ModelBuilder):
    """Directions of largest variance."""

    algo: ClassVar[str] = "pca"
    algo_full_name: ClassVar[str] = "Principal Components Analysis"
    params: ClassVar[ParamTable] = PARAMS
    supervised: ClassVar[bool] = False
    category = ModelCategory.DIM_REDUCTION
    can_build: ClassVar[tuple[ModelCategory, ...]] = (ModelCategory.CLUSTERING,)
    model_class: ClassVar[type[Model]] = PCAModel

    def resolve(self, spec: TrainSpec) -> TrainSpec:
        params = spec.params
        if params["pca_impl"] is None:
            spec = spec.with_actual(pca_impl="MTJ_EVD_SYMMMATRIX")
        if params["k"] < 1:
            most = most_components(spec, all_levels=bool(params["use_all_factor_levels"]))
            warning = Message.warn("k", f"_k is set to be {most}")
            spec = spec.with_actual(k=most)
            spec = spec.replace(messages=(*spec.messages, warning))
        return spec

    def check(self, spec: TrainSpec) -> Iterable[Message]:
        most = most_components(spec, all_levels=bool(spec.params["use_all_factor_levels"]))
        if spec.params["pca_method"] == "GLRM" and not spec.params["use_all_factor_levels"]:
            yield Message.error(
                "use_all_factor_levels", "GLRM only implemented for _use_all_factor_levels = true"
            )
        if spec.params["k"] > most:
            yield Message.error("k", f"_k must be between 1 and {most}")

    def build(self, ctx: JobContext, spec: TrainSpec) -> Model:
        """Return the model."""
        params = spec.params
        if not params["impute_missing"]:
            ctx.warn(_SKIPS_ROWS)
        method, k = params["pca_method"], int(params["k"])
        imputes = bool(params["impute_missing"])
        found = decompose(ctx, spec, method, k, imputes=imputes, what="k")
        if len(found.parts.values) < k:
            k = len(found.parts.values)
            ctx.warn(
                f"_train PCA: Dataset is rank deficient.  _parms._k was {params['k']} and is now "
                f"set to {k}"
            )
            spec = spec.with_actual(k=k)
        if found.parts.has_failed:
            ctx.warn(
                "_train: PCA Power method failed to converge within TOLERANCE.  Increase "
                "max_iterations to mitigate this problem."
            )
        return _model(spec, found)


def most_components(spec: TrainSpec, *, all_levels: bool) -> int:
    """Return the number of expanded columns, or of rows where that is less."""
    sizes = [
        max(vec.n_levels - (0 if all_levels else 1), 0) if vec.is_enum else 1
        for vec in map(spec.train.vec, spec.x)
    ]
    return min(sum(sizes), spec.train.n_rows)


def _model(spec: TrainSpec, found: Found) -> PCAModel:
    parts = found.parts
    model = PCAModel(
        spec.model_key, spec.params, spec.output(), found.expansion, parts.vectors, parts.values,
        found.n_rows, found.total_variance,
    )  # fmt: skip
    importance = _importance_table(model)
    now = int(time.time() * 1000)
    is_measured = spec.params["compute_metrics"]
    output = spec.output(
        model_summary=importance,
        scoring_history=history_table(parts, spec.params["pca_method"], spec.start_time_ms, now),
        training_metrics=ModelMetricsPCA(spec.train.n_rows, np.nan) if is_measured else None,
        extra={
            "importance": importance,
            "eigenvectors": _rotation_table(model),
            "objective": 0.0,
        },
    )
    if spec.valid is not None:
        output = output.replace(validation_metrics=model_metrics(model, spec.valid))
    return PCAModel(
        spec.model_key, spec.params, output, found.expansion, parts.vectors, parts.values,
        found.n_rows, found.total_variance,
    )  # fmt: skip


def _importance_table(model: PCAModel) -> TwoDimTable:
    """Return standard deviation, share of variance and cumulated share of each component."""
    deviation = model.std_deviation
    total = model.total_variance
    shares = np.square(deviation) / total if total > 0 else np.zeros(len(deviation))
    rows = ["Standard deviation", "Proportion of Variance", "Cumulative Proportion"]
    cells = np.array([deviation, shares, np.cumsum(shares)])
    columns = {f"pc{i + 1}": ("double", cells[:, i].tolist()) for i in range(len(deviation))}
    return TwoDimTable.of("Importance of components", {"": ("string", rows), **columns})


def _rotation_table(model: PCAModel) -> TwoDimTable:
    names = model.expansion.names
    columns = {f"pc{i + 1}": ("double", c.tolist()) for i, c in enumerate(model.vectors.T)}
    return TwoDimTable.of("Rotation", {"": ("string", names), **columns})


register(PCABuilder())
