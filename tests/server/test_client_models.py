"""The official client's models: trained, printed, judged, scored, saved, and refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def frame(h2o: Any, prostate: str) -> Any:
    data = h2o.import_file(prostate)
    data["CAPSULE"] = data["CAPSULE"].asfactor()
    return data


def gbm(h2o: Any, frame: Any, **params: Any) -> Any:
    model = h2o.estimators.H2OGradientBoostingEstimator(ntrees=5, seed=1, **params)
    model.train(x=["AGE", "PSA", "GLEASON"], y="CAPSULE", training_frame=frame)
    return model


def test_gbm_prints_judges_and_predicts(
    h2o: Any, frame: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    model = gbm(h2o, frame)
    print(model)  # noqa: T201 (what is tested is what people see)
    shown = capsys.readouterr().out
    for part in ("Model Summary", "Scoring History", "Variable Importances", "Confusion Matrix"):
        assert part in shown
    assert model.auc() > 0.7
    assert model.model_performance(frame).auc() == pytest.approx(model.auc(), abs=1e-9)
    predicted = model.predict(frame)
    assert predicted.names == ["predict", "p0", "p1"]
    assert predicted.shape == (380, 3)
    assert {row[0] for row in model.varimp()} == {"AGE", "PSA", "GLEASON"}
    assert model.scoring_history() is not None
    assert model.actual_params["distribution"] == "bernoulli"
    assert model.params["ntrees"]["actual"] == 5


def test_glm_gives_coefficients(h2o: Any, frame: Any) -> None:
    model = h2o.estimators.H2OGeneralizedLinearEstimator(family="binomial", lambda_=0)
    model.train(x=["AGE", "PSA", "GLEASON"], y="CAPSULE", training_frame=frame)
    assert set(model.coef()) == {"Intercept", "AGE", "PSA", "GLEASON"}
    assert model.residual_deviance() < model.null_deviance()
    assert model.predict(frame).shape == (380, 3)
    assert "Coefficients" in str(model._model_json["output"]["coefficients_table"])


def test_multinomial_with_folds(h2o: Any, frame: Any) -> None:
    frame["RACE"] = frame["RACE"].asfactor()
    model = h2o.estimators.H2OGradientBoostingEstimator(ntrees=3, seed=1, nfolds=2)
    model.train(x=["AGE", "PSA"], y="RACE", training_frame=frame)
    matrix = model.confusion_matrix(frame)
    assert matrix.col_header == [*frame["RACE"].levels()[0], "Error", "Rate"]
    assert sum(sum(row[:3]) for row in matrix.cell_values[:3]) == frame.nrow
    assert model.logloss(xval=True) > 0
    assert len(model.cross_validation_models()) == 2


def test_trees_that_are_there_are_told_as_actual(h2o: Any, frame: Any) -> None:
    rule = {"stopping_rounds": 1, "stopping_tolerance": 0.5, "score_each_iteration": True}
    model = h2o.estimators.H2OGradientBoostingEstimator(ntrees=40, seed=1, **rule)
    model.train(x=["AGE", "PSA"], y="CAPSULE", training_frame=frame)
    n_trees = model.get_summary()["number_of_trees"][0]
    assert n_trees < 40
    assert model.params["ntrees"] == {"default": 50, "actual": n_trees, "input": 40}


def test_a_model_goes_out_and_comes_back(h2o: Any, frame: Any, tmp_path: Path) -> None:
    model = gbm(h2o, frame)
    before = model.predict(frame).as_data_frame(use_pandas=False)
    downloaded = h2o.download_model(model, path=str(tmp_path))
    saved = h2o.save_model(model, path=str(tmp_path / "saved"))
    with pytest.raises(h2o.exceptions.H2OResponseError, match="already exists"):
        h2o.save_model(model, path=str(tmp_path / "saved"))
    for back in (h2o.upload_model(downloaded), h2o.load_model(saved)):
        assert back.model_id == model.model_id
        assert back.predict(frame).as_data_frame(use_pandas=False) == before
    assert model.model_id in [m["model_id"]["name"] for m in h2o.api("GET /3/Models")["models"]]


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"ntrees": -1}, "ntrees"),
        ({"ntrees": "many"}, "ntrees"),
        ({"nteees": 3}, "Unknown parameter: nteees"),
        ({"response_column": "none"}, "none"),
        ({"training_frame": "none"}, "none"),
    ],
)
def test_wrong_parameters_are_refused_by_name(
    h2o: Any, frame: Any, params: dict[str, Any], words: str
) -> None:
    given = {"training_frame": frame.frame_id, "response_column": "CAPSULE", **params}
    with pytest.raises(h2o.exceptions.H2OResponseError) as caught:
        h2o.api("POST /3/ModelBuilders/gbm", data=given)
    assert words in str(caught.value)
    assert caught.value.args[0].http_status in (404, 412)


def test_parameters_are_checked_without_training(h2o: Any, frame: Any) -> None:
    given = {"training_frame": frame.frame_id, "response_column": "CAPSULE", "ntrees": -1}
    answer = h2o.api("POST /3/ModelBuilders/gbm/parameters", data=given)
    assert answer["error_count"] == 1
    assert answer["messages"][0]["field_name"] == "ntrees"
    assert answer["job"] is None


def test_builders_describe_their_parameters(h2o: Any) -> None:
    builders = h2o.api("GET /3/ModelBuilders")["model_builders"]
    assert {"gbm", "glm"} <= set(builders)
    ntrees = next(p for p in builders["gbm"]["parameters"] if p["name"] == "ntrees")
    assert (ntrees["type"], ntrees["default_value"], ntrees["gridable"]) == ("int", 50, True)


def test_a_job_can_be_stopped(h2o: Any) -> None:
    big = h2o.create_frame(rows=20_000, cols=20, seed=1, has_response=True, missing_fraction=0)
    model = h2o.estimators.H2OGradientBoostingEstimator(ntrees=5000, max_depth=10, seed=1)
    model.start(x=big.names[1:], y="response", training_frame=big)
    job = model._future_job if hasattr(model, "_future_job") else model._job
    h2o.api(f"POST /3/Jobs/{job.job_key}/cancel")
    with pytest.raises(h2o.exceptions.H2OJobCancelled):
        job.poll()
    assert h2o.api(f"GET /3/Jobs/{job.job_key}")["jobs"][0]["status"] == "CANCELLED"


def test_a_lambda_path_and_a_model_of_its_coefficients(h2o: Any, frame: Any) -> None:
    glm = h2o.estimators.H2OGeneralizedLinearEstimator
    model = glm(family="binomial", lambda_search=True, nlambdas=5)
    model.train(x=["AGE", "PSA", "GLEASON"], y="CAPSULE", training_frame=frame)
    path = glm.getGLMRegularizationPath(model)
    assert len(path["lambdas"]) == len(path["coefficients"]) >= 2
    assert path["explained_deviance_train"][-1] > path["explained_deviance_train"][0]
    made = glm.makeGLMModel(model=model, coefs=path["coefficients"][-1])
    assert made.predict(frame).shape == (380, 3)
    assert made.coef()["PSA"] == pytest.approx(path["coefficients"][-1]["PSA"])
    with pytest.raises(h2o.exceptions.H2OResponseError):
        glm.makeGLMModel(model=gbm(h2o, frame), coefs={"PSA": 1.0})


def test_a_grid_is_searched_and_sorted(h2o: Any, frame: Any) -> None:
    from h2o.grid.grid_search import H2OGridSearch

    builder = h2o.estimators.H2OGradientBoostingEstimator(seed=1)
    grid = H2OGridSearch(builder, {"ntrees": [1, 4], "max_depth": [2, -1]}, grid_id="my_grid")
    grid.train(x=["AGE", "PSA"], y="CAPSULE", training_frame=frame)
    assert len(grid.models) == 2
    assert len(grid.failure_details) == 2
    assert "max_depth" in grid.failure_details[0]
    by_auc = grid.get_grid(sort_by="auc", decreasing=True)
    aucs = [model.auc() for model in by_auc.models]
    assert aucs == sorted(aucs, reverse=True)
    assert h2o.get_grid("my_grid").model_ids == grid.model_ids
    with pytest.raises(h2o.exceptions.H2OResponseError, match="does not exist in gbm"):
        H2OGridSearch(builder, {"nteees": [1]}).train(x=["AGE"], y="CAPSULE", training_frame=frame)


def test_held_out_predictions_travel_with_a_model(h2o: Any, frame: Any, tmp_path: Path) -> None:
    model = gbm(h2o, frame, nfolds=2, keep_cross_validation_predictions=True)
    key = model.cross_validation_holdout_predictions().frame_id
    before = model.cross_validation_holdout_predictions().as_data_frame(use_pandas=False)
    downloaded = h2o.download_model(model, str(tmp_path), export_cross_validation_predictions=True)
    saved = h2o.save_model(
        model, str(tmp_path / "saved"), force=True, export_cross_validation_predictions=True
    )
    bare = h2o.save_model(model, str(tmp_path / "bare"), force=True)
    for path, is_there in ((downloaded, True), (saved, True), (bare, False)):
        h2o.remove_all()
        again = h2o.upload_model(path)
        assert again.model_id == model.model_id
        assert (h2o.get_frame(key) is not None) == is_there
        if is_there:
            frame_again = again.cross_validation_holdout_predictions()
            assert frame_again.as_data_frame(use_pandas=False) == before


def test_extended_isolation_forest(h2o: Any, frame: Any) -> None:
    model = h2o.estimators.H2OExtendedIsolationForestEstimator(
        ntrees=7, sample_size=50, extension_level=2, seed=3, score_each_iteration=True,
        disable_training_metrics=False,
    )  # fmt: skip
    model.train(x=["AGE", "PSA", "VOL", "GLEASON"], training_frame=frame)
    assert model.predict(frame).names == ["anomaly_score", "mean_length"]
    assert model._model_json["output"]["model_summary"]["extension_level"][0] == 2
    assert len(model.scoring_history()) == 8
    assert model.model_performance().mean_score() > 0


def test_a_grid_over_alpha_is_warned_of(h2o: Any, frame: Any) -> None:
    glm = h2o.estimators.H2OGeneralizedLinearEstimator(family="binomial", lambda_=0.1)
    grid = h2o.grid.H2OGridSearch(glm, {"alpha": [0, 0.5]})
    with pytest.warns(UserWarning, match="alpha array .* runs slower with gridsearch"):
        grid.train(x=["AGE", "PSA"], y="CAPSULE", training_frame=frame)
    assert len(grid.model_ids) == 2


def test_warnings_of_models_are_in_the_log(h2o: Any, frame: Any, tmp_path: Path) -> None:
    weighted = frame.cbind((frame["AGE"] * 0 + 1).set_names(["heft"]))
    model = h2o.estimators.H2OGeneralizedLinearEstimator(family="binomial", weights_column="heft")
    model.train(x=["AGE"], y="CAPSULE", training_frame=weighted, validation_frame=frame)
    text = h2o.api("GET /3/Logs/nodes/-1/files/warn")["log"]
    assert "WARN water.default: Test/Validation dataset is missing weights column 'heft'" in text


def test_what_a_grid_cannot_read_is_said(h2o: Any, frame: Any) -> None:
    from h2o.exceptions import H2OResponseError
    from h2o.grid.grid_search import H2OGridSearch

    def search(hyper: dict[str, Any], criteria: dict[str, Any]) -> None:
        grid = H2OGridSearch(
            h2o.estimators.H2OGradientBoostingEstimator, hyper, search_criteria=criteria
        )
        grid.train(x=["AGE"], y="CAPSULE", training_frame=frame)

    with pytest.raises(H2OResponseError, match="Can't parse the hyper_parameters dictionary"):
        search({"max_depth": range(2, 4)}, {"strategy": "Cartesian"})
    with pytest.raises(H2OResponseError, match="Can't parse the search_criteria dictionary"):
        search({"max_depth": [1]}, {"strategy": "RandomDiscrete", "max_models": [1, 3]})


def test_auto_is_shown_as_it_was_given_if_asked(h2o: Any, frame: Any) -> None:
    name = "sys.ai.h2o.algos.evaluate_auto_model_parameters"
    for value, shown in (("true", "Random"), ("false", "AUTO"), ("true", "Random")):
        h2o.rapids(f'(setproperty "{name}" "{value}")')
        actual = gbm(h2o, frame, nfolds=2).parms["fold_assignment"]
        assert (actual["input_value"], actual["actual_value"]) == ("AUTO", shown)


def test_deep_learning_shows_an_auto_distribution_if_asked(h2o: Any, frame: Any) -> None:
    name = "sys.ai.h2o.algos.evaluate_auto_model_parameters"
    for value, shown in (("false", "AUTO"), ("true", "bernoulli")):
        h2o.rapids(f'(setproperty "{name}" "{value}")')
        model = h2o.estimators.H2ODeepLearningEstimator(hidden=[2], epochs=1, seed=1)
        model.train(x=["AGE"], y="CAPSULE", training_frame=frame)
        actual = model.parms["distribution"]
        assert (actual["input_value"], actual["actual_value"]) == ("AUTO", shown)


def test_a_slash_in_a_key_is_replaced_and_said(h2o: Any, frame: Any) -> None:
    with pytest.warns(Warning, match=r"slash \(/\) found and replaced with _"):
        model = gbm(h2o, frame, model_id=" my/model ")
    assert model.model_id == "my_model"
