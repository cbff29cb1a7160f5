"""Building a random forest: resolve, look at the response, bin, grow, report."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from dh2o.estimators.builder import ModelBuilder, register
from dh2o.estimators.building.checkpoint import TREE_FIXED, check_checkpoint, model_before
from dh2o.estimators.building.tree_checks import tree_messages
from dh2o.estimators.drf.bagging import Bagger
from dh2o.estimators.drf.binned import BinnedBagger
from dh2o.estimators.drf.by_value import ValueBagger
from dh2o.estimators.drf.parameters import PARAMS
from dh2o.estimators.drf.response import ResponseFacts, ResponsePass
from dh2o.estimators.messages import Message, raise_errors
from dh2o.estimators.spec import TrainSpec
from dh2o.estimators.trees.adaptive.columns import column_table
from dh2o.estimators.trees.adaptive.global_points import with_global_points
from dh2o.estimators.trees.binning import MAX_NARROW_BINS
from dh2o.estimators.trees.rounds import Grown
from dh2o.estimators.trees.sampling import BinLimits, bin_map_of
from dh2o.estimators.trees.tables import importance_table, summary_table
from dh2o.models import Model
from dh2o.models.drf import DRFModel

if TYPE_CHECKING:
    from dh2o.mrtask import JobContext

__all__ = ["DRFBuilder"]


# The rows that the trees before left out must be found again: rates by class stay as well.
_FIXED = (*TREE_FIXED, "sample_rate_per_class", "binomial_double_trees")


class DRFBuilder(ModelBuilder):
    """Random forest (Breiman 2001), by H2O's conventions: rows are drawn without replacement."""

    algo = "drf"
    algo_full_name = "Distributed Random Forest"
    params = PARAMS
    model_class = DRFModel
    learns_from_na = True

    def resolve(self, spec: TrainSpec) -> TrainSpec:
        """Return the spec with the values that AUTO stands for."""
        actual: dict[str, Any] = {}
        if spec.params["distribution"] == "AUTO":
            actual["distribution"] = "multinomial" if spec.category.is_classifier else "gaussian"
        if spec.params["histogram_type"] == "AUTO":
            actual["histogram_type"] = "QuantilesGlobal"
        if spec.params["categorical_encoding"] == "AUTO":
            actual["categorical_encoding"] = "Enum"
        if spec.params["stopping_metric"] == "AUTO":
            metric = "logloss" if spec.category.is_classifier else "deviance"
            actual["stopping_metric"] = metric if spec.params["stopping_rounds"] > 0 else None
        return spec.with_actual(**actual)

    def check(self, spec: TrainSpec) -> Iterable[Message]:
        """Return what does not go together."""
        yield from _check_tries(spec)
        yield from _check_rates(spec)
        yield from _check_response_kind(spec)
        yield from tree_messages(spec)
        yield from check_checkpoint(spec, DRFModel, _FIXED, _n_trees)

    def build(self, ctx: JobContext, spec: TrainSpec) -> Model:
        """Return the model."""
        n_classes = spec.n_classes if spec.category.is_classifier else 1
        facts = ResponsePass(str(spec.response), spec.weights, n_classes).do_all(spec.train)
        _check_response(spec, facts)
        bagger = _bagger(ctx, spec, facts, model_before(spec, DRFModel))
        grown = bagger.run()
        forest = bagger.forest(grown)
        output = _output(spec, forest, grown)
        params = spec.params.with_actual(ntrees=forest.n_trees)
        return DRFModel(spec.model_key, params, output, forest, bagger.used_keys())

    def cv_facts(self, model: Model) -> dict[str, Any]:
        """Return the number of trees that a fold's model has."""
        return {"ntrees": model.forest.n_trees} if isinstance(model, DRFModel) else {}


def _bagger(
    ctx: JobContext, spec: TrainSpec, facts: ResponseFacts, before: DRFModel | None
) -> Bagger:
    """Return what grows the trees: over bins made once, or by H2O's histogram types."""
    params = spec.params
    if params.input("histogram_type") != "AUTO":
        columns = column_table(spec.train, spec.x)
        if params["histogram_type"] in ("QuantilesGlobal", "RoundRobin"):
            columns = with_global_points(
                columns, spec.train, spec.weights, params["nbins"], params["nbins_top_level"]
            )
        return ValueBagger(ctx, spec, facts, columns, before)
    most = min(max(params["nbins"], params["nbins_top_level"]), MAX_NARROW_BINS)
    limits = BinLimits(most, params["nbins_cats"])
    bin_map = bin_map_of(spec.train, spec.x, str(spec.response), spec.weights, limits)
    return BinnedBagger(ctx, spec, facts, bin_map, before)


def _output(spec: TrainSpec, forest: Any, grown: Grown) -> Any:
    return spec.output(
        model_summary=summary_table(forest, grown.n_dropped),
        scoring_history=grown.history.table(),
        variable_importances=importance_table(spec.x, forest),
        training_metrics=grown.training,
        validation_metrics=grown.validation,
        extra={"init_f": grown.init_f},
    )


def _check_tries(spec: TrainSpec) -> Iterable[Message]:
    mtries, n = spec.params["mtries"], len(spec.x)
    if mtries == 0:
        yield Message.error(
            "mtries",
            "mtries must be -1 (converted to sqrt(features)) or -2 (All features) or >= 1 "
            "but it is 0",
        )
    elif mtries > n:
        yield Message.error(
            "mtries",
            f"Computed mtries should be -1 or -2 or in interval [1,{n + 1}[ but it is {mtries}",
        )
    if spec.params["nbins_top_level"] < spec.params["nbins"]:
        yield Message.error(
            "nbins_top_level", f"nbins_top_level must be >= nbins ({spec.params['nbins']})."
        )


def _check_rates(spec: TrainSpec) -> Iterable[Message]:
    params, rates = spec.params, spec.params["sample_rate_per_class"]
    if rates and not spec.category.is_classifier:
        yield Message.error(
            "sample_rate_per_class", "Sampling rates by class need a categorical response."
        )
    elif rates and len(rates) != spec.n_classes:
        yield Message.error(
            "sample_rate_per_class",
            f"Need one sampling rate for each of the {spec.n_classes} classes, got {len(rates)}.",
        )
    elif rates:
        yield Message.warn(
            "sample_rate", "sample_rate is ignored if sample_rate_per_class is specified."
        )
    alone = spec.valid is None and not params["nfolds"] and spec.fold is None
    if params["sample_rate"] == 1.0 and not rates and alone and not spec.is_cv_model:
        yield Message.warn(
            "sample_rate",
            "Sample rate is 100% and no validation dataset and no cross-validation. There are no "
            "out-of-bag data to compute error estimates on the training data!",
        )


def _n_trees(model: DRFModel) -> int:
    return model.forest.n_trees


def _check_response_kind(spec: TrainSpec) -> Iterable[Message]:
    name = spec.params["distribution"]
    if spec.offset is not None:
        yield Message.error("offset_column", "Offsets are not yet supported for DRF.")
    if spec.category.is_classifier == (name == "gaussian"):
        kind = "categorical" if name != "gaussian" else "numeric"
        yield Message.error(
            "distribution",
            f"Distribution {name} needs a {kind} response. Convert the response column, or leave "
            "the distribution to AUTO.",
        )
    elif name == "bernoulli" and spec.n_classes > 2:
        yield Message.error(
            "distribution",
            f"Distribution bernoulli needs a response of two classes, not {spec.n_classes}.",
        )


def _check_response(spec: TrainSpec, facts: ResponseFacts) -> None:
    name, text = spec.response, ""
    if facts.n_rows == 0:
        text = f"Response column '{name}' has no row with a value and a weight above 0."
    elif not (math.isfinite(facts.min) and math.isfinite(facts.max)):
        text = f"Response column '{name}' has infinite values."
    if text:
        raise_errors(spec.algo, [Message.error("response_column", text)], spec.model_key)


register(DRFBuilder())
