"""DFBETAS beside fits that leave each row out in turn."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from dh2o.errors import DH2OError
from dh2o.frame import Frame
from dh2o.mrtask import Engine
from tests.estimators.glm.data import train

N = 60


def rows(*, classes: bool, seed: int = 3) -> tuple[pa.Table, np.ndarray, np.ndarray]:
    """Return a table of two numbers and a categorical, its design matrix, and the response."""
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=N), rng.normal(size=N) * 3 + 5
    codes = rng.integers(0, 3, N)
    eta = 0.5 * x - 0.2 * z + 0.4 * codes + rng.normal(size=N)
    y = (eta > np.median(eta)).astype(float) if classes else eta
    X = np.column_stack([codes == 1, codes == 2, x, z, np.ones(N)]).astype(float)
    level = pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), ["a", "b", "c"])
    return pa.table({"x": x, "z": z, "g": level, "y": y}), X, y


def influence(engine: Engine, table: pa.Table, **params: object) -> tuple[Frame, np.ndarray]:
    frame = Frame.from_any(table).put("influence")
    model = train(engine, frame, "y", influence="dfbetas", **params)
    found = Frame.get(model.output.extra["regression_influence_diagnostics"]["name"])
    part = found.rows(0, found.n_rows)
    names = [name for name in found.names if name.startswith("DFBETA_")]
    return found, np.column_stack([part.floats(name) for name in names])


@pytest.mark.parametrize("standardize", [True, False])
def test_least_squares_are_as_without_the_row(engine, standardize):
    table, X, y = rows(classes=False)
    frame, found = influence(engine, table, family="gaussian", standardize=standardize)
    beta = np.linalg.lstsq(X, y)[0]
    scale = np.sqrt(np.diag(np.linalg.inv(X.T @ X)))
    for i in range(N):
        rest = np.arange(N) != i
        b, squares = np.linalg.lstsq(X[rest], y[rest])[:2]
        expected = (beta - b) / scale / np.sqrt(squares[0] / (N - 1 - X.shape[1]))
        np.testing.assert_allclose(found[i], expected, rtol=1e-8, atol=1e-10)
    assert frame.names == (
        "x", "z", "g", "DFBETA_g.b", "DFBETA_g.c", "DFBETA_x", "DFBETA_z", "DFBETA_Intercept", "y",
    )  # fmt: skip


def test_classes_are_one_step_from_without_the_row(engine):
    table, X, y = rows(classes=True)
    _, found = influence(
        engine, table, family="binomial", objective_epsilon=1e-14, beta_epsilon=1e-9
    )
    beta = np.zeros(X.shape[1])
    for _ in range(30):
        mu = 1 / (1 + np.exp(-X @ beta))
        weight = mu * (1 - mu)
        inverse = np.linalg.inv(X.T * weight @ X)
        beta += inverse @ X.T @ (y - mu)
    leverage = weight * np.einsum("ij,jk,ik->i", X, inverse, X)
    expected = X @ inverse * ((y - mu) / (1 - leverage))[:, None] / np.sqrt(np.diag(inverse))
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


def test_rows_of_no_use_are_na_and_collinear_columns_have_none(engine):
    table, _, y = rows(classes=False)
    y = y.copy()
    y[5] = np.nan
    weights = np.ones(N)
    weights[7] = 0.0
    table = table.set_column(3, "y", pa.array(y)).append_column("w", pa.array(weights))
    table = table.append_column("twice", pa.array(2 * np.array(table["x"])))
    frame, found = influence(engine, table, family="gaussian", weights_column="w")
    assert np.flatnonzero(np.isnan(found).any(axis=1)).tolist() == [5, 7]
    assert found.shape[1] == 5
    assert frame.names[-2:] == ("w", "y")


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"family": "poisson"}, "gaussian and binomial"),
        ({"family": "gaussian", "lambda": [0.1]}, "all lambdas to 0.0"),
        ({"family": "gaussian", "solver": "L_BFGS"}, "IRLSM"),
        ({"family": "gaussian", "nfolds": 3}, "cross-validation"),
    ],
)
def test_what_it_cannot_be_asked_of(engine, params, words):
    table, _, y = rows(classes=False)
    table = table.set_column(3, "y", pa.array(np.abs(np.rint(y))))
    with pytest.raises(DH2OError, match=words):
        influence(engine, table, **params)
