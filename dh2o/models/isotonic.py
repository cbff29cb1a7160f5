"""A trained isotonic regression: an ascending line through corners."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dh2o.models.calibration import IsotonicCalibration
from dh2o.models.columns import F64, Columns
from dh2o.models.model import Model
from dh2o.models.output import ModelOutput
from dh2o.models.params import ModelParameters

__all__ = ["IsotonicModel"]


@dataclass(frozen=True, eq=False)
class IsotonicModel(Model):
    """Linear between the corners; beyond ``min_x`` and ``max_x`` NA, or the nearest end's value."""

    algo: ClassVar[str] = "isotonicregression"
    algo_full_name: ClassVar[str] = "Isotonic Regression"

    line: IsotonicCalibration
    min_x: float
    max_x: float
    clips: bool

    def score(self, columns: Columns) -> F64:
        """Return the line at the only predictor."""
        x = columns[self.output.x[0]]
        found = np.asarray(self.line.calibrated(x, x))
        if not self.clips:
            with np.errstate(invalid="ignore"):
                found = np.where((x < self.min_x) | (x > self.max_x), np.nan, found)
        return found[:, None].copy()

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return what `from_state` needs."""
        data = {"min_x": self.min_x, "max_x": self.max_x, "clips": self.clips}
        return data, {"x": self.line.x, "y": self.line.y}

    @classmethod
    def from_state(
        cls,
        key: str,
        params: ModelParameters,
        output: ModelOutput,
        data: Mapping[str, Any],
        arrays: Mapping[str, NDArray[Any]],
    ) -> IsotonicModel:
        """Return the model whose `state` this was."""
        line = IsotonicCalibration(arrays["x"], arrays["y"])
        return cls(key, params, output, line, data["min_x"], data["max_x"], data["clips"])
