"""What the builder says of parameters and data before anything is trained."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from dh2o.estimators import BuilderError, TrainSpec
from dh2o.estimators.builder import validate
from dh2o.frame import Frame
from dh2o.models import ModelCategory
from dh2o.mrtask import Engine


@pytest.fixture
def key(engine: Engine, table: pd.DataFrame) -> str:
    return str(Frame.from_pandas(table).put("prepare.hex").key)


def spec(engine: Engine, key: str, **raw: Any) -> TrainSpec:
    return validate(engine, "mean", {"training_frame": key, "response_column": "y", **raw})


def told(engine: Engine, key: str, **raw: Any) -> str:
    with pytest.raises(BuilderError) as caught:
        spec(engine, key, **raw)
    return str(caught.value)


def test_columns_and_types_are_resolved(engine: Engine, key: str) -> None:
    found = spec(
        engine, key, weights_column="w", fold_column="fold", ignored_columns="[num,three]", seed=-1
    )
    assert found.x == ("x", "i", "colour")
    assert found.train.names == ("x", "i", "colour", "w", "fold", "y")
    assert (found.category, found.n_classes) == (ModelCategory.BINOMIAL, 2)
    assert found.response_domain == ("no", "yes")
    assert found.seed >= 0
    assert found.params["seed"] == found.seed
    assert found.params.input("seed") == -1
    assert found.warnings == ("Dropping bad and constant columns: [text, same]",)


def test_response_type_decides_the_category(engine: Engine, key: str) -> None:
    assert spec(engine, key, response_column="num").category is ModelCategory.REGRESSION
    assert spec(engine, key, response_column="three").category is ModelCategory.MULTINOMIAL


def test_constant_columns_stay_on_request(engine: Engine, key: str) -> None:
    assert "same" in spec(engine, key, ignore_const_cols=False).x


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"training_frame": None}, "Missing training frame"),
        ({"training_frame": "nope"}, "Object 'nope' not found for argument: training_frame"),
        ({"response_column": None}, "Response column parameter not set"),
        ({"response_column": "nope"}, "Response column 'nope' not found in the training frame"),
        ({"response_column": "text"}, "Use numerical, categorical or time variable"),
        ({"response_column": "same"}, "Response cannot be constant"),
        ({"weights_column": "nope"}, "Weights column 'nope' not found"),
        ({"weights_column": "colour"}, "Invalid weights column 'colour', weights must be numeric"),
        ({"weights_column": "x"}, "Weights cannot have missing values"),
        ({"weights_column": "num"}, "Weights must be >= 0"),
        ({"weights_column": "y"}, "must be different from weights_column"),
        ({"offset_column": "x"}, "Offset cannot have missing values"),
        ({"fold_column": "num"}, "fold must be integer or categorical"),
        ({"fold_column": "same"}, "fold cannot be constant"),
        ({"fold_column": "fold", "nfolds": 2}, "nfolds cannot be specified at the same time"),
        ({"fold_column": "fold", "fold_assignment": "modulo"}, "not allowed in conjunction"),
        ({"fold_assignment": "modulo"}, "only allowed for cross-validation"),
        ({"nfolds": 1}, "nfolds must be either 0 or >1"),
        ({"nfolds": 1000}, "nfolds cannot be larger than the number of rows"),
        ({"ignored_columns": ["nope"]}, "Ignored columns not in the training frame"),
        ({"ignored_columns": ["x", "i", "colour", "w", "fold", "num", "three"]}, "no usable"),
        ({"stopping_rounds": 1, "stopping_metric": "deviance"}, "cannot be deviance"),
        ({"stopping_tolerance": 1}, "Stopping tolerance must be < 1"),
        ({"validation_frame": "nope"}, "Object 'nope' not found for argument: validation_frame"),
    ],
)
def test_what_cannot_be_built(engine: Engine, key: str, raw: dict[str, Any], message: str) -> None:
    assert message in told(engine, key, **raw)


def test_parameter_and_data_problems_are_told_together(engine: Engine, key: str) -> None:
    text = told(engine, key, steps=0, weights_column="nope")
    assert "steps must be >= 1" in text
    assert "Weights column 'nope' not found" in text


def test_numeric_zero_and_one_is_worth_a_warning(engine: Engine) -> None:
    frame = Frame.from_pandas(pd.DataFrame({"a": [1.0, 2, 3], "y": [0, 1, 1]})).put("binary.hex")
    assert "only 2 unique values" in spec(engine, str(frame.key)).warnings[0]


def test_minus_one_and_one_is_binary_too(engine: Engine) -> None:
    frame = Frame.from_pandas(pd.DataFrame({"a": [1.0, 2, 3], "y": [-1, 1, 1]})).put("ones.hex")
    assert "only 2 unique values" in spec(engine, str(frame.key)).warnings[0]


@pytest.mark.parametrize("seconds", ["1.7976931348623157e308", "Infinity", 0])
def test_largest_time_limit_is_none(engine: Engine, key: str, seconds: Any) -> None:
    assert spec(engine, key, max_runtime_secs=seconds).deadline_ms is None


def test_automatic_folds_are_random_ones(engine: Engine, key: str) -> None:
    params = spec(engine, key, nfolds=2).params
    assert (params["fold_assignment"], params.input("fold_assignment")) == ("Random", "AUTO")
    assert spec(engine, key).params["fold_assignment"] is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="y"), "must have a response column 'y'"),
        (lambda t: t.assign(colour=1.5), "non-categorical column 'colour'"),
        (lambda t: t.assign(x=pd.Categorical(t.colour)), "categorical column 'x'"),
        (lambda t: t.head(0), "Validation frame must have > 0 rows"),
    ],
)
def test_validation_frames_that_do_not_fit(
    engine: Engine, key: str, table: pd.DataFrame, change: Any, message: str
) -> None:
    valid = Frame.from_pandas(change(table)).put("valid.hex")
    assert message in told(engine, key, validation_frame=valid.key)


def test_validation_frames_are_adapted(engine: Engine, key: str, table: pd.DataFrame) -> None:
    other = table.head(50).drop(columns="i")[::-1]
    other["colour"] = pd.Categorical(np.where(other.x > 0, "red", "violet"))
    valid = Frame.from_pandas(other[other.columns[::-1]]).put("valid.hex")
    found = spec(engine, key, validation_frame=valid.key, ignored_columns=["three", "num"])
    assert found.valid is not None
    assert found.valid.names == found.train.names
    assert found.valid.domains == found.train.domains
    back = found.valid.to_pandas()
    assert back["i"].isna().all()
    assert list(back["colour"].dropna().unique()) == ["red"]
    np.testing.assert_array_equal(back["x"], other["x"])
    text = "\n".join(found.warnings)
    assert "missing column 'i'" in text
    assert """'colour' has levels not trained on: ["violet"]""" in text
