"""Extended isolation forests end to end, beside what H2O 3.46.0.11 answered."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from dh2o.estimators import start_build
from dh2o.estimators.messages import BuilderError
from dh2o.estimators.scoring import model_metrics, predict_frame
from dh2o.frame import Frame
from dh2o.models import load_model, save_model
from dh2o.models.extended_isolation_forest import ExtendedIsolationForestModel
from dh2o.mrtask import Engine, current_engine, use_engine
from dh2o.mrtask.start import start_cluster

LAYOUT = (300, 0, 250, 1, 449)


def table(n: int = 1000) -> pd.DataFrame:
    """Return a cloud around 0 with NAs and levels, 2 % of its rows far away."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 3))
    far = rng.random(n) < 0.02
    x[far] += rng.choice([-1, 1], (far.sum(), 3)) * 8
    x[rng.random(n) < 0.05, 1] = np.nan
    return pd.DataFrame(
        {
            "a": x[:, 0], "b": x[:, 1], "c": x[:, 2],
            "i": rng.integers(0, 50, n),
            "level": pd.Categorical.from_codes(rng.integers(0, 6, n), list("uvwxyz")),
        }
    )  # fmt: skip


def blobs(seed: int) -> pd.DataFrame:
    """Return two clouds, one around (10, 0) and one around (0, 10)."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(500, 2))
    rows[:250, 0] += 10
    rows[250:, 1] += 10
    return pd.DataFrame(rows, columns=["a", "b"])


def stored(data: pd.DataFrame, key: str, layout: tuple[int, ...] | None = LAYOUT) -> None:
    """Store the table under `key`, cut into blocks."""
    frame = Frame.from_pandas(data)
    (frame.rebalance(layout) if layout else frame).put(key)


def build(frame: str = "eif_table", **params: Any) -> ExtendedIsolationForestModel:
    """Return the model of a stored frame."""
    raw = {"training_frame": frame, "seed": 5, "ntrees": 20, "sample_size": 100, **params}
    model: ExtendedIsolationForestModel = start_build(
        current_engine(), "extendedisolationforest", raw
    ).result()
    return model


def predicted(model: ExtendedIsolationForestModel, frame: str = "eif_table") -> pd.DataFrame:
    return predict_frame(model, Frame.get(frame)).to_pandas()


@pytest.fixture
def stored_table(engine: Engine) -> pd.DataFrame:
    """The table, stored as ``eif_table``."""
    data = table()
    stored(data, "eif_table")
    return data


# extension level, encoding -> sums of scores and of path lengths, first three scores
OF_H2O = {
    (0, "AUTO"): (483.96711224472904, 8797.707546909762, 0.4420821280836695),
    (2, "AUTO"): (453.03397051313704, 9610.193796878735, 0.3941810491567559),
    (4, "AUTO"): (439.8375949166974, 9978.91725947136, 0.39387990630973535),
    (3, "OneHotExplicit"): (463.9376059143285, 9308.86135036482, 0.42307920513453473),
}


@pytest.mark.parametrize(("level", "encoding"), OF_H2O)
def test_equal_seeds_give_h2os_scores(
    stored_table: pd.DataFrame, level: int, encoding: str
) -> None:
    model = build(extension_level=level, categorical_encoding=encoding)
    p = predicted(model)
    assert list(p.columns) == ["anomaly_score", "mean_length"]
    scores, lengths, first = OF_H2O[level, encoding]
    assert p["anomaly_score"].sum() == pytest.approx(scores, rel=1e-12)
    assert p["mean_length"].sum() == pytest.approx(lengths, rel=1e-12)
    assert p["anomaly_score"][0] == pytest.approx(first, rel=1e-12)
    metrics = model.output.training_metrics
    assert metrics.mean_score == pytest.approx(lengths / 1000, rel=1e-9)
    assert metrics.mean_normalized_score == pytest.approx(scores / 1000, rel=1e-9)
    again = model_metrics(model, Frame.get("eif_table"))
    assert again.mean_score == pytest.approx(metrics.mean_score, rel=1e-12)


def test_summary_is_h2os_and_planes_see_ghosts(engine: Engine) -> None:
    stored(blobs(1), "eif_blobs", None)
    stored(pd.DataFrame({"a": [0.0, 10.0], "b": [0.0, 10.0]}), "eif_ghosts", None)
    models = [
        build("eif_blobs", extension_level=level, seed=0xBEEF, ntrees=100, sample_size=255)
        for level in (0, 1)
    ]
    flat, oblique = (predicted(m, "eif_ghosts")["anomaly_score"] for m in models)
    assert flat.tolist() == pytest.approx([0.594779, 0.620262], abs=1e-6)
    assert (flat < oblique).all()
    summary = models[0].output.model_summary
    means = {"depth": 7, "leaves": 56.66, "isolated_point": 28.56, "not_isolated_point": 226.44}
    for name, value in (means | {"zero_splits": 3.65}).items():
        assert summary.column(f"mean_{name}")[0] == pytest.approx(value), name
    assert summary.column("size_of_subsample") == [255]


def test_history_comes_when_it_is_asked_for(stored_table: pd.DataFrame) -> None:
    assert build(ntrees=3).output.scoring_history is None
    model = build(ntrees=7, score_tree_interval=3, disable_training_metrics=False)
    history = model.output.scoring_history
    assert history.column("number_of_trees") == [0, 3, 6, 7]
    assert np.isnan(history.column("mean_tree_path_length")[0])
    assert history.column("mean_anomaly_score")[-1] == pytest.approx(
        predicted(model)["anomaly_score"].mean()
    )
    every = build(ntrees=4, score_each_iteration=True, disable_training_metrics=False)
    assert every.output.scoring_history.column("number_of_trees") == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"sample_size": 1001}, "sample_size"),
        ({"sample_size": 1}, "sample_size"),
        ({"ntrees": 0}, "ntrees"),
        ({"extension_level": 5}, "extension_level"),
        ({"extension_level": 11, "categorical_encoding": "OneHotExplicit"}, "extension_level"),
    ],
)
def test_bad_parameters_are_named(
    stored_table: pd.DataFrame, params: dict[str, Any], field: str
) -> None:
    with pytest.raises(BuilderError, match=field):
        build(**params)


def test_too_many_cuts_are_refused(stored_table: pd.DataFrame) -> None:
    with pytest.raises(BuilderError, match="Reduce ntrees"):
        build(ntrees=100_000, sample_size=1000, extension_level=4)


def test_awkward_frame(engine: Engine) -> None:
    """A column of NA only, infinite values, a constant: all rows get a score."""
    data = pd.DataFrame(
        {
            "na": np.full(6, np.nan), "one": np.ones(6),
            "x": [1.0, 2.0, np.inf, 4.0, -np.inf, 5.0],
        }
    )  # fmt: skip
    stored(data, "eif_awkward", (0, 2, 4))
    model = build("eif_awkward", ignore_const_cols=False, sample_size=6, extension_level=2)
    assert predicted(model, "eif_awkward").notna().all(axis=None)


def test_saved_and_loaded_models_are_equal(stored_table: pd.DataFrame, tmp_path: Any) -> None:
    model = build(extension_level=1)
    save_model(model, tmp_path / "m")
    pd.testing.assert_frame_equal(predicted(model), predicted(load_model(tmp_path / "m")))


def bits(model: ExtendedIsolationForestModel) -> dict[str, Any]:
    """Return all that must be equal."""
    return {name: a.tobytes() for name, a in model.forest.to_arrays().items()}


@pytest.mark.cluster
def test_same_bits_on_one_and_three_workers(cluster3: Engine) -> None:
    one = start_cluster(n_workers=1, threads_per_worker=1, processes=False)
    with one, use_engine(one):
        stored(table(), "eif_table")
        expected = bits(build(extension_level=1))
    with use_engine(cluster3):
        stored(table(), "eif_table")
        assert bits(build(extension_level=1)) == expected
