"""Coefficients beside closed solutions by other means: scikit-learn, scipy, and results of R."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import gammaln

from dh2o.mrtask import Engine
from tests.estimators.glm.data import beta_of, levels, store, train

TIGHT = {"beta_epsilon": 1e-10, "objective_epsilon": 1e-15, "max_iterations": 200}
RNG = np.random.default_rng(11)


def test_dobsons_counts_have_the_coefficients_that_r_prints(engine: Engine) -> None:
    """The example of R's ?glm (Dobson 1990): randomised trial, Poisson counts."""
    frame = store(
        "dobson",
        {
            "counts": np.array([18.0, 17, 15, 20, 10, 20, 25, 13, 12]),
            "outcome": levels([str(1 + i % 3) for i in range(9)]),
            "treatment": levels([str(1 + i // 3) for i in range(9)]),
        },
    )
    model = train(
        engine, frame, "counts", family="poisson", lambda_=[0.0], compute_p_values=True, **TIGHT
    )
    found = model.coefficients()
    expected = {
        "Intercept": 3.045e00, "outcome.2": -4.543e-01, "outcome.3": -2.930e-01,
        "treatment.2": 0.0, "treatment.3": 0.0,
    }  # fmt: skip
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=5e-4)
    metrics = model.output.training_metrics.extra
    assert metrics["null_deviance"] == pytest.approx(10.5814, abs=5e-5)
    assert metrics["residual_deviance"] == pytest.approx(5.1291, abs=5e-5)
    assert metrics["AIC"] == pytest.approx(56.76, abs=5e-3)
    errors = dict(zip(model.design.names, model.std_errors, strict=True))
    assert errors["Intercept"] == pytest.approx(0.1709, abs=5e-5)
    assert errors["outcome.2"] == pytest.approx(0.2022, abs=5e-5)
    assert errors["outcome.3"] == pytest.approx(0.1927, abs=5e-5)


def test_clotting_times_have_the_coefficients_that_r_prints(engine: Engine) -> None:
    """The example of R's ?glm (McCullagh and Nelder 1989), which R solves to 1e-8."""
    u = np.array([5.0, 10, 15, 20, 30, 40, 60, 80, 100])
    lot = np.array([118.0, 58, 42, 35, 27, 25, 21, 19, 18])
    frame = store("clotting", {"u": np.log(u), "lot": lot})
    model = train(
        engine, frame, "lot", family="gamma", lambda_=[0.0], compute_p_values=True, **TIGHT
    )
    assert beta_of(model, "u") == pytest.approx([0.01534312, -0.01655438], abs=1e-8)
    assert model.output.extra["dispersion"] == pytest.approx(0.002446059, abs=5e-8)
    assert model.std_errors == pytest.approx([0.0004149596, 0.0009275466], abs=1e-8)


@pytest.mark.parametrize(("n", "p"), [(200, 90), (60, 150)])
def test_lasso_paths_are_those_of_scikit_learn(engine: Engine, n: int, p: int) -> None:
    from sklearn.linear_model import lasso_path

    x = RNG.normal(size=(n, p))
    y = x[:, :6] @ np.array([3.0, -2, 1, 1, -1, 0.5]) + RNG.normal(size=n)
    frame = store("wide", {**{f"x{j}": x[:, j] for j in range(p)}, "y": y}, 3)
    model = train(
        engine, frame, "y", family="gaussian", alpha=[1.0], lambda_search=True, nlambdas=15,
        lambda_min_ratio=0.02, early_stopping=False, standardize=False, max_iterations=500,
    )  # fmt: skip
    centred = x - x.mean(axis=0)
    _, betas, _ = lasso_path(
        centred, y - y.mean(), alphas=model.path_lambda, tol=1e-12, max_iter=100_000
    )
    np.testing.assert_allclose(model.path_beta[:, :-1], betas.T, atol=1e-6)


@pytest.mark.parametrize("family", ["poisson", "gamma", "binomial", "negativebinomial"])
def test_ridge_is_the_minimum_that_bfgs_finds(engine: Engine, family: str) -> None:
    n, lam, theta = 300, 0.02, 0.5
    x = RNG.normal(size=(n, 3))
    mu = np.exp(0.3 + x @ np.array([0.4, -0.3, 0.2]))
    y = {
        "poisson": lambda: RNG.poisson(mu).astype(float),
        "gamma": lambda: RNG.gamma(3.0, mu / 3.0),
        "binomial": lambda: (RNG.random(n) < mu / (1 + mu)).astype(float),
        "negativebinomial": lambda: RNG.poisson(mu * RNG.gamma(2, 0.5, n)).astype(float),
    }[family]()
    link = "logit" if family == "binomial" else "log"
    response = levels([str(int(v)) for v in y]) if family == "binomial" else y
    frame = store("ridge", {"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "y": response}, 2)
    params = {"theta": theta} if family == "negativebinomial" else {}
    model = train(
        engine, frame, "y", family=family, link=link, lambda_=[lam], alpha=[0.0],
        standardize=False, **params, **TIGHT,
    )  # fmt: skip

    def objective(b: np.ndarray) -> float:
        eta = x @ b[:-1] + b[-1]
        m, k = np.exp(eta), 1 / theta
        nll = {
            "poisson": lambda: m - y * eta,
            "gamma": lambda: eta + y / m,
            "binomial": lambda: np.logaddexp(0, eta) - y * eta,
            "negativebinomial": lambda: (
                -(gammaln(y + k) - gammaln(k) + y * np.log(m / (m + k)) + k * np.log(k / (m + k)))
            ),
        }[family]()
        return float(nll.mean() + lam / 2 * b[:-1] @ b[:-1])

    best = minimize(objective, np.zeros(4), method="BFGS", options={"gtol": 1e-9})
    assert beta_of(model, "a", "b", "c") == pytest.approx(best.x, abs=2e-6)
