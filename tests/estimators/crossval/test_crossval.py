"""Cross-validation in the base, with the mean algorithm."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dh2o.estimators.builder import start_build, validate
from dh2o.estimators.crossval.folds import ASSIGNMENT, hash_rows, make_folds, shuffled_rounds
from dh2o.frame import Frame
from dh2o.frame.random_folds import random_folds
from dh2o.models import ModelError
from dh2o.mrtask import Engine, use_engine
from tests.estimators.mean_builder import BREAKS_SECOND_FOLD, MeanEstimator

pytestmark = pytest.mark.usefixtures("_quiet")


@pytest.fixture
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def folds_of(engine: Engine, frame: Frame, **raw: Any) -> np.ndarray:
    stored = frame.put("folds.hex")
    raw = {"training_frame": stored.key, "response_column": "three", "seed": 5, **raw}
    folds = make_folds(validate(engine, "mean", raw))
    found = folds.assignment.to_pandas()[ASSIGNMENT].to_numpy()
    assert set(found) == set(range(folds.n_folds))
    return found


@pytest.mark.parametrize("scheme", ["random", "modulo", "stratified"])
def test_folds_depend_on_row_numbers_alone(
    engine: Engine, table: pd.DataFrame, scheme: str
) -> None:
    whole = Frame.from_pandas(table)
    one = folds_of(engine, whole.rebalance((400,)), nfolds=3, fold_assignment=scheme)
    many = folds_of(engine, whole.rebalance((90, 0, 310)), nfolds=3, fold_assignment=scheme)
    np.testing.assert_array_equal(one, many)
    if scheme == "modulo":
        np.testing.assert_array_equal(one, np.arange(400) % 3)
    if scheme == "stratified":
        counts = pd.crosstab(table["three"], one)
        assert (counts.max(axis=1) - counts.min(axis=1)).max() <= 1


def test_fold_column_of_numbers_and_of_levels(engine: Engine, table: pd.DataFrame) -> None:
    frame = Frame.from_pandas(table.assign(fold=table["fold"] * 10))
    np.testing.assert_array_equal(folds_of(engine, frame, fold_column="fold"), table["fold"])
    codes = table["colour"].cat.codes
    np.testing.assert_array_equal(folds_of(engine, frame, fold_column="colour"), codes)


def test_shuffled_rounds_hold_every_fold_once() -> None:
    folds = shuffled_rounds(np.arange(40), 4, seed=1).reshape(10, 4)
    np.testing.assert_array_equal(np.sort(folds, axis=1), np.tile(np.arange(4), (10, 1)))
    assert len(np.unique(folds, axis=0)) > 3
    spread = np.bincount((hash_rows(np.arange(30_000, dtype=np.uint64), 7) % 3).astype(int))
    assert spread.min() > 9_700


def expected_holdout_mse(
    y: np.ndarray, fold: np.ndarray, w: np.ndarray
) -> tuple[float, list[float]]:
    errors, weights, by_fold = 0.0, 0.0, []
    for k in range(3):
        mean = np.average(y[fold != k], weights=w[fold != k])
        part = w[fold == k] * (y[fold == k] - mean) ** 2
        by_fold.append(part.sum() / w[fold == k].sum())
        errors, weights = errors + part.sum(), weights + w[fold == k].sum()
    return errors / weights, by_fold


@pytest.mark.parametrize("weighted", [False, True])
def test_metrics_are_those_of_the_held_out_rows(
    engine: Engine, table: pd.DataFrame, weighted: bool
) -> None:
    est = MeanEstimator(seed=1, weights_column="w" if weighted else None).train(
        y="num", training_frame=table, fold_column="fold"
    )
    w = table["w"].to_numpy() if weighted else np.ones(len(table))
    total, by_fold = expected_holdout_mse(table["num"].to_numpy(), table["fold"].to_numpy(), w)
    assert est.mse(xval=True) == pytest.approx(total)
    summary = est.cross_validation_metrics_summary()
    assert summary.col_names == ("", "mean", "sd", "cv_1_valid", "cv_2_valid", "cv_3_valid")
    row = dict(zip(summary.column(""), summary.rows, strict=True))["mse"]
    assert row[3:] == pytest.approx(by_fold)
    assert row[1:3] == pytest.approx([np.mean(by_fold), np.std(by_fold, ddof=1)])
    assert est.model_performance(xval=True).metrics.description.startswith("3-fold")
    assert est.is_cross_validated()


def test_folds_models_are_kept_and_score_other_frames(engine: Engine, table: pd.DataFrame) -> None:
    est = MeanEstimator(seed=1, nfolds=3, model_id="kept", fold_assignment="modulo").train(
        y="y", training_frame=table
    )
    models = est.cross_validation_models()
    assert [m.key for m in models] == ["kept_cv_1", "kept_cv_2", "kept_cv_3"]
    held_out = table.iloc[0::3]
    assert models[0].logloss(valid=True) == pytest.approx(
        models[0].model_performance(held_out).logloss()
    )
    assert models[0].model.output.names == est.model.output.names
    assert len(est.model.output.cv_scoring_history) == 3
    assert est.auc(xval=True) < 0.5  # a mean without the row itself leans the other way


def test_only_what_is_asked_for_stays(engine: Engine, table: pd.DataFrame) -> None:
    before = set(engine.dkv.keys())
    est = MeanEstimator(seed=1, nfolds=2, keep_cross_validation_models=False).train(
        y="y", training_frame=table
    )
    assert set(engine.dkv.keys()) - before == {est.key}
    assert est.cross_validation_holdout_predictions() is None


def test_kept_predictions_are_the_holdout_predictions(engine: Engine, table: pd.DataFrame) -> None:
    est = MeanEstimator(
        nfolds=2,
        model_id="A model's name / 1",
        fold_assignment="modulo",
        keep_cross_validation_predictions=True,
        keep_cross_validation_fold_assignment=True,
    ).train(y="three", training_frame=table)
    combined = est.cross_validation_holdout_predictions().frame.to_pandas()
    assert list(combined.columns) == ["predict", "a", "b", "c"]
    share = (table["three"].iloc[1::2] == "b").mean()
    np.testing.assert_allclose(combined["b"].iloc[0::2], share)
    first = est.cross_validation_predictions()[0].frame.to_pandas()
    np.testing.assert_allclose(first["b"].iloc[0::2], share)
    assert (first["b"].iloc[1::2] == 0).all()
    assignment = est.cross_validation_fold_assignment().frame.to_pandas()
    np.testing.assert_array_equal(assignment["fold_assignment"], np.arange(400) % 2)


def test_a_failing_fold_leaves_nothing(engine: Engine, table: pd.DataFrame) -> None:
    before = set(engine.dkv.keys())
    broken = MeanEstimator(nfolds=2, shift=BREAKS_SECOND_FOLD)
    with pytest.raises(ModelError, match="second fold broke"):
        broken.train(y="three", training_frame=table)
    assert set(engine.dkv.keys()) == before


@pytest.mark.cluster
def test_cross_validation_has_the_same_bits_on_three_workers(
    engine: Engine, cluster3: Engine, table: pd.DataFrame
) -> None:
    def cross_validated(on: Engine) -> tuple[Any, ...]:
        with use_engine(on):
            frame = Frame.from_pandas(table).rebalance((120, 0, 250, 30)).put("bits.hex")
            raw = {"training_frame": frame.key, "response_column": "y", "weights_column": "w"}
            job = start_build(on, "mean", {**raw, "nfolds": 3, "seed": 9}, "bits")
            metrics = job.result().output.cross_validation_metrics
        curve = metrics.thresholds
        return metrics.logloss, metrics.auc, metrics.r2, curve.scores.tobytes(), curve.tps.tobytes()

    assert cross_validated(engine) == cross_validated(cluster3)


def test_random_folds_are_those_of_h2o() -> None:
    """Of ``kfold_column(n_folds=5, seed=…)`` in H2O 3.46.0.11."""
    known = {
        42: [1, 2, 1, 2, 1, 3, 0, 4, 1, 4, 0, 0, 0, 1, 4, 0, 4, 3, 0, 0, 4, 1, 0, 3, 2],
        -5: [3, 0, 0, 3, 4, 2, 2, 2, 2, 0, 2, 1, 1, 0, 4, 0, 0, 1, 2, 1, 3, 0, 0, 3, 0],
        123456789012: [4, 0, 3, 0, 2, 4, 2, 0, 3, 3, 1, 1, 0, 4, 1, 3, 1, 3, 4, 4, 4, 1, 2],
    }
    for seed, folds in known.items():
        assert random_folds(np.arange(len(folds)), 5, seed).tolist() == folds
