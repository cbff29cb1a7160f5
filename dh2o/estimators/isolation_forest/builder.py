"""Building an isolation forest: resolve, look at the columns, grow, report."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from dh2o.errors import KeyNotFoundError
from dh2o.estimators.builder import ModelBuilder, register
from dh2o.estimators.building.tree_checks import tree_messages
from dh2o.estimators.drf.bagging import columns_to_try
from dh2o.estimators.isolation_forest.growing import LEVEL, NUMBER, WHOLE
from dh2o.estimators.isolation_forest.isolating import Isolator, PathScale
from dh2o.estimators.isolation_forest.parameters import PARAMS
from dh2o.estimators.isolation_forest.tree import TreeRules, isolation_forest_of
from dh2o.estimators.messages import Message
from dh2o.estimators.spec import TrainSpec
from dh2o.estimators.trees.arrays import I64
from dh2o.estimators.trees.grower import MAX_DEPTH
from dh2o.estimators.trees.tables import summary_table
from dh2o.frame import Frame
from dh2o.models import Model, ModelCategory, ModelOutput, TwoDimTable
from dh2o.models.forest import Forest
from dh2o.models.isolation_forest import IsolationForestModel

if TYPE_CHECKING:
    from dh2o.mrtask import JobContext

__all__ = ["IsolationForestBuilder"]

_MAX_FLOAT = 3.4028234663852886e38
_NO_THRESHOLD = -1.0
_OF_LABELS = ("AUTO", "anomaly_score")


class IsolationForestBuilder(ModelBuilder):
    """Isolation forest (Liu, Ting, Zhou 2008), by H2O's conventions."""

    algo = "isolationforest"
    algo_full_name = "Isolation Forest"
    params = PARAMS
    model_class = IsolationForestModel
    category = ModelCategory.ANOMALY
    supervised = False
    can_build = (ModelCategory.ANOMALY,)

    def resolve(self, spec: TrainSpec) -> TrainSpec:
        """Return the spec with AUTO values resolved and labels beside the validation rows."""
        params = spec.params
        actual: dict[str, str | None] = {}
        if params["categorical_encoding"] == "AUTO":
            actual["categorical_encoding"] = "Enum"
        if params["stopping_metric"] == "AUTO":
            actual["stopping_metric"] = "anomaly_score" if params["stopping_rounds"] > 0 else None
        label, key = params["validation_response_column"], params["validation_frame"]
        if spec.valid is not None and label is not None and label not in spec.train.names:
            labelled = Frame.get(key)
            if label in labelled.names:
                labels = labelled.select([label])
                spec = spec.replace(valid=spec.valid.with_columns({label: labels}))
        return spec.with_actual(**actual)

    def check(self, spec: TrainSpec) -> Iterable[Message]:
        """Return what does not go together."""
        yield from _check_sizes(spec)
        yield from _check_labels(spec)
        yield from tree_messages(spec)

    def build(self, ctx: JobContext, spec: TrainSpec) -> Model:
        """Return the model."""
        label = spec.params["validation_response_column"] if spec.valid is not None else None
        isolator = Isolator(ctx, spec, _rules(spec), sample_size(spec), label)
        grown = isolator.run()
        trees: Any = grown.trees
        forest = isolation_forest_of(trees, len(spec.x))
        scale = isolator.scale
        threshold = _NO_THRESHOLD
        if spec.params["contamination"] > 0:
            threshold = score_quantile(isolator.counts, scale, 1 - spec.params["contamination"])
        elif label is not None:
            threshold = getattr(grown.validation, "default_threshold", 0.5)
        output = spec.output(
            model_summary=summary_table(forest, grown.n_dropped),
            scoring_history=grown.history.table(),
            training_metrics=grown.training,
            validation_metrics=grown.validation,
            threshold=threshold,
            extra={
                "variable_splits": _splits_table(spec.x, forest),
                "variable_importances": None,
                "init_f": 0.0,
            },
        )
        output = _with_label(output, spec, label)
        return IsolationForestModel(
            spec.model_key,
            spec.params.with_actual(ntrees=forest.n_trees),
            output,
            forest,
            scale.shortest,
            scale.longest,
        )


def sample_size(spec: TrainSpec) -> int:
    """Return how many rows each tree is grown on."""
    rate, n = spec.params["sample_rate"], spec.train.n_rows
    size = spec.params["sample_size"] if rate == -1 else round(rate * n)
    return int(min(max(size, 1), n))


def score_quantile(counts: I64, scale: PathScale, share: float) -> float:
    """Return the quantile of the scores of rows whose path lengths are counted; interpolated."""
    lengths = np.flatnonzero(counts)[::-1]  # the longest path has the lowest score
    if not len(lengths):
        return 0.5
    scores = scale(lengths / max(scale.n_trees, 1))[:, 0]
    reached = np.cumsum(counts[lengths])
    at = share * (float(reached[-1]) - 1)
    low, high = (int(np.searchsorted(reached, np.floor(at) + k, side="right")) for k in (0, 1))
    high = min(high, len(scores) - 1)
    return float(scores[low] + (at - np.floor(at)) * (scores[high] - scores[low]))


def _rules(spec: TrainSpec) -> TreeRules:
    params, n = spec.params, len(spec.x)
    columns = spec.train.select(list(spec.x))
    kinds = np.zeros(n, np.int8)
    ranges = np.zeros((n, 2))
    for i, (vec, stats) in enumerate(zip(columns.vecs, columns.rollups(), strict=True)):
        kinds[i] = LEVEL if vec.is_enum else WHOLE if stats.is_int else NUMBER
        if not stats.min < stats.max:
            continue  # of one value, or of none: nothing to cut
        low, high = np.clip([stats.min, stats.max], -_MAX_FLOAT, _MAX_FLOAT)
        ranges[i] = low, high + 1.0 if kinds[i] != NUMBER else np.nextafter(high, np.inf)
        if vec.is_enum:
            ranges[i] = 0.0, float(vec.n_levels)
    return TreeRules(
        kinds=kinds,
        ranges=ranges,
        n_tries=columns_to_try(params["mtries"], n, is_classifier=False),
        change=params["col_sample_rate_change_per_level"],
        rate_of_columns=params["col_sample_rate_per_tree"],
        max_depth=min(params["max_depth"] or MAX_DEPTH, MAX_DEPTH),
        min_rows=params["min_rows"],
    )


def _with_label(output: ModelOutput, spec: TrainSpec, label: str | None) -> ModelOutput:
    """Return the output that knows the column which says what is an anomaly."""
    if label is None:
        return output
    assert spec.valid is not None
    return output.replace(
        names=(*output.names, label),
        domains=(*output.domains, spec.valid.vec(label).domain),
        column_types=(*output.column_types, "Enum"),
        response=label,
    )


def _splits_table(x: tuple[str, ...], forest: Forest) -> TwoDimTable:
    """Return how often each column was split, how unevenly, and how deep: sums over its splits."""
    inner = np.flatnonzero(~forest.is_leaf)
    first = np.repeat(forest.starts[:-1], np.diff(forest.starts))[inner] + forest.left[inner]
    n0, n1 = (forest.weights[first + k].astype(np.float64) for k in (0, 1))
    feature, n = forest.features[inner], len(x)
    uneven = np.abs(n0 - n1) / (n0 + n1)
    depths = forest.depths[inner] + 1
    return TwoDimTable.of(
        "Variable Splits",
        {
            "variable": ("string", list(x)),
            "count": ("int", np.bincount(feature, minlength=n).tolist()),
            "aggregated_split_ratios": ("double", np.bincount(feature, uneven, n).tolist()),
            "aggregated_split_depths": (
                "long",
                np.bincount(feature, depths, n).astype(np.int64).tolist(),
            ),
        },
    )


def _check_sizes(spec: TrainSpec) -> Iterable[Message]:
    params, n = spec.params, len(spec.x)
    if params["mtries"] == 0:
        yield Message.error(
            "mtries",
            "mtries must be -1 (converted to sqrt(features)) or -2 (All features) or >= 1 "
            "but it is 0",
        )
    elif params["mtries"] > n:
        yield Message.error(
            "mtries",
            f"Computed mtries should be -1 or -2 or in interval [1,{n}] but it is "
            f"{params['mtries']}",
        )
    if params["sample_rate"] != -1 and params["sample_rate"] <= 0:
        yield Message.error(
            "sample_rate",
            f"sample_rate should be in interval ]0,1] but it is {params['sample_rate']:g}.",
        )
    if params["contamination"] != -1 and params["contamination"] <= 0:
        yield Message.error(
            "contamination",
            "Contamination parameter needs to be in range (0, 0.5] or undefined (-1); but it is "
            f"{params['contamination']:g}",
        )
    gathered = sample_size(spec) * max(n, 1)
    if gathered > 1 << 28:
        yield Message.error(
            "sample_size" if params["sample_rate"] == -1 else "sample_rate",
            f"A sample of {sample_size(spec)} rows of {n} columns is too large to grow a tree on: "
            f"at most {(1 << 28) // max(n, 1)} rows.",
        )


def _check_labels(spec: TrainSpec) -> Iterable[Message]:
    params = spec.params
    label = params["validation_response_column"]
    if params["validation_frame"] is None:
        if params.input("stopping_metric") not in _OF_LABELS:
            yield Message.error(
                "stopping_metric",
                f"Stopping metric `{params.input('stopping_metric')}` can only be used when a "
                "labeled validation frame is provided.",
            )
        return
    if params["contamination"] > 0:
        yield Message.error(
            "contamination",
            "Contamination parameter cannot be used together with a validation frame.",
        )
    if label is None:
        yield Message.error(
            "validation_response_column",
            "Response column needs to be defined when using a validation frame.",
        )
    elif label in spec.train.names or label in _all_names(spec.training_frame):
        yield Message.error(
            "training_frame", f"Training frame should not have a response column (`{label}`)."
        )
    elif spec.valid is None or label not in spec.valid.names:
        yield Message.error(
            "validation_response_column",
            f"Validation frame is missing response column `{label}`.",
        )
    elif len(spec.valid.vec(label).domain or ()) != 2:
        yield Message.error(
            "validation_response_column",
            "The response column of the validation frame needs to have a binary categorical "
            "domain (not anomaly/anomaly).",
        )


def _all_names(key: str | None) -> tuple[str, ...]:
    if key is None:
        return ()
    try:
        return Frame.get(key).names
    except KeyNotFoundError:
        return ()


register(IsolationForestBuilder())
