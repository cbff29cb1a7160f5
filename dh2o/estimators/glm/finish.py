"""From solutions to a model: inference, dispersion, tables and metrics."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import ModelError
from dh2o.estimators.glm import tables
from dh2o.estimators.glm.dispersion import most_likely_dispersion
from dh2o.estimators.glm.inference import Inference, infer
from dh2o.estimators.glm.inflation import inflation_factors
from dh2o.estimators.glm.linear import report
from dh2o.estimators.glm.path import Path, Solution
from dh2o.estimators.glm.problem import Problem
from dh2o.estimators.glm.progress import Progress, one_error_lambda
from dh2o.models.glm import GLMModel

if TYPE_CHECKING:
    from dh2o.estimators.glm.training import Training

F64 = NDArray[np.float64]


def bare_model(training: Training, fitted: F64) -> GLMModel:
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


def finish(training: Training, path: Path, best_idx: int, progress: Progress) -> GLMModel:
    spec, problem = training.spec, training.problem
    design = problem.design
    inferences = _infer(training, path)
    inference = inferences[best_idx] if inferences else None
    if len(path.state.dropped) and spec.params["remove_collinear_columns"]:
        names = [design.names[i] for i in path.state.dropped if i < design.n_coefficients]
        training.warnings.append(f"Removed collinear columns [{', '.join(names)}]")
        training.ctx.warn(training.warnings[-1])
    model = dataclasses.replace(
        bare_model(training, path.solutions[best_idx].beta),
        covariance=None if inference is None else inference.covariance,
        z_values=None if inference is None else inference.z_values,
        p_values=None if inference is None else inference.p_values,
        **_path_arrays(problem, path, inferences),
    )
    dispersion = _dispersion_of(training, path.solutions[best_idx], inference)
    model = dataclasses.replace(model, dispersion=dispersion)
    if inference is not None and spec.params["influence"] is not None:
        from dh2o.estimators.glm.influence import influence_frame

        beta = path.solutions[best_idx].beta
        training.shown["regression_influence_diagnostics"] = influence_frame(
            spec, problem, beta, inference
        )
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
    return most_likely_dispersion(
        problem, beta, params["init_dispersion_parameter"], params["max_iterations_dispersion"]
    )


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
    more: dict[str, Any] = training.shown.copy()
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
        scoring_history=progress.table(
            path.state, path.solutions, found, restricted=bool(model.muted or model.mutes_offset)
        ),
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
            "lambda_min": path.plan.lambdas[-1] if path.plan.is_search else -1.0,
            "lambda_max": path.plan.lambda_max if path.plan.is_search else -1.0,
            "dispersion": dispersion,
            **more,
        },
    )
    return dataclasses.replace(model, output=output)
