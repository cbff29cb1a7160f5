from __future__ import annotations

import inspect
import math
import pickle

import pytest

from dh2o.estimators import BuilderError, Param, ParamTable
from dh2o.estimators.building.shared_params import shared
from tests.estimators.mean_builder import PARAMS, MeanEstimator

TABLE = ParamTable(
    "demo",
    (
        shared("model_id"),
        shared("nfolds"),
        shared("stopping_metric"),
        shared("tweedie_power"),
        shared("checkpoint", implemented=False),
        Param("lambda", "double[]", None, "Strength.", low=0, gridable=True),
        Param("depth", "int", 5, "Depth.", low=1, high=30, level="critical"),
        Param("solver", "enum", "A", "How.", values=("A", "B_C"), supported=("A",)),
        Param("needed", "string", None, "Must be.", required=True),
    ),
)


def test_values_are_typed_and_the_rest_are_defaults() -> None:
    params = TABLE.validate({"depth": "7", "lambda_": "[0.1, 0]", "needed": "x", "nfolds": None})
    assert (params["depth"], params["lambda"], params["nfolds"]) == (7, (0.1, 0.0), 0)
    assert params.default("depth") == 5


def test_all_problems_are_told_at_once() -> None:
    raw = {
        "depth": 31,
        "lambda": "[-1]",
        "solver": "b_c",
        "checkpoint": "m",
        "tweedie_power": 2,
        "nfolds": "many",
        "dept": 3,
    }
    with pytest.raises(BuilderError) as caught:
        TABLE.validate(raw)
    told = {m.field_name: m.message for m in caught.value.messages}
    assert told == {
        "dept": "Unknown parameter: dept. Did you mean depth?",
        "depth": "depth must be >= 1 and <= 30, got 31",
        "lambda": "lambda must be >= 0, got -1",
        "solver": "solver value B_C is not supported by dh2o yet; use A",
        "checkpoint": "checkpoint is not supported by dh2o yet; leave it at its default, None",
        "tweedie_power": "tweedie_power must be > 1 and < 2, got 2",
        "nfolds": "nfolds expected a number, got 'many'",
        "needed": "needed is required.",
    }
    assert caught.value.error_count == 8
    assert "ERRR on field: _depth: depth must be >= 1" in str(caught.value)


def test_nan_is_out_of_every_range() -> None:
    with pytest.raises(BuilderError, match="depth"):
        TABLE.validate({"depth": math.nan, "needed": "x"})


def test_errors_pickle() -> None:
    with pytest.raises(BuilderError) as caught:
        TABLE.validate({})
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (str(copy), copy.messages) == (str(caught.value), caught.value.messages)


def test_input_and_actual_values_are_told_apart() -> None:
    params = TABLE.validate({"needed": "x"}).with_actual(stopping_metric="logloss")
    assert params["stopping_metric"] == "logloss"
    assert params.input("stopping_metric") == params.default("stopping_metric") == "AUTO"


def test_metadata_has_what_clients_ask_for() -> None:
    (depth,) = (m for m in TABLE.metadata() if m["name"] == "depth")
    assert (depth["type"], depth["default_value"], depth["level"]) == ("int", 5, "critical")
    used = TABLE.validate({"depth": 9, "needed": "x"})
    (depth,) = (m for m in TABLE.metadata(used) if m["name"] == "depth")
    assert (depth["actual_value"], depth["input_value"]) == (9, 9)
    assert all(m["help"] for m in TABLE.metadata())


def test_signature_and_documentation_come_from_the_table() -> None:
    signature = inspect.signature(MeanEstimator)
    assert list(signature.parameters) == [p.python_name for p in PARAMS.values()]
    assert signature.parameters["steps"].default == 3
    assert "steps : int, default 3\n    Scoring events." in (MeanEstimator.__doc__ or "")
    assert list(TABLE.signature().parameters)[-4] == "lambda_"


def test_a_name_declared_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="declared twice"):
        ParamTable("demo", (shared("seed"), shared("seed")))


def test_every_shared_parameter_accepts_its_default() -> None:
    from dh2o.estimators.building import shared_params

    for param in shared_params._SHARED:
        assert param.read(param.default) == param.default
        assert param.doc.endswith(".")
