"""Models of several classes, and gradient solvers: against scikit-learn and against each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from dh2o.estimators.glm import problem
from dh2o.estimators.glm.multi_passes import _ordered
from dh2o.models.columns import Columns
from dh2o.mrtask import Engine
from tests.estimators.glm.data import levels, store, train

RNG = np.random.default_rng(1)
N = 500
X = RNG.normal(size=(N, 3)) * [1.0, 5.0, 0.2] + [0.0, 3.0, -1.0]
Z = (X - X.mean(0)) / X.std(0, ddof=1)
COLOUR = RNG.choice(["blue", "green", "red"], N)
ETAS = Z @ RNG.normal(size=(3, 4)) + np.outer(COLOUR == "red", [0.0, 1.0, 0.0, -1.0])
CLASS = (ETAS + RNG.gumbel(size=ETAS.shape)).argmax(1)
GRADE = np.digitize(Z @ [0.7, -0.4, 0.2] + RNG.logistic(size=N), [-1.0, 0.0, 1.2])
COLUMNS = {
    "a": X[:, 0], "b": X[:, 1], "c": X[:, 2], "colour": levels(list(COLOUR)),
    "class": levels([f"k{k}" for k in CLASS]), "grade": levels([f"g{k}" for k in GRADE]),
    "yes": levels([str(int(k > 1)) for k in CLASS]),
}  # fmt: skip
ABC = ("a", "b", "c")
TIGHT: dict[str, Any] = {
    "beta_epsilon": 1e-10, "objective_epsilon": 0.0, "gradient_epsilon": 1e-9,
    "max_iterations": 2000,
}  # fmt: skip


def test_multinomial_agrees_with_sklearn(engine: Engine) -> None:
    model = train(engine, store("glm", COLUMNS, 3), "class", ABC, lambda_=0.0, **TIGHT)
    sk = LogisticRegression(C=np.inf, tol=1e-12, max_iter=2000).fit(Z, CLASS)
    want = sk.coef_ - sk.coef_.mean(axis=0)  # the sum over classes is free
    np.testing.assert_allclose(model.class_norm_beta[:, :-1], want, atol=1e-6)
    metrics = model.output.training_metrics
    loss = -np.log(sk.predict_proba(Z)[np.arange(N), CLASS]).sum()
    assert metrics.extra["residual_deviance"] == pytest.approx(2 * loss)
    shares = np.bincount(CLASS) / N
    assert metrics.extra["null_deviance"] == pytest.approx(-2 * np.log(shares[CLASS]).sum())


@pytest.mark.parametrize("alpha", [0.0, 0.5])
@pytest.mark.parametrize("y", ["class", "yes"])
def test_gradient_solver_finds_the_same_minimum(engine: Engine, alpha: float, y: str) -> None:
    frame = store("glm", COLUMNS, 2)
    both = [
        train(engine, frame, y, (*ABC, "colour"), lambda_=0.01, alpha=alpha, solver=s, **TIGHT)
        for s in ("IRLSM", "L_BFGS")
    ]
    np.testing.assert_allclose(both[0].norm_beta, both[1].norm_beta, atol=2e-6)


def test_bounds_hold_with_gradients_too(engine: Engine) -> None:
    frame = store("glm", COLUMNS)
    both = [
        train(
            engine, frame, "yes", ABC, lambda_=0.01, alpha=0.5, non_negative=True, solver=s, **TIGHT
        )
        for s in ("COORDINATE_DESCENT", "L_BFGS")
    ]
    assert (both[0].beta[:-1] >= 0).all()
    assert (both[0].beta[:-1] == 0).any()
    np.testing.assert_allclose(both[0].norm_beta, both[1].norm_beta, atol=2e-6)


def test_ordinal_is_proportional_odds(engine: Engine) -> None:
    frame = store("glm", COLUMNS, 3)
    model = train(engine, frame, "grade", ABC, family="ordinal", lambda_=0.0, **TIGHT)

    def nll(t: np.ndarray) -> float:
        edges = np.concatenate([[-np.inf], t[3:], [np.inf]])
        with np.errstate(over="ignore"):
            below = 1 / (1 + np.exp(-(edges[GRADE] + Z @ t[:3])))
            up_to = 1 / (1 + np.exp(-(edges[GRADE + 1] + Z @ t[:3])))
        return float(-np.log(np.maximum(up_to - below, 1e-300)).sum())

    beta = model.class_norm_beta
    got = np.concatenate([beta[0, :3], beta[:-1, -1]])
    want = minimize(nll, np.array([0, 0, 0, -1.0, 0, 1.0]), method="BFGS", tol=1e-9).x
    np.testing.assert_allclose(got, want, atol=2e-5)
    assert nll(got) <= nll(want) + 1e-9
    assert (beta[-1] == 0).all()
    assert model.output.training_metrics.extra["residual_deviance"] == pytest.approx(2 * nll(got))


def test_derivatives_of_ordered_classes() -> None:
    thresholds, eta = np.array([-1.0, 0.5, 2.0]), np.array([0.3, -0.2, 1.0, 40.0])
    classes = np.array([0, 1, 3, 2], dtype=np.int32)
    d = _ordered(eta, classes, thresholds)
    h = 1e-5
    up, down = _ordered(eta + h, classes, thresholds), _ordered(eta - h, classes, thresholds)
    np.testing.assert_allclose(d.g_high + d.g_low, (up.loss - down.loss) / (2 * h), rtol=1e-6)
    second = d.h_high + d.h_low + 2 * d.h_both
    slope = (up.g_high + up.g_low - down.g_high - down.g_low) / (2 * h)
    np.testing.assert_allclose(second, slope, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("family", ["multinomial", "ordinal"])
@pytest.mark.parametrize("empty", range(3))
def test_a_class_without_rows_has_probability_0(engine: Engine, family: str, empty: int) -> None:
    """The others have the probabilities of a model that never heard of it."""
    kept = RNG.permutation(60) >= 20
    labels, x = np.delete(np.array(list("abcd")), empty)[GRADE[:60] % 3], X[:60, 0]
    of_four = pa.DictionaryArray.from_arrays(
        pa.array(["abcd".index(label) for label in labels], pa.int32()), pa.array(list("abcd"))
    )
    params: dict[str, Any] = {"family": family, "lambda_": 0.0, "weights_column": "w", **TIGHT}
    columns = {"x": x, "w": kept.astype(float)}
    both = [
        train(engine, store("glm", {**columns, "y": y}, 2), "y", ("x",), **params)
        for y in (of_four, levels(list(labels)))
    ]
    got, want = (model.score(Columns({"x": x}, len(x))) for model in both)
    np.testing.assert_allclose(got[:, empty], 0.0, atol=0)
    np.testing.assert_allclose(np.delete(got, empty, axis=1), want, atol=1e-9)
    metrics = [model.output.training_metrics for model in both]
    assert metrics[0].extra["residual_deviance"] == pytest.approx(
        metrics[1].extra["residual_deviance"]
    )
    if family == "ordinal":
        names = "residual_degrees_of_freedom"
        assert metrics[0].extra[names] == metrics[1].extra[names]


def test_one_class_alone_is_an_error(engine: Engine) -> None:
    columns = {"x": np.arange(20.0), "y": levels(["a", "b", "c", "d"] * 5)}
    columns["w"] = np.tile([1.0, 0.0, 0.0, 0.0], 5)
    with pytest.raises(Exception, match="are of one class"):
        train(engine, store("glm", columns), "y", ("x",), weights_column="w")


def test_tables_have_a_column_per_class(engine: Engine) -> None:
    model = train(engine, store("glm", COLUMNS), "class", (*ABC, "colour"))
    table = model.output.extra["coefficients_table"]
    assert list(table.col_names[:3]) == ["names", "coefs_class_0", "coefs_class_1"]
    named = model.output.extra["coefficients_table_multinomials_with_class_names"]
    assert "std_coefs_class_k3" in named.col_names
    assert table["names"][0] == "Intercept"
    assert table["coefs_class_2"][0] == model.class_beta[2, -1]


@pytest.mark.parametrize(
    "params", [{"lambda_": 0.0}, {"lambda_": 0.01, "alpha": 0.0, "standardize": False}]
)
def test_class_by_class_finds_the_same_minimum(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, params: dict[str, Any]
) -> None:
    """Conjugate gradients without the whole Hessian; a class has no rows, a column is double."""
    w = (CLASS != 2).astype(float)
    frame = store("glm", {**COLUMNS, "w": w, "again": COLUMNS["a"]}, 3)
    both = []
    for most in (400, 0):
        monkeypatch.setattr(problem, "_MOST_WHOLE", most)
        model = train(
            engine, frame, "class", (*ABC, "again", "colour"), solver="IRLSM", weights_column="w",
            **params,
        )  # fmt: skip
        both.append(model)
    columns = Columns({name: COLUMNS[name] for name in ABC} | {"again": COLUMNS["a"]})
    codes = {"colour": np.searchsorted(["blue", "green", "red"], COLOUR).astype(float)}
    want, got = (m.score(Columns({**columns, **codes}, N)) for m in both)
    np.testing.assert_allclose(got, want, atol=1e-8)
    np.testing.assert_allclose(both[1].norm_beta, both[0].norm_beta, atol=1e-6)
    assert (got[:, 2] == 0).all()
