"""Results of R's glm, multinom, polr and glmnet, as published with statsmodels' own tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import statsmodels
from statsmodels import datasets
from statsmodels.discrete.tests.results.results_discrete import Anes
from statsmodels.genmod.tests.results import glmnet_r_results, results_glm
from statsmodels.miscmodels.tests.results.results_ordinal_model import data_store, res_ord_logit

from dh2o.models.glm import GLMModel
from dh2o.mrtask import Engine
from tests.estimators.glm.data import levels, store, train


def fitted(engine: Engine, x: Any, y: Any, **params: Any) -> GLMModel:
    """Return the model without penalty of columns x0, x1, ... and what else is in `params`."""
    x = np.asarray(x, dtype=np.float64)
    columns = {f"x{j}": x[:, j] for j in range(x.shape[1])} | params.pop("columns", {})
    frame = store("published", {**columns, "y": y})
    params = {"lambda_": [0.0], "compute_p_values": True, **params}
    return train(engine, frame, "y", [f"x{j}" for j in range(x.shape[1])], **params)


def same_as_r(model: GLMModel, result: Any, digits: float, *, errors: float | None = None) -> None:
    """Compare coefficients and errors to so many digits: R stops where the deviance does."""
    n = len(result.params)
    assert model.beta[:n] == pytest.approx(result.params, rel=digits)
    if errors is not None:
        assert model.std_errors[:n] == pytest.approx(result.bse, rel=errors)
    extra = model.output.training_metrics.extra
    assert extra["residual_deviance"] == pytest.approx(result.deviance, rel=1e-7)
    if hasattr(result, "null_deviance"):
        assert extra["null_deviance"] == pytest.approx(result.null_deviance, rel=2e-6)
        assert extra["residual_degrees_of_freedom"] == result.df_resid


@pytest.mark.parametrize("standardize", [True, False])
def test_longley(engine: Engine, *, standardize: bool) -> None:
    """The table that broke programs in 1967: its columns are nearly collinear."""
    data = datasets.longley.load()
    model = fitted(engine, data.exog, data.endog.to_numpy(), standardize=standardize)
    same_as_r(model, results_glm.Longley(), 1e-6, errors=1e-6)


def test_star98(engine: Engine) -> None:
    """Counts of successes and failures: two weighted rows each."""
    data = datasets.star98.load()
    x, counts = data.exog.to_numpy(), data.endog.to_numpy()
    model = fitted(
        engine, np.concatenate([x, x]), levels(["1"] * len(x) + ["0"] * len(x)),
        columns={"w": counts.T.ravel()}, weights_column="w", family="binomial",
    )  # fmt: skip
    result = results_glm.Star98()
    assert model.beta == pytest.approx(result.params, rel=1e-6, abs=2e-10)
    assert model.std_errors == pytest.approx(result.bse, rel=1e-6)
    extra = model.output.training_metrics.extra  # R's rows are pairs: its deviances differ so much
    gap = extra["null_deviance"] - extra["residual_deviance"]
    assert gap == pytest.approx(result.null_deviance - result.deviance, rel=1e-8)


def test_low_birth_weight(engine: Engine) -> None:
    result = results_glm.Lbw()
    y = levels([str(v) for v in result.endog])
    model = fitted(engine, result.exog.to_numpy()[:, :-1], y, family="binomial")
    same_as_r(model, result, 1e-6, errors=2e-5)
    assert model.output.training_metrics.extra["AIC"] == pytest.approx(result.aic_R, abs=1e-6)


def test_scottish_votes(engine: Engine) -> None:
    data = datasets.scotland.load()
    model = fitted(engine, data.exog, data.endog.to_numpy(), family="gamma")
    result = results_glm.Scotvote()
    same_as_r(model, result, 1e-6, errors=1e-6)
    assert model.output.extra["dispersion"] == pytest.approx(result.scale, rel=1e-6)


@pytest.mark.parametrize("link", ["log", "identity"])
def test_cancer_drugs(engine: Engine, link: str) -> None:
    result = {"log": results_glm.CancerLog, "identity": results_glm.CancerIdentity}[link]()
    x, y = result.exog[:, :-1], result.endog.to_numpy().astype(float)
    model = fitted(engine, x, y, family="gamma", link=link)
    same_as_r(model, result, 3e-5)  # Stata's coefficients; its errors are of the Hessian itself
    assert model.output.extra["dispersion"] == pytest.approx(result.scale, rel=1e-6)


@pytest.mark.parametrize("offset", [False, True])
def test_executions(engine: Engine, *, offset: bool) -> None:
    data = datasets.cpunish.load()
    x = data.exog.to_numpy()
    x[:, 3] = np.log(x[:, 3])
    params: dict[str, Any] = {"family": "poisson"}
    if offset:
        params |= {"columns": {"o": np.full(len(x), 100.0)}, "offset_column": "o"}
    model = fitted(engine, x, data.endog.to_numpy(), **params)
    result = results_glm.Cpunish()
    intercept = result.params[-1] - 100.0 * offset
    result.params = (*result.params[:-1], intercept)
    same_as_r(model, result, 1e-6, errors=1e-5)


@pytest.mark.parametrize(
    ("name", "powers"),
    [("PowerLog1", (1.0, 0.0)), ("Power15", (1.5, 1.0)), ("Power2", (2.0, 1.0))],
)
def test_executions_by_tweedie(engine: Engine, name: str, powers: tuple[float, float]) -> None:
    data = datasets.cpunish.load()
    x = data.exog[["INCOME", "SOUTH"]]
    result = getattr(results_glm, "CpunishTweedie" + name.replace("PowerLog", "Log"))()
    model = fitted(
        engine, x, data.endog.to_numpy(), family="tweedie", intercept=False, standardize=False,
        tweedie_variance_power=powers[0], tweedie_link_power=powers[1], compute_p_values=False,
    )  # fmt: skip
    assert model.beta[:-1] == pytest.approx(result.params, rel=2e-6)


def test_voters(engine: Engine) -> None:
    """R's nnet::multinom; coefficients there are differences from the first class."""
    data = datasets.anes96.load()
    x = data.exog[["logpopul", "selfLR", "age", "educ", "income"]]
    y = levels([str(int(v)) for v in data.endog])
    model = fitted(engine, x, y, family="multinomial", compute_p_values=False)
    result = Anes.mnlogit_basezero
    found = model.class_beta[1:] - model.class_beta[0]
    np.testing.assert_allclose(found, result.params.T, rtol=2e-6, atol=1e-8)
    deviance = model.output.training_metrics.extra["residual_deviance"]
    assert deviance == pytest.approx(-2 * result.llf, rel=1e-9)


def test_applicants(engine: Engine) -> None:
    """R's MASS::polr, which stops at about three digits."""
    table = data_store.df
    y = levels([str(code) for code in table["apply"].cat.codes])
    x = table[["pared", "public", "gpa"]]
    model = fitted(engine, x, y, family="ordinal", compute_p_values=False)
    assert -model.class_beta[0, :-1] == pytest.approx(res_ord_logit.coefficients_val, abs=3e-4)
    assert model.class_beta[:2, -1] == pytest.approx(res_ord_logit.thresholds, abs=6e-4)


@pytest.mark.parametrize("family", ["binomial", "poisson"])
def test_glmnet(engine: Engine, family: str) -> None:
    """Nine penalties: within glmnet's tolerance of its coefficients, and never a worse objective.

    glmnet standardises by the population's deviation only where it is asked to; these columns were
    standardised before.
    """
    folder = Path(statsmodels.__file__).parent / "genmod/tests/results"
    table = np.loadtxt(folder / f"enet_{family}.csv", delimiter=",")
    y, x = table[1:, 0], table[1:, 1:]  # R took the first line for a header
    x = (x - x.mean(axis=0)) / x.std(axis=0, ddof=1)
    response = levels([str(int(v)) for v in y]) if family == "binomial" else y
    for number in range(9):
        alpha, lam, *beta = getattr(glmnet_r_results, f"rslt_{family}_{number}")
        model = fitted(
            engine, x, response, family=family, alpha=[alpha], lambda_=[lam], intercept=False,
            standardize=False, compute_p_values=False,
        )  # fmt: skip
        assert model.beta[:-1] == pytest.approx(beta, abs=5e-5)
        assert ((model.beta[:-1] == 0) == (np.array(beta) == 0)).all()
        ours, theirs = (objective(family, x, y, b, lam, alpha) for b in (model.beta[:-1], beta))
        assert ours <= theirs + 1e-12


def objective(family: str, x: Any, y: Any, beta: Any, lam: float, alpha: float) -> float:
    b = np.asarray(beta)
    eta = x @ b
    loss = np.logaddexp(0, eta) if family == "binomial" else np.exp(eta)
    penalty = alpha * np.abs(b).sum() + (1 - alpha) / 2 * b @ b
    return float(np.mean(loss - y * eta) + lam * penalty)
