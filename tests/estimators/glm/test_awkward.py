"""Awkward data: NA, collinear, separable, constant, tiny, wide; and the laws of every estimator."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from dh2o.errors import ModelError, ParameterError
from dh2o.estimators import BuilderError
from dh2o.estimators.scoring import predict_frame
from dh2o.mrtask import Engine
from tests.estimators.glm.data import beta_of, levels, prostate, store, train

RNG = np.random.default_rng(4)
N = 200
A, B = RNG.normal(size=N), RNG.normal(size=N)
Y = A - 2 * B + RNG.normal(size=N)


@pytest.mark.parametrize("n_blocks", [1, 2, 7])
@pytest.mark.parametrize("params", [{"lambda_": 0.0}, {}, {"lambda_search": True}])
def test_layout_does_not_matter(engine: Engine, n_blocks: int, params: dict[str, object]) -> None:
    model = train(engine, prostate(n_blocks), "CAPSULE", ["AGE", "RACE", "PSA"], **params)
    whole = train(engine, prostate(), "CAPSULE", ["AGE", "RACE", "PSA"], **params)
    np.testing.assert_allclose(model.beta, whole.beta, rtol=1e-9, atol=1e-12)


@pytest.mark.cluster
def test_same_bits_on_one_and_three_workers(engine: Engine, cluster3: Engine) -> None:
    from dh2o.mrtask import use_engine

    betas = []
    for where in (engine, cluster3):
        with use_engine(where):
            betas.append(train(where, prostate(7), "CAPSULE", ["AGE", "RACE", "PSA"]).beta)
    assert betas[0].tobytes() == betas[1].tobytes()


def test_na_is_the_mean_and_the_commonest_level(engine: Engine) -> None:
    a, colour = A.copy(), ["red"] * 120 + ["blue"] * 80
    a[:10], colour[50] = np.nan, None
    filled = np.where(np.isnan(a), np.nanmean(a), a)
    frame = store("na", {"a": a, "colour": levels(colour), "y": Y}, 3)
    model = train(engine, frame, "y", lambda_=0.0)
    red = np.array([c != "blue" for c in colour])
    want = np.linalg.lstsq(np.column_stack([filled, red, np.ones(N)]), Y, rcond=None)[0]
    np.testing.assert_allclose(beta_of(model, "a", "colour.red"), want, rtol=1e-9)


def test_rows_with_na_can_be_skipped(engine: Engine) -> None:
    a, y = A.copy(), Y.copy()
    a[:10], y[20:25] = np.nan, np.nan
    model = train(
        engine, store("na", {"a": a, "y": y}, 3), "y", lambda_=0.0, missing_values_handling="Skip"
    )
    used = ~np.isnan(a) & ~np.isnan(y)
    want = np.polyfit(a[used], y[used], 1)
    np.testing.assert_allclose(beta_of(model, "a"), want, rtol=1e-9)
    assert model.output.training_metrics.n_obs == used.sum()


def test_plug_values_stand_in_for_na(engine: Engine) -> None:
    a = A.copy()
    a[:10] = np.nan
    plugs = store("plugs", {"a": [3.5]}).key
    model = train(
        engine, store("na", {"a": a, "y": Y}), "y", lambda_=0.0,
        missing_values_handling="PlugValues", plug_values=plugs,
    )  # fmt: skip
    want = np.polyfit(np.where(np.isnan(a), 3.5, a), Y, 1)
    np.testing.assert_allclose(beta_of(model, "a"), want, rtol=1e-9)


def test_collinear_columns_share_or_go(engine: Engine) -> None:
    frame = store("twins", {"a": A, "twin": 2 * A, "b": B, "y": Y})
    want = np.linalg.lstsq(np.column_stack([A, B, np.ones(N)]), Y, rcond=None)[0]
    shared = train(engine, frame, "y", lambda_=0.0).coefficients()
    assert shared["a"] + 2 * shared["twin"] == pytest.approx(want[0])
    dropped = train(engine, frame, "y", lambda_=0.0, remove_collinear_columns=True)
    np.testing.assert_allclose(beta_of(dropped, "a", "twin", "b"), np.insert(want, 1, 0.0))
    assert "Removed collinear columns [twin]" in dropped.output.warnings
    with pytest.raises(ModelError, match=r"remove_collinear_columns.*\[twin\]"):
        train(engine, frame, "y", lambda_=0.0, compute_p_values=True)


def test_separable_classes_end_with_finite_coefficients(engine: Engine) -> None:
    frame = store("separable", {"a": A, "class": levels(["ny"[int(v > 0)] for v in A])})
    model = train(engine, frame, "class", lambda_=0.0)
    assert np.isfinite(model.beta).all()
    assert model.output.training_metrics.auc == 1.0


def test_more_columns_than_rows(engine: Engine) -> None:
    wide = {f"x{i}": RNG.normal(size=20) for i in range(60)}
    wide["y"] = 3 * wide["x5"] + 0.01 * RNG.normal(size=20)
    frame = store("wide", wide)
    lasso = train(engine, frame, "y", lambda_=0.3, alpha=1.0).coefficients()
    assert max(lasso, key=lambda name: abs(lasso[name]) * (name != "Intercept")) == "x5"
    exact = train(engine, frame, "y", lambda_=0.0)
    assert exact.output.training_metrics.mse == pytest.approx(0.0, abs=1e-12)


def test_one_row_and_all_na(engine: Engine) -> None:
    with pytest.raises(BuilderError, match=r"constant|usable"):
        train(engine, store("one", {"a": [1.0], "y": [2.0]}), "y")
    frame = store("na", {"a": A, "gone": np.full(N, np.nan), "y": Y})
    model = train(engine, frame, "y", lambda_=0.0)
    assert list(model.coefficients()) == ["Intercept", "a"]
    with pytest.raises(BuilderError, match="only missing"):
        train(engine, frame, "gone")


def test_no_rows_left_says_so(engine: Engine) -> None:
    a = np.where(np.arange(N) % 2, np.nan, A)
    b = np.where(np.arange(N) % 2, B, np.nan)
    with pytest.raises(ModelError, match="No rows left"):
        train(engine, store("gone", {"a": a, "b": b, "y": Y}), "y", missing_values_handling="Skip")


def test_infinite_predictors_are_refused(engine: Engine) -> None:
    a = A.copy()
    a[3] = np.inf
    with pytest.raises(ModelError, match="Column 'a' holds infinite"):
        train(engine, store("inf", {"a": a, "y": Y}), "y", lambda_=0.0)


def test_numeric_response_of_0_and_1_makes_classes(engine: Engine) -> None:
    frame = store("numeric", {"a": A, "y": (A + B > 0).astype(float)})
    model = train(engine, frame, "y", family="binomial")
    assert model.prediction_names == ("predict", "p0", "p1")
    assert model.output.training_metrics.auc > 0.6


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"family": "multinomial"}, "Multinomial requires a categorical response"),
        ({"interactions": ["a", "zz"]}, "column 'zz' is no predictor"),
        ({"alpha": 2.0}, "alpha must be >= 0 and <= 1"),
        ({"family": "binomial"}, "Binomial requires the response to be a 2-class"),
        ({"family": "gamma"}, "must be greater than 0"),
        ({"family": "poisson", "link": "logit"}, "Incompatible link function"),
        ({"missing_values_handling": "PlugValues"}, "No plug values frame"),
        ({"compute_p_values": True, "solver": "L_BFGS"}, "IRLSM solver"),
        ({"prior": 0.5}, "Prior is only allowed with family = binomial"),
        ({"lambda_search": True, "stopping_rounds": 3}, "cannot run when lambda_search"),
    ],
)
def test_wrong_parameters_are_named(engine: Engine, params: dict, message: str) -> None:
    with pytest.raises(BuilderError, match=message):
        train(engine, store("plain", {"a": A, "y": Y}), "y", **params)


def test_prediction_of_new_data(engine: Engine) -> None:
    frame = store("old", {"a": A, "c": levels(list("uv" * 100)), "y": Y})
    model = train(engine, frame, "y", lambda_=0.0)
    new = store("new", {"a": [1.0, math.nan], "c": levels(["v", "unseen"])})
    got = predict_frame(model, new).rows(0, 2).floats("predict")
    c = model.coefficients()
    mode = max(("u", "v"), key=lambda level: level == "u")  # both occur 100 times: the first
    assert mode == "u"
    want = [c["Intercept"] + c["a"] + c["c.v"], c["Intercept"] + c["a"] * A.mean()]
    np.testing.assert_allclose(got, want, rtol=1e-9)


def test_standard_errors_of_predictions(engine: Engine) -> None:
    frame = store("se", {"a": A, "y": Y})
    model = train(engine, frame, "y", lambda_=0.0, compute_p_values=True)
    got = predict_frame(model, frame).rows(0, 1).floats("StdErr")[0]
    row = np.array([A[0], 1.0])
    assert got == pytest.approx(math.sqrt(row @ model.covariance @ row))


def test_lambda_search_falls_from_lambda_max(engine: Engine) -> None:
    model = train(engine, prostate(), "CAPSULE", ["AGE", "PSA", "GLEASON"], lambda_search=True)
    assert model.path_lambda is not None
    assert model.path_beta is not None
    assert (np.diff(model.path_lambda) < 0).all()
    assert np.count_nonzero(model.path_beta[0][:-1]) == 0
    assert np.count_nonzero(model.path_beta[-1][:-1]) == 3
    assert model.output.extra["lambda_max"] == model.path_lambda[0]
    assert model.output.extra["lambda_min"] <= model.path_lambda[-1]
    assert model.output.extra["lambda_min"] == model.params["lambda"][-1]
    np.testing.assert_array_equal(
        model.path_beta[model.output.extra["best_submodel_index"]], model.beta
    )


def test_lambda_above_the_largest_leaves_the_intercept(engine: Engine) -> None:
    model = train(engine, store("plain", {"a": A, "y": Y}), "y", lambda_=1e6)
    np.testing.assert_allclose(beta_of(model, "a"), [0.0, Y.mean()])


def test_model_survives_its_file(engine: Engine, tmp_path: Path) -> None:
    from dh2o.models import load_model, save_model

    frame = prostate()
    x = ["AGE", "RACE", "PSA"]
    model = train(engine, frame, "CAPSULE", x, lambda_=0.0, compute_p_values=True)
    again = load_model(save_model(model, tmp_path / "glm.zip"))
    one, two = (predict_frame(m, frame).rows(0, 380) for m in (model, again))
    for name in model.prediction_names:
        np.testing.assert_array_equal(one[name], two[name])
    assert again.coefficients() == model.coefficients()


def test_path_and_new_coefficients(engine: Engine) -> None:
    frame = store("plain", {"a": A, "b": B, "y": Y})
    model = train(engine, frame, "y", lambda_search=True)
    path = model.regularization_path()
    assert len(path["lambdas"]) == len(path["coefficients"]) == len(path["coefficients_std"])
    assert path["explained_deviance_train"][0] == pytest.approx(0.0, abs=1e-9)
    assert path["explained_deviance_train"][-1] == pytest.approx(model.output.training_metrics.r2)
    other = model.with_coefficients({"a": 1.5, "Intercept": 0.0}, "other")
    assert other.key == "other"
    assert (other.coefficients()["a"], other.coefficients()["Intercept"]) == (1.5, 0.0)
    assert other.coefficients()["b"] == model.coefficients()["b"]
    with pytest.raises(ParameterError, match="no coefficient 'z'"):
        model.with_coefficients({"z": 1.0}, "other")


def test_p_values_of_penalised_fits_are_those_of_the_chosen_columns(engine: Engine) -> None:
    frame = store("plain", {"a": A, "b": B, "noise": RNG.normal(size=N), "y": Y})
    model = train(engine, frame, "y", lambda_=[0.4, 0.2], alpha=1.0, compute_p_values=True)
    path = model.regularization_path()
    assert len(path["p_values"]) == len(path["std_errs"]) == 2
    assert model.p_values is not None
    p = dict(zip(model.design.names, model.p_values, strict=True))
    assert p["b"] < 1e-10
    assert math.isnan(p["noise"])
    assert any("nonzero coefficients" in text for text in model.output.warnings)


def test_folds_choose_lambda(engine: Engine) -> None:
    frame = store("cv", {"a": A, "b": B, "noise": RNG.normal(size=N), "y": Y})
    lambdas = [1.5, 0.01, 0.5]
    model = train(engine, frame, "y", lambda_=lambdas, nfolds=3, fold_assignment="Modulo")
    extra = model.output.extra
    assert (extra["lambda_best"], extra["best_submodel_index"]) == (0.01, 1)
    assert extra["lambda_1se"] in lambdas
    assert model.output.cross_validation_metrics.extra["residual_deviance"] > 0


def test_metrics_can_end_the_fit(engine: Engine) -> None:
    frame = prostate(2)
    x = ["AGE", "RACE", "PSA", "GLEASON"]
    never = {"beta_epsilon": 0.0, "objective_epsilon": 0.0, "lambda_": 0.0}
    stopped = train(engine, frame, "CAPSULE", x, stopping_rounds=2, **never)
    table = stopped.output.scoring_history
    assert table["iterations"][-1] < 50
    assert not math.isnan(table["training_logloss"][1])


def test_each_alpha_of_a_search_has_its_own_null_model(engine: Engine) -> None:
    x = ["AGE", "PSA", "GLEASON"]
    model = train(engine, prostate(), "CAPSULE", x, lambda_search=True, alpha=[0.9, 0.1])
    assert model.path_alpha is not None
    first = int(np.argmax(model.path_alpha == 0.1))
    lam = float(model.path_lambda[first])
    alone = train(engine, prostate(), "CAPSULE", x, lambda_=[lam], alpha=[0.1])
    assert np.count_nonzero(alone.beta[:-1]) > 0
    np.testing.assert_allclose(model.path_beta[first], alone.beta, atol=1e-6)


def test_detailed_history_has_deviances(engine: Engine) -> None:
    frame = prostate(2)
    model = train(
        engine, frame, "CAPSULE", ["AGE", "PSA"], lambda_=0.0, generate_scoring_history=True,
        validation_frame=frame.key, nfolds=3, seed=1,
    )  # fmt: skip
    table = model.output.scoring_history
    metrics = model.output.training_metrics
    assert table["deviance_train"][-1] == pytest.approx(metrics.extra["residual_deviance"] / 380)
    assert table["deviance_test"][-1] == pytest.approx(table["deviance_train"][-1])
    assert table["deviance_xval"][-1] > table["deviance_train"][-1]
    assert table["training_r2"][-1] == pytest.approx(metrics.r2)


def test_detailed_history_has_the_steps_that_were_measured(engine: Engine) -> None:
    def iterations(**params: Any) -> list[int]:
        given = {"lambda_": 0.0, "generate_scoring_history": True, **params}
        model = train(engine, prostate(), "CAPSULE", ["AGE", "PSA"], **given)
        return list(model.output.scoring_history["iterations"])

    whole = iterations(generate_scoring_history=False)
    assert whole[0] == 0
    assert iterations() == whole[-1:]
    assert iterations(score_each_iteration=True) == whole[1:]


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"lambda_": 0.0}, []),
        ({"lambda_": 0.1}, ["It is used improperly here.  Please set lambda=0."]),
        ({"lambda_search": True}, ["improperly here with lambda_search"]),
        ({"lambda_": 0.0, "solver": "COORDINATE_DESCENT"}, ["only works when IRLSM"]),
    ],
)
def test_collinear_columns_go_without_penalty_only(
    engine: Engine, params: dict[str, Any], told: list[str]
) -> None:
    frame = store("twice", {"a": A, "b": 2 * A, "y": Y})
    model = train(engine, frame, "y", remove_collinear_columns=True, **params)
    warnings = [w for w in model.output.warnings if "remove_collinear_columns" in w]
    assert len(warnings) == len(told)
    assert all(words in text for words, text in zip(told, warnings, strict=True))


def test_columns_without_any_value_do_no_harm(engine: Engine) -> None:
    gone = pa.DictionaryArray.from_arrays(pa.nulls(N, pa.int32()), pa.array([], pa.string()))
    frame = store("gone", {"a": A, "no level": gone, "no number": np.full(N, np.nan), "y": Y})
    model = train(engine, frame, "y", lambda_=0.0, ignore_const_cols=False)
    np.testing.assert_allclose(beta_of(model, "a"), np.polyfit(A, Y, 1), rtol=1e-9)


@pytest.mark.parametrize("missing", ["MeanImputation", "Skip"])
def test_many_short_columns_are_read_as_each(
    engine: Engine, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dh2o.estimators.glm import rows

    x = RNG.normal(size=(60, 300)).round(1)
    x[7, 5] = x[30, 200] = np.nan
    columns = {"y": x[:, 0] + x[:, 3], **{f"x{i}": column for i, column in enumerate(x.T)}}
    frame = store("many_short", columns, n_blocks=2)
    params = {"lambda_": 0.1, "missing_values_handling": missing, "solver": "L_BFGS"}
    together = train(engine, frame, "y", **params)
    monkeypatch.setattr(rows, "worth_batching", lambda *_: False)
    assert (train(engine, frame, "y", **params).beta == together.beta).all()
