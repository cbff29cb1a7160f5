"""Building a gradient boosting machine: resolve, look at the response, bin, boost, report."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dh2o.errors import FileWriteError
from dh2o.estimators.builder import ModelBuilder, register
from dh2o.estimators.building.checkpoint import TREE_FIXED, check_checkpoint, model_before
from dh2o.estimators.building.tree_checks import tree_messages
from dh2o.estimators.gbm.binned import BinnedBooster
from dh2o.estimators.gbm.boosting import Booster, Grown
from dh2o.estimators.gbm.by_value import ValueBooster
from dh2o.estimators.gbm.custom import custom_messages, stored_distribution
from dh2o.estimators.gbm.distributions import Distribution, distribution_of
from dh2o.estimators.gbm.initial import initial_score
from dh2o.estimators.gbm.parameters import PARAMS
from dh2o.estimators.gbm.response import ResponseFacts, ResponsePass
from dh2o.estimators.gbm.two_classes import with_two_classes
from dh2o.estimators.messages import Message
from dh2o.estimators.spec import TrainSpec
from dh2o.estimators.trees.adaptive.columns import column_table
from dh2o.estimators.trees.adaptive.global_points import with_global_points
from dh2o.estimators.trees.binning import MAX_NARROW_BINS
from dh2o.estimators.trees.sampling import BinLimits, bin_map_of
from dh2o.estimators.trees.tables import importance_table, summary_table
from dh2o.models import Model, ModelCategory, ModelError, ModelParameters, save_model
from dh2o.models.forest import Forest
from dh2o.models.gbm import GBMModel

if TYPE_CHECKING:
    from dh2o.frame import Frame
    from dh2o.mrtask import JobContext

__all__ = ["GBMBuilder"]

_OF_NUMBERS = ("gaussian", "poisson", "gamma", "tweedie", "laplace", "quantile", "huber")
# Beside H2O's list: what the trees before depend on as well.
_FIXED = ("distribution", "histogram_type", "categorical_encoding")
_MONOTONE = ("gaussian", "bernoulli", "tweedie", "quantile")


class GBMBuilder(ModelBuilder):
    """Gradient boosting with regression trees (Friedman 2001), by H2O's conventions."""

    algo = "gbm"
    algo_full_name = "Gradient Boosting Machine"
    params = PARAMS
    model_class = GBMModel
    learns_from_na = True

    def resolve(self, spec: TrainSpec) -> TrainSpec:
        """Return the spec with the distribution that the response asks for."""
        actual: dict[str, Any] = {}
        if spec.params["distribution"] == "AUTO":
            by_category = {
                ModelCategory.BINOMIAL: "bernoulli",
                ModelCategory.MULTINOMIAL: "multinomial",
            }
            actual["distribution"] = by_category.get(spec.category, "gaussian")
        if spec.params["histogram_type"] == "AUTO":
            is_custom = spec.params["distribution"] == "custom"
            actual["histogram_type"] = "UniformAdaptive" if is_custom else "QuantilesGlobal"
        if spec.params["categorical_encoding"] == "AUTO":
            actual["categorical_encoding"] = "Enum"
        if spec.params["stopping_metric"] == "AUTO" and spec.params["stopping_rounds"] > 0:
            actual["stopping_metric"] = "logloss" if spec.category.is_classifier else "deviance"
        return spec.with_actual(**actual)

    def learned_from(self, params: ModelParameters, train: Frame) -> Frame:
        """Return the frame; to quasibinomial the numbers 0 and 1 are two classes."""
        if params["distribution"] != "quasibinomial":
            return train
        return with_two_classes(params, train)

    def check(self, spec: TrainSpec) -> Iterable[Message]:
        """Return what does not go together."""
        if spec.params["distribution"] == "custom":
            yield from custom_messages(spec.params, spec.n_classes, spec.offset)
        else:
            yield from _check_distribution(spec)
        yield from _check_sampling(spec)
        yield from _check_constraints(spec)
        yield from tree_messages(spec)
        yield from check_checkpoint(spec, GBMModel, TREE_FIXED + _FIXED, _n_trees_before)

    def build(self, ctx: JobContext, spec: TrainSpec) -> Model:
        """Return the model."""
        params = spec.params
        distribution = distribution_of(
            params["distribution"], spec.n_classes, params["tweedie_power"],
            params["quantile_alpha"],
            stored_distribution(params) if params["distribution"] == "custom" else None,
        )  # fmt: skip
        response = str(spec.response)
        facts = ResponsePass(
            response, spec.weights, spec.offset, distribution.name, params["tweedie_power"]
        ).do_all(spec.train)
        _check_response(spec, distribution, facts)
        init_f = initial_score(spec, distribution, facts)
        before = model_before(spec, GBMModel)
        booster = _booster(ctx, spec, distribution, facts, init_f, before)
        folder = params["in_training_checkpoints_dir"]
        if folder and not spec.is_cv_model:
            booster.keep = lambda grown: _save_unfinished(spec, booster, grown, folder)
        grown = booster.run()
        return _model(spec, distribution, booster.forest(grown), grown)

    def cv_facts(self, model: Model) -> dict[str, Any]:
        """Return the number of trees that a fold's model has."""
        return {"ntrees": model.forest.n_trees} if isinstance(model, GBMModel) else {}


def _booster(
    ctx: JobContext, spec: TrainSpec, distribution: Distribution, facts: ResponseFacts,
    init_f: float, before: GBMModel | None,
) -> Booster:  # fmt: skip
    """Return what grows the trees: over bins made once, or by H2O's histogram types."""
    forest = None if before is None else before.forest
    init_f = init_f if before is None else before.init_f
    params = spec.params
    if params.input("histogram_type") != "AUTO" or distribution.custom is not None:
        columns = column_table(spec.train, spec.x)
        if params["histogram_type"] in ("QuantilesGlobal", "RoundRobin"):
            columns = with_global_points(
                columns, spec.train, spec.weights, params["nbins"], params["nbins_top_level"]
            )
        return ValueBooster(ctx, spec, distribution, facts, init_f, columns, forest)
    most = min(max(params["nbins"], params["nbins_top_level"]), MAX_NARROW_BINS)
    limits = BinLimits(most, params["nbins_cats"])
    bin_map = bin_map_of(spec.train, spec.x, str(spec.response), spec.weights, limits)
    return BinnedBooster(ctx, spec, distribution, facts, init_f, bin_map, forest)


def _n_trees_before(model: GBMModel) -> int:
    return model.forest.n_trees


def _model(spec: TrainSpec, distribution: Distribution, forest: Forest, grown: Grown) -> GBMModel:
    output = spec.output(
        model_summary=summary_table(forest, grown.n_dropped),
        scoring_history=grown.history.table(),
        variable_importances=importance_table(spec.x, forest),
        training_metrics=grown.training,
        validation_metrics=grown.validation,
        extra={"init_f": grown.init_f},
    )
    params = spec.params.with_actual(ntrees=forest.n_trees)
    return GBMModel(spec.model_key, params, output, forest, grown.init_f, distribution.scale)


def _save_unfinished(spec: TrainSpec, booster: Booster, grown: Grown, folder: str) -> None:
    """Write the model as far as it is into `folder`, by H2O's name: <model>.ntrees_<number>."""
    n = booster.n_rounds
    whole = _model(spec, booster.distribution, booster.forest(grown), grown)
    model = dataclasses.replace(whole, key=f"{spec.model_key}.{n}")
    try:
        save_model(model, Path(folder).expanduser() / f"{spec.model_key}.ntrees_{n}")
    except FileWriteError as problem:
        raise ModelError(f"in_training_checkpoints_dir: {problem}") from None


def _check_distribution(spec: TrainSpec) -> Iterable[Message]:
    name, category = spec.params["distribution"], spec.category
    kind = {
        ModelCategory.BINOMIAL: "a two-class response",
        ModelCategory.MULTINOMIAL: "a response of several classes",
    }.get(category, "a numeric response")
    fits = {
        ModelCategory.BINOMIAL: ("bernoulli", "quasibinomial", "multinomial"),
        ModelCategory.MULTINOMIAL: ("multinomial",),
    }.get(category, _OF_NUMBERS)
    if name not in fits:
        wanted = "categorical" if name in ("bernoulli", "multinomial") else "numeric"
        yield Message.error(
            "distribution",
            f"Distribution {name} does not fit {kind}: it needs a {wanted} response. "
            f"Convert the response column, or choose one of {', '.join(fits)}.",
        )
    if spec.offset is not None and name == "multinomial":
        yield Message.error("offset_column", "Offset is not supported for multinomial models.")


def _check_sampling(spec: TrainSpec) -> Iterable[Message]:
    rates = spec.params["sample_rate_per_class"]
    if not rates:
        return
    if not spec.category.is_classifier:
        yield Message.error(
            "sample_rate_per_class", "Sampling rates by class need a categorical response."
        )
    elif len(rates) != spec.n_classes:
        yield Message.error(
            "sample_rate_per_class",
            f"Need one sampling rate for each of the {spec.n_classes} classes, got {len(rates)}.",
        )


def _check_constraints(spec: TrainSpec) -> Iterable[Message]:
    signs = spec.params["monotone_constraints"] or {}
    if signs and spec.params["distribution"] not in _MONOTONE:
        yield Message.error(
            "monotone_constraints",
            f"Monotone constraints are supported for {', '.join(_MONOTONE)} only, "
            f"not for {spec.params['distribution']}.",
        )
    for group in spec.params["interaction_constraints"] or ():
        for name in group:
            if name not in spec.x:
                yield Message.error(
                    "interaction_constraints",
                    f"Invalid interaction constraint - there is no column '{name}' in the "
                    "training frame, or it is ignored or constant.",
                )
    for name, sign in signs.items():
        if name not in spec.train.names:
            yield Message.error(
                "monotone_constraints", f"Invalid constraint - there is no column '{name}'."
            )
        elif spec.train.vec(name).is_enum:
            yield Message.error(
                "monotone_constraints",
                f"Invalid constraint - column '{name}' is categorical; it must be numeric.",
            )
        elif sign not in (-1, 0, 1):
            yield Message.error(
                "monotone_constraints", f"Constraint of '{name}' must be 1 or -1, got {sign:g}."
            )


def _check_response(spec: TrainSpec, distribution: Distribution, facts: ResponseFacts) -> None:
    from dh2o.estimators.messages import raise_errors

    name, text = spec.response, ""
    if facts.n_rows == 0:
        text = f"Response column '{name}' has no row with a value and a weight above 0."
    elif distribution.has_log_link and facts.min < 0:
        kind = distribution.name.capitalize()
        text = f"{kind} needs a response that is not negative, '{name}' has {facts.min:g}."
    elif not math.isfinite(facts.max_abs):
        text = f"Response column '{name}' has infinite values."
    if text:
        raise_errors(spec.algo, [Message.error("response_column", text)], spec.model_key)


register(GBMBuilder())
