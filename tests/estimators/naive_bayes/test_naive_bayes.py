"""Naive Bayes: as H2O, and on awkward inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from dh2o.errors import ModelError
from dh2o.estimators.builder import start_build
from dh2o.estimators.messages import BuilderError
from dh2o.estimators.naive_bayes import H2ONaiveBayesEstimator
from dh2o.estimators.scoring import predict_frame
from dh2o.frame import Frame
from dh2o.models import load_model, save_model
from dh2o.mrtask import Engine
from tests.estimators import h2o_unsupervised as known

H2O = known.answers()["nb"]


def train(engine: Engine, frame: str, y: str = "c", **params: Any) -> Any:
    raw = {"training_frame": frame, "response_column": y, **params}
    return start_build(engine, "naivebayes", raw).result(timeout=600)


def numbers(table: Any) -> np.ndarray:
    return np.array([row[1:] for row in table.rows], dtype=float)


@pytest.mark.parametrize("name", H2O)
def test_as_h2o(engine: Engine, name: str) -> None:
    frame, expected = known.frame("nb_known"), H2O[name]
    ignored = [n for n in frame.names if n not in (*expected["x"], "c")]
    model = train(engine, "nb_known", ignored_columns=ignored, **expected["params"])
    extra = model.output.extra
    np.testing.assert_allclose(numbers(extra["apriori"])[0], expected["apriori"], rtol=1e-12)
    for found, wanted in zip(extra["pcond"], expected["pcond"], strict=True):
        np.testing.assert_allclose(numbers(found), wanted, rtol=1e-10)
    block = predict_frame(model, frame).rows(0, 12)
    p = np.stack([block.floats(level) for level in known.LEVELS], axis=1)
    np.testing.assert_allclose(p, expected["p"], rtol=1e-9)
    assert model.output.training_metrics.logloss == pytest.approx(expected["logloss"], rel=1e-9)


def test_as_scikit_learn(engine: Engine) -> None:
    from sklearn.naive_bayes import GaussianNB

    del engine
    rng = np.random.default_rng(1)
    y = rng.integers(0, 3, 300)
    x = rng.normal(size=(300, 4)) + y[:, None]
    ours = H2ONaiveBayesEstimator().fit(x, y)
    theirs = GaussianNB().fit(x, y)
    np.testing.assert_array_equal(ours.predict(x), theirs.predict(x))
    assert np.abs(ours.predict_proba(x) - theirs.predict_proba(x)).max() < 0.02  # n-1 against n


def test_far_numbers_do_not_cancel_out(engine: Engine) -> None:
    x = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 6.0])
    rows = {"x": 1e9 + x, "y": pd.Categorical(list("aaabbb"))}
    Frame.from_pandas(pd.DataFrame(rows)).put("nb_small")
    model = train(engine, "nb_small", "y")
    np.testing.assert_allclose(model.deviations[0], [1.0, np.std([3, 4, 6], ddof=1)], rtol=1e-12)


def test_folds(engine: Engine) -> None:
    known.frame("nb_known")
    model = train(engine, "nb_known", nfolds=3, seed=1)
    assert 0 < model.output.cross_validation_metrics.logloss < 2


def test_what_cannot_be(engine: Engine) -> None:
    known.frame("nb_known")
    with pytest.raises(BuilderError, match="categorical"):
        train(engine, "nb_known", "a")
    with pytest.raises(BuilderError, match="laplace must be >= 0"):
        train(engine, "nb_known", laplace=-1)
    rows = {"x": [1.0, np.nan], "z": [np.nan, 2.0], "y": pd.Categorical(["a", "b"])}
    Frame.from_pandas(pd.DataFrame(rows)).put("nb_small")
    with pytest.raises(ModelError, match="nothing to learn"):
        train(engine, "nb_small", "y", ignore_const_cols=False)


def test_a_saved_model_is_the_same(engine: Engine, tmp_path: Any) -> None:
    frame = known.frame("nb_known")
    model = train(engine, "nb_known")
    save_model(model, tmp_path / "m")
    first, second = (
        predict_frame(m, frame).rows(0, frame.n_rows).floats("u")
        for m in (model, load_model(tmp_path / "m"))
    )
    np.testing.assert_array_equal(first, second)
