"""How a linear model starts: its design, the mean without predictors, the first coefficients."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import ModelError
from dh2o.estimators.glm.fit import Problem, State
from dh2o.estimators.glm.moments import make_design
from dh2o.estimators.glm.passes import InterceptTask, ResponseTask
from dh2o.estimators.glm.rows import Roles
from dh2o.estimators.spec import TrainSpec
from dh2o.frame import Frame
from dh2o.models.glm_design import Design

F64 = NDArray[np.float64]

_NEWTON_STEPS = 50


def design_of(spec: TrainSpec, roles: Roles) -> Design:
    """Return the design of the model: all levels count where a penalty tells them apart."""
    params = spec.params
    unpenalised = (
        params["intercept"]
        and not params["lambda_search"]
        and (params["lambda"][0] == 0 if params["lambda"] else params["compute_p_values"])
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


def null_mean(problem: Problem) -> tuple[float, float, int]:
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


def null_beta_of(problem: Problem, null_mu: float) -> F64:
    """Return the coefficients of the model without predictors."""
    beta = np.zeros(len(problem.design.names))
    if problem.intercept and problem.family.name != "quasibinomial":
        with np.errstate(all="ignore"):
            beta[-1] = float(problem.link.link(np.array([null_mu]))[0])
    if not math.isfinite(beta[-1]):
        raise ModelError(
            f"The mean of the response, {null_mu:g}, has no finite value under the "
            f"{problem.link.name} link: the response is constant or out of the family's range."
        )
    return beta


def start_state(problem: Problem, given: Any, null_beta: F64) -> State:
    """Return where the fit starts: at the `given` coefficients, or without predictors."""
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
