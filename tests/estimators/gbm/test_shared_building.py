"""What every algorithm shares, tried on GBM: encodings, balance, calibration, custom metrics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from dh2o.estimators import BuilderError, model_metrics, predict_frame
from dh2o.estimators.building.balance import sampling_ratios
from dh2o.estimators.model_prims import calibration_by, reset_threshold
from dh2o.frame import Frame
from dh2o.models import load_model, predict_table, save_model
from dh2o.models.calibration import IsotonicCalibration, PlattScaling
from dh2o.models.gbm import GBMModel
from dh2o.mrtask import Engine

from .conftest import Train, build, mixed, stored

ENCODINGS = ["OneHotExplicit", "Binary", "Eigen", "LabelEncoder", "SortByResponse", "EnumLimited"]


def predicted(model: GBMModel, frame: Frame) -> pd.DataFrame:
    return predict_frame(model, frame).to_pandas()


@pytest.mark.parametrize("scheme", ENCODINGS)
def test_encoded_models_score_raw_frames_tables_and_rows_alike(
    train: Train, scheme: str, tmp_path: Any
) -> None:
    model = train("two", categorical_encoding=scheme, ntrees=3, nfolds=2)
    model = load_model(save_model(model, tmp_path / "m"))  # type: ignore[assignment]
    frame = Frame.get("gbm_valid")
    table = mixed(1500, seed=1)
    table["small"] = table["small"].cat.rename_categories({"e": "unseen"})
    other = stored(table[["wide", "small", "i", "x"]], "gbm_other")
    with pytest.warns(RuntimeWarning, match="levels not trained on"):
        local = predict_table(model, table)
    np.testing.assert_array_equal(predicted(model, other)["yes"], local["yes"])
    found = model_metrics(model, frame)
    one_row = predict_table(model, {n: table[n].iloc[7] for n in ("x", "i", "small", "wide")})
    assert one_row["yes"][0] == local["yes"][7]
    assert found.auc > 0.6
    xval = model.output.cross_validation_metrics
    assert xval is not None
    assert xval.n_obs == model.output.training_metrics.n_obs  # type: ignore[union-attr]
    if scheme != "SortByResponse":
        assert model.output.original_names == ("x", "i", "small", "wide", "two")
        assert model.output.input_names == ("x", "i", "small", "wide")


def test_names_and_levels_of_encodings_are_those_of_h2o(train: Train) -> None:
    names = {}
    for scheme in ("OneHotExplicit", "Binary", "EnumLimited"):
        model = train("two", categorical_encoding=scheme, ntrees=1)
        names[scheme] = [n for n in model.output.x if "top" in n or "wide" not in n]
    small = [f"small.{level}" for level in (*"abcde", "missing(NA)")]
    assert names["OneHotExplicit"] == ["x", "i", *small]
    assert names["Binary"] == ["x", "i", "small:0", "small:1", "small:2"]
    assert names["EnumLimited"] == ["x", "i", "small", "wide.top_10_levels"]
    counts = mixed()["wide"].value_counts()
    domain = model.output.domain_of("wide.top_10_levels")
    assert domain is not None
    assert [counts[level] for level in domain[:-1]] == counts.to_list()[:10]
    assert domain[-1] == "other"


def test_levels_are_sorted_by_their_mean_response(train: Train) -> None:
    model = train("number", categorical_encoding="SortByResponse", ntrees=1)
    means = mixed().groupby("small", observed=True)["number"].mean().sort_values()
    assert model.output.domain_of("small") == tuple(means.index)


def test_trees_know_no_one_hot_internal(train: Train) -> None:
    with pytest.raises(BuilderError, match="Cannot use OneHotInternal"):
        train("two", categorical_encoding="OneHotInternal")


def test_ratios_bring_every_class_to_the_size_of_the_largest() -> None:
    counts = np.array([800.0, 200.0, 0.0])
    np.testing.assert_allclose(sampling_ratios(counts, 1000, None, 5.0), [1, 4, 0])
    np.testing.assert_allclose(sampling_ratios(counts, 1000, None, 0.8), [0.5, 2, 0])
    np.testing.assert_allclose(sampling_ratios(counts, 1000, [0.5, 1, 1], 5.0), [0.5, 1, 1])


def test_balanced_probabilities_are_those_of_the_frame(train: Train, engine: Engine) -> None:
    table = mixed()
    rare = table["two"].eq("yes") & (np.arange(3000) % 5 > 0)
    frame = stored(table[~rare], "gbm_rare")
    model = build("two", "gbm_rare", balance_classes=True, nfolds=2)
    output = model.output
    share = float((table[~rare]["two"] == "yes").mean())
    assert output.prior_class_distrib == pytest.approx((1 - share, share))
    assert output.model_class_distrib == pytest.approx((0.5, 0.5), abs=0.05)
    assert output.weights is None
    assert output.names == ("x", "i", "small", "wide", "two")
    p = predicted(model, frame)["yes"]
    assert p.mean() == pytest.approx(share, abs=0.05)
    assert output.training_metrics.n_obs > 0  # type: ignore[union-attr]
    assert engine.dkv.get(output.cross_validation_models[0]).output.names == output.names
    again = build("two", "gbm_rare", balance_classes=True, nfolds=2)
    np.testing.assert_array_equal(predicted(again, frame)["yes"], p)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"balance_classes": True, "weights_column": "w"}, "not currently supported together"),
        ({"balance_classes": True, "class_sampling_factors": [1.0]}, "must have 2 elements"),
        ({"calibrate_model": True}, "Calibration frame was not specified"),
        ({"calibrate_model": True, "calibration_frame": "nowhere"}, "not found for argument"),
        ({"stopping_metric": "custom", "stopping_rounds": 1}, "Custom metric function needs"),
        ({"custom_metric_func": "python:mae=mm.MAE"}, "There is no metric"),
        ({"min_rows": 1501}, r"at least 3002\.0 \(weighted\) rows, but have only 3000\.0"),
        ({"nfolds": 2, "checkpoint": "x"}, "Cannot run cross-validation with a checkpoint"),
    ],
)
def test_what_does_not_go_together_is_refused_in_h2os_words(
    train: Train, params: dict[str, Any], words: str
) -> None:
    with pytest.raises(BuilderError, match=words):
        train("two", **params)


@pytest.mark.parametrize("method", ["PlattScaling", "IsotonicRegression"])
def test_calibrated_columns_stand_beside_the_others(train: Train, method: str) -> None:
    model = train(
        "two", ntrees=5, calibrate_model=True, calibration_frame="gbm_valid",
        calibration_method=method,
    )  # fmt: skip
    assert model.prediction_names == ("predict", "no", "yes", "cal_no", "cal_yes")
    found = predicted(model, Frame.get("gbm_valid"))
    truth = (mixed(1500, seed=1)["two"] == "yes").to_numpy(float)
    assert found["cal_yes"].mean() == pytest.approx(truth.mean(), abs=1e-6)
    np.testing.assert_allclose(found["cal_no"] + found["cal_yes"], 1.0)
    if method == "PlattScaling":
        expected = logistic_fit(found["no"].to_numpy(), truth)
        assert isinstance(model.output.calibration, PlattScaling)
        got = (model.output.calibration.slope, model.output.calibration.intercept)
        np.testing.assert_allclose(got, expected, rtol=1e-6)


def logistic_fit(p: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return slope and intercept of the logistic regression, by plain Newton steps."""
    x, beta = np.column_stack([p, np.ones(len(p))]), np.zeros(2)
    for _ in range(30):
        mu = 1 / (1 + np.exp(-x @ beta))
        beta += np.linalg.solve((x.T * (mu * (1 - mu))) @ x, x.T @ (y - mu))
    return beta


def test_a_threshold_can_be_set(train: Train, engine: Engine) -> None:
    model = train("two", ntrees=2)
    old = reset_threshold(model, 0.99)
    assert old == model.output.default_threshold
    stored_model = engine.dkv.get(model.key)
    assert stored_model.output.default_threshold == 0.99
    assert set(predicted(stored_model, Frame.get("gbm_valid"))["predict"]) == {"no"}


def test_other_models_calibrate(train: Train, engine: Engine) -> None:
    from dh2o.estimators import H2OGeneralizedLinearEstimator, H2OIsotonicRegressionEstimator

    model = train("two", ntrees=2)
    table = mixed(1500, seed=1)
    p = predicted(model, Frame.get("gbm_valid"))
    line = H2OIsotonicRegressionEstimator(out_of_bounds="clip")
    line.train(training_frame=pd.DataFrame({"p1": p["yes"], "y": table["two"]}), x="p1", y="y")
    found = calibration_by(model, line.model)
    assert isinstance(found, IsotonicCalibration)
    curve = H2OGeneralizedLinearEstimator(family="binomial", lambda_=0.0)
    curve.train(training_frame=pd.DataFrame({"p0": p["no"], "y": table["two"]}), x="p0", y="y")
    assert isinstance(calibration_by(model, curve.model), PlattScaling)


def test_a_metric_of_ones_own_is_measured_and_stops_early(train: Train, engine: Engine) -> None:
    from dh2o.estimators.building.custom_metric import upload_metric

    def error(pred: Any, act: Any) -> float:
        return float(abs(pred[0] - act[0]))

    reference = upload_metric(error, "error")
    model = train(
        "number", ntrees=60, custom_metric_func=reference, stopping_metric="custom",
        stopping_rounds=2, stopping_tolerance=0.1, nfolds=2,
    )  # fmt: skip
    same = train(
        "number", ntrees=60, stopping_metric="MAE", stopping_rounds=2, stopping_tolerance=0.1,
        nfolds=2,
    )  # fmt: skip
    assert model.forest.n_trees == same.forest.n_trees < 60
    for metrics in (model.output.training_metrics, model.output.cross_validation_metrics):
        assert metrics is not None
        assert metrics.custom_value == pytest.approx(metrics.mae, rel=1e-12)  # type: ignore[attr-defined]
    history = model.output.scoring_history
    assert history is not None
    assert "training_custom" in history.col_names
    assert model_metrics(model, Frame.get("gbm_valid")).custom_name == "error"
    engine.dkv.remove("error")
    assert model_metrics(model, Frame.get("gbm_valid")).custom_name is None


def test_a_checkpoint_may_not_change_what_its_trees_rest_on(train: Train) -> None:
    before = train("two", ntrees=3, categorical_encoding="EnumLimited")
    more = {"checkpoint": before.key, "categorical_encoding": "EnumLimited"}
    after = train("two", ntrees=6, **more)
    whole = train("two", ntrees=6, categorical_encoding="EnumLimited")
    frame = Frame.get("gbm_valid")
    np.testing.assert_array_equal(predicted(after, frame)["yes"], predicted(whole, frame)["yes"])
    for params, words in (
        ({"ntrees": 3}, "ntrees must be higher than 4"),
        ({"ntrees": 9, "max_depth": 3}, "Field _max_depth cannot be modified if checkpoint"),
        ({"ntrees": 9, "nbins_cats": 99}, "Field _nbins_cats cannot be modified"),
    ):
        with pytest.raises(BuilderError, match=words):
            train("two", **{**more, **params})
    with pytest.raises(BuilderError, match="Response type must be the same"):
        train("number", ntrees=9, **more)
    with pytest.raises(BuilderError, match="columns of the training data must be the same"):
        build("two", "gbm_mixed", ("x", "i", "small"), **{**more, "ntrees": 9})


def test_folds_go_back_to_their_best_iteration_and_tell_the_main_model(
    train: Train, engine: Engine
) -> None:
    model = train(
        "two", ntrees=200, nfolds=2, stopping_rounds=2, stopping_tolerance=0.0,
        score_tree_interval=2, learn_rate=0.5,
    )  # fmt: skip
    folds = [engine.dkv.get(key) for key in model.output.cross_validation_models]
    numbers = []
    for fold in folds:
        table = fold.output.scoring_history
        scored = dict(
            zip(table.column("number_of_trees"), table.column("validation_logloss"), strict=True)
        )
        last = sorted(scored)[-2:]
        assert fold.forest.n_trees == min(last, key=lambda n: (scored[n], -n))
        found = fold.output.validation_metrics.logloss
        assert found == pytest.approx(scored[fold.forest.n_trees], rel=1e-6)
        numbers.append(fold.forest.n_trees)
    assert model.forest.n_trees == sum(numbers) // 2 < 200


@pytest.mark.parametrize("name", ["export_checkpoints_dir", "in_training_checkpoints_dir"])
def test_folders_that_cannot_be_written_are_refused_before_the_work(
    train: Train, tmp_path: Any, name: str
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BuilderError, match="must point to a writable path"):
        train("two", **{name: str(tmp_path / "file" / "below")})


def test_the_rows_of_a_checkpoint_may_have_fewer_levels_and_constant_columns(
    train: Train, engine: Engine
) -> None:
    before = train("three", ntrees=2)
    table = mixed()
    some = table[table["small"].isin(["b"]) & table["three"].isin(["low", "mid"])].copy()
    for name in ("small", "three"):
        some[name] = some[name].cat.remove_unused_categories()
    stored(some, "gbm_some")
    after = build("three", "gbm_some", checkpoint=before.key, ntrees=4)
    assert after.output.names == before.output.names
    assert after.output.domains == before.output.domains
    assert after.forest.n_trees == 4
    some["small"] = some["small"].cat.rename_categories({"b": "new"})
    stored(some, "gbm_some")
    with pytest.raises(BuilderError, match="factor levels of the training data must be the same"):
        build("three", "gbm_some", checkpoint=before.key, ntrees=4)
    assert engine.dkv.contains(before.key)
