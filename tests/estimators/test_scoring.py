"""Passes over frames: predictions and metrics, on one worker and on three."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from dh2o.estimators.builder import start_build
from dh2o.estimators.scoring import model_metrics, predict_frame
from dh2o.frame import Frame
from dh2o.models import Model, ModelCategory, ModelError, ModelOutput, ModelParameters
from dh2o.models.predict_local import score_table
from dh2o.mrtask import Engine
from tests.models.curve_model import LEVELS, CurveModel


def curve(category: ModelCategory = ModelCategory.BINOMIAL) -> CurveModel:
    domain = ("no", "yes") if category.is_classifier else None
    output = ModelOutput(
        category,
        ("x", "colour", "y"),
        (None, LEVELS, domain),
        ("Numeric", "Enum", "Enum"),
        response="y",
        threshold=0.5,
    )
    return CurveModel("curve_2", ModelParameters({}), output, np.array([-1.0, 0.0, 2.0]))


def in_blocks(table: pd.DataFrame, layout: tuple[int, ...]) -> Frame:
    return Frame.from_pandas(table).rebalance(layout)


LAYOUTS = [(400,), (100, 0, 250, 50), tuple([40] * 10)]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_frames_are_scored_like_tables(
    any_engine: Engine, table: pd.DataFrame, layout: tuple[int, ...]
) -> None:
    model = curve()
    frame = in_blocks(table, layout)
    found = predict_frame(model, frame)
    assert found.names == ("predict", "no", "yes")
    assert tuple(found.layout) == layout
    local = score_table(model, table)
    back = found.to_pandas()
    np.testing.assert_array_equal(back["yes"], local[:, 1])
    np.testing.assert_array_equal(back["predict"] == "yes", local[:, 1] >= 0.5)


def figures(metrics: Any) -> tuple[Any, ...]:
    curve = metrics.thresholds
    return (metrics.n_obs, metrics.mse, metrics.logloss, metrics.auc, metrics.pr_auc,
            metrics.r2, curve.scores.tobytes(), curve.tps.tobytes())  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_metrics_have_the_same_bits_in_any_layout_and_cluster(
    any_engine: Engine, table: pd.DataFrame, layout: tuple[int, ...]
) -> None:
    from dh2o.models.metrics import metric_builder

    model = curve()
    found = model_metrics(model, in_blocks(table, layout))
    y = (table["y"] == "yes").to_numpy(dtype=float)
    builder = metric_builder(ModelCategory.BINOMIAL, ("no", "yes"))
    assert figures(found) == figures(builder.measure(score_table(model, table), y))
    assert found.model_key == "curve_2"


def test_weights_column_is_used_and_missing_ones_count_as_1(
    engine: Engine, table: pd.DataFrame
) -> None:
    model = curve()
    output = model.output
    weighted = model.replace(
        output=output.replace(
            names=("x", "colour", "w", "y"),
            domains=(None, LEVELS, None, output.response_domain),
            weights="w",
        )
    )
    found = model_metrics(weighted, Frame.from_pandas(table))
    doubled = table.loc[table.index.repeat(table["w"].astype(int))]
    again = model_metrics(model, Frame.from_pandas(doubled))
    assert (found.auc, found.logloss) == pytest.approx((again.auc, again.logloss))
    without = model_metrics(weighted, Frame.from_pandas(table.drop(columns="w")))
    assert without.auc == model_metrics(model, Frame.from_pandas(table)).auc


@pytest.mark.parametrize("n", [0, 1])
def test_empty_and_one_row_frames(engine: Engine, table: pd.DataFrame, n: int) -> None:
    frame = Frame.from_pandas(table.head(n))
    assert predict_frame(curve(), frame).n_rows == n
    assert model_metrics(curve(), frame).n_obs == n


def test_all_na_predictors(engine: Engine, table: pd.DataFrame) -> None:
    frame = Frame.from_pandas(table.assign(x=np.nan, colour=np.nan))
    np.testing.assert_array_equal(predict_frame(curve(), frame).to_pandas()["yes"], 0.5)


def test_regression_and_missing_response(engine: Engine, table: pd.DataFrame) -> None:
    model = curve(ModelCategory.REGRESSION)
    frame = Frame.from_pandas(table.drop(columns="y"))
    assert predict_frame(model, frame).names == ("predict",)
    with pytest.raises(ModelError, match="missing response column 'y'"):
        model_metrics(model, frame)


def test_input_blocks_are_not_changed(engine: Engine, table: pd.DataFrame) -> None:
    frame = Frame.from_pandas(table)
    before = frame.to_pandas()
    predict_frame(curve(), frame).to_pandas()
    model_metrics(curve(), frame)
    pd.testing.assert_frame_equal(frame.to_pandas(), before)


def built(engine: Engine, table: pd.DataFrame, layout: tuple[int, ...], **raw: Any) -> Model:
    frame = in_blocks(table, layout).put("built.hex")
    raw = {"training_frame": frame.key, "response_column": "y", "seed": 1, **raw}
    model: Model = start_build(engine, "mean", raw, "built").result()
    return model


def test_builds_run_as_jobs_and_their_models_stay(any_engine: Engine, table: pd.DataFrame) -> None:
    model = built(any_engine, table, (100, 300), weights_column="w")
    assert any_engine.dkv.kind("built") == "model"
    stored = any_engine.dkv.get("built")
    assert stored.output.training_metrics.frame_key == "built.hex"
    w = table["w"]
    expected = w[table["y"] == "yes"].sum() / w.sum()
    np.testing.assert_allclose(model.score(_no_columns(2))[:, 1], expected)


def _no_columns(n: int) -> Any:
    from dh2o.models import Columns

    return Columns({}, n)


def test_cancelled_builds_leave_nothing(engine: Engine, table: pd.DataFrame) -> None:
    frame = Frame.from_pandas(table).put("cancel.hex")
    raw = {"training_frame": frame.key, "response_column": "y", "steps": 100_000_000}
    job = start_build(engine, "mean", raw, "cancelled")
    job.cancel()
    _wait(job)
    assert job.status == "CANCELLED"
    assert not engine.dkv.contains("cancelled")


def _wait(job: Any) -> None:
    from dh2o.errors import JobCancelledError

    with pytest.raises(JobCancelledError):
        job.wait()


def test_time_limit_ends_a_build_with_what_there_is(engine: Engine, table: pd.DataFrame) -> None:
    model = built(engine, table, (400,), steps=100_000_000, max_runtime_secs=0.2)
    history = model.output.scoring_history
    assert history is not None
    assert 1 <= history.n_rows < 100_000_000
