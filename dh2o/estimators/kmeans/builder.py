"""Builds K-means models."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from dh2o.estimators.builder import ModelBuilder, register
from dh2o.estimators.kmeans.constrained import fit_constrained
from dh2o.estimators.kmeans.lloyd import Lloyd, Progress
from dh2o.estimators.kmeans.params import PARAMS
from dh2o.estimators.kmeans.plan import Plan, plan_of, space_of
from dh2o.estimators.kmeans.session import Session
from dh2o.estimators.kmeans.tables import center_table, history_table, summary_table
from dh2o.estimators.messages import Message
from dh2o.estimators.params import ParamTable
from dh2o.estimators.scoring import model_metrics
from dh2o.estimators.spec import TrainSpec
from dh2o.frame import Frame
from dh2o.models import Model, ModelCategory
from dh2o.models.kmeans import KMeansModel
from dh2o.models.metrics.clustering import ModelMetricsClustering, clustering_metrics

if TYPE_CHECKING:
    from dh2o.mrtask import JobContext


class KMeansBuilder(ModelBuilder):
    """Lloyd's algorithm from centres that lie far apart."""

    algo: ClassVar[str] = "kmeans"
    algo_full_name: ClassVar[str] = "K-means"
    params: ClassVar[ParamTable] = PARAMS
    supervised: ClassVar[bool] = False
    category = ModelCategory.CLUSTERING
    can_build: ClassVar[tuple[ModelCategory, ...]] = (ModelCategory.CLUSTERING,)
    model_class: ClassVar[type[Model]] = KMeansModel

    def resolve(self, spec: TrainSpec) -> TrainSpec:
        if spec.params["categorical_encoding"] == "AUTO":
            spec = spec.with_actual(categorical_encoding="Enum")
        return spec

    def check(self, spec: TrainSpec) -> Iterable[Message]:
        params = spec.params
        k, n_rows = params["k"], spec.train.n_rows
        if n_rows < k:
            yield Message.error("k", f"Cannot make {k} clusters out of {n_rows} rows")
        if params["fold_assignment"] == "Stratified":
            yield Message.error(
                "fold_assignment",
                "K-means is an unsupervised algorithm; the stratified fold assignment cannot be "
                "used because of the missing response column.",
            )
        yield from _check_points(spec)
        yield from _check_constraints(spec)
        if params["estimate_k"]:
            yield from _check_estimate(spec)

    def build(self, ctx: JobContext, spec: TrainSpec) -> Model:
        """Return the model."""
        ctx.update(0.0, "Looking at the columns")
        standardize = bool(spec.params["standardize"])
        space = space_of(spec.train, spec.x, standardize=standardize)
        plan = plan_of(spec, space)
        used = [*spec.x, *([spec.weights] if spec.weights else [])]
        with Session(ctx, spec.train.select(used), plan) as session:
            if spec.params["cluster_size_constraints"]:
                done = fit_constrained(session, spec)
                metrics = clustering_metrics(
                    int(done.sums.sizes.sum()), done.sums.sizes, done.within, _total(done, plan)
                )
            else:
                done = Lloyd(session, spec).run()
                metrics = _measured(session, spec, done)
        return _model(spec, plan, done, metrics)


def _total(done: Progress, plan: Plan) -> float:
    return float(done.within.sum()) if done.k == 1 else done.sums.total(plan)


def _measured(session: Session, spec: TrainSpec, done: Progress) -> ModelMetricsClustering:
    """Return the metrics of the training rows at the final centres."""
    within, found = session.measured(done.centers, labels_too=True)
    is_one = spec.params["k"] == 1
    total = float(within.sum()) if is_one else done.sums.total(session.plan)
    return clustering_metrics(int(found.sizes.sum()), found.sizes, within, total)


def _model(
    spec: TrainSpec, plan: Plan, done: Progress, metrics: ModelMetricsClustering
) -> KMeansModel:
    space, params = plan.space, spec.params
    levels = spec.domains
    domains = [levels[name] for name in space.names]
    within = float(done.within.sum())
    tables = {
        "centers": center_table(space, space.raw(done.centers), domains, standardized=False),
    }
    if space.mults is not None:
        tables["centers_std"] = center_table(space, done.centers, domains, standardized=True)
    output = spec.output(
        model_summary=summary_table(
            int(done.sums.sizes.sum()), done.k, len(plan.categoricals), len(done.events) - 1,
            within, _total(done, plan),
        ),
        scoring_history=history_table(
            done.events, spec.start_time_ms, with_k=bool(params["estimate_k"])
        ),
        training_metrics=metrics,
        extra=dict(tables),
    )  # fmt: skip
    model = KMeansModel(spec.model_key, params, output, done.centers, space)
    if spec.valid is None:
        return model
    judged = model_metrics(model, spec.valid, weights=spec.valid_weights)
    return KMeansModel(
        spec.model_key, params, output.replace(validation_metrics=judged), done.centers, space
    )


def _check_points(spec: TrainSpec) -> Iterable[Message]:
    params = spec.params
    if params["user_points"] is None:
        if params["init"] == "User":
            yield Message.error("user_points", "Must specify initial cluster centers")
        return
    try:
        points = Frame.get(params["user_points"])
    except KeyError:
        yield Message.error("user_points", "User-specified points do not refer to a valid frame")
        return
    if len(points.names) != len(spec.x):
        yield Message.error(
            "user_points",
            "The user-specified points must have the same number of columns "
            f"({len(spec.x)}) as the training observations",
        )
    if points.n_rows != params["k"]:
        yield Message.error(
            "user_points",
            f"The number of rows in the user-specified points is not equal to k = {params['k']}",
        )


def _check_estimate(spec: TrainSpec) -> Iterable[Message]:
    params = spec.params
    if params["user_points"] is not None:
        yield Message.error("estimate_k", "Cannot estimate k if user_points are provided.")
    if params["cluster_size_constraints"]:
        yield Message.error(
            "estimate_k", "Cannot estimate k if cluster_size_constraints are provided."
        )
    if all(spec.train.vec(name).is_enum for name in spec.x):
        yield Message.error("estimate_k", "Cannot estimate k if data has no numeric columns.")


def _check_constraints(spec: TrainSpec) -> Iterable[Message]:
    least = spec.params["cluster_size_constraints"]
    if not least:
        return
    k, n_rows = spec.params["k"], spec.train.n_rows
    if len(least) != k:
        yield Message.error(
            "cluster_size_constraints",
            f"The number of cluster size constraints is not equal to k = {k}",
        )
    if math.fsum(least) > n_rows:
        yield Message.error(
            "cluster_size_constraints",
            f"The sum of constraints ({sum(least)}) is higher than the number of data rows "
            f"({n_rows}).",
        )


register(KMeansBuilder())
