"""Dispersions and likelihoods against scipy's densities and one-dimensional searches."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize, minimize_scalar
from scipy.special import gammaln

from dh2o.models.glm_family import family_of
from dh2o.models.glm_likelihood import log_likelihood
from dh2o.mrtask import Engine
from tests.estimators.glm.data import beta_of, store, train

RNG = np.random.default_rng(11)
N = 400
X = RNG.normal(size=N)
MU = np.exp(0.5 + 0.4 * X)
ONES = np.ones(N)
COLUMNS = {
    "x": X, "gamma": RNG.gamma(2.0, MU / 2.0), "gauss": MU + RNG.normal(size=N),
    "count": RNG.negative_binomial(2.0, 2.0 / (2.0 + MU)).astype(float),
    "tweedie": np.array([RNG.gamma(1.0, 1.0, k).sum() for k in RNG.poisson(MU)]),
}  # fmt: skip
TIGHT = {"lambda_": 0.0, "beta_epsilon": 1e-10, "objective_epsilon": 0.0}


def test_densities_are_scipys() -> None:
    y, mu = np.array([0.5, 2.0, 3.0]), np.array([1.0, 1.5, 2.5])
    w = np.ones(3)
    gauss = log_likelihood(family_of("gaussian"), y, mu, w, 0.7)
    np.testing.assert_allclose(gauss, stats.norm(mu, np.sqrt(0.7)).logpdf(y))
    gamma = log_likelihood(family_of("gamma"), y, mu, w, 0.3)
    np.testing.assert_allclose(gamma, stats.gamma(1 / 0.3, scale=0.3 * mu).logpdf(y))
    k = 1 / 0.4
    counts = np.array([0.0, 2.0, 5.0])
    nb = log_likelihood(family_of("negativebinomial", theta=0.4), counts, mu, w, 0.4)
    np.testing.assert_allclose(nb, stats.nbinom(k, k / (k + mu)).logpmf(counts))
    poisson = log_likelihood(family_of("poisson"), counts, mu, w, 1.0)
    np.testing.assert_allclose(poisson, stats.poisson(mu).logpmf(counts))


def test_tweedie_is_a_sum_of_gammas() -> None:
    """A Poisson number n of gammas: sum over n of P(n) gamma(n a, scale), and P(0) at 0."""
    p, phi, mu = 1.4, 0.8, 1.7
    rate = mu ** (2 - p) / (phi * (2 - p))
    shape, scale = (2 - p) / (p - 1), phi * (p - 1) * mu ** (p - 1)
    y = np.array([0.0, 0.3, 2.0, 9.0])
    n = np.arange(1, 200)[:, None]
    with np.errstate(divide="ignore"):
        dense = stats.poisson(rate).pmf(n) * stats.gamma(n * shape, scale=scale).pdf(y)
    want = np.log(np.where(y == 0, np.exp(-rate), dense.sum(axis=0)))
    got = log_likelihood(family_of("tweedie", p), y, np.full(4, mu), np.ones(4), phi)
    np.testing.assert_allclose(got, want, rtol=1e-8)


def test_gamma_dispersion_by_likelihood(engine: Engine) -> None:
    model = train(
        engine, store("glm", COLUMNS, 3), "gamma", ["x"], family="gamma", link="log",
        compute_p_values=True, dispersion_parameter_method="ml", **TIGHT,
    )  # fmt: skip
    b, a = beta_of(model, "x")
    mu = np.exp(a + b * X)
    want = minimize_scalar(
        lambda t: -stats.gamma(np.exp(-t), scale=np.exp(t) * mu).logpdf(COLUMNS["gamma"]).sum(),
        bounds=(-3, 3), method="bounded", options={"xatol": 1e-10},
    )  # fmt: skip
    assert model.output.extra["dispersion"] == pytest.approx(np.exp(want.x), rel=1e-5)


def test_dispersion_takes_as_many_passes_as_it_may(engine: Engine) -> None:
    found = [
        train(
            engine, store("glm", COLUMNS, 2), "gamma", ["x"], family="gamma", link="log",
            compute_p_values=True, dispersion_parameter_method="ml", max_iterations_dispersion=n,
        ).output.extra["dispersion"]
        for n in (1, 2, 3000)
    ]  # fmt: skip
    errors = np.abs(np.log(found) - np.log(found[-1]))
    assert errors[0] > errors[1] > errors[2] == 0


def test_theta_and_beta_are_fitted_together(engine: Engine) -> None:
    model = train(
        engine, store("glm", COLUMNS, 3), "count", ["x"], family="negativebinomial", link="log",
        theta=1.0, dispersion_parameter_method="ml", compute_p_values=True, **TIGHT,
    )  # fmt: skip
    y = COLUMNS["count"]

    def nll(t: np.ndarray) -> float:
        k, mu = np.exp(-t[2]), np.exp(t[0] + t[1] * X)
        each = gammaln(y + k) - gammaln(k) + k * np.log(k / (k + mu)) + y * np.log(mu / (k + mu))
        return float(-each.sum())

    want = minimize(nll, np.array([0.5, 0.4, -0.7]), method="BFGS", tol=1e-10).x
    got = [*beta_of(model, "x")[::-1], np.log(model.params["theta"])]
    np.testing.assert_allclose(got, want, atol=2e-5)


def test_tweedie_dispersion_by_likelihood(engine: Engine) -> None:
    model = train(
        engine, store("glm", COLUMNS, 2), "tweedie", ["x"], family="tweedie",
        tweedie_variance_power=1.5, tweedie_link_power=0.0, compute_p_values=True,
        dispersion_parameter_method="ml", **TIGHT,
    )  # fmt: skip
    b, a = beta_of(model, "x")
    family, mu = family_of("tweedie", 1.5), np.exp(a + b * X)
    want = minimize_scalar(
        lambda t: -log_likelihood(family, COLUMNS["tweedie"], mu, ONES, np.exp(t)).sum(),
        bounds=(-3, 3), method="bounded", options={"xatol": 1e-10},
    )  # fmt: skip
    assert model.output.extra["dispersion"] == pytest.approx(np.exp(want.x), rel=1e-5)


def test_full_likelihood_and_aic(engine: Engine) -> None:
    model = train(
        engine, store("glm", COLUMNS, 2), "gauss", ["x"], calc_like=True, compute_p_values=True,
        **TIGHT,
    )  # fmt: skip
    y = COLUMNS["gauss"]
    Z = np.column_stack([X, ONES])
    rest = y - Z @ np.linalg.lstsq(Z, y, rcond=None)[0]
    s2 = (rest**2).sum() / (N - 2)
    want = stats.norm(0, np.sqrt(s2)).logpdf(rest).sum()
    extra = model.output.training_metrics.extra
    assert extra["loglikelihood"] == pytest.approx(want)
    assert extra["AIC"] == pytest.approx(2 * 3 - 2 * want)
