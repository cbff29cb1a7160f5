"""The estimator that users call."""

from __future__ import annotations

from typing import Any

from dh2o.estimators.estimator import H2OEstimator
from dh2o.estimators.glm.params import PARAMS
from dh2o.models.glm import GLMModel


class H2OGeneralizedLinearEstimator(H2OEstimator, table=PARAMS):
    """Generalized linear model with an elastic net penalty."""

    algo = "glm"

    def _glm(self) -> GLMModel:
        model = self.model
        if not isinstance(model, GLMModel):
            raise TypeError(f"expected a GLMModel, got {type(model).__name__}")
        return model

    def coef(self) -> dict[str, float]:
        """Return the coefficients of the columns as they are, by name."""
        return self._glm().coefficients()

    def coef_norm(self) -> dict[str, float]:
        """Return the coefficients of standardised columns, by name."""
        return self._glm().coefficients(standardised=True)

    def coef_with_p_values(self) -> Any:
        """Return the coefficients with standard errors and p-values, as a pandas frame."""
        return self._glm().output.extra["coefficients_table"].as_data_frame()

    def std_coef_table(self) -> Any:
        """Return the standardised coefficients by size."""
        return self._glm().output.extra["standardized_coefficient_magnitudes"]

    def dispersion(self) -> float:
        """Return the estimated dispersion."""
        return float(self._glm().output.extra["dispersion"])
