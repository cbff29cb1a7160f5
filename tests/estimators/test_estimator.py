"""Estimators as users meet them: H2O's way."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from dh2o.errors import JobCancelledError, ModelError, ParameterError
from dh2o.estimators import BuilderError, estimator_of
from dh2o.frame import Frame
from dh2o.models import TwoDimTable, load_model
from dh2o.mrtask import Engine, Job, JobContext
from tests.estimators.mean_builder import MeanEstimator
from tests.killing import wait_until


@pytest.fixture
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


@pytest.fixture
def trained(engine: Engine, table: pd.DataFrame) -> MeanEstimator:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return MeanEstimator(seed=1).train(
            y="y", training_frame=table, validation_frame=table.head(50)
        )


def test_metrics_by_flag(trained: MeanEstimator, table: pd.DataFrame) -> None:
    share = (table["y"] == "yes").mean()
    assert trained.mse() == pytest.approx(share * (1 - share))
    both = trained.logloss(train=True, valid=True)
    assert set(both) == {"train", "valid"}
    assert trained.auc(valid=True) == trained.gini(valid=True) + 0.5 == 0.5
    assert trained.auc(xval=True) is None
    assert trained.model_performance(valid=True).nobs() == 50
    assert trained.model_performance(table).mse() == trained.mse()


def test_binomial_accessors(trained: MeanEstimator, table: pd.DataFrame) -> None:
    share = (table["y"] == "yes").mean()
    (threshold, f1), *_ = trained.F1()
    assert threshold == trained.find_threshold_by_max_metric("f1") == pytest.approx(share)
    assert f1 == pytest.approx(2 * share / (1 + share))
    assert trained.accuracy(thresholds=[0.0])[0] == [0.0, pytest.approx(share)]
    assert trained.error(thresholds=[0.0])[0][1] == pytest.approx(1 - share)
    assert trained.confusion_matrix().to_list()[1] == [0, (table["y"] == "yes").sum()]
    assert len(trained.confusion_matrix(["f1", "accuracy"], thresholds=0.5)) == 3
    assert trained.gains_lift().n_rows == 1
    assert trained.kolmogorov_smirnov() == 0.0
    assert trained.roc() == ([0.0, 1.0], [0.0, 1.0])
    assert trained.model_performance()["AUC"] == 0.5
    with pytest.raises(ParameterError, match="metric: expected one of"):
        trained.metric("nope")
    with pytest.raises(ModelError, match="no mae"):
        trained.mae()


def test_tables_and_figures_about_the_model(trained: MeanEstimator) -> None:
    assert trained.varimp()[0] == ("x", 1.0, 1.0, pytest.approx(1 / 7))
    assert list(trained.varimp(use_pandas=True)["variable"])[:2] == ["x", "i"]
    assert len(trained.scoring_history()) == 3
    assert isinstance(trained.summary(), TwoDimTable)
    assert trained.type == "classifier"
    assert trained.actual_params["mode"] == "GrandMean"
    assert trained.params["mode"] == {"default": "AUTO", "actual": "GrandMean", "input": "AUTO"}
    assert trained.default_params["steps"] == 3
    assert trained.run_time >= 0
    assert trained.model_id == trained.key
    assert trained.get_params()["model_id"] is None
    for shown in (repr(trained), trained._repr_html_()):
        assert trained.key in shown
        assert "Confusion Matrix" in shown


def test_multinomial_and_regression(engine: Engine, table: pd.DataFrame, quiet: None) -> None:
    three = MeanEstimator(auc_type="macro_ovr").train(y="three", training_frame=table)
    assert three.hit_ratio_table().column("hit_ratio")[2] == 1.0
    assert three.multinomial_auc_table().n_rows == 3 + 3 + 4
    assert three.mean_per_class_error() == pytest.approx(2 / 3)
    assert three.confusion_matrix().counts.sum() == len(table)
    with pytest.raises(ParameterError, match="auc_type: expected one of AUTO"):
        three.model_performance(table, auc_type="best")
    number = MeanEstimator(distribution="laplace").train(y="num", training_frame=table)
    deviation = (table["num"] - table["num"].mean()).abs().mean()
    assert number.mean_residual_deviance() == number.mae() == pytest.approx(deviation)
    assert number.r2() == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("make", [pl.from_pandas, Frame.from_pandas, lambda t: t])
def test_any_table_can_be_trained_on(
    engine: Engine, table: pd.DataFrame, quiet: None, make: Any
) -> None:
    small = table[["x", "i", "num"]]
    found = MeanEstimator(model_id="any").train(x=["x", 1], y="num", training_frame=make(small))
    assert found.key == "any"
    assert found.model.output.x == ("x", "i")
    assert found.mse() == pytest.approx(small["num"].var(ddof=0))
    assert not [k for k in engine.dkv.keys("frame") if k.startswith("train__")]


def test_predictions_of_local_tables_are_labels(
    trained: MeanEstimator, table: pd.DataFrame
) -> None:
    assert list(trained.predict(table.head(2))) == ["yes", "yes"]
    share = (table["y"] == "yes").mean()
    np.testing.assert_allclose(trained.predict_proba(table.head(2))[:, 1], share)


def test_predictions_of_frames_are_frames(trained: MeanEstimator, table: pd.DataFrame) -> None:
    found = trained.predict(Frame.from_pandas(table))
    assert found.frame.names == ("predict", "no", "yes")
    assert found.frame.n_rows == len(table)


def test_mistakes_are_named(engine: Engine, table: pd.DataFrame) -> None:
    with pytest.raises(ModelError, match="not trained yet"):
        MeanEstimator().auc()
    with pytest.raises(ParameterError, match="training_frame"):
        MeanEstimator().train(y="y")
    with pytest.raises(ParameterError, match="y: give the name"):
        MeanEstimator().train(training_frame=table)
    with pytest.raises(ParameterError, match="column 'nope' not in the frame"):
        MeanEstimator().train(x=["nope"], y="y", training_frame=table)
    with pytest.raises(ParameterError, match="not both"):
        MeanEstimator(ignored_columns=["x"]).train(x=["i"], y="y", training_frame=table)
    with pytest.raises(BuilderError, match="Response column 'nope' not found"):
        MeanEstimator().train(y="nope", training_frame=table)
    with pytest.raises(TypeError, match="MeanEstimator: got an unexpected keyword"):
        MeanEstimator(stepz=1)
    with pytest.raises(ParameterError, match="has no parameter 'stepz'"):
        MeanEstimator().set_params(stepz=1)


def test_warnings_reach_the_user(engine: Engine, table: pd.DataFrame) -> None:
    with pytest.warns(RuntimeWarning, match=r"Dropping bad and constant columns: \[text, same\]"):
        MeanEstimator().train(y="y", training_frame=table)


def test_models_are_saved_loaded_and_found_again(
    trained: MeanEstimator, engine: Engine, table: pd.DataFrame, tmp_path: Path
) -> None:
    path = trained.save(tmp_path)
    assert path == tmp_path / trained.key
    with pytest.raises(ParameterError, match="force=True"):
        trained.save(tmp_path, force=False)
    again = estimator_of(load_model(path))
    assert isinstance(again, MeanEstimator)
    assert again.seed == 1
    assert str(again) == str(trained)
    np.testing.assert_array_equal(again.predict_proba(table), trained.predict_proba(table))
    stored = estimator_of(engine.dkv.get(trained.key))
    assert stored.auc() == trained.auc()


def test_a_trained_estimator_is_pickled_with_its_model(
    trained: MeanEstimator, table: pd.DataFrame
) -> None:
    again = pickle.loads(pickle.dumps(trained))
    assert str(again) == str(trained)
    assert again.get_params() == trained.get_params()
    np.testing.assert_array_equal(again.predict_proba(table), trained.predict_proba(table))


def test_ctrl_c_while_the_job_is_busy_leaves_no_frame(
    engine: Engine, table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gate, jobs = tmp_path / "open", []

    def busy(ctx: JobContext, key: str) -> None:
        with ctx.dkv.reading(key):
            wait_until(gate.exists, "the gate to open")
            while True:
                ctx.check()  # looks now and then

    def start(self: MeanEstimator, raw: dict[str, Any], model_id: str | None) -> Job:
        jobs.append(engine.start_job("Busy", busy, raw["training_frame"]))
        wait_until(lambda: engine.dkv.entries("frame")[0].readers != (), "the job to read")
        monkeypatch.setattr(jobs[0], "wait_for_change", interrupted)
        return jobs[0]

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    engine.dkv.remove_all()
    monkeypatch.setattr(MeanEstimator, "_start", start)
    with pytest.raises(KeyboardInterrupt):
        MeanEstimator().train(y="y", training_frame=table)
    monkeypatch.undo()
    assert len(engine.dkv.entries("frame")) == 1
    gate.touch()
    with pytest.raises(JobCancelledError):
        jobs[0].wait(timeout=600)
    assert engine.dkv.entries("frame") == []


def test_finished_models_are_exported_on_request(
    engine: Engine, table: pd.DataFrame, quiet: None, tmp_path: Path
) -> None:
    folder = tmp_path / "new"
    made = MeanEstimator(export_checkpoints_dir=str(folder)).train(y="y", training_frame=table)
    assert load_model(folder / made.key).key == made.key
    (tmp_path / "file").write_text("in the way")
    broken = MeanEstimator(export_checkpoints_dir=str(tmp_path / "file"))
    with pytest.raises(BuilderError, match="must point to a writable path"):
        broken.train(y="y", training_frame=table)


def test_untrained_repr_shows_what_was_changed() -> None:
    assert repr(MeanEstimator(steps=5)) == "MeanEstimator(steps=5)"


def test_plots(trained: MeanEstimator, tmp_path: Path) -> None:
    from dh2o.estimators.trained.plots import plot_confusion

    figures = [
        trained.varimp_plot(save_plot_path=tmp_path / "v.png"),
        trained.plot(timestep="step", save_plot_path=tmp_path / "h.png"),
        trained.model_performance().plot("roc", tmp_path / "roc.png"),
        trained.model_performance().plot("pr", tmp_path / "pr.png"),
        plot_confusion(trained.confusion_matrix(), tmp_path / "c.png"),
    ]
    assert all(figure.axes for figure in figures)
    assert len(list(tmp_path.iterdir())) == 5
    with pytest.raises(ParameterError, match="has no 'nope'"):
        trained.plot(metric="nope")
