"""Other views of a linear model: its path of penalties, and copies with other coefficients."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import ParameterError

if TYPE_CHECKING:
    from dh2o.models.glm import GLMModel

F64 = NDArray[np.float64]


def regularization_path(model: GLMModel) -> dict[str, Any]:
    """Return lambdas, alphas, explained deviances and coefficients, one row per solution."""
    betas = model.beta[None, :] if model.path_beta is None else model.path_beta
    extra = model.output.extra
    lambdas = [extra["lambda_best"]] if model.path_lambda is None else model.path_lambda.tolist()
    alphas = [extra["alpha_best"]] if model.path_alpha is None else model.path_alpha.tolist()
    width = model.design.n_coefficients
    scaled = [model.design.standardised(b.reshape(-1, width)).ravel().tolist() for b in betas]
    z, p = (
        _rows(model, of_path, of_best)
        for of_path, of_best in ((model.path_z, model.z_values), (model.path_p, model.p_values))
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = None if z is None else np.where(betas == 0, np.nan, betas / z).tolist()
    return {
        "lambdas": lambdas,
        "alphas": alphas,
        "explained_deviance_train": _explained(model, 0),
        "explained_deviance_valid": _explained(model, 1),
        "coefficients": [beta.tolist() for beta in betas],
        "coefficients_std": scaled if model.params["standardize"] else None,
        "coefficient_names": list(model.coefficient_names),
        "z_values": None if z is None else z.tolist(),
        "p_values": None if p is None else p.tolist(),
        "std_errs": errors,
    }


def _rows(model: GLMModel, of_path: F64 | None, of_best: F64 | None) -> F64 | None:
    """Return one row per solution, None when p-values were not asked for."""
    if of_best is None:
        return None
    return of_best[None, :] if model.path_beta is None else of_path


def _explained(model: GLMModel, column: int) -> list[float] | None:
    """Return the share of the null deviance that each solution explains; None without such data."""
    output = model.output
    metrics = output.validation_metrics if column else output.training_metrics
    if metrics is None or "null_deviance" not in metrics.extra:
        return None
    null = metrics.extra["null_deviance"]
    if model.path_deviance is None:
        return [1.0 - metrics.extra["residual_deviance"] / null if null else math.nan]
    per_row = null / metrics.n_obs if metrics.n_obs else math.nan
    return [float(1.0 - deviance / per_row) for deviance in model.path_deviance[:, column]]


def with_coefficients(
    model: GLMModel, coefficients: Mapping[str, float], key: str, threshold: float
) -> GLMModel:
    """Return a copy under `key` with other coefficients, and without what belonged to the old."""
    names = model.coefficient_names
    unknown = [name for name in coefficients if name not in names]
    if unknown:
        raise ParameterError(
            f"The model has no coefficient {unknown[0]!r}: model coefficient length {len(names)} "
            f"is different from coefficient provided by user {len(coefficients)}. It has: "
            f"{', '.join(names[:8])}{', ...' if len(names) > 8 else ''}."
        )
    beta = model.beta.copy()
    for name, value in coefficients.items():
        beta[names.index(name)] = float(value)
    output = model.output
    if not math.isnan(threshold):
        output = output.replace(threshold=threshold)
    nothing: dict[str, Any] = dict.fromkeys(
        ("covariance", "z_values", "p_values", "path_lambda", "path_alpha", "path_beta",
         "path_deviance", "path_z", "path_p")
    )  # fmt: skip
    return dataclasses.replace(
        model,
        key=key,
        output=output,
        beta=beta,
        norm_beta=model.design.standardised(beta.reshape(-1, model.design.n_coefficients)).ravel(),
        **nothing,
    )
