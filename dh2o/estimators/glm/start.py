"""How a linear model starts: its design, the mean without predictors, the first coefficients."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import ModelError
from dh2o.estimators.glm.fit import State
from dh2o.estimators.glm.interactions import derived_columns
from dh2o.estimators.glm.moments import Response, make_design
from dh2o.estimators.glm.passes import InterceptTask
from dh2o.estimators.glm.problem import MultinomialProblem, OrdinalProblem, Problem
from dh2o.estimators.glm.rows import Roles
from dh2o.estimators.spec import TrainSpec
from dh2o.frame import Frame
from dh2o.models.glm import GLMModel
from dh2o.models.glm_design import Design
from dh2o.models.glm_family import family_of
from dh2o.models.glm_link import link_of

F64 = NDArray[np.float64]

_NEWTON_STEPS = 50


def design_of(spec: TrainSpec, roles: Roles) -> tuple[Design, Response]:
    """Return the design, and facts on the response; all levels count where a penalty acts."""
    params = spec.params
    unpenalised = (
        params["intercept"]
        and not params["lambda_search"]
        and (
            params["lambda"][0] == 0
            if params["lambda"]
            else params["compute_p_values"]
            or params["linear_constraints"] is not None
            or params["dispersion_parameter_method"] == "ml"
        )
    )
    design, response = _design(spec, roles, all_levels=not unpenalised)
    if not params["interactions"] and not params["interaction_pairs"]:
        return design, response
    added = derived_columns(spec, design)
    return _design(spec, roles, all_levels=not unpenalised, added=added)


def _design(
    spec: TrainSpec, roles: Roles, *, all_levels: bool, **more: Any
) -> tuple[Design, Response]:
    params = spec.params
    return make_design(
        spec.train,
        spec.x,
        roles,
        all_levels=all_levels,
        skip_na=params["missing_values_handling"] == "Skip",
        plugs=_plugs(params["plug_values"]),
        n_classes=spec.n_classes if spec.n_classes > 2 else 0,
        **more,
    )


def problem_of(spec: TrainSpec, design: Design, roles: Roles, by_class: F64) -> Problem:
    """Return what is minimised; its ``obj_reg`` is yet to be set.

    IN: ``by_class``, the weight of each class where there are several.
    """
    params = spec.params
    family = family_of(params["family"], params["tweedie_variance_power"], params["theta"])
    link = link_of(params["link"], params["tweedie_link_power"])
    used = list(design.base_columns)
    used += [name for name in (roles.weights, roles.offset, roles.response) if name]
    frame = spec.train.select(used)
    common = (frame, design, family, link, roles, params["standardize"], params["intercept"], 1.0)
    if family.name == "multinomial":
        return MultinomialProblem(*common, n_classes=spec.n_classes, present=_present(by_class))
    if family.name == "ordinal":
        by_squares = params["solver"] == "GRADIENT_DESCENT_SQERR"
        return OrdinalProblem(
            *common, n_classes=spec.n_classes, present=_present(by_class),
            by_squared_error=by_squares,
        )  # fmt: skip
    return Problem(*common)


def _present(by_class: F64) -> NDArray[np.int64]:
    """Return the classes that have rows."""
    present = np.flatnonzero(by_class > 0)
    if len(present) < 2:
        raise ModelError(
            "All rows that can be used for training are of one class. Give the model rows of "
            "another class too."
        )
    return present


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


def null_mean(problem: Problem, response: Response) -> float:
    """Return the mean that the intercept alone gives."""
    if problem.roles.offset is not None and problem.intercept and response.weight > 0:
        return _intercept_under_offset(problem, response.mean)
    if not problem.intercept or response.weight <= 0:
        return float(problem.link.inverse(np.zeros(1))[0])
    return response.mean


def _intercept_under_offset(problem: Problem, mean: float) -> float:
    """Return the inverse link of the intercept that fits best beside the offset."""
    with np.errstate(all="ignore"):
        b = float(problem.link.link(np.array([mean]))[0])
    offset = problem.frame.select([problem.roles.offset or ""]).rollups()[0].mean
    b = b - offset if math.isfinite(b) else 0.0
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


def null_beta_of_classes(problem: MultinomialProblem, shares: F64) -> F64:
    """Return the coefficients that give every row the shares of the classes."""
    blocks = np.zeros((problem.n_classes, problem.design.n_coefficients))
    with np.errstate(divide="ignore"):
        if problem.intercept and isinstance(problem, OrdinalProblem):
            below = np.minimum(np.cumsum(shares)[:-1], 1.0)
            blocks[:-1, -1] = np.log(below / (1.0 - below))
        elif problem.intercept:
            blocks[:, -1] = np.log(shares)
    return problem.of_blocks(blocks)


def null_beta_of(problem: Problem, null_mu: float) -> F64:
    """Return the coefficients of the model without predictors."""
    beta = np.zeros(problem.n_coefficients)
    if problem.intercept and problem.family.name != "quasibinomial":
        with np.errstate(all="ignore"):
            beta[-1] = float(problem.link.link(np.array([null_mu]))[0])
    if not math.isfinite(beta[-1]):
        raise ModelError(
            f"The mean of the response, {null_mu:g}, has no finite value under the "
            f"{problem.link.name} link: the response is constant or out of the family's range."
        )
    return beta


def state_of(problem: Problem, model: GLMModel) -> State:
    """Return the coefficients of an earlier model as a start; new names start at 0."""
    before = {name: i for i, name in enumerate(model.design.names)}
    blocks = np.zeros((len(model.class_beta), problem.design.n_coefficients))
    for i, name in enumerate(problem.design.names):
        if name in before:
            blocks[:, i] = model.class_beta[:, before[name]]
    blocks[np.isinf(blocks)] = 0.0  # classes that had no rows then
    if problem.standardise:
        blocks = problem.design.standardised(blocks)
    beta = problem.of_blocks(blocks)
    return State(beta, problem.fit_sums(beta).nll)


def start_state(
    problem: Problem, given: Any, null_beta: F64, null_nll: float, mean: float
) -> State:
    """Return where the fit starts: at the `given` coefficients, or without predictors.

    Where predictors are needed for a mean in the link's range, what fits the response's own values
    halfway to their `mean` is the start.
    """
    if given is None and (math.isfinite(null_nll) or isinstance(problem, MultinomialProblem)):
        return State(null_beta.copy(), null_nll)
    if given is None:
        beta = problem.beta_of_response(mean)
        return State(beta, problem.fit_sums(beta).nll)
    n_wanted = problem.blocks(null_beta).size
    if len(given) != n_wanted:
        raise ModelError(
            f"Initial coefficient length ({len(given)}) does not equal to actual GLM coefficient "
            f"length({n_wanted}). The order of coefficients should be: "
            f"{', '.join(problem.design.names)}."
        )
    blocks = np.array(given, dtype=np.float64).reshape(-1, problem.design.n_coefficients)
    beta = problem.of_blocks(blocks)
    return State(beta, problem.fit_sums(beta).nll)
