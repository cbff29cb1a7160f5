"""Which penalties a linear model is solved for, and what AUTO stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dh2o.estimators.glm.constraints import wishes_of
from dh2o.estimators.glm.linear import Linear, linear_of
from dh2o.estimators.glm.path import PathPlan, lambda_max, lambda_series
from dh2o.estimators.glm.rows import Roles

if TYPE_CHECKING:
    from dh2o.estimators.glm.training import Training

F64 = NDArray[np.float64]

#: H2O's cutoff, from which on AUTO takes L-BFGS.
_MOST_GRAM_COEFFICIENTS = 5000


def is_by_gradient(training: Training) -> bool:
    """Whether L-BFGS solves it; as in H2O when asked, and by itself for very many coefficients."""
    params, problem = training.spec.params, training.problem
    if params["solver"] != "AUTO":
        return bool(params["solver"] == "L_BFGS")
    if params["remove_collinear_columns"] or problem.family.name == "ordinal":
        return False
    ridge = problem.family.name == "multinomial" and (params["alpha"] or (0.5,))[0] == 0
    bounded = params["non_negative"] or params["beta_constraints"]
    return problem.n_coefficients > _MOST_GRAM_COEFFICIENTS or (
        ridge and not params["lambda_search"] and not bounded
    )


def plan_of(training: Training, null_beta: F64, gradient: F64) -> PathPlan:
    spec, problem = training.spec, training.problem
    params = spec.params
    alphas = tuple(params["alpha"])
    largest = lambda_max(gradient, alphas[0])
    is_search = params["lambda_search"] and not params["lambda"]
    n_lambdas = params["nlambdas"] if params["nlambdas"] > 0 else (30 if alphas[0] == 0 else 100)
    ratio = _min_ratio(training, alphas[0])
    if params["lambda"]:
        lambdas = tuple(params["lambda"])
    elif is_search:
        lambdas = lambda_series(largest, ratio, n_lambdas)
    elif (
        params["compute_p_values"]
        or params["linear_constraints"]
        or params["dispersion_parameter_method"] == "ml"
    ):
        lambdas = (0.0,)
    else:
        lambdas = (10.0 * ratio * largest,)
    solver = _solver(training, is_search)
    training.spec = spec = spec.with_actual(
        **{
            "lambda": lambdas,
            "nlambdas": n_lambdas if is_search else params["nlambdas"],
            "lambda_min_ratio": ratio,
            "obj_reg": problem.obj_reg,
            "solver": solver,
            "max_iterations": _max_iterations(training, is_search, n_lambdas),
            "objective_epsilon": _objective_epsilon(params, is_search, lambdas),
            "gradient_epsilon": _gradient_epsilon(params, is_search, lambdas),
        }
    )
    wishes = wishes_of(
        problem.design,
        non_negative=params["non_negative"],
        constraints=params["beta_constraints"],
        standardise=problem.standardise,
    )
    return PathPlan(
        alphas=alphas,
        lambdas=lambdas,
        lambda_max=largest,
        null_beta=null_beta,
        null_gradient=gradient,
        low=wishes.low,
        high=wishes.high,
        rho=wishes.rho,
        given=wishes.given,
        linear=_linear(training),
        is_search=is_search,
        early_stopping=params["early_stopping"],
        cold_start=params["cold_start"],
        max_active=params["max_active_predictors"],
        drop_collinear=(params["remove_collinear_columns"] and solver == "IRLSM")
        or (params["compute_p_values"] and not any(lambdas)),
        valid=spec.valid,
        valid_roles=Roles(spec.response or "", spec.valid_weights or spec.weights, spec.offset),
    )


def _linear(training: Training) -> Linear | None:
    """Return the linear constraints on fitted coefficients."""
    key, problem = training.spec.params["linear_constraints"], training.problem
    if key is None:
        return None
    training.constraints = linear_of(problem.design, key)
    if not problem.standardise:
        return training.constraints
    return training.constraints.of_standardised(problem.design)


def _min_ratio(training: Training, alpha: float) -> float:
    given = training.spec.params["lambda_min_ratio"]
    if given != -1:
        return float(given)
    n_predictors = training.problem.design.n_coefficients - 1
    ratio = 1e-4 if (training.n_obs >> 4) > n_predictors else 1e-2
    return ratio * 1e-2 if alpha == 0 else ratio


def _solver(training: Training, is_search: bool) -> str:
    params = training.spec.params
    if params["solver"] != "AUTO":
        return str(params["solver"])
    if training.problem.family.name == "ordinal":
        return "GRADIENT_DESCENT_LH"
    bounded = params["non_negative"] or params["beta_constraints"]
    if params["remove_collinear_columns"]:
        return "IRLSM"
    if is_by_gradient(training):
        return "L_BFGS"
    return "COORDINATE_DESCENT" if is_search or bounded else "IRLSM"


def _max_iterations(training: Training, is_search: bool, n_lambdas: int) -> int:
    params, problem = training.spec.params, training.problem
    if params["max_iterations"] != -1:
        return int(params["max_iterations"])
    if params["solver"] != "L_BFGS":
        return 10 * n_lambdas if is_search else 50
    n_blocks = len(problem.blocks(training.null_beta))
    n = 100 * n_lambdas if is_search else max(20, (problem.design.n_coefficients - 1) >> 2)
    return n * n_blocks * (10 if params["alpha"][0] > 0 else 1)


def _gradient_epsilon(params: Any, is_search: bool, lambdas: tuple[float, ...]) -> float:
    if params["gradient_epsilon"] != -1:
        return float(params["gradient_epsilon"])
    epsilon = 1e-6 if lambdas[0] == 0 else 1e-4
    return epsilon * 1e-2 if is_search else epsilon


def _objective_epsilon(params: Any, is_search: bool, lambdas: tuple[float, ...]) -> float:
    if params["objective_epsilon"] != -1:
        return float(params["objective_epsilon"])
    return 1e-6 if lambdas[0] == 0 and not is_search else 1e-4
