"""Values of a model as JSON: known dataclasses by name, arrays by reference, exact numbers.

Plain JSON carries numbers, texts, lists and maps with text keys. What it cannot carry is a map with
one key that starts with ``$``: ``$float`` (NaN, infinities), ``$tuple``, ``$array`` (the name of a
``.npy`` entry), ``$map`` (a map with other keys), ``$type`` (a dataclass of `register_type`).
"""

from __future__ import annotations

import dataclasses
import math
from enum import StrEnum
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import ModelError
from dh2o.models.calibration import IsotonicCalibration, PlattScaling
from dh2o.models.category import ModelCategory
from dh2o.models.encoding import Encoding, EncodingStep
from dh2o.models.metrics import (
    ConfusionMatrix,
    ModelMetrics,
    ModelMetricsAnomaly,
    ModelMetricsBinomial,
    ModelMetricsMultinomial,
    ModelMetricsOrdinal,
    ModelMetricsRegression,
)
from dh2o.models.metrics.autoencoder import ModelMetricsAutoEncoder
from dh2o.models.metrics.multinomial_auc import MultinomialAuc
from dh2o.models.metrics.thresholds import Thresholds
from dh2o.models.output import ModelOutput
from dh2o.models.params import ModelParameter, ModelParameters
from dh2o.models.table import TwoDimTable

T = TypeVar("T")
Arrays = dict[str, NDArray[Any]]
_TYPES: dict[str, type[Any]] = {}


def register_type(cls: type[T]) -> type[T]:
    """Let a dataclass be part of a model's state; usable as a decorator."""
    _TYPES[cls.__name__] = cls
    return cls


for _type in (
    ConfusionMatrix,
    Encoding,
    EncodingStep,
    IsotonicCalibration,
    ModelMetrics,
    ModelMetricsAnomaly,
    ModelMetricsAutoEncoder,
    ModelMetricsBinomial,
    ModelMetricsMultinomial,
    ModelMetricsOrdinal,
    ModelMetricsRegression,
    ModelOutput,
    ModelParameter,
    MultinomialAuc,
    PlattScaling,
    Thresholds,
    TwoDimTable,
):
    register_type(_type)


def encode(value: Any, arrays: Arrays) -> Any:
    """Return `value` as JSON-able data; arrays in it are added to `arrays`."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, ModelCategory):
        return {"$category": value.value}
    if isinstance(value, str):
        return value.value if isinstance(value, StrEnum) else str(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else {"$float": str(float(value))}
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, tuple):
        return {"$tuple": [encode(item, arrays) for item in value]}
    if isinstance(value, list | range):
        return [encode(item, arrays) for item in value]
    if isinstance(value, np.ndarray):
        name = f"v{len(arrays)}"
        arrays[name] = value
        return {"$array": name}
    return _encode_object(value, arrays)


def _encode_object(value: Any, arrays: Arrays) -> Any:
    if isinstance(value, ModelParameters):
        return {"$params": [encode(item, arrays) for item in value.items_full()]}
    if isinstance(value, dict):
        plain = all(isinstance(key, str) and not key.startswith("$") for key in value)
        if plain:
            return {key: encode(item, arrays) for key, item in value.items()}
        return {"$map": [[encode(k, arrays), encode(v, arrays)] for k, v in value.items()]}
    name = type(value).__name__
    if _TYPES.get(name) is not type(value):
        raise ModelError(f"A model cannot hold a {name}: it is not a registered type.")
    fields = {f.name: encode(getattr(value, f.name), arrays) for f in dataclasses.fields(value)}
    return {"$type": name, "fields": fields}


def decode(data: Any, arrays: Arrays) -> Any:
    """Return the value that `encode` described.

    Raises
    ------
    ModelError
        `data` is no such description.
    """
    if isinstance(data, list):
        return [decode(item, arrays) for item in data]
    if not isinstance(data, dict):
        return data
    tag = next(iter(data), "")
    if not tag.startswith("$"):
        return {key: decode(item, arrays) for key, item in data.items()}
    try:
        return _DECODERS[tag](data, arrays)
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise ModelError(f"The model file has a malformed {tag} entry: {problem}") from None


def _decode_type(data: dict[str, Any], arrays: Arrays) -> Any:
    cls = _TYPES[data["$type"]]
    known = {field.name for field in dataclasses.fields(cls)}
    given = {name: decode(item, arrays) for name, item in data["fields"].items()}
    if not known.issuperset(given):
        raise ValueError(f"{cls.__name__} has no fields {sorted(set(given) - known)}")
    return cls(**given)


_DECODERS: dict[str, Any] = {
    "$float": lambda data, _: float(data["$float"]),
    "$category": lambda data, _: ModelCategory(data["$category"]),
    "$tuple": lambda data, arrays: tuple(decode(item, arrays) for item in data["$tuple"]),
    "$array": lambda data, arrays: arrays[data["$array"]],
    "$map": lambda data, arrays: {decode(k, arrays): decode(v, arrays) for k, v in data["$map"]},
    "$type": _decode_type,
    "$params": lambda data, arrays: _parameters(decode(data["$params"], arrays)),
}


def _parameters(items: list[ModelParameter]) -> ModelParameters:
    return ModelParameters({item.name: item for item in items})
