"""Linear models against formulas, against scikit-learn, and against the conditions of a minimum."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, PoissonRegressor

from dh2o.mrtask import Engine
from tests.estimators.glm.data import beta_of, levels, store, train

RNG = np.random.default_rng(3)
N = 400
X = RNG.normal(size=(N, 3)) * [1.0, 10.0, 0.1] + [0.0, 5.0, -2.0]
ONES = np.column_stack([X, np.ones(N)])
Y = X @ [1.0, -0.2, 3.0] + 0.5 + RNG.normal(size=N)
CLASS = (np.median(Y) < Y).astype(int) ^ (RNG.random(N) < 0.1)
COUNT = RNG.poisson(np.exp(0.3 * X[:, 0] + 0.5))
W = RNG.integers(1, 4, N).astype(float)
COLUMNS = {
    "a": X[:, 0], "b": X[:, 1], "c": X[:, 2], "y": Y, "class": levels([str(c) for c in CLASS]),
    "count": COUNT.astype(float), "w": W,
}  # fmt: skip
ABC = ("a", "b", "c")


def test_gaussian_is_least_squares(engine: Engine) -> None:
    model = train(engine, store("glm", COLUMNS, 5), "y", ABC, lambda_=0.0)
    want = np.linalg.lstsq(ONES, Y, rcond=None)[0]
    np.testing.assert_allclose(beta_of(model, *ABC), want, rtol=1e-10)


def test_weights_are_repeated_rows(engine: Engine) -> None:
    model = train(
        engine, store("glm", COLUMNS, 3), "class", ABC, lambda_=0.0, weights_column="w",
        beta_epsilon=1e-9, objective_epsilon=0.0,
    )  # fmt: skip
    rows = np.repeat(np.arange(N), W.astype(int))
    repeated = {k: v.take(rows) for k, v in COLUMNS.items()}
    again = train(
        engine, store("glm2", repeated), "class", ABC, lambda_=0.0,
        beta_epsilon=1e-9, objective_epsilon=0.0,
    )  # fmt: skip
    np.testing.assert_allclose(beta_of(model, *ABC), beta_of(again, *ABC), rtol=1e-8)


def test_ridge_has_a_closed_form(engine: Engine) -> None:
    lam = 0.7
    model = train(engine, store("glm", COLUMNS), "y", ABC, lambda_=lam, alpha=0.0)
    Z = (X - X.mean(0)) / X.std(0, ddof=1)
    want = np.linalg.solve(Z.T @ Z / N + lam * np.eye(3), Z.T @ (Y - Y.mean()) / N)
    got = [model.coefficients(standardised=True)[name] for name in ABC]
    np.testing.assert_allclose(got, want, rtol=1e-10)


@pytest.mark.parametrize("alpha", [1.0, 0.5])
@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_elastic_net_is_a_minimum(engine: Engine, alpha: float, family: str) -> None:
    """At a minimum |gradient| <= l1 where a coefficient is 0, and = -l1 sign(b) elsewhere."""
    y, values = ("y", Y) if family == "gaussian" else ("class", CLASS)
    lam = 0.05
    model = train(
        engine, store("glm", COLUMNS, 4), y, ABC, lambda_=lam, alpha=alpha, family=family,
        beta_epsilon=1e-10, objective_epsilon=0.0,
    )  # fmt: skip
    Z = (X - X.mean(0)) / X.std(0, ddof=1)
    norm = model.coefficients(standardised=True)
    b = np.array([norm[name] for name in ABC])
    eta = Z @ b + norm["Intercept"]
    mu = eta if family == "gaussian" else 1 / (1 + np.exp(-eta))
    gradient = Z.T @ (mu - values) / N + lam * (1 - alpha) * b
    assert abs((mu - values).mean()) < 1e-8
    active = b != 0
    np.testing.assert_allclose(gradient[active], -lam * alpha * np.sign(b[active]), atol=1e-7)
    assert (np.abs(gradient[~active]) <= lam * alpha + 1e-9).all()


def test_binomial_agrees_with_sklearn(engine: Engine) -> None:
    tight = {"beta_epsilon": 1e-10, "objective_epsilon": 0.0}
    model = train(engine, store("glm", COLUMNS, 2), "class", ABC, lambda_=0.0, **tight)
    Z = (X - X.mean(0)) / X.std(0)
    sk = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(Z, CLASS)
    got = beta_of(model, *ABC)[:-1] * X.std(0)
    np.testing.assert_allclose(got, sk.coef_[0], rtol=1e-5)


def test_poisson_agrees_with_sklearn(engine: Engine) -> None:
    tight = {"beta_epsilon": 1e-10, "objective_epsilon": 0.0}
    frame = store("glm", COLUMNS)
    model = train(engine, frame, "count", ABC, lambda_=0.0, family="poisson", **tight)
    Z = (X - X.mean(0)) / X.std(0)
    sk = PoissonRegressor(alpha=0, tol=1e-10, max_iter=1000).fit(Z, COUNT)
    np.testing.assert_allclose(beta_of(model, *ABC)[:-1] * X.std(0), sk.coef_, atol=1e-6)


def test_levels_are_one_hot_columns(engine: Engine) -> None:
    colour = RNG.choice(["blue", "green", "red"], N)
    frame = store("glm", {**COLUMNS, "colour": levels(list(colour))}, 3)
    model = train(engine, frame, "y", ("a", "colour"), lambda_=0.0)
    hot = np.column_stack([X[:, 0], colour == "green", colour == "red", np.ones(N)])
    want = np.linalg.lstsq(hot, Y, rcond=None)[0]
    assert list(model.coefficients()) == ["Intercept", "colour.green", "colour.red", "a"]
    got = beta_of(model, "a", "colour.green", "colour.red")
    np.testing.assert_allclose(got, want, rtol=1e-9)


def test_p_values_of_least_squares(engine: Engine) -> None:
    model = train(engine, store("glm", COLUMNS), "y", ABC, lambda_=0.0, compute_p_values=True)
    beta = np.linalg.lstsq(ONES, Y, rcond=None)[0]
    s2 = ((Y - ONES @ beta) ** 2).sum() / (N - 4)
    errors = np.sqrt(s2 * np.diag(np.linalg.inv(ONES.T @ ONES)))
    assert model.output.extra["dispersion"] == pytest.approx(s2)
    np.testing.assert_allclose(model.std_errors, errors, rtol=1e-8)
    np.testing.assert_allclose(model.z_values, beta / errors, rtol=1e-8)


def test_offset_moves_the_intercept_only(engine: Engine) -> None:
    frame = store("glm", {**COLUMNS, "o": np.full(N, 2.0)})
    plain = train(engine, frame, "count", ABC, lambda_=0.0, family="poisson")
    moved = train(engine, frame, "count", ABC, lambda_=0.0, family="poisson", offset_column="o")
    got = beta_of(moved, *ABC) - beta_of(plain, *ABC)
    np.testing.assert_allclose(got, [0, 0, 0, -2.0], atol=1e-6)


def test_non_negative_and_bounds(engine: Engine) -> None:
    frame = store("glm", COLUMNS)
    model = train(engine, frame, "y", ABC, lambda_=0.0, non_negative=True)
    want = np.linalg.lstsq(ONES[:, [0, 2, 3]], Y, rcond=None)[0]
    np.testing.assert_allclose(beta_of(model, "a", "c"), want, rtol=1e-8)
    assert model.coefficients()["b"] == 0
    bounds = {"names": ["a", "c"], "lower_bounds": [-1.0, 0.0], "upper_bounds": [0.25, 9.0]}
    key = store("bounds", bounds).key
    bound = train(engine, frame, "y", ABC, lambda_=0.0, beta_constraints=key)
    assert bound.coefficients()["a"] == pytest.approx(0.25)
    want = np.linalg.lstsq(ONES[:, 1:], Y - 0.25 * X[:, 0], rcond=None)[0]
    np.testing.assert_allclose(beta_of(bound, "b", "c"), want, rtol=1e-8)


def test_prior_corrects_the_intercept(engine: Engine) -> None:
    frame = store("glm", COLUMNS)
    plain = train(engine, frame, "class", ABC, lambda_=0.0, family="binomial")
    sampled = train(engine, frame, "class", ABC, lambda_=0.0, family="binomial", prior=0.1)
    share = CLASS.mean()
    shift = -np.log(share * 0.9 / (0.1 * (1 - share)))
    got = beta_of(sampled, *ABC) - beta_of(plain, *ABC)
    np.testing.assert_allclose(got, [0, 0, 0, shift], atol=1e-12)
