"""Grid search from Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import dh2o
from dh2o.errors import ParameterError
from dh2o.estimators import (
    H2OGeneralizedLinearEstimator,
    H2OGradientBoostingEstimator,
    H2OGridSearch,
    H2OIsolationForestEstimator,
)
from dh2o.mrtask import Engine


@pytest.fixture
def table(engine: Engine) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    data = pd.DataFrame(rng.normal(size=(200, 3)), columns=["a", "b", "c"])
    data["y"] = pd.Categorical(np.where(data["a"] + rng.normal(size=200) > 0, "yes", "no"))
    yield data
    engine.dkv.remove_all()


def search(**options: Any) -> H2OGridSearch:
    shared = H2OGradientBoostingEstimator(seed=1, min_rows=2, max_depth=2)
    return H2OGridSearch(shared, {"ntrees": [1, 20, 5]}, **options)


def test_models_come_best_first_and_answer_together(table: pd.DataFrame) -> None:
    grid = search(grid_id="g").train(y="y", training_frame=table, learn_rate=0.2)
    assert len(grid) == 3
    losses = grid.logloss()
    assert list(losses) == grid.model_ids == [model.model_id for model in grid]
    assert list(losses.values()) == sorted(losses.values())
    assert grid.get_hyperparams_dict(0) == {"ntrees": 20}
    assert grid.get_hyperparams(grid.model_ids[2]) == [1]
    assert grid[0].params["learn_rate"]["actual"] == 0.2
    by_auc = grid.get_grid("auc", decreasing=True)
    assert list(by_auc.auc().values()) == sorted(grid.auc().values(), reverse=True)
    assert by_auc.summary().col_names[-1] == "auc"
    assert "20" in repr(grid)
    assert {len(p) for p in grid.predict(table).values()} == {200}
    with pytest.raises(ParameterError, match="sort_by"):
        grid.get_grid("beauty")
    with pytest.raises(AttributeError, match="colour"):
        grid.colour()


def test_hyper_parameters_are_those_that_were_tried(table: pd.DataFrame) -> None:
    rule = {"stopping_rounds": 1, "stopping_tolerance": 0.9, "score_each_iteration": True}
    grid = search(grid_id="g").train(y="y", training_frame=table, **rule)
    assert {grid.get_hyperparams(key)[0] for key in grid.model_ids} == {1, 5, 20}
    assert sorted(grid.summary().column("ntrees")) == [1, 5, 20]
    assert max(model.params["ntrees"]["actual"] for model in grid) < 20


def test_several_at_a_time_are_the_same_models(table: pd.DataFrame) -> None:
    one = search(grid_id="g1").train(y="y", training_frame=table)
    three = search(grid_id="g3", parallelism=3).train(y="y", training_frame=table)
    assert len(one) == 3
    assert list(one.logloss().values()) == list(three.logloss().values())
    with pytest.raises(ParameterError, match="Parallelism"):
        search(parallelism=-1).train(y="y", training_frame=table)


def test_what_failed_is_told(table: pd.DataFrame) -> None:
    grid = H2OGridSearch(H2OGradientBoostingEstimator, {"max_depth": [1, -1]})
    grid.train(y="y", training_frame=table, ntrees=2)
    assert (len(grid), grid.failed_params) == (1, [{"max_depth": -1}])
    assert "max_depth" in grid.failure_details[0]


def test_names_with_an_underscore_and_models_without_a_response(table: pd.DataFrame) -> None:
    grid = H2OGridSearch(H2OGeneralizedLinearEstimator(family="binomial"), {"lambda_": [0, 0.5]})
    grid.train(x=["a", "b"], y="y", training_frame=table)
    assert grid.hyper_names == ["lambda"]
    assert len(grid) == 2
    forests = H2OGridSearch(H2OIsolationForestEstimator(seed=1), {"ntrees": [3, 2]})
    forests.train(x=["a", "b"], training_frame=table)
    assert [forests.get_hyperparams(i) for i in range(2)] == [[3], [2]]


def test_a_search_goes_on_where_it_stopped(table: pd.DataFrame, tmp_path: Path) -> None:
    frame = dh2o.H2OFrame(table, destination_frame="grid_rows")
    first = search(grid_id="g", recovery_dir=tmp_path, search_criteria={"max_models": 1}).train(
        y="y", training_frame=frame
    )
    assert len(first) == 1
    again = search(grid_id="g").train(y="y", training_frame=frame)
    assert len(again) == 3
    assert len(H2OGridSearch.of(dh2o.get_grid("g")).resume()) == 3
