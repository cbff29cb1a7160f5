"""The tables that a linear model shows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.estimators.glm.path import Solution
from dh2o.models import TwoDimTable
from dh2o.models.glm import GLMModel

F64 = NDArray[np.float64]

_NOTHING: Mapping[str, Any] = MappingProxyType({})


def coefficients_table(model: GLMModel, more: Mapping[str, Any] = _NOTHING) -> TwoDimTable:
    """Return all coefficients, the intercept first, with standard errors if there are any.

    `more` may hold variance inflation factors.
    """
    if model.has_classes:
        return class_table(model, [str(k) for k in range(len(model.class_beta))], more=more)
    order = _intercept_first(len(model.beta))
    names = np.array(model.design.names)[order].tolist()
    columns: dict[str, Any] = {
        "names": ("string", names),
        "coefficients": ("double", "%5f", model.beta[order].tolist()),
    }
    if model.z_values is not None and model.p_values is not None:
        errors = model.std_errors
        columns["std_error"] = ("double", "%5f", errors[order].tolist())  # type: ignore[index]  # as z_values
        columns["z_value"] = ("double", "%5f", model.z_values[order].tolist())
        columns["p_value"] = ("double", "%5f", model.p_values[order].tolist())
    columns |= _inflation_column(names, more)
    columns["standardized_coefficients"] = ("double", "%5f", model.norm_beta[order].tolist())
    return TwoDimTable.of("Coefficients", columns, "glm coefficients")


def _inflation_column(names: list[str], more: Mapping[str, Any]) -> dict[str, Any]:
    if "variable_inflation_factors" not in more:
        return {}
    known = dict(zip(more["vif_predictor_names"], more["variable_inflation_factors"], strict=True))
    cells = [known.get(name, math.nan) for name in names]
    return {"variable_inflation_factor": ("double", "%5f", cells)}


def class_table(
    model: GLMModel,
    labels: list[str],
    name: str = "Coefficients",
    more: Mapping[str, Any] = _NOTHING,
) -> TwoDimTable:
    """Return the coefficients of several classes, one column a class, the intercept first."""
    order = _intercept_first(model.design.n_coefficients)
    columns: dict[str, Any] = {"names": ("string", np.array(model.design.names)[order].tolist())}
    for prefix, rows in (("coefs", model.class_beta), ("std_coefs", model.class_norm_beta)):
        for label, row in zip(labels, rows, strict=True):
            columns[f"{prefix}_class_{label}"] = ("double", "%5f", row[order].tolist())
    columns |= _inflation_column(columns["names"][1], more)
    return TwoDimTable.of(name, columns, "glm multinomial coefficients")


def named_class_table(model: GLMModel, more: Mapping[str, Any] = _NOTHING) -> TwoDimTable | None:
    """Return the same with the names of the classes; None if there are no several classes."""
    domain = model.output.response_domain
    if not model.has_classes or domain is None:
        return None
    return class_table(model, list(domain), "Coefficients with class names", more)


def magnitudes(model: GLMModel) -> F64:
    """Return the size of each predictor's standardised coefficients, summed over classes."""
    sizes: F64 = np.abs(model.class_norm_beta[:, :-1]).sum(axis=0)
    return sizes


def _intercept_first(n: int) -> NDArray[np.int64]:
    return np.array([n - 1, *range(n - 1)])


def magnitude_order(model: GLMModel) -> NDArray[np.int64]:
    """Return the predictors from the largest to the smallest standardised coefficient."""
    return np.argsort(-magnitudes(model), kind="stable")


def magnitudes_table(model: GLMModel) -> TwoDimTable:
    """Return the standardised coefficients by size, with their signs."""
    order = magnitude_order(model)
    names = np.array(model.design.names)[order].tolist()
    return TwoDimTable.of(
        "Standardized Coefficient Magnitudes",
        {
            "names": ("string", names),
            "coefficients": ("double", "%5f", magnitudes(model)[order].tolist()),
            "sign": (
                "string",
                ["NEG" if b < 0 and not model.has_classes else "POS" for b in model.beta[order]],
            ),
        },
        "standardized coefficient magnitudes",
    )


def importances_table(model: GLMModel) -> TwoDimTable | None:
    """Return the same sizes as variable importances; None without predictors.

    Columns that predictions leave out count nothing.
    """
    counted = model.beta == model.scoring_beta
    whole = magnitudes(model) * counted.reshape(model.class_beta.shape).all(axis=0)[:-1]
    order = np.argsort(-whole, kind="stable")
    if not len(order):
        return None
    sizes = whole[order].astype(np.float32).astype(np.float64)
    total, largest = sizes.sum(), sizes.max()
    names = np.array(model.design.names)[order].tolist()
    zeros = np.zeros_like(sizes)
    return TwoDimTable.of(
        "Variable Importances",
        {
            "variable": ("string", names),
            "relative_importance": ("double", "%5f", sizes.tolist()),
            "scaled_importance": (
                "double",
                "%5f",
                (sizes / largest if largest else zeros).tolist(),
            ),
            "percentage": ("double", "%5f", (sizes / total if total else zeros).tolist()),
        },
    )


def summary_table(
    model: GLMModel,
    best: Solution,
    iterations: int,
    search: dict[str, float] | None,
    n_intercepts: int = 1,
) -> TwoDimTable:
    """Return one row that says what was fitted; `search` has lambda max, min and 1se."""
    columns: dict[str, Any] = {
        "": ("string", [""]),
        "family": ("string", [model.family.name]),
        "link": ("string", [model.link.name]),
        "regularization": ("string", [_regularization(model, best)]),
    }
    if search is not None:
        columns["lambda_search"] = ("string", [_search_text(model, search)])
    n_blocks = len(model.class_beta)
    n_active = best.rank - (n_intercepts if model.params["intercept"] else 0)
    columns |= {
        "number_of_predictors_total": ("int", [len(model.beta) - n_blocks]),
        "number_of_active_predictors": ("string", [str(n_active)]),
        "number_of_iterations": ("int", [best.iteration if search is not None else iterations]),
        "training_frame": ("string", [model.output.training_frame or ""]),
    }
    return TwoDimTable.of("GLM Model", columns, "summary")


def _regularization(model: GLMModel, best: Solution) -> str:
    if tuple(model.params["lambda"] or ()) in ((), (0.0,)):
        return "None"
    if best.alpha == 0:
        kind = "Ridge ( lambda = "
    elif best.alpha == 1:
        kind = "Lasso (lambda = "
    else:
        kind = f"Elastic Net (alpha = {_round(best.alpha)}, lambda = "
    return f"{kind}{_round(best.lam)} )"


def _search_text(model: GLMModel, search: dict[str, float]) -> str:
    parts = [f"nlambda = {model.params['nlambdas']}"]
    parts += [f"{name} = {_round(value)}" for name, value in search.items()]
    return ", ".join(parts)


def _round(x: float) -> str:
    """Return `x` with four decimals more than it has zeros after the point, as H2O prints it."""
    if x <= 0 or not math.isfinite(x):
        return repr(float(x))
    scale = 10.0 ** (4 - int(math.log10(x)))
    rounded = math.floor(x * scale + 0.5) / scale
    if 1e-3 <= rounded < 1e7:
        return repr(rounded)
    mantissa, exponent = f"{rounded:.3E}".split("E")
    return f"{float(mantissa)!r}E{int(exponent)}"


def path_row(solution: Solution) -> dict[str, Any]:
    """Return the scoring history's own columns of one solution."""
    return {
        "iteration": solution.iteration,
        "lambda": f"{solution.lam:.2G}".replace("E-0", "E-").replace("E+0", "E"),
        "predictors": solution.rank,
        "deviance_train": solution.deviance_train,
        "deviance_test": solution.deviance_valid,
        "alpha": solution.alpha,
        "iterations": None,
    }
