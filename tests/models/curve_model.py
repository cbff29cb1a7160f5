"""A model to try things on: a logistic curve of one number and one category."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from dh2o.models import (
    Columns,
    Model,
    ModelCategory,
    ModelError,
    ModelOutput,
    ModelParameter,
    ModelParameters,
    TwoDimTable,
    register_model,
)
from dh2o.models.metrics import metric_builder

LEVELS = ("blue", "green", "red")


@register_model
@dataclass(frozen=True, eq=False)
class CurveModel(Model):
    """p = 1 / (1 + exp(-(x + effect[colour]))); NA counts as 0 in x and as no effect."""

    algo: ClassVar[str] = "curve"
    algo_full_name: ClassVar[str] = "Curve"

    effects: np.ndarray

    def score(self, columns: Columns) -> np.ndarray:
        x, colour = np.nan_to_num(columns["x"]), columns["colour"]
        known = ~np.isnan(colour)
        eta = x.copy()
        eta[known] += self.effects[colour[known].astype(int)]
        p = 1 / (1 + np.exp(-eta))
        if self.output.category is ModelCategory.REGRESSION:
            return p[:, None]
        return np.stack([1 - p, p], axis=1)

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        return {"levels": LEVELS, "note": float("nan")}, {"effects": self.effects}

    @classmethod
    def from_state(
        cls,
        key: str,
        params: ModelParameters,
        output: ModelOutput,
        data: Mapping[str, Any],
        arrays: Mapping[str, np.ndarray],
    ) -> CurveModel:
        if arrays["effects"].shape != (len(data["levels"]),):
            raise ModelError("effects: one number per level.")
        return cls(key, params, output, arrays["effects"])


def curve_model(category: ModelCategory = ModelCategory.BINOMIAL) -> CurveModel:
    """Return a small model with metrics and tables."""
    domain = ("0", "1") if category is ModelCategory.BINOMIAL else None
    rng = np.random.default_rng(0)
    y = (rng.random(200) < 0.4).astype(float)
    metrics = metric_builder(category, domain).measure(np.clip(y * 0.2 + rng.random(200), 0, 1), y)
    output = ModelOutput(
        category,
        ("x", "colour", "y"),
        (None, LEVELS, domain),
        ("Numeric", "Enum", "Enum"),
        response="y",
        training_metrics=metrics,
        threshold=0.5,
        variable_importances=TwoDimTable.of(
            "Importance", {"variable": ("string", ["x", "colour"])}
        ),
        extra={"init_f": 0.25, "table": TwoDimTable.of("T", {"a": ("int", [1])})},
    )
    params = ModelParameters({"alpha": ModelParameter("alpha", 0.5, 0.5, (0.1, 0.2))})
    return CurveModel("curve_1", params, output, np.array([-1.0, 0.0, 2.0]))
