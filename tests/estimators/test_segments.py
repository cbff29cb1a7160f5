"""Models of segments, and metrics of frames without a model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from dh2o.errors import ParameterError
from dh2o.estimators.builder import start_build
from dh2o.estimators.scoring import model_metrics, predict_frame
from dh2o.estimators.segments import SegmentModels, segments_frame, start_segments
from dh2o.estimators.trained.make_metrics import metrics_of_frames
from dh2o.frame import Frame
from dh2o.mrtask import Engine


@pytest.fixture
def data(engine: Engine) -> Frame:
    rng = np.random.default_rng(0)
    n = 200
    where = rng.integers(0, 3, n).astype(float)
    where[:40] = np.nan
    table = pd.DataFrame({
        "where": where, "kind": pd.Categorical(rng.choice(["a", "b"], n)), "x": rng.normal(size=n),
    })  # fmt: skip
    table["y"] = table.x * table["where"].fillna(9) + rng.normal(size=n)
    return Frame.from_pandas(table).rebalance((90, 0, 110)).put("segments.hex")


PARAMS = {"training_frame": "segments.hex", "response_column": "y", "seed": 1}


def run(engine: Engine, segments: Any, **params: Any) -> SegmentModels:
    job = start_segments(engine, "mean", {**PARAMS, **params}, segments)
    job.result()
    found = engine.dkv.get(job.dest)
    assert isinstance(found, SegmentModels)
    return found


def test_each_segment_has_the_model_of_its_rows(engine: Engine, data: Frame) -> None:
    found = run(engine, ["where"])
    assert found.values == ((None,), (0,), (1,), (2,))
    table = data.to_pandas()
    for (value,), result in zip(found.values, found.results, strict=True):
        rows = table["where"].isna() if value is None else table["where"] == value
        mean = engine.dkv.get(result.model).values[0]
        assert mean == pytest.approx(table["y"][rows].mean())
    assert not [key for key in engine.dkv.keys(kind="frame") if key.startswith("segment_")]


def test_combinations_are_told_in_a_frame(engine: Engine, data: Frame) -> None:
    assert data.n_rows
    found = segments_frame(run(engine, ["kind", "where"])).to_pandas()
    assert list(found) == ["kind", "where", "model", "status", "errors", "warnings"]
    assert len(found) == 8
    assert set(found["status"]) == {"SUCCEEDED"}
    assert found["kind"].tolist() == ["a"] * 4 + ["b"] * 4


def test_a_frame_of_segments_keeps_its_order_and_failures_are_noted(
    engine: Engine, data: Frame
) -> None:
    assert data.n_rows
    wanted = Frame.from_pandas(pd.DataFrame({"where": [2, 7, 0]}))
    found = run(engine, wanted, ignored_columns=["kind"])
    assert found.values == ((2,), (7,), (0,))
    assert [result.status for result in found.results] == ["SUCCEEDED", "FAILED", "SUCCEEDED"]
    assert "ERRR on field: _training_frame" in str(found.results[1].errors)


def test_only_factors_and_whole_numbers_make_segments(engine: Engine, data: Frame) -> None:
    assert data.n_rows
    with pytest.raises(ParameterError, match=r"only be categorical and integer.*\['x'\]"):
        run(engine, ["x"])
    with pytest.raises(ParameterError, match="not in the training frame"):
        run(engine, ["nowhere"])


def test_metrics_of_frames_are_those_of_the_model(engine: Engine, table: pd.DataFrame) -> None:
    frame = Frame.from_pandas(table).put("metrics.hex")
    for y, domain in (("num", None), ("y", ["no", "yes"]), ("three", ["a", "b", "c"])):
        raw = {"training_frame": "metrics.hex", "response_column": y, "weights_column": "w"}
        model = start_build(engine, "mean", raw).result()
        made = (
            predict_frame(model, frame).drop("predict") if domain else predict_frame(model, frame)
        )
        predicted = made.select([1]) if y == "y" else made
        found = metrics_of_frames(
            predicted.rebalance((1, frame.n_rows - 1)), frame.select([y]), domain, None,
            frame.select(["w"]),
        )  # fmt: skip
        expected = model_metrics(model, frame)
        assert (found.mse, found.n_obs) == (expected.mse, expected.n_obs)
        assert getattr(found, "auc", 0.0) == getattr(expected, "auc", 0.0) or y == "three"
        assert getattr(found, "logloss", 0) == getattr(expected, "logloss", 0)


@pytest.mark.parametrize(
    ("columns", "domain", "words"),
    [
        (["x", "i"], None, "must have exactly 1 column"),
        (["x", "i"], ["a", "b"], "exactly one column containing the class-1"),
        (["x"], ["a", "b", "c"], "exactly 3 columns"),
        (["colour"], None, "numeric columns"),
    ],
)
def test_predictions_must_fit_the_domain(
    engine: Engine,
    table: pd.DataFrame,
    columns: list[str],
    domain: list[str] | None,
    words: str,
) -> None:
    frame = Frame.from_pandas(table)
    with pytest.raises(ParameterError, match=words):
        metrics_of_frames(frame.select(columns), frame.select(["y"]), domain)
