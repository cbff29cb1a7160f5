"""Isolation forests end to end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from dh2o.estimators import start_build
from dh2o.estimators.isolation_forest.samples import Sampling
from dh2o.estimators.messages import BuilderError
from dh2o.estimators.scoring import model_metrics, predict_frame
from dh2o.frame import Frame
from dh2o.models import load_model, save_model
from dh2o.models.isolation_forest import IsolationForestModel, normalized_path_length
from dh2o.models.metrics import ModelMetricsAnomaly, ModelMetricsBinomial
from dh2o.mrtask import Engine, current_engine, use_engine
from dh2o.mrtask.start import start_cluster

LAYOUT = (300, 0, 250, 1, 449)


def table(n: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Return a cloud with NAs and levels, 2 % of its rows far away."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    far = rng.random(n) < 0.02
    x[far] += rng.choice([-1, 1], (far.sum(), 3)) * 8
    x[rng.random(n) < 0.05, 1] = np.nan
    return pd.DataFrame(
        {
            "a": x[:, 0], "b": x[:, 1], "c": x[:, 2],
            "i": rng.integers(0, 50, n),
            "level": pd.Categorical.from_codes(rng.integers(0, 6, n), list("uvwxyz")),
            "far": pd.Categorical(np.where(far, "yes", "no")),
        }
    )  # fmt: skip


def stored(data: pd.DataFrame, key: str, layout: tuple[int, ...] | None = LAYOUT) -> None:
    """Store the table under `key`, cut into blocks."""
    frame = Frame.from_pandas(data)
    (frame.rebalance(layout) if layout else frame).put(key)


def build(frame: str = "if_table", **params: Any) -> IsolationForestModel:
    """Return the isolation forest of a stored frame."""
    ignored = ["far"] if "far" in Frame.get(frame).names else []
    raw = {
        "training_frame": frame, "ignored_columns": ignored, "seed": 1, "ntrees": 20, **params,
    }  # fmt: skip
    model: IsolationForestModel = start_build(current_engine(), "isolationforest", raw).result()
    return model


@pytest.fixture
def stored_table(engine: Engine) -> pd.DataFrame:
    """The table, stored as ``if_table``; without labels as ``if_plain``."""
    data = table()
    stored(data, "if_table")
    stored(data.drop(columns="far"), "if_plain")
    return data


def test_far_rows_score_high(stored_table: pd.DataFrame) -> None:
    model = build(ntrees=50)
    p = predict_frame(model, Frame.get("if_table")).to_pandas()
    assert list(p.columns) == ["predict", "mean_length"]
    far = (stored_table["far"] == "yes").to_numpy()
    assert p["predict"][far].mean() > p["predict"][~far].quantile(0.95)
    assert p["predict"].min() == 0.0
    assert p["predict"].max() == 1.0
    total = (p["mean_length"] * 50).to_numpy()
    assert (model.min_path_length, model.max_path_length) == (total.min(), total.max())
    shortest, longest = model.min_path_length, model.max_path_length
    score = normalized_path_length(total, shortest, longest)
    np.testing.assert_allclose(p["predict"], score, rtol=1e-12, atol=1e-12)


def test_training_metrics_are_means_over_trees_that_do_not_know_a_row(
    stored_table: pd.DataFrame,
) -> None:
    model = build(ntrees=8, sample_size=400)
    n = len(stored_table)
    x = np.zeros((n, 6))
    for k, name in enumerate("abc"):
        x[:, k] = stored_table[name]
    x[:, 3], x[:, 4] = stored_table["i"], stored_table["level"].cat.codes
    length = np.stack([model.forest.sums(x, t, t + 1)[:, 0] for t in range(8)])
    out = np.ones((8, n), bool)
    for t in range(8):
        out[t, Sampling(1, n, 400).rows(t)] = False
    seen = out.any(axis=0)
    mean = (length * out).sum(axis=0)[seen] / out.sum(axis=0)[seen]
    metrics = model.output.training_metrics
    assert isinstance(metrics, ModelMetricsAnomaly)
    assert metrics.n_obs == seen.sum()
    assert metrics.mean_score == pytest.approx(mean.mean(), rel=1e-9)
    score = normalized_path_length(mean * 8, model.min_path_length, model.max_path_length)
    assert metrics.mean_normalized_score == pytest.approx(score.mean(), rel=1e-9)


def test_history_and_splits_are_h2os_tables(stored_table: pd.DataFrame) -> None:
    model = build(score_each_iteration=True, ntrees=5)
    history = model.output.scoring_history
    assert history.column("number_of_trees") == [0, 1, 2, 3, 4, 5]
    assert np.isnan(history.column("mean_tree_path_length")[0])
    assert history.column("mean_anomaly_score")[-1] > 0
    splits = model.output.extra["variable_splits"]
    assert splits.column("variable") == ["a", "b", "c", "i", "level"]
    assert sum(splits.column("count")) == (~model.forest.is_leaf).sum()


def test_contamination_flags_that_part(stored_table: pd.DataFrame) -> None:
    model = build(contamination=0.1, ntrees=50)
    frame = predict_frame(model, Frame.get("if_table"))
    assert frame.names == ("predict", "score", "mean_length")
    assert frame.vec("predict").domain == ("0", "1")
    p = frame.to_pandas()
    assert (p["predict"] == "1").mean() == pytest.approx(0.1, abs=0.03)
    assert model.output.threshold == pytest.approx(np.quantile(p["score"], 0.9), rel=1e-9)


def test_labelled_validation_frame(stored_table: pd.DataFrame) -> None:
    stored(table(seed=3), "if_valid")
    plain = build("if_plain")
    model = build("if_plain", validation_frame="if_valid", validation_response_column="far")
    validation = model.output.validation_metrics
    assert isinstance(validation, ModelMetricsBinomial)
    assert validation.auc > 0.95
    assert model.output.default_threshold == validation.default_threshold
    a, b = (predict_frame(m, Frame.get("if_valid")).to_pandas() for m in (plain, model))
    np.testing.assert_array_equal(a["predict"], b["score"])
    assert set(b["predict"]) == {"no", "yes"}
    again = model_metrics(model, Frame.get("if_valid"))
    assert again.auc == pytest.approx(validation.auc, abs=1e-4)


def test_metrics_of_a_frame_without_labels(stored_table: pd.DataFrame) -> None:
    model = build("if_plain")
    metrics = model_metrics(model, Frame.get("if_plain"))
    p = predict_frame(model, Frame.get("if_plain")).to_pandas()
    assert metrics.mean_score == pytest.approx(p["mean_length"].mean(), rel=1e-9)
    assert metrics.n_obs == len(p)


def test_saved_and_loaded_models_are_equal(stored_table: pd.DataFrame, tmp_path: Any) -> None:
    model = build("if_plain")
    save_model(model, tmp_path / "m")
    again = load_model(tmp_path / "m")
    p, q = (predict_frame(m, Frame.get("if_plain")).to_pandas() for m in (model, again))
    pd.testing.assert_frame_equal(p, q)


def test_early_stopping_by_the_score_stops(stored_table: pd.DataFrame) -> None:
    model = build(ntrees=300, stopping_rounds=1, score_tree_interval=5, stopping_tolerance=0.5)
    assert model.params["ntrees"] == model.forest.n_trees < 300
    assert model.params["stopping_metric"] == "anomaly_score"


def test_sample_rate_takes_that_part(stored_table: pd.DataFrame) -> None:
    model = build(sample_rate=0.3)
    assert set(model.forest.weights[model.forest.starts[:-1]]) == {300.0}


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"mtries": 9}, "mtries"),
        ({"contamination": 0.7}, "contamination"),
        ({"sample_rate": 0.0}, "sample_rate"),
        ({"stopping_metric": "AUC"}, "stopping_metric"),
        ({"validation_frame": "if_plain"}, "validation_response_column"),
        ({"validation_frame": "if_table", "validation_response_column": "far"}, "training_frame"),
        ({"min_rows": 501.0}, "min_rows"),
    ],
)
def test_bad_parameters_are_named(
    stored_table: pd.DataFrame, params: dict[str, Any], field: str
) -> None:
    with pytest.raises(BuilderError, match=field):
        build(**params)


def test_awkward_frame(engine: Engine) -> None:
    """A column of NA only, one of a single level with NAs, and few rows."""
    data = pd.DataFrame(
        {
            "na": np.full(6, np.nan),
            "one": pd.Categorical.from_codes([0, -1, 0, 0, -1, 0], ["only"]),
            "x": [1.0, 2.0, np.inf, 4.0, -np.inf, 5.0],
        }
    )
    stored(data, "if_awkward", (0, 2, 4))
    model = build("if_awkward", ignore_const_cols=False, ntrees=5)
    p = predict_frame(model, Frame.get("if_awkward")).to_pandas()
    assert p["predict"].notna().all()


def bits(model: IsolationForestModel) -> dict[str, Any]:
    """Return all that must be equal."""
    arrays = {name: a.tobytes() for name, a in model.forest.to_arrays().items()}
    metrics = model.output.training_metrics
    return {**arrays, "score": metrics.mean_score, "longest": model.max_path_length}


@pytest.mark.cluster
def test_same_bits_on_one_and_three_workers(cluster3: Engine) -> None:
    one = start_cluster(n_workers=1, threads_per_worker=1, processes=False)
    with one, use_engine(one):
        stored(table(), "if_table")
        expected = bits(build(contamination=0.05))
    with use_engine(cluster3):
        stored(table(), "if_table")
        assert bits(build(contamination=0.05)) == expected
