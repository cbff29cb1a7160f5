"""From a spec to a linear model: design, path of penalties, inference, metrics, tables."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import ModelError
from dh2o.estimators.building.checkpoint import model_before
from dh2o.estimators.building.small_matrices import blas_threads_for
from dh2o.estimators.glm.dispersion import most_likely_dispersion
from dh2o.estimators.glm.finish import bare_model, finish
from dh2o.estimators.glm.fit import Limits
from dh2o.estimators.glm.linear import Linear
from dh2o.estimators.glm.path import (
    Path,
    Solution,
    best_solution,
)
from dh2o.estimators.glm.plan import is_by_gradient, plan_of
from dh2o.estimators.glm.problem import MultinomialProblem, Problem
from dh2o.estimators.glm.progress import Progress, fold_curves
from dh2o.estimators.glm.rows import Roles
from dh2o.estimators.glm.start import (
    design_of,
    null_beta_of,
    null_beta_of_classes,
    null_mean,
    problem_of,
    start_state,
    state_of,
)
from dh2o.estimators.spec import TrainSpec
from dh2o.models.glm import GLMModel
from dh2o.models.glm_family import family_of

if TYPE_CHECKING:
    from dh2o.mrtask import JobContext

F64 = NDArray[np.float64]

#: Gram matrices above this are refused with the numbers before anything is allocated.
_MAX_GRAM_NBYTES = 1 << 30
#: How often theta and beta are fitted in turns at most, and how still theta must stand.
_MAX_TURNS = 50
_TURN_ACCURACY = 1e-3


@dataclass(slots=True, eq=False)
class Training:
    """Everything that a build finds out on its way."""

    ctx: JobContext
    spec: TrainSpec
    problem: Problem
    null_beta: F64
    null_mu: float
    class_shares: F64 | None
    n_obs: int
    weight: float
    mean: float = math.nan
    warnings: list[str] = field(default_factory=list)
    constraints: Linear | None = None
    #: What the model shows beside the usual, by its name in H2O's output.
    shown: dict[str, Any] = field(default_factory=dict)


def train_glm(ctx: JobContext, spec: TrainSpec) -> GLMModel:
    """Return the model of `spec`."""
    ctx.update(0.0, "Looking at the columns")
    training = _begin(ctx, spec)
    problem = training.problem
    null_beta = training.null_beta
    null_nll, gradient = _null_gradient(training)
    before = model_before(spec, GLMModel)
    if before is not None:
        state = state_of(problem, before)
    else:
        given = training.spec.params["startval"]
        state = start_state(problem, given, null_beta, null_nll, training.mean)
    plan = plan_of(training, null_beta, gradient)
    spec = training.spec
    progress = Progress(spec, problem, plan, lambda beta: bare_model(training, beta))
    path = Path(problem, plan, _limits(ctx, spec, progress), state)
    state.record(state.nll * problem.obj_reg, plan.lambdas[0], plan.alphas[0])

    def report(solution: Solution) -> None:
        done = len(path.solutions) / (len(plan.lambdas) * len(plan.alphas))
        at = f"iter={solution.iteration} lmb={solution.lam:.2G} alpha={solution.alpha:.2G}"
        ctx.update(0.9 * done, at)
        progress.after_solution(len(path.solutions) - 1, solution)

    if spec.params["max_iterations"] != 0:
        with blas_threads_for(problem.n_coefficients):
            path.run(report)
    else:
        path.solutions.append(Solution(0.0, plan.alphas[0], null_beta, 0, math.nan, math.nan, 0))
    by_likelihood = spec.params["dispersion_parameter_method"] == "ml"
    is_known = spec.params["fix_dispersion_parameter"]
    if by_likelihood and problem.family.name == "negativebinomial" and not is_known:
        _fit_theta(training, path)
        spec = training.spec
    if spec.params["max_iterations"] > 0 and state.iterations >= spec.params["max_iterations"]:
        ctx.warn(f"Reached maximum number of iterations {spec.params['max_iterations']}!")
    best = _choose(spec, path.solutions)
    return finish(training, path, best, progress)


def _begin(ctx: JobContext, spec: TrainSpec) -> Training:
    assert spec.response is not None
    roles = Roles(spec.response, spec.weights, spec.offset)
    design, response = design_of(spec, roles)
    if response.weight <= 0:
        raise ModelError(
            "No rows left in the dataset after filtering out rows with missing values. Ignore "
            "columns with many NAs or impute your missing values prior to calling glm."
        )
    problem = problem_of(spec, design, roles, response.by_class)
    given = spec.params["obj_reg"]
    problem.obj_reg = given if given > 0 else 1.0 / response.weight
    if isinstance(problem, MultinomialProblem):
        shares = response.by_class / response.weight
        null_beta = null_beta_of_classes(problem, shares)
        return Training(
            ctx, spec, problem, null_beta, math.nan, shares, response.n_obs, response.weight
        )
    mu = null_mean(problem, response)
    return Training(
        ctx, spec, problem, null_beta_of(problem, mu), mu, None, response.n_obs, response.weight,
        response.mean,
    )  # fmt: skip


def _null_gradient(training: Training) -> tuple[float, F64]:
    """Return likelihood and gradient without predictors, after a check that memory suffices."""
    problem = training.problem
    if is_by_gradient(training):
        return problem.gradient(training.null_beta)
    by_classes = problem.is_wide and _is_smooth(training)
    if problem.gram_nbytes > _MAX_GRAM_NBYTES and not by_classes:
        raise ModelError(
            f"The model would have {problem.n_coefficients:,} coefficients and need "
            f"{problem.gram_nbytes:,} bytes for its Gram matrix on every worker. Set "
            "solver='L_BFGS', which needs none, or leave out columns with very many levels."
        )
    if problem.is_large and not problem.is_linear:
        known = None if _seeks_lambda(training) else _null_likelihood(training)
        if known is not None:
            return known, np.zeros(problem.n_coefficients)
        return problem.gradient(training.null_beta)
    if by_classes:
        return problem.gradient(training.null_beta)
    gram = problem.gram(training.null_beta)
    return gram.nll, gram.gradient


def _is_smooth(training: Training) -> bool:
    """Whether no L1 penalty, bound or wish for independent columns is to be met."""
    params = training.spec.params
    given = params["lambda"]
    no_l1 = bool(given and not any(given)) or not any(params["alpha"])
    return no_l1 and not (
        params["non_negative"] or params["beta_constraints"] or params["remove_collinear_columns"]
    )


def _seeks_lambda(training: Training) -> bool:
    """Whether the largest lambda that leaves a predictor decides anything."""
    params = training.spec.params
    if not params["lambda"]:
        return True
    return any(params["lambda"]) and any(params["alpha"])


def _null_likelihood(training: Training) -> float | None:
    """Return the negative log likelihood of two classes without predictors; None for others."""
    problem, mu = training.problem, training.null_mu
    if problem.family.name != "binomial" or problem.roles.offset or not problem.intercept:
        return None
    return -training.weight * (mu * math.log(mu) + (1.0 - mu) * math.log1p(-mu))


def _limits(ctx: JobContext, spec: TrainSpec, progress: Progress) -> Limits:
    def out_of_time() -> bool:
        ctx.check()
        return spec.out_of_time()

    params = spec.params
    return Limits(
        params["max_iterations"],
        params["beta_epsilon"],
        params["objective_epsilon"],
        out_of_time,
        progress.after_step,
        by_metrics=params["stopping_rounds"] > 0,
        by_gradient=params["solver"] == "L_BFGS",
        gradient_epsilon=params["gradient_epsilon"],
    )


def _choose(spec: TrainSpec, solutions: list[Solution]) -> int:
    """Return the solution that the folds found best on held-out rows, else the best one here."""
    if len(solutions) < 2:
        return best_solution(solutions)
    curves = fold_curves(spec.cv_facts, solutions)
    totals = np.sum(curves, axis=0) if curves else np.full(len(solutions), np.nan)
    return best_solution(solutions) if np.isnan(totals).all() else int(np.nanargmin(totals))


def _fit_theta(training: Training, path: Path) -> None:
    """Fit theta of the negative binomial and beta in turns, until theta stays."""
    problem, params = training.problem, training.spec.params
    theta = params["theta"]
    for _ in range(_MAX_TURNS):
        found = most_likely_dispersion(
            problem, path.state.beta, theta, params["max_iterations_dispersion"]
        )
        moved, theta = abs(found - theta), found
        problem.family, problem.last = family_of("negativebinomial", theta=theta), None
        path.state.nll = problem.fit_sums(path.state.beta).nll
        path.refit()
        if moved <= _TURN_ACCURACY * params["dispersion_epsilon"] * max(theta, 1.0):
            break
    training.spec = training.spec.with_actual(theta=theta)
