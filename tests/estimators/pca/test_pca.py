"""Principal components and singular values: as H2O, as R, and on awkward inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from dh2o.errors import ModelError
from dh2o.estimators.builder import start_build
from dh2o.estimators.messages import BuilderError
from dh2o.estimators.pca import H2OPrincipalComponentAnalysisEstimator
from dh2o.estimators.scoring import predict_frame
from dh2o.frame import Frame
from dh2o.models import load_model, save_model
from dh2o.models.pca import PCAModel, SVDModel
from dh2o.mrtask import Engine
from tests.estimators import h2o_unsupervised as known

H2O = known.answers()


def train(engine: Engine, frame: str, algo: str = "pca", **params: Any) -> Any:
    job = start_build(engine, algo, {"training_frame": frame, **params})
    return job.result(timeout=600)


def stored(rows: dict[str, Any], key: str = "pca_small") -> Frame:
    Frame.from_pandas(pd.DataFrame(rows)).put(key)
    return Frame.get(key)


def numbers(table: Any) -> np.ndarray:
    return np.array([row[1:] for row in table.rows], dtype=float)


@pytest.mark.parametrize("method", ["GramSVD", "Power", "Randomized", "GLRM"])
@pytest.mark.parametrize("case", H2O["pca"])
def test_as_h2o(engine: Engine, case: str, method: str) -> None:
    known.frame("pca_known")
    imputes, all_levels, transform = case.split()
    if method == "GLRM" and all_levels != "True":
        return  # it needs all levels, see below
    model = train(
        engine, "pca_known", k=3, transform=transform, impute_missing=imputes == "True",
        use_all_factor_levels=all_levels == "True", pca_method=method, seed=1,
    )  # fmt: skip
    expected, extra = H2O["pca"][case], model.output.extra
    np.testing.assert_allclose(numbers(extra["importance"]), expected["importance"], rtol=1e-8)
    assert [row[0] for row in extra["eigenvectors"].rows] == expected["names"]
    found = np.abs(numbers(extra["eigenvectors"]))
    np.testing.assert_allclose(found, np.abs(expected["vectors"]), atol=1e-6)


def test_as_prcomp_of_us_arrests(engine: Engine) -> None:
    """R 4: prcomp(USArrests, scale. = TRUE), by rows made to have the same correlations."""
    correlations = np.array(
        [
            [1.0, 0.8018733, 0.06957262, 0.5635788],
            [0.8018733, 1.0, 0.25887170, 0.6652412],
            [0.06957262, 0.25887170, 1.0, 0.4113412],
            [0.5635788, 0.6652412, 0.4113412, 1.0],
        ]
    )
    rng = np.random.default_rng(0)
    z = rng.normal(size=(50, 4))
    z -= z.mean(axis=0)
    z = np.linalg.qr(z)[0] * np.sqrt(49) @ np.linalg.cholesky(correlations).T
    stored({n: z[:, i] * (i + 1) + i for i, n in enumerate(("Murder", "Assault", "Pop", "Rape"))})
    model = train(engine, "pca_small", k=4, transform="STANDARDIZE")
    expected = [1.5748783, 0.9948694, 0.5971291, 0.4164494]
    np.testing.assert_allclose(model.std_deviation, expected, atol=1e-6)
    rotation = [0.5358995, 0.5831836, 0.2781909, 0.5434321]
    np.testing.assert_allclose(np.abs(model.vectors[:, 0]), rotation, atol=1e-6)


def test_singular_values_as_h2o(engine: Engine) -> None:
    known.frame("pca_known")
    model = train(engine, "pca_known", "svd", nv=3, transform="STANDARDIZE", u_name="pca_u")
    np.testing.assert_allclose(model.output.extra["d"], H2O["svd"]["d"], rtol=1e-10)
    block = Frame.get("pca_u").rows(0, 5)
    u = np.stack([block.floats(i) for i in range(3)], axis=1)
    np.testing.assert_allclose(np.abs(u), np.abs(H2O["svd"]["u"]), atol=1e-9)
    whole = Frame.get("pca_u")
    u = np.stack([whole.rows(0, whole.n_rows).floats(i) for i in range(3)], axis=1)
    np.testing.assert_allclose(u.T @ u, np.eye(3), atol=1e-12)
    assert Frame.get(model.output.extra["v_key"]["name"]).n_rows == len(model.vectors)


@pytest.mark.parametrize("method", ["GramSVD", "Power", "Randomized", "GLRM"])
def test_more_columns_than_rows(engine: Engine, method: str) -> None:
    x = np.random.default_rng(1).normal(size=(12, 1200))
    stored({f"x{i}": x[:, i] for i in range(1200)})
    model = train(
        engine, "pca_small", k=5, transform="DEMEAN", pca_method=method, seed=1,
        use_all_factor_levels=True,
    )  # fmt: skip
    expected = np.linalg.svd(x - x.mean(axis=0), compute_uv=False)[:5]
    np.testing.assert_allclose(model.values, expected, rtol=1e-9)
    np.testing.assert_allclose(model.vectors.T @ model.vectors, np.eye(5), atol=1e-9)


def test_same_bits_on_three_workers_and_one(engine: Engine) -> None:
    known.frame("pca_known")
    first = train(engine, "pca_known", k=3, impute_missing=True)
    second = train(engine, "pca_known", k=3, impute_missing=True)
    np.testing.assert_array_equal(first.vectors, second.vectors)


@pytest.mark.cluster
def test_three_workers_agree_with_one(engine: Engine, cluster3: Engine) -> None:
    from dh2o.mrtask import use_engine

    with use_engine(engine):
        known.frame("pca_known")
        first = train(engine, "pca_known", k=3)
    known.frame("pca_known")
    second = train(cluster3, "pca_known", k=3)
    np.testing.assert_array_equal(first.vectors, second.vectors)
    np.testing.assert_array_equal(first.values, second.values)


def test_predictions_keep_na_apart(engine: Engine) -> None:
    frame = known.frame("pca_known")
    model = train(engine, "pca_known", k=2)
    block = predict_frame(model, frame).rows(0, frame.n_rows)
    assert block.names == ("PC1", "PC2")
    missing = np.isnan(known.table()["a"].to_numpy())
    np.testing.assert_array_equal(np.isnan(block.floats("PC1")), missing)


def test_collinear_columns_have_as_many_components_as_rank(engine: Engine) -> None:
    x = np.random.default_rng(2).normal(size=40)
    stored({"x": x, "double": 2 * x, "other": np.arange(40.0)})
    model = train(engine, "pca_small", k=3, pca_method="Power", seed=1)
    assert len(model.values) == 2
    exact = train(engine, "pca_small", k=3)
    assert exact.values[2] == pytest.approx(0.0, abs=1e-5)


def test_what_cannot_be(engine: Engine) -> None:
    known.frame("pca_known")
    with pytest.raises(BuilderError, match="k must be between 1 and 10"):
        train(engine, "pca_known", k=11)
    with pytest.raises(BuilderError, match="GLRM only implemented for _use_all_factor_levels"):
        train(engine, "pca_known", k=2, pca_method="GLRM")
    with pytest.raises(BuilderError, match="between 1 and"):
        train(engine, "pca_known", "svd", nv=99)
    stored({"x": [1.0, np.nan, 3.0, np.nan], "y": [np.nan, 2.0, np.nan, 4.0]})
    with pytest.raises(ModelError, match="impute_missing"):
        train(engine, "pca_small", k=1)
    assert train(engine, "pca_small", k=0, impute_missing=True).n_outputs >= 1


def test_saved_models_are_the_same(engine: Engine, tmp_path: Any) -> None:
    known.frame("pca_known")
    for algo, cls in (("pca", PCAModel), ("svd", SVDModel)):
        model = train(engine, "pca_known", algo)
        save_model(model, tmp_path / algo)
        back = load_model(tmp_path / algo)
        assert isinstance(back, cls)
        np.testing.assert_array_equal(back.vectors, model.vectors)


def test_as_an_estimator_of_scikit_learn(engine: Engine) -> None:
    from sklearn.base import clone
    from sklearn.decomposition import PCA

    del engine
    x = np.random.default_rng(3).normal(size=(80, 5)) * [1, 2, 3, 4, 5]
    ours = H2OPrincipalComponentAnalysisEstimator(k=3, transform="DEMEAN").fit(x)
    theirs = PCA(3).fit(x)
    np.testing.assert_allclose(ours.explained_variance_, theirs.explained_variance_)
    np.testing.assert_allclose(ours.explained_variance_ratio_, theirs.explained_variance_ratio_)
    np.testing.assert_allclose(np.abs(ours.components_), np.abs(theirs.components_), atol=1e-9)
    np.testing.assert_allclose(np.abs(ours.transform(x)), np.abs(theirs.transform(x)), atol=1e-9)
    np.testing.assert_array_equal(ours.predict(x), ours.transform(x))
    assert ours.screeplot().axes
    assert clone(ours).transform == "DEMEAN"
