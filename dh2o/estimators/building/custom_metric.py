"""``custom_metric_func``: users' metrics in the cluster, found by reference. Python only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from dh2o.estimators.messages import Message
from dh2o.models.metrics.base import MetricBuilder
from dh2o.models.metrics.custom import CustomMetric, CustomMetricBuilder
from dh2o.mrtask import current_engine

if TYPE_CHECKING:
    from dh2o.estimators.spec import TrainSpec
    from dh2o.models import ModelOutput

__all__ = [
    "custom_metric_messages",
    "metric_reference",
    "stored_metric",
    "upload_metric",
    "with_custom_metric",
]

_LANGUAGE = "python"


def upload_metric(given: Any, name: str | None = None) -> str:
    """Store a metric in the cluster and return its reference, ``python:key=name``."""
    metric = CustomMetric.of(given, name)
    key = name or f"metrics_{metric.name}"
    current_engine().dkv.put(key, metric, kind="custom_metric")
    return f"{_LANGUAGE}:{key}={metric.name}"


def metric_reference(given: Any) -> str:
    """Return the reference of a metric that is given as such, or as a class or an object."""
    return given if isinstance(given, str) else upload_metric(given)


def _key_of(reference: str) -> str | None:
    language, _, rest = reference.partition(":")
    key, _, name = rest.partition("=")
    return key if language == _LANGUAGE and key and name else None


def stored_metric(params: Mapping[str, Any]) -> CustomMetric | None:
    """Return the metric that a model's parameters refer to, None if it is not there (any more)."""
    reference = params.get("custom_metric_func")
    key = None if reference is None else _key_of(str(reference))
    found = None if key is None else current_engine().dkv.find(key)
    return found if isinstance(found, CustomMetric) else None


def custom_metric_messages(params: Mapping[str, Any]) -> Iterable[Message]:
    """Return why the metric that was asked for cannot be measured."""
    reference = params.get("custom_metric_func")
    if reference is None:
        if params.get("stopping_metric") in ("custom", "custom_increasing"):
            yield Message.error(
                "custom_metric_func",
                "Custom metric function needs to be defined in order to use it for early stopping.",
            )
    elif _key_of(str(reference)) is None:
        yield Message.error(
            "custom_metric_func",
            f"{str(reference)[:200]!r} is no reference of the form python:key=name. Give a class "
            "with map, reduce and metric, or what dh2o.upload_custom_metric returned.",
        )
    elif stored_metric(params) is None:
        yield Message.error(
            "custom_metric_func",
            f"There is no metric under {str(reference)[:200]!r}. Functions that a client sends "
            "over REST are not run here; custom metrics work in dh2o's Python API "
            "(dh2o.upload_custom_metric).",
        )


def with_custom_metric(
    base: MetricBuilder[Any], custom: CustomMetric | None, of: TrainSpec | ModelOutput
) -> MetricBuilder[Any]:
    """Return a builder that measures the user's metric, if there is one, beside the others."""
    if custom is None:
        return base
    return CustomMetricBuilder(base, custom, of.offset, of.category.is_classifier)
