"""Coefficients, errors and deviances of every family and link beside statsmodels, as they come."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import ndtr, stdtr
from statsmodels.miscmodels.ordinal_model import OrderedModel

from dh2o.mrtask import Engine
from tests.estimators.glm.data import levels, store, train

families = sm.families
links = families.links
N = 250
RNG = np.random.default_rng(7)
X = RNG.normal(size=(N, 3)) * [1.0, 2.0, 0.5]
CODES = RNG.integers(0, 3, N)
W = RNG.uniform(0.5, 2.0, N)
OFFSET = RNG.normal(size=N) * 0.1
ETA = X @ [0.3, -0.2, 0.4] + np.array([0, 0.3, -0.3])[CODES] + 0.8
RISING = np.abs(X) @ [0.3, 0.2, 0.4] + np.array([0, 0.3, 0.1])[CODES] + 1.0
MU = np.exp(ETA)
COIN = (RNG.random(N) < 1 / (1 + np.exp(-ETA))).astype(float)
NAMES = ("colour.1", "colour.2", "a", "b", "c", "Intercept")


def tweedie(mean: Any) -> Any:
    return RNG.poisson(mean) * RNG.gamma(2, 0.5, N)


def mixed(mean: Any) -> Any:
    return RNG.poisson(mean * RNG.gamma(2, 0.5, N)).astype(float)


#: Response, statsmodels' family, dh2o's parameters; True where x must keep the mean positive.
CASES: dict[str, tuple[Any, Any, dict[str, Any], bool]] = {
    "gaussian identity": (ETA + RNG.normal(size=N), families.Gaussian(), {}, False),
    "gaussian log": (
        MU + RNG.normal(size=N) / 5, families.Gaussian(links.Log()), {"link": "log"}, False,
    ),
    "gaussian inverse": (
        1 / RISING + RNG.normal(size=N) / 50, families.Gaussian(links.InversePower()),
        {"link": "inverse"}, True,
    ),
    "binomial": (COIN, families.Binomial(), {}, False),
    "quasibinomial": (COIN, families.Binomial(), {}, False),
    "fractionalbinomial": (
        1 / (1 + np.exp(-ETA - RNG.normal(size=N))), families.Binomial(), {}, False,
    ),
    "poisson log": (RNG.poisson(MU).astype(float), families.Poisson(), {}, False),
    "poisson identity": (
        RNG.poisson(RISING).astype(float), families.Poisson(links.Identity()),
        {"link": "identity"}, True,
    ),
    "gamma inverse": (RNG.gamma(3, 1 / RISING / 3), families.Gamma(), {}, True),
    "gamma log": (RNG.gamma(3, MU / 3), families.Gamma(links.Log()), {"link": "log"}, False),
    "gamma identity": (
        RNG.gamma(3, RISING / 3), families.Gamma(links.Identity()), {"link": "identity"}, True,
    ),
    "tweedie log": (
        tweedie(MU), families.Tweedie(links.Log(), 1.5),
        {"tweedie_variance_power": 1.5, "tweedie_link_power": 0.0}, False,
    ),
    "tweedie canonical": (
        tweedie(RISING), families.Tweedie(links.Power(-0.5), 1.5),
        {"tweedie_variance_power": 1.5, "tweedie_link_power": -0.5}, True,
    ),
    "tweedie identity": (
        tweedie(RISING), families.Tweedie(links.Identity(), 1.3),
        {"tweedie_variance_power": 1.3, "tweedie_link_power": 1.0}, True,
    ),
    "negativebinomial log": (
        mixed(MU), families.NegativeBinomial(alpha=0.5), {"theta": 0.5}, False,
    ),
    "negativebinomial identity": (
        mixed(RISING), families.NegativeBinomial(links.Identity(), alpha=0.5),
        {"theta": 0.5, "link": "identity"}, True,
    ),
}  # fmt: skip


def matrix(x: Any) -> Any:
    return np.column_stack([CODES == 1, CODES == 2, x, np.ones(N)]).astype(float)


def columns(x: Any, y: Any) -> dict[str, Any]:
    colour = levels([str(code) for code in CODES])
    return {
        "a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "colour": colour, "w": W, "o": OFFSET, "y": y,
    }  # fmt: skip


@pytest.mark.parametrize("special", [False, True], ids=["plain", "weights and offset"])
@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore::statsmodels.tools.sm_exceptions.DomainWarning")
def test_families_agree_with_statsmodels(engine: Engine, name: str, *, special: bool) -> None:
    y, family, params, positive = CASES[name]
    x = np.abs(X) if positive else X
    own = name.split(maxsplit=1)[0]
    response = levels([str(int(v)) for v in y]) if own == "binomial" else y
    frame = store("statsmodels", columns(x, response), 2)
    beside = {"weights_column": "w", "offset_column": "o"} if special else {}
    model = train(
        engine, frame, "y", ("a", "b", "c", "colour"), family=own, lambda_=[0.0],
        compute_p_values=True, **params, **beside,
    )  # fmt: skip
    more = {"var_weights": W, "offset": OFFSET} if special else {}
    theirs = sm.GLM(y, matrix(x), family=family, **more)
    scale = "X2" if own in ("quasibinomial", "fractionalbinomial", "negativebinomial") else None
    fit = theirs.fit(maxiter=300, tol=1e-13, tol_criterion="params", scale=scale)
    found = model.coefficients()
    assert [found[n] for n in NAMES] == pytest.approx(fit.params, abs=1e-8)
    extra = model.output.training_metrics.extra
    assert extra["residual_deviance"] == pytest.approx(fit.deviance, rel=1e-10)
    assert extra["null_deviance"] == pytest.approx(fit.null_deviance, rel=1e-9)
    assert model.output.extra["dispersion"] == pytest.approx(fit.scale, rel=1e-8)
    # errors of these two are those of the Hessian itself, as H2O's; of others of its expectation
    observed = own in ("tweedie", "negativebinomial")
    information = -theirs.hessian(fit.params, scale=fit.scale, observed=observed)
    errors = np.sqrt(np.diag(np.linalg.inv(information)))
    order = [model.design.names.index(n) for n in NAMES]
    assert model.std_errors[order] == pytest.approx(errors, rel=1e-7)
    z = fit.params / errors
    known = own in ("binomial", "poisson")
    p = 2 * (ndtr(-np.abs(z)) if known else stdtr(fit.df_resid, -np.abs(z)))
    assert model.p_values[order] == pytest.approx(p, abs=1e-7)


def test_multinomial_agrees_with_statsmodels(engine: Engine) -> None:
    scores = np.column_stack([np.zeros(N), X @ [1, 0.3, -1] / 2, X @ [-0.5, 0.5, 1] / 2])
    y = (scores + RNG.gumbel(size=(N, 3))).argmax(axis=1)
    frame = store("statsmodels", columns(X, levels([str(k) for k in y])), 2)
    model = train(
        engine, frame, "y", ("a", "b", "c", "colour"), family="multinomial", lambda_=[0.0]
    )
    fit = sm.MNLogit(y, matrix(X)).fit(disp=False, method="newton", tol=1e-12)
    order = [model.design.names.index(n) for n in NAMES]
    found = model.class_beta[1:, order] - model.class_beta[0, order]
    np.testing.assert_allclose(found, fit.params.T, atol=1e-8)
    deviance = model.output.training_metrics.extra["residual_deviance"]
    assert deviance == pytest.approx(-2 * fit.llf, rel=1e-10)


def test_ordinal_agrees_with_statsmodels(engine: Engine) -> None:
    y = np.digitize(X @ [0.8, -0.4, 0.6] + RNG.logistic(size=N), [-1, 0.5])
    frame = store("statsmodels", columns(X, levels([str(k) for k in y])), 2)
    model = train(engine, frame, "y", ("a", "b", "c"), family="ordinal", lambda_=[0.0])
    theirs = OrderedModel(y, X, distr="logit")
    fit = theirs.fit(method="newton", disp=False, tol=1e-13)
    slopes, thresholds = fit.params[:3], theirs.transform_threshold_params(fit.params)[1:-1]
    # H2O's sign: P(y <= k) = logistic(threshold + x b)
    assert -model.class_beta[0, :3] == pytest.approx(slopes, abs=1e-7)
    assert model.class_beta[:2, -1] == pytest.approx(thresholds, abs=1e-7)
