"""From a spec to a linear model: design, path of penalties, inference, metrics, tables."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import ModelError
from dh2o.estimators.checkpoint import model_before
from dh2o.estimators.glm import tables
from dh2o.estimators.glm.constraints import wishes_of
from dh2o.estimators.glm.dispersion import most_likely_dispersion
from dh2o.estimators.glm.fit import Limits
from dh2o.estimators.glm.inference import Inference, infer
from dh2o.estimators.glm.inflation import inflation_factors
from dh2o.estimators.glm.linear import Linear, linear_of, report
from dh2o.estimators.glm.path import (
    Path,
    PathPlan,
    Solution,
    best_solution,
    lambda_max,
    lambda_series,
)
from dh2o.estimators.glm.problem import MultinomialProblem, Problem
from dh2o.estimators.glm.progress import Progress, fold_curves, one_error_lambda
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
#: H2O's cutoff, from which on AUTO takes L-BFGS.
_MOST_GRAM_COEFFICIENTS = 5000
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
    warnings: list[str] = field(default_factory=list)
    constraints: Linear | None = None


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
        state = start_state(problem, training.spec.params["startval"], null_beta, null_nll)
    plan = _plan(training, null_beta, gradient)
    spec = training.spec
    progress = Progress(spec, problem, plan, lambda beta: _bare_model(training, beta))
    path = Path(problem, plan, _limits(ctx, spec, progress), state)
    state.record(state.nll * problem.obj_reg, plan.lambdas[0], plan.alphas[0])

    def report(solution: Solution) -> None:
        done = len(path.solutions) / (len(plan.lambdas) * len(plan.alphas))
        at = f"iter={solution.iteration} lmb={solution.lam:.2G} alpha={solution.alpha:.2G}"
        ctx.update(0.9 * done, at)
        progress.after_solution(len(path.solutions) - 1, solution)

    if spec.params["max_iterations"] != 0:
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
    return _finish(training, path, best, progress)


def _begin(ctx: JobContext, spec: TrainSpec) -> Training:
    assert spec.response is not None
    roles = Roles(spec.response, spec.weights, spec.offset)
    design, response = design_of(spec, roles)
    if response.weight <= 0:
        raise ModelError(
            "No rows left in the dataset after filtering out rows with missing values. Ignore "
            "columns with many NAs or impute your missing values prior to calling glm."
        )
    problem = problem_of(spec, design, roles)
    given = spec.params["obj_reg"]
    problem.obj_reg = given if given > 0 else 1.0 / response.weight
    if isinstance(problem, MultinomialProblem):
        shares = response.by_class / response.weight
        null_beta = null_beta_of_classes(problem, shares)
        return Training(ctx, spec, problem, null_beta, math.nan, shares, response.n_obs)
    mu = null_mean(problem, response)
    return Training(ctx, spec, problem, null_beta_of(problem, mu), mu, None, response.n_obs)


def _is_by_gradient(training: Training) -> bool:
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


def _null_gradient(training: Training) -> tuple[float, F64]:
    """Return likelihood and gradient without predictors, after a check that memory suffices."""
    problem = training.problem
    if _is_by_gradient(training):
        return problem.gradient(training.null_beta)
    if problem.gram_nbytes > _MAX_GRAM_NBYTES:
        raise ModelError(
            f"The model would have {problem.n_coefficients:,} coefficients and need "
            f"{problem.gram_nbytes:,} bytes for its Gram matrix on every worker. Set "
            "solver='L_BFGS', which needs none, or leave out columns with very many levels."
        )
    if problem.is_large and not problem.is_linear:
        return problem.gradient(training.null_beta)
    gram = problem.gram(training.null_beta)
    return gram.nll, gram.gradient


def _plan(training: Training, null_beta: F64, gradient: F64) -> PathPlan:
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
    training.spec = spec = spec.with_actual(
        **{
            "lambda": lambdas,
            "nlambdas": n_lambdas if is_search else params["nlambdas"],
            "lambda_min_ratio": ratio,
            "obj_reg": problem.obj_reg,
            "solver": _solver(training, is_search),
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
        low=wishes.low,
        high=wishes.high,
        rho=wishes.rho,
        given=wishes.given,
        linear=_linear(training),
        is_search=is_search,
        early_stopping=params["early_stopping"],
        cold_start=params["cold_start"],
        max_active=params["max_active_predictors"],
        drop_collinear=params["remove_collinear_columns"]
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
    if _is_by_gradient(training):
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


def _bare_model(training: Training, fitted: F64) -> GLMModel:
    """Return the model of fitted coefficients, without metrics and tables."""
    spec, problem = training.spec, training.problem
    beta, norm_beta = problem.plain_and_standardised(fitted)
    beta, norm_beta = _with_prior(training, beta), _with_prior(training, norm_beta)
    return GLMModel(
        spec.model_key, spec.params, spec.output(), problem.design, beta, norm_beta,
        training.null_mu, training.class_shares,
        muted=tuple(spec.params["control_variables"] or ()),
        mutes_offset=bool(spec.params["remove_offset_effects"]),
    )  # fmt: skip


def _finish(training: Training, path: Path, best_idx: int, progress: Progress) -> GLMModel:
    spec, problem = training.spec, training.problem
    design = problem.design
    inferences = _infer(training, path)
    inference = inferences[best_idx] if inferences else None
    if len(path.state.dropped) and spec.params["remove_collinear_columns"]:
        names = [design.names[i] for i in path.state.dropped if i < design.n_coefficients]
        training.warnings.append(f"Removed collinear columns [{', '.join(names)}]")
        training.ctx.warn(training.warnings[-1])
    model = dataclasses.replace(
        _bare_model(training, path.solutions[best_idx].beta),
        covariance=None if inference is None else inference.covariance,
        z_values=None if inference is None else inference.z_values,
        p_values=None if inference is None else inference.p_values,
        **_path_arrays(problem, path, inferences),
    )
    dispersion = _dispersion_of(training, path.solutions[best_idx], inference)
    model = dataclasses.replace(model, dispersion=dispersion)
    return _with_output(training, path, best_idx, model, dispersion, progress)


def _with_prior(training: Training, beta: F64) -> F64:
    prior = training.spec.params["prior"]
    if prior <= 0:
        return beta
    mu = training.null_mu
    beta = beta.copy()
    beta[-1] -= math.log(mu * (1 - prior) / (prior * (1 - mu)))
    return beta


def _infer(training: Training, path: Path) -> list[Inference]:
    """Return what is known of the errors of each solution; nothing if nobody asked."""
    params, family, state = training.spec.params, training.problem.family, path.state
    if not params["compute_p_values"]:
        return []
    if len(state.dropped) and not params["remove_collinear_columns"]:
        names = [training.problem.design.names[i] for i in state.dropped]
        raise ModelError(
            "Found collinear columns in the dataset. P-values can not be computed with collinear "
            "columns in the dataset. Set remove_collinear_columns flag to true to remove collinear "
            f"columns automatically. Found collinear columns [{', '.join(names)}]"
        )
    known = family.known_dispersion or params["fix_dispersion_parameter"]
    dispersion = params["init_dispersion_parameter"] if known else None
    method = params["dispersion_parameter_method"]
    if method == "ml" and not known:
        dispersion = _most_likely(training, path.solutions[-1].beta)
    problem = training.problem
    made = []
    for solution in path.solutions:
        beta = solution.beta
        plain = problem.plain(beta)
        left_out = state.dropped if solution.lam == 0 else np.flatnonzero(beta == 0)
        made.append(infer(problem, plain, left_out, dispersion, method, exact=solution.lam == 0))
    return made


def _most_likely(training: Training, beta: F64) -> float:
    """Return the dispersion by maximum likelihood."""
    params, problem = training.spec.params, training.problem
    if problem.family.name == "negativebinomial":
        return float(params["theta"])  # estimated together with beta
    return most_likely_dispersion(problem, beta, params["init_dispersion_parameter"])


def _fit_theta(training: Training, path: Path) -> None:
    """Fit theta of the negative binomial and beta in turns, until theta stays."""
    problem, params = training.problem, training.spec.params
    theta = params["theta"]
    for _ in range(_MAX_TURNS):
        found = most_likely_dispersion(problem, path.state.beta, theta)
        moved, theta = abs(found - theta), found
        problem.family, problem.last = family_of("negativebinomial", theta=theta), None
        path.state.nll = problem.fit_sums(path.state.beta).nll
        path.refit()
        if moved <= _TURN_ACCURACY * params["dispersion_epsilon"] * max(theta, 1.0):
            break
    training.spec = training.spec.with_actual(theta=theta)


def _dispersion_of(training: Training, solution: Solution, inference: Inference | None) -> float:
    """Return the dispersion that likelihoods need; 0 where nothing asks for it."""
    params, family = training.spec.params, training.problem.family
    if inference is not None:
        return inference.dispersion
    if params["fix_dispersion_parameter"]:
        is_theta = family.name == "negativebinomial"
        return float(params["theta"] if is_theta else params["init_dispersion_parameter"])
    if not params["calc_like"] or family.known_dispersion:
        return 0.0
    if family.name == "negativebinomial":
        return float(params["theta"])
    if params["dispersion_parameter_method"] == "ml" or family.name == "tweedie":
        return _most_likely(training, solution.beta)
    sums = training.problem.fit_sums(solution.beta)
    n_free = sums.n_obs - solution.rank
    return sums.pearson / n_free if n_free > 0 else math.nan


def _path_arrays(problem: Problem, path: Path, inferences: list[Inference]) -> dict[str, Any]:
    solutions = path.solutions
    if len(solutions) < 2 and not path.plan.is_search:
        return {}
    betas = [problem.plain(s.beta) for s in solutions]
    return {
        "path_lambda": np.array([s.lam for s in solutions]),
        "path_alpha": np.array([s.alpha for s in solutions]),
        "path_beta": np.array(betas),
        "path_deviance": np.array([[s.deviance_train, s.deviance_valid] for s in solutions]),
        **({"path_z": np.array([i.z_values for i in inferences])} if inferences else {}),
        **({"path_p": np.array([i.p_values for i in inferences])} if inferences else {}),
    }


def _more_output(
    training: Training, path: Path, model: GLMModel, progress: Progress
) -> dict[str, Any]:
    """Return what further parameters ask to be shown."""
    more: dict[str, Any] = {}
    if training.spec.params["generate_variable_inflation_factors"]:
        more |= inflation_factors(training.problem)
    if training.constraints is not None:
        more |= report(training.constraints, model.beta, model.design.names)
        if not more["all_constraints_satisfied"]:
            training.warnings.append("Some linear constraints are not satisfied.")
    if model.muted or model.mutes_offset:
        plain = model.with_effects(muted=(), mutes_offset=False)
        found = progress.measure(plain)
        more["scoring_history_unrestricted_model"] = progress.table(
            path.state, path.solutions, found
        )
    return more


def _with_output(
    training: Training,
    path: Path,
    best_idx: int,
    model: GLMModel,
    dispersion: float,
    progress: Progress,
) -> GLMModel:
    spec, best = training.spec, path.solutions[best_idx]
    training.ctx.update(0.92, "Measuring the model")
    found = progress.measure(model)
    more = _more_output(training, path, model, progress)
    lambda_1se = one_error_lambda(spec.cv_facts, path.solutions, best_idx)
    search = None
    if path.plan.is_search:
        search = {
            "lambda.max": path.plan.lambda_max,
            "lambda.min": best.lam,
            "lambda.1se": lambda_1se,
        }
    output = spec.output(
        model_summary=tables.summary_table(
            model, best, path.state.iterations, search, training.problem.n_intercepts
        ),
        scoring_history=progress.table(path.state, path.solutions, found),
        variable_importances=tables.importances_table(model),
        training_metrics=found["training"],
        validation_metrics=found.get("validation"),
        warnings=(*spec.warnings, *training.warnings),
        extra={
            "coefficients_table": tables.coefficients_table(model, more),
            "coefficients_table_multinomials_with_class_names": tables.named_class_table(
                model, more
            ),
            "standardized_coefficient_magnitudes": tables.magnitudes_table(model),
            "coefficient_names": list(model.design.names),
            "lambda_best": best.lam,
            "alpha_best": best.alpha,
            "best_submodel_index": best_idx,
            "lambda_1se": lambda_1se,
            "lambda_min": best.lam if path.plan.is_search else -1.0,
            "lambda_max": path.plan.lambda_max if path.plan.is_search else -1.0,
            "dispersion": dispersion,
            **more,
        },
    )
    return dataclasses.replace(model, output=output)
