"""K-means end to end: as H2O with the same seed, and on awkward inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from dh2o.estimators.builder import start_build
from dh2o.estimators.kmeans import H2OKMeansEstimator
from dh2o.estimators.messages import BuilderError
from dh2o.estimators.scoring import model_metrics, predict_frame
from dh2o.frame import Frame
from dh2o.models import load_model, save_model
from dh2o.models.kmeans import KMeansModel
from dh2o.models.predict_local import local_columns_of
from dh2o.mrtask import Engine, StateLost
from tests.estimators import h2o_unsupervised as known

H2O = known.answers()["kmeans"]


def train(engine: Engine, frame: str, **params: Any) -> KMeansModel:
    raw = {"training_frame": frame, **params}
    model: KMeansModel = start_build(engine, "kmeans", raw).result(timeout=600)
    return model


def small(engine: Engine, rows: dict[str, Any], key: str = "km_small") -> Frame:
    del engine
    Frame.from_pandas(pd.DataFrame(rows)).put(key)
    return Frame.get(key)


@pytest.mark.parametrize("name", H2O)
def test_as_h2o_with_the_same_seed(engine: Engine, name: str) -> None:
    known.frame("km_known")
    model, expected = train(engine, "km_known", **H2O[name]["params"]), H2O[name]
    history = model.output.scoring_history
    assert history is not None
    assert history["number_of_reassigned_observations"][1:] == expected["moved"]
    np.testing.assert_allclose(
        history["within_cluster_sum_of_squares"][1:], expected["within"], rtol=1e-9
    )
    for found, wanted in zip(model.output.extra["centers"].rows, expected["centers"], strict=True):
        for a, b in zip(found[1:], wanted, strict=True):
            assert a == (b if isinstance(b, str) else pytest.approx(b, rel=1e-9, abs=1e-9))
    metrics: Any = model.output.training_metrics
    assert list(metrics.sizes) == expected["size"]
    assert metrics.tot_withinss == pytest.approx(expected["tot_withinss"], rel=1e-7)  # floats there
    assert metrics.totss == pytest.approx(expected["totss"], rel=1e-7)


@pytest.mark.parametrize("standardize", [True, False])
def test_metrics_of_scoring_are_those_of_training(engine: Engine, standardize: bool) -> None:
    frame = known.frame("km_known")
    model = train(engine, "km_known", k=4, seed=2, standardize=standardize)
    trained: Any = model.output.training_metrics
    scored: Any = model_metrics(model, frame)
    assert scored.sizes == trained.sizes
    np.testing.assert_allclose(scored.withinss, trained.withinss, rtol=1e-9)
    assert scored.totss == pytest.approx(trained.totss, rel=1e-9)
    found = predict_frame(model, frame).rows(0, frame.n_rows).floats("predict")
    assert np.bincount(found.astype(int)).tolist() == list(trained.sizes)


def test_as_scikit_learn_from_the_same_points(engine: Engine) -> None:
    from sklearn.cluster import KMeans

    rng = np.random.default_rng(5)
    x = rng.normal(size=(500, 3)) + rng.integers(0, 4, 500)[:, None] * 3
    small(engine, {n: x[:, i] for i, n in enumerate("abc")})
    small(engine, {n: x[:4, i] for i, n in enumerate("abc")}, "km_points")
    model = train(engine, "km_small", k=4, user_points="km_points", standardize=False,
                  max_iterations=100)  # fmt: skip
    theirs = KMeans(4, init=x[:4], n_init=1, tol=0.0).fit(x)
    np.testing.assert_allclose(model.centers, theirs.cluster_centers_, rtol=1e-9)
    metrics: Any = model.output.training_metrics
    assert metrics.tot_withinss == pytest.approx(theirs.inertia_, rel=1e-9)


@pytest.mark.parametrize("layout", [(400,), (1, 0, 199, 200), (50,) * 8])
def test_the_same_however_the_rows_are_cut(engine: Engine, layout: tuple[int, ...]) -> None:
    known.frame("km_known")
    known.frame("km_cut", layout)
    first, second = (train(engine, key, k=5, seed=3) for key in ("km_known", "km_cut"))
    np.testing.assert_allclose(first.centers, second.centers, rtol=1e-13)


@pytest.mark.cluster
def test_same_bits_on_three_workers(engine: Engine, cluster3: Engine) -> None:
    from dh2o.mrtask import use_engine

    with use_engine(engine):
        known.frame("km_known")
        first = train(engine, "km_known", k=5, seed=3)
    known.frame("km_known")
    second = train(cluster3, "km_known", k=5, seed=3)
    np.testing.assert_array_equal(first.centers, second.centers)
    assert first.output.training_metrics.withinss == second.output.training_metrics.withinss  # type: ignore[union-attr]


@pytest.mark.parametrize("params", [{}, {"estimate_k": True}])
def test_steps_that_lose_a_worker_are_done_again(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, params: dict[str, Any]
) -> None:
    from dh2o.mrtask.local import LocalState

    known.frame("km_known")
    expected = train(engine, "km_known", k=5, seed=3, **params)
    plain, calls = LocalState.run, [0]

    def losing(self: Any, task: Any) -> Any:
        calls[0] += 1
        if calls[0] in {2, 7, 15, 30}:
            self.close()
            raise StateLost("the test took it")
        return plain(self, task)

    monkeypatch.setattr(LocalState, "run", losing)
    found = train(engine, "km_known", k=5, seed=3, **params)
    np.testing.assert_array_equal(found.centers, expected.centers)


@pytest.mark.parametrize("least", [(1, 1, 1), (300, 40, 20), (10, 380, 10), (134, 133, 133)])
def test_clusters_are_as_large_as_asked(engine: Engine, least: tuple[int, ...]) -> None:
    known.frame("km_known")
    model = train(engine, "km_known", k=3, seed=1, cluster_size_constraints=least)
    sizes = model.output.training_metrics.sizes  # type: ignore[union-attr]
    assert all(a >= b for a, b in zip(sizes, least, strict=True))
    assert sum(sizes) == 400


def test_folds_have_clusters_and_all_of_them_have_none(engine: Engine) -> None:
    known.frame("km_known")
    model = train(engine, "km_known", k=3, seed=1, nfolds=3)
    pooled: Any = model.output.cross_validation_metrics
    assert pooled.centroid_stats is None
    assert pooled.n_obs == 400
    assert 0 < pooled.tot_withinss < pooled.totss
    fold: Any = engine.dkv.get(model.output.cross_validation_models[0]).output.training_metrics
    assert fold.centroid_stats.n_rows == 3


def test_awkward_columns(engine: Engine) -> None:
    rows = {"x": [1.0, np.nan, 3.0], "same": [2.0] * 3, "na": [np.nan] * 3}
    small(engine, rows)
    model = train(engine, "km_small", k=2, seed=1, ignore_const_cols=False)
    assert sorted(model.raw_centers[:, 0]) == pytest.approx([1.5, 3.0]) or sorted(
        model.raw_centers[:, 0]
    ) == pytest.approx([1.0, 2.5])
    assert (model.raw_centers[:, 1:] == [2.0, 0.0]).all()


def test_one_row_and_equal_rows(engine: Engine) -> None:
    small(engine, {"x": [4.0], "y": [5.0]})
    model = train(engine, "km_small", k=1, ignore_const_cols=False)
    assert model.raw_centers.tolist() == [[4.0, 5.0]]
    small(engine, {"x": [4.0] * 6, "y": [5.0] * 6})
    model = train(engine, "km_small", k=3, seed=1, ignore_const_cols=False)
    assert (model.raw_centers == [4.0, 5.0]).all()
    assert model.output.training_metrics.tot_withinss == 0.0  # type: ignore[union-attr]


def test_only_categories(engine: Engine) -> None:
    small(
        engine, {"c": pd.Categorical(list("aabbbc") * 5), "d": pd.Categorical(list("xyxyxy") * 5)}
    )
    model = train(engine, "km_small", k=3, seed=1)
    assert sum(model.output.training_metrics.sizes) == 30  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"k": 401}, "Cannot make 401 clusters out of 400 rows"),
        ({"k": 0}, "k must be >= 1"),
        ({"k": 2, "init": "User"}, "Must specify initial cluster centers"),
        ({"k": 2, "nfolds": 2, "fold_assignment": "Stratified"}, "unsupervised"),
        ({"k": 2, "cluster_size_constraints": [1]}, "not equal to k = 2"),
        ({"k": 2, "cluster_size_constraints": [300, 200]}, "sum of constraints"),
    ],
)
def test_what_cannot_be(engine: Engine, params: dict[str, Any], words: str) -> None:
    known.frame("km_known")
    with pytest.raises(BuilderError, match=words):
        train(engine, "km_known", **params)


def test_a_saved_model_is_the_same(engine: Engine, tmp_path: Any) -> None:
    known.frame("km_known")
    model = train(engine, "km_known", k=3, seed=1)
    save_model(model, tmp_path / "m")
    back: Any = load_model(tmp_path / "m")
    columns = local_columns_of(model, known.table())
    np.testing.assert_array_equal(back.score(columns), model.score(columns))
    assert str(back.output.extra["centers"]) == str(model.output.extra["centers"])


def test_as_an_estimator_of_scikit_learn(engine: Engine) -> None:
    del engine
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2)) + np.repeat([0, 9], 30)[:, None]
    estimator = H2OKMeansEstimator(k=2, seed=1)
    labels = estimator.fit_predict(x)
    assert len(set(labels[:30])) == len(set(labels[30:])) == 1
    assert labels[0] != labels[-1]
    distances = estimator.transform(x)
    np.testing.assert_array_equal(distances.argmin(axis=1), labels)
    assert estimator.cluster_centers_.shape == (2, 2)
    assert estimator.inertia_ == pytest.approx((distances.min(axis=1) ** 2).sum())
    assert estimator.plot_clusters(x).axes
