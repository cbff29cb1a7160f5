"""Grid search: combinations, order, limits, failures, and going on with a grid."""

from __future__ import annotations

from typing import Any

import pytest

from dh2o.errors import JobCancelledError, ParameterError
from dh2o.estimators.search.grid import Grid, GridSearch, SearchCriteria, start_grid
from dh2o.estimators.search.ranking import ranked, summary_table
from dh2o.frame import Frame
from dh2o.mrtask import Engine

SPACE = {"a": (1, 2), "b": ("x", "y", "z")}


def search(**criteria: Any) -> GridSearch:
    return GridSearch("gbm", {}, (SPACE,), SearchCriteria.of(criteria))


def test_cartesian_varies_the_last_parameter_fastest() -> None:
    found = list(search().combinations())
    assert len(found) == search().n_combinations == 6
    assert [c["b"] for c in found[:3]] == ["x", "y", "z"]
    assert [c["a"] for c in found] == [1, 1, 1, 2, 2, 2]


def test_random_tries_each_once_in_an_order_of_the_seed() -> None:
    def order(seed: int) -> list[dict[str, Any]]:
        return list(search(strategy="RandomDiscrete", seed=seed).combinations())

    assert order(5) == order(5)
    assert order(5) != order(6)
    assert sorted(map(repr, order(5))) == sorted(map(repr, search().combinations()))


def test_subspaces_are_combined_apart() -> None:
    spaces = ({"a": (1,), "b": (2, 3)}, {"a": (1,), "c": (4,)})
    found = list(GridSearch("gbm", {}, spaces, SearchCriteria()).combinations())
    assert found == [{"a": 1, "b": 2}, {"a": 1, "b": 3}, {"a": 1, "c": 4}]


def test_a_sequential_search_pairs_the_values() -> None:
    spaces = ({"a": (1, 2), "b": ("x", "y")},)
    found = list(
        GridSearch("gbm", {}, spaces, SearchCriteria.of({"strategy": "Sequential"})).combinations()
    )
    assert found == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]


def test_a_seeded_random_search_seeds_its_models() -> None:
    assert [search(strategy="RandomDiscrete", seed=7).seed_of(i) for i in range(2)] == [7, 8]
    assert search(strategy="RandomDiscrete").seed_of(0) is None
    assert search(seed=7).seed_of(0) is None


@pytest.mark.parametrize(
    ("criteria", "words"),
    [
        ({"colour": 1}, "unknown 'colour'"),
        ({"strategy": "Best"}, "strategy 'Best'"),
        ({"max_models": "many"}, "max_models='many'"),
        ({"max_models": -1}, "limits"),
        ({"stopping_metric": "beauty"}, "stopping_metric"),
    ],
)
def test_wrong_criteria_are_named(criteria: dict[str, Any], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        SearchCriteria.of(criteria)


@pytest.fixture
def data(engine: Engine) -> Frame:
    n = 200
    rows = {"x": [i % 17 for i in range(n)], "y": [float(i % 17 + i % 3) for i in range(n)]}
    frame = Frame.from_python(rows).put("grid_data")
    yield frame
    engine.dkv.remove_all()


def start(engine: Engine, hyper: dict[str, Any], **options: Any) -> Grid:
    params = {"training_frame": "grid_data", "response_column": "y", "seed": 1, "min_rows": 2}
    job = start_grid(engine, "gbm", params, hyper, grid_id="g", **options)
    return engine.dkv.get(job.wait().result())


def test_models_are_built_ranked_and_shown(engine: Engine, data: Frame) -> None:
    grid = start(engine, {"ntrees": [1, 5], "max_depth": [1, 3]})
    models = [engine.dkv.get(key) for key in grid.model_keys]
    best, name, decreasing = ranked(models)
    assert (name, decreasing) == ("residual_deviance", False)
    assert (best[0].params["ntrees"], best[0].params["max_depth"]) == (5, 3)
    table = summary_table(best, grid.hyper_names, name, decreasing)
    assert table is not None
    assert list(table.column("model_ids")) == [model.key for model in best]
    worst = ranked(models, "rmse", decreasing=True)[0][0]
    assert worst.params["ntrees"] == 1
    with pytest.raises(ParameterError, match="Must be one of"):
        ranked(models, "auc", decreasing=True)


def test_what_is_given_twice_is_built_once(engine: Engine, data: Frame) -> None:
    grid = start(engine, {"ntrees": [1, 2, 1], "max_depth": [2, 2]})
    built = [engine.dkv.get(key).params["ntrees"] for key in grid.model_keys]
    assert built == [1, 2]


def test_what_cannot_be_built_is_noted(engine: Engine, data: Frame) -> None:
    grid = start(engine, {"ntrees": [-1, 2]})
    assert len(grid.model_keys) == 1
    assert grid.failures[0].values == {"ntrees": -1}
    assert "ntrees" in grid.failures[0].message


def test_a_limit_ends_the_search_and_another_goes_on(engine: Engine, data: Frame) -> None:
    first = start(engine, {"ntrees": [1, 2, 3]}, criteria={"max_models": 1})
    assert len(first.model_keys) == 1
    second = start(engine, {"ntrees": [1, 2, 3]})
    assert len(second.model_keys) == 3
    assert second.model_keys[0] == first.model_keys[0]
    with pytest.raises(ParameterError, match="varies ntrees"):
        start(engine, {"max_depth": [1]})


@pytest.mark.parametrize(
    ("hyper", "words"),
    [
        ({}, "at least one"),
        ({"ntrees": []}, "no values"),
        ({"nteees": [1]}, "nteees does not exist in gbm"),
        ({"model_id": ["x"]}, "model_id is not gridable"),
        ({"min_rows": [1, 2]}, "min_rows is given as a fixed parameter"),
    ],
)
def test_wrong_hyper_parameters_are_named(
    engine: Engine, data: Frame, hyper: dict[str, Any], words: str
) -> None:
    with pytest.raises(ParameterError, match=words):
        start(engine, hyper)


def test_a_cancelled_search_keeps_what_it_has(engine: Engine, data: Frame) -> None:
    key = f"{data.key}_cancelled"
    params = {"training_frame": data.key, "response_column": "y", "seed": 1}
    space = {"ntrees": list(range(1, 200))}
    job = start_grid(engine, "gbm", params, space, grid_id=key)
    while not (found := engine.dkv.find(key)) or not found.model_keys:
        job.wait_for_change(0.05)
    job.cancel()
    with pytest.raises(JobCancelledError):
        job.wait(timeout=600)
    grid: Grid = engine.dkv.get(key)
    assert 0 < len(grid.model_keys) < 199
    assert all(engine.dkv.contains(model) for model in grid.model_keys)
    engine.dkv.remove(key, *grid.model_keys)


def test_models_built_together_are_those_built_one_by_one(engine: Engine, data: Frame) -> None:
    hyper = {"ntrees": [1, 5], "max_depth": [1, -1, 3]}
    one = start(engine, hyper)
    models = [engine.dkv.get(key) for key in one.model_keys]
    engine.dkv.remove("g")
    together = start(engine, hyper, parallelism=3)
    assert together.model_keys == one.model_keys
    assert [f.values for f in together.failures] == [f.values for f in one.failures]
    for model, key in zip(models, together.model_keys, strict=True):
        again = engine.dkv.get(key)
        assert again.output.training_metrics.mse == model.output.training_metrics.mse
        assert again.params["max_depth"] == model.params["max_depth"]


def test_a_search_with_nothing_to_gain_stops(engine: Engine, data: Frame) -> None:
    """As H2O: two averages of two models each, the first model aside, make five."""
    criteria = {"strategy": "Sequential", "stopping_rounds": 2, "stopping_tolerance": 1e5}
    hyper = {"ntrees": list(range(1, 8)), "learn_rate": [0.1] * 7}
    assert len(start(engine, hyper, criteria=criteria).model_keys) == 5
    engine.dkv.remove("g")
    grid = start(engine, hyper, criteria=criteria | {"early_stopping": False})
    assert len(grid.model_keys) == 7


def test_models_without_a_response_stay_in_their_order(engine: Engine, data: Frame) -> None:
    params = {"training_frame": "grid_data", "ntrees": 3, "seed": 1}
    hyper = {"sample_size": [20, 10, 30]}
    job = start_grid(engine, "extendedisolationforest", params, hyper, grid_id="g")
    grid = engine.dkv.get(job.wait().result())
    models = [engine.dkv.get(key) for key in grid.model_keys]
    found, name, _ = ranked(models)
    assert [m.key for m in found] == list(grid.model_keys)
    assert name is None
    table = summary_table(found, grid.hyper_names, name, decreasing=False)
    assert table.column("sample_size") == [20, 10, 30]
