"""Standard errors and p-values of a fit without penalty."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import ModelError
from dh2o.estimators.glm.problem import Problem

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Inference:
    """Covariance of the coefficients for x as it is, z (or t) values, p-values, dispersion."""

    covariance: F64
    z_values: F64
    p_values: F64
    dispersion: float


def infer(
    problem: Problem,
    beta: F64,
    dropped: I64,
    dispersion: float | None,
    by: str,
    *,
    exact: bool,
) -> Inference:
    """Return what is known of the error of `beta` (for x as it is).

    IN: the dispersion, or None to estimate it `by` ``pearson`` or ``deviance``. Collinear columns
    are an error if the fit is `exact`; under a penalty they only leave nothing to say.
    """
    plain = replace(problem, standardise=False, last=None)
    estimated = dispersion is None
    active = np.setdiff1d(np.arange(len(beta)), dropped)
    xx = plain.new_gram(beta).xx / problem.obj_reg
    active = active[np.diag(xx)[active] > 0]
    fit = plain.fit_sums(beta)
    n_free = fit.n_obs - len(active)
    if dispersion is None:
        total = fit.pearson if by == "pearson" else fit.deviance
        dispersion = total / n_free if n_free > 0 else math.nan
    covariance = np.zeros_like(xx)
    covariance[np.ix_(active, active)] = (
        _inverse(xx[np.ix_(active, active)], exact=exact) * dispersion
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(np.isin(np.arange(len(beta)), active), beta, np.nan)
        z = z / np.sqrt(np.diag(covariance))
    return Inference(covariance, z, _p_values(z, n_free if estimated else None), dispersion)


def _inverse(xx: F64, *, exact: bool) -> F64:
    from scipy.linalg import cho_factor, cho_solve

    scale = 1.0 / np.sqrt(np.diag(xx))
    try:
        factor = cho_factor(xx * scale * scale[:, None], lower=True)
    except np.linalg.LinAlgError as error:
        if not exact:
            return np.full_like(xx, np.nan)
        raise ModelError(
            "P-values cannot be computed: the columns are collinear. Set "
            "remove_collinear_columns=True to leave the redundant ones out."
        ) from error
    inverse: F64 = cho_solve(factor, np.eye(len(xx))) * scale * scale[:, None]
    return inverse


def _p_values(z: F64, n_free: int | None) -> F64:
    from scipy.special import ndtr, stdtr

    tail = ndtr(-np.abs(z)) if n_free is None else stdtr(n_free, -np.abs(z))
    p: F64 = 2.0 * tail
    return p
