from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dh2o.errors import ModelError
from dh2o.estimators.glm.kernels import sweeps_kernel
from dh2o.estimators.glm.linear import Linear, solve_constrained
from dh2o.estimators.glm.solve import Penalty, independent_columns, solve, sweeps
from dh2o.models.glm_family import FAMILIES, Classes, family_of
from dh2o.models.glm_link import link_of

ONE_MEAN = [name for name, family in FAMILIES.items() if not issubclass(family, Classes)]


def problem(seed: int, p: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(40, p))
    X[:, -1] = 1.0
    return X.T @ X / 40, X.T @ rng.normal(size=40)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 999), st.integers(2, 60), st.floats(0, 1), st.floats(0, 3), st.booleans())
def test_solution_is_a_minimum(seed: int, p: int, alpha: float, lam: float, bounded: bool) -> None:
    xx, xy = problem(seed, p)
    low = np.append(np.zeros(p - 1), -np.inf) if bounded else None
    high = np.full(p, 2.0) if bounded else None
    penalty = Penalty(lam, alpha, low, high)
    beta = solve(xx, xy, penalty, np.zeros(p), intercept=True)

    def objective(b: np.ndarray) -> float:
        return float(b @ xx @ b / 2 - xy @ b) + penalty.value(b)

    best = objective(beta)
    rng = np.random.default_rng(seed + 1)
    for size in (1e-3, 1e-1):
        for _ in range(10):
            other = penalty.clipped(beta + size * rng.normal(size=p))
            assert objective(other) >= best - 1e-9 * max(1.0, abs(best))


@pytest.mark.parametrize("p", [2, 9])
def test_kernel_sweeps_equal_their_twin(p: int) -> None:
    xx, xy = problem(1, p)
    lasso, ridge = np.full(p, 0.3), np.full(p, 0.1)
    bounds = np.array([np.full(p, -0.5), np.full(p, np.inf)])
    one, two = np.zeros(p), np.zeros(p)
    for _ in range(3):
        assert sweeps(xx, xy, lasso, ridge, bounds, one, 4, 1e-11) == sweeps_kernel(
            xx, xy, lasso, ridge, bounds, two, 4, 1e-11
        )
        np.testing.assert_allclose(one, two, rtol=1e-12, atol=1e-14)


def test_independent_columns_start_at_the_intercept() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 30))
    X = np.column_stack([a, np.full(30, 2.0), b, a - b, np.ones(30)])
    kept, dropped = independent_columns(X.T @ X)
    assert (kept.tolist(), dropped.tolist()) == ([0, 2, 4], [1, 3])


@pytest.mark.parametrize("name", ONE_MEAN)
def test_residuals_are_the_gradient(name: str) -> None:
    """The residual is the slope of the negative log likelihood, for every family and link."""
    family = family_of(name, variance_power=1.5, theta=0.3)
    for link_name in family.links:
        link = link_of(link_name, 0.0)
        y = np.array([1.0, 0.0 if name != "gamma" else 2.0, 1.0])
        eta = link.link(np.array([0.4, 0.6, 0.8]))
        offset = np.array([0.0, 0.01, 0.02])
        step = family.newton(link, y, eta, offset, np.ones(3))

        def nll(e: np.ndarray) -> np.ndarray:
            return family.nll(y, link.inverse(e + offset))  # noqa: B023

        slope = (nll(eta + 1e-6) - nll(eta - 1e-6)) / 2e-6
        np.testing.assert_allclose(step.residual, slope, rtol=1e-5, atol=1e-8)
        assert step.nll == pytest.approx(nll(eta).sum())


@pytest.mark.parametrize("name", ONE_MEAN)
def test_deviance_of_a_perfect_fit_is_zero(name: str) -> None:
    responses = {
        "binomial": [0.0, 1.0],
        "quasibinomial": [0.0, 1.0],
        "fractionalbinomial": [0.2, 1],
    }
    y = np.array(responses.get(name, [2.0, 3.0]))
    np.testing.assert_allclose(family_of(name, 1.5, 0.3).deviance(y, y), 0.0, atol=1e-12)


def test_many_columns_meet_the_conditions_of_the_lasso() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(80, 120))
    xx, xy = x.T @ x / 80, x.T @ rng.normal(size=80) / 80
    penalty = Penalty(0.05, 1.0, on=np.ones(120, dtype=bool))
    b = solve(xx, xy, penalty, np.zeros(120), intercept=False)
    pull = xy - xx @ b
    assert 0 < np.count_nonzero(b) < 80
    np.testing.assert_allclose(pull[b != 0], 0.05 * np.sign(b[b != 0]), atol=1e-9)
    assert (np.abs(pull) <= 0.05 + 1e-9).all()


def test_constrained_minima_are_those_of_a_general_solver() -> None:
    from scipy.optimize import minimize

    rng = np.random.default_rng(4)
    x = rng.normal(size=(40, 6))
    a, y = x.T @ x, x.T @ rng.normal(size=40)
    matrix = rng.normal(size=(3, 6))
    linear = Linear(matrix, np.array([1.0, -0.5, 0.2]), np.array([True, False, False]))
    low, high = np.full(6, -0.3), np.full(6, np.inf)
    found = solve_constrained(a, y, linear, low, high)
    best = minimize(
        lambda b: b @ a @ b / 2 - y @ b, np.zeros(6), method="SLSQP",
        bounds=list(zip(low, [None] * 6, strict=True)), options={"ftol": 1e-12, "maxiter": 500},
        constraints=[
            {"type": "eq", "fun": lambda b: matrix[0] @ b - 1.0},
            {"type": "ineq", "fun": lambda b: linear.limit[1:] - matrix[1:] @ b},
        ],
    )  # fmt: skip
    assert linear.holds(found)
    assert (found >= low).all()
    assert found @ a @ found / 2 - y @ found <= best.fun + 1e-6
    np.testing.assert_allclose(found, best.x, atol=1e-4)


def test_constraints_that_contradict_each_other_are_an_error() -> None:
    rows = np.array([[1.0, 1.0], [-1.0, -1.0]])
    linear = Linear(rows, np.array([-1.0, -1.0]), np.zeros(2, dtype=bool))
    with pytest.raises(ModelError, match="contradict"):
        solve_constrained(np.eye(2), np.zeros(2), linear, None, None)
