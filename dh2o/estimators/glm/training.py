"""From a spec to a linear model: design, path of penalties, inference, metrics, tables."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import ModelError
from dh2o.estimators.glm import tables
from dh2o.estimators.glm.constraints import bounds_of
from dh2o.estimators.glm.fit import Limits, Problem, State
from dh2o.estimators.glm.inference import Inference, infer
from dh2o.estimators.glm.moments import make_design
from dh2o.estimators.glm.passes import InterceptTask, ResponseTask
from dh2o.estimators.glm.path import (
    Path,
    PathPlan,
    Solution,
    best_solution,
    lambda_max,
    lambda_series,
)
from dh2o.estimators.glm.rows import Roles
from dh2o.estimators.history import ScoringEvent, ScoringHistory
from dh2o.estimators.scoring import model_metrics
from dh2o.estimators.spec import TrainSpec
from dh2o.estimators.stopping import StopRule
from dh2o.frame import Frame
from dh2o.models.glm import GLMModel
from dh2o.models.glm_design import Design
from dh2o.models.glm_family import family_of
from dh2o.models.glm_link import link_of

if TYPE_CHECKING:
    from dh2o.mrtask import JobContext

F64 = NDArray[np.float64]

#: Gram matrices above this are refused with the numbers before anything is allocated.
_MAX_GRAM_NBYTES = 1 << 30
_NEWTON_STEPS = 50


@dataclass(slots=True, eq=False)
class Training:
    """Everything that a build finds out on its way."""

    ctx: JobContext
    spec: TrainSpec
    problem: Problem
    null_mu: float
    n_obs: int
    warnings: list[str] = field(default_factory=list)


def train_glm(ctx: JobContext, spec: TrainSpec) -> GLMModel:
    """Return the model of `spec`."""
    ctx.update(0.0, "Looking at the columns")
    training = _begin(ctx, spec)
    problem = training.problem
    null_beta = _null_beta(training)
    state = _start_state(training, null_beta)
    gram = problem.gram(null_beta)
    plan = _plan(training, null_beta, gram.gradient)
    spec = training.spec
    path = Path(problem, plan, _limits(ctx, spec), state)
    state.record(state.nll * problem.obj_reg)
    if spec.params["max_iterations"] != 0:
        path.run(lambda solution: _report(ctx, plan, path, solution))
    else:
        path.solutions.append(Solution(0.0, plan.alphas[0], null_beta, 0, math.nan, math.nan, 0))
    if spec.params["max_iterations"] > 0 and state.iterations >= spec.params["max_iterations"]:
        ctx.warn(f"Reached maximum number of iterations {spec.params['max_iterations']}!")
    best = _choose(spec, path.solutions)
    return _finish(training, path, best)


def _begin(ctx: JobContext, spec: TrainSpec) -> Training:
    assert spec.response is not None
    params = spec.params
    roles = Roles(spec.response, spec.weights, spec.offset)
    family = family_of(params["family"], params["tweedie_variance_power"], params["theta"])
    link = link_of(params["link"], params["tweedie_link_power"])
    design = _design(spec, roles)
    nbytes = 8 * design.n_places**2
    if nbytes > _MAX_GRAM_NBYTES:
        raise ModelError(
            f"The model would have {design.n_places - 1} coefficients and need {nbytes:,} bytes "
            "for its Gram matrix on every worker. Leave out columns with very many levels."
        )
    used = [*design.categoricals, *design.numerics]
    used += [name for name in (roles.weights, roles.offset, roles.response) if name]
    frame = spec.train.select(used)
    problem = Problem(
        frame, design, family, link, roles, params["standardize"], params["intercept"], 1.0
    )
    mu, weight, n_obs = _null_mean(problem)
    if weight <= 0:
        raise ModelError(
            "No rows left in the dataset after filtering out rows with missing values. Ignore "
            "columns with many NAs or impute your missing values prior to calling glm."
        )
    given = params["obj_reg"]
    problem.obj_reg = given if given > 0 else 1.0 / weight
    return Training(ctx, spec, problem, mu, n_obs)


def _design(spec: TrainSpec, roles: Roles) -> Design:
    params = spec.params
    unpenalised = (
        params["intercept"]
        and not params["lambda_search"]
        and (params["compute_p_values"] or (params["lambda"] and params["lambda"][0] == 0))
    )
    return make_design(
        spec.train,
        spec.x,
        roles,
        all_levels=not unpenalised,
        skip_na=params["missing_values_handling"] == "Skip",
        plugs=_plugs(params["plug_values"]),
    )


def _plugs(key: str | None) -> dict[str, Any] | None:
    """Return the one row of the frame of plug values: numbers, and levels as texts."""
    if key is None:
        return None
    frame = Frame.get(key)
    row = frame.rows(0, 1)
    values: dict[str, Any] = {}
    for name, vec in zip(frame.names, frame.vecs, strict=True):
        if vec.domain is not None:
            values[name] = vec.domain[row.codes(name)[0]]
        elif row.chunk(name).kind == "string":
            values[name] = row.strings(name)[0].as_py()
        else:
            values[name] = float(row.floats(name)[0])
    return values


def _null_mean(problem: Problem) -> tuple[float, float, int]:
    """Return the mean that the intercept alone gives, the total weight, and the rows."""
    task = ResponseTask(problem.design, problem.roles)
    weight, weighted_y, n_obs = task.do_all(problem.frame)
    if not problem.intercept or weight <= 0:
        mean = float(problem.link.inverse(np.zeros(1))[0])
    elif problem.roles.offset is None:
        mean = float(weighted_y / weight)
    else:
        mean = _intercept_under_offset(problem, float(weighted_y / weight))
    return mean, float(weight), int(n_obs)


def _intercept_under_offset(problem: Problem, mean: float) -> float:
    """Return the inverse link of the intercept that fits best beside the offset."""
    with np.errstate(all="ignore"):
        b = float(problem.link.link(np.array([mean]))[0])
    b = b if math.isfinite(b) else 0.0
    for _ in range(_NEWTON_STEPS):
        task = InterceptTask(problem.design, problem.roles, problem.family, problem.link, b)
        weight, gradient = task.do_all(problem.frame)
        step = gradient / weight if weight else 0.0
        if not math.isfinite(step):
            break
        b += step
        if abs(step) < 1e-10 * max(1.0, abs(b)):
            break
    return float(problem.link.inverse(np.array([b]))[0])


def _null_beta(training: Training) -> F64:
    problem = training.problem
    beta = np.zeros(len(problem.design.names))
    if problem.intercept and problem.family.name != "quasibinomial":
        with np.errstate(all="ignore"):
            beta[-1] = float(problem.link.link(np.array([training.null_mu]))[0])
    if not math.isfinite(beta[-1]):
        raise ModelError(
            f"The mean of the response, {training.null_mu:g}, has no finite value under the "
            f"{problem.link.name} link: the response is constant or out of the family's range."
        )
    return beta


def _start_state(training: Training, null_beta: F64) -> State:
    given = training.spec.params["startval"]
    problem = training.problem
    if given is None:
        return State(null_beta.copy(), problem.gram(null_beta).nll)
    if len(given) != len(null_beta):
        raise ModelError(
            f"Initial coefficient length ({len(given)}) does not equal to actual GLM coefficient "
            f"length({len(null_beta)}). The order of coefficients should be: "
            f"{', '.join(problem.design.names)}."
        )
    beta = np.array(given, dtype=np.float64)
    return State(beta, problem.fit_sums(beta).nll)


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
    elif params["compute_p_values"]:
        lambdas = (0.0,)
    elif is_search:
        lambdas = lambda_series(largest, ratio, n_lambdas)
    else:
        lambdas = (10.0 * ratio * largest,)
    training.spec = spec = spec.with_actual(
        **{
            "lambda": lambdas,
            "nlambdas": n_lambdas if is_search else params["nlambdas"],
            "lambda_min_ratio": ratio,
            "obj_reg": problem.obj_reg,
            "solver": _solver(params, is_search),
            "max_iterations": _max_iterations(params, is_search, n_lambdas),
            "objective_epsilon": _objective_epsilon(params, is_search, lambdas),
        }
    )
    bounds = bounds_of(
        problem.design,
        non_negative=params["non_negative"],
        constraints=params["beta_constraints"],
        standardise=problem.standardise,
    )
    low, high = bounds if bounds is not None else (None, None)
    return PathPlan(
        alphas=alphas,
        lambdas=lambdas,
        lambda_max=largest,
        null_beta=null_beta,
        low=low,
        high=high,
        is_search=is_search,
        early_stopping=params["early_stopping"],
        cold_start=params["cold_start"],
        max_active=params["max_active_predictors"],
        drop_collinear=params["remove_collinear_columns"] or params["compute_p_values"],
        valid=spec.valid,
        valid_roles=Roles(spec.response or "", spec.valid_weights or spec.weights, spec.offset),
    )


def _min_ratio(training: Training, alpha: float) -> float:
    given = training.spec.params["lambda_min_ratio"]
    if given != -1:
        return float(given)
    n_predictors = len(training.problem.design.names) - 1
    ratio = 1e-4 if (training.n_obs >> 4) > n_predictors else 1e-2
    return ratio * 1e-2 if alpha == 0 else ratio


def _solver(params: Any, is_search: bool) -> str:
    if params["solver"] != "AUTO":
        return str(params["solver"])
    bounded = params["non_negative"] or params["beta_constraints"]
    if params["remove_collinear_columns"]:
        return "IRLSM"
    return "COORDINATE_DESCENT" if is_search or bounded else "IRLSM"


def _max_iterations(params: Any, is_search: bool, n_lambdas: int) -> int:
    if params["max_iterations"] != -1:
        return int(params["max_iterations"])
    return 10 * n_lambdas if is_search else 50


def _objective_epsilon(params: Any, is_search: bool, lambdas: tuple[float, ...]) -> float:
    if params["objective_epsilon"] != -1:
        return float(params["objective_epsilon"])
    return 1e-6 if lambdas[0] == 0 and not is_search else 1e-4


def _limits(ctx: JobContext, spec: TrainSpec) -> Limits:
    def out_of_time() -> bool:
        ctx.check()
        return spec.out_of_time()

    params = spec.params
    return Limits(
        params["max_iterations"], params["beta_epsilon"], params["objective_epsilon"], out_of_time
    )


def _report(ctx: JobContext, plan: PathPlan, path: Path, solution: Solution) -> None:
    done = len(path.solutions) / (len(plan.lambdas) * len(plan.alphas))
    ctx.update(
        0.9 * done, f"iter={solution.iteration} lmb={solution.lam:.2G} alpha={solution.alpha:.2G}"
    )


def _choose(spec: TrainSpec, solutions: list[Solution]) -> int:
    """Return the solution that the folds found best on held-out rows, else the best one here."""
    facts = [f for f in spec.cv_facts if f.get("lambda") and f.get("deviance")]
    if not facts or len(solutions) < 2:
        return best_solution(solutions)
    totals = np.zeros(len(solutions))
    logs = np.log([max(s.lam, 1e-300) for s in solutions])
    for fact in facts:
        order = np.argsort(fact["lambda"])
        known = np.log(np.maximum(np.array(fact["lambda"])[order], 1e-300))
        totals += np.interp(logs, known, np.array(fact["deviance"])[order])
    return int(np.nanargmin(totals))


def _finish(training: Training, path: Path, best_idx: int) -> GLMModel:
    spec, problem = training.spec, training.problem
    best = path.solutions[best_idx]
    design = problem.design
    if problem.standardise:
        norm_beta, beta = best.beta, design.destandardised(best.beta)
    else:
        norm_beta, beta = design.standardised(best.beta), best.beta
    beta, norm_beta = _with_prior(training, beta), _with_prior(training, norm_beta)
    inference = _infer(training, path.state, beta)
    if len(path.state.dropped) and spec.params["remove_collinear_columns"]:
        names = [design.names[i] for i in path.state.dropped]
        training.warnings.append(f"Removed collinear columns [{', '.join(names)}]")
        training.ctx.warn(training.warnings[-1])
    model = GLMModel(
        spec.model_key,
        spec.params,
        spec.output(),
        design,
        beta,
        norm_beta,
        training.null_mu,
        covariance=None if inference is None else inference.covariance,
        z_values=None if inference is None else inference.z_values,
        p_values=None if inference is None else inference.p_values,
        **_path_arrays(problem, path),
    )
    return _with_output(training, path, best_idx, model, inference)


def _with_prior(training: Training, beta: F64) -> F64:
    prior = training.spec.params["prior"]
    if prior <= 0:
        return beta
    mu = training.null_mu
    beta = beta.copy()
    beta[-1] -= math.log(mu * (1 - prior) / (prior * (1 - mu)))
    return beta


def _infer(training: Training, state: State, beta: F64) -> Inference | None:
    params, family = training.spec.params, training.problem.family
    if not params["compute_p_values"]:
        return None
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
    return infer(training.problem, beta, state.dropped, dispersion, method)


def _path_arrays(problem: Problem, path: Path) -> dict[str, F64]:
    solutions = path.solutions
    if len(solutions) < 2 and not path.plan.is_search:
        return {}
    design = problem.design
    betas = [design.destandardised(s.beta) if problem.standardise else s.beta for s in solutions]
    return {
        "path_lambda": np.array([s.lam for s in solutions]),
        "path_alpha": np.array([s.alpha for s in solutions]),
        "path_beta": np.array(betas),
        "path_deviance": np.array([[s.deviance_train, s.deviance_valid] for s in solutions]),
    }


def _with_output(
    training: Training, path: Path, best_idx: int, model: GLMModel, inference: Inference | None
) -> GLMModel:
    spec, best = training.spec, path.solutions[best_idx]
    training.ctx.update(0.92, "Measuring the model")
    metrics = model_metrics(model, spec.train, weights=spec.weights)
    valid = None
    if spec.valid is not None:
        valid = model_metrics(model, spec.valid, weights=spec.valid_weights or spec.weights)
    search = None
    if path.plan.is_search:
        search = {"lambda.max": path.plan.lambda_max, "lambda.min": best.lam, "lambda.1se": -1.0}
    output = spec.output(
        model_summary=tables.summary_table(model, best, path.state.iterations, search),
        scoring_history=_history(training, path, metrics, valid),
        variable_importances=tables.importances_table(model),
        training_metrics=metrics,
        validation_metrics=valid,
        warnings=(*spec.warnings, *training.warnings),
        extra={
            "coefficients_table": tables.coefficients_table(model),
            "standardized_coefficient_magnitudes": tables.magnitudes_table(model),
            "coefficient_names": list(model.design.names),
            "lambda_best": best.lam,
            "alpha_best": best.alpha,
            "best_submodel_index": best_idx,
            "lambda_1se": -1.0,
            "lambda_min": best.lam if path.plan.is_search else -1.0,
            "lambda_max": path.plan.lambda_max if path.plan.is_search else -1.0,
            "dispersion": 0.0 if inference is None else inference.dispersion,
        },
    )
    return dataclasses.replace(model, output=output)


def _history(training: Training, path: Path, metrics: Any, valid: Any) -> Any:
    spec = training.spec
    is_search = path.plan.is_search
    columns = {"iterations": "int", "negative_log_likelihood": "double", "objective": "double"}
    if is_search:
        columns = tables.path_columns()
        if spec.valid is None:
            del columns["deviance_test"]
    history = ScoringHistory(
        spec.category, columns, StopRule.of(spec.params, spec.category), spec.start_time_ms
    )
    if is_search:
        rows = [(s.time_ms, tables.path_row(s)) for s in path.solutions]
    else:
        rows = [
            (
                step.time_ms,
                {
                    "iterations": step.iteration,
                    "negative_log_likelihood": step.nll,
                    "objective": step.objective,
                },
            )
            for step in path.state.steps
        ]
    for time_ms, own in rows[: -1 if rows else None]:
        history.events.append(ScoringEvent(time_ms, own, {}))
    last = rows[-1][1] if rows else {}
    if is_search:
        last = {**last, "iterations": path.state.iterations}
    history.add(last, metrics, valid)
    found = {"training": metrics} if valid is None else {"training": metrics, "validation": valid}
    return tables.with_r2(history.table(), found)
