"""In which order a grid search tries combinations, and when it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dh2o.errors import ParameterError
from dh2o.estimators.building.stopping import METRICS

__all__ = ["SearchCriteria", "vars_of"]

_STRATEGIES = {
    "cartesian": "Cartesian",
    "randomdiscrete": "RandomDiscrete",
    "sequential": "Sequential",
}
_UNREADABLE = "Can't parse the search_criteria dictionary: "


@dataclass(frozen=True, slots=True)
class SearchCriteria:
    """In which order combinations are tried, and when the search ends; 0 means no limit."""

    strategy: str = "Cartesian"
    max_models: int = 0
    max_runtime_secs: float = 0.0
    seed: int = -1
    stopping_rounds: int = 0
    stopping_metric: str = "AUTO"
    stopping_tolerance: float = 1e-3
    early_stopping: bool = True

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> SearchCriteria:
        """Return the criteria that a client describes; ParameterError names what is wrong."""
        known = {name: type(default) for name, default in vars_of(cls()).items()}
        values: dict[str, Any] = {}
        for name, value in given.items():
            if name not in known:
                raise ParameterError(f"{_UNREADABLE}unknown {name!r}. Known: {', '.join(known)}.")
            try:
                values[name] = _READERS[known[name]](value)
            except (TypeError, ValueError):
                raise ParameterError(f"{_UNREADABLE}{name}={value!r} is no number.") from None
        strategy = str(values.get("strategy", "Cartesian")).replace("_", "").lower()
        if strategy not in _STRATEGIES:
            raise ParameterError(
                f"{_UNREADABLE}strategy {values['strategy']!r} is not supported. Use one of "
                f"{', '.join(_STRATEGIES.values())}."
            )
        values["strategy"] = _STRATEGIES[strategy]
        if values.get("max_models", 0) < 0 or values.get("max_runtime_secs", 0) < 0:
            raise ParameterError(f"{_UNREADABLE}limits must be 0 (none) or above.")
        metric = str(values.get("stopping_metric", "AUTO"))
        known_metric = {name.lower(): name for name in ("AUTO", *METRICS)}.get(metric.lower())
        if known_metric is None:
            raise ParameterError(
                f"{_UNREADABLE}stopping_metric {metric!r} is not known. Use one of "
                f"{', '.join(METRICS)}."
            )
        values["stopping_metric"] = known_metric
        return cls(**values)


_READERS: dict[type, Callable[[Any], Any]] = {
    int: lambda value: int(value) if isinstance(value, int) else int(float(value)),
    float: float,
    str: str,
    bool: lambda value: str(value).lower() in ("true", "1"),
}


def vars_of(criteria: SearchCriteria) -> dict[str, Any]:
    """Return the fields of `criteria` by name."""
    return {name: getattr(criteria, name) for name in SearchCriteria.__dataclass_fields__}
