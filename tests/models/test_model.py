from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from dh2o.models import ModelCategory, ModelError, predict_table
from dh2o.models.metrics import metric_builder
from dh2o.models.model import probability_name
from dh2o.models.predict_local import measure_table, score_table
from tests.models.curve_model import CurveModel, curve_model

X = [0.5, -2.0, float("nan")]
COLOURS = ["red", "blue", None]


def expected() -> np.ndarray:
    return 1 / (1 + np.exp(-np.array([2.5, -3.0, 0.0])))


TABLES = {
    "pandas": lambda: pd.DataFrame({"colour": COLOURS, "x": X}),
    "pandas category": lambda: pd.DataFrame({"colour": pd.Categorical(COLOURS), "x": X}),
    "polars": lambda: pl.DataFrame({"x": X, "colour": COLOURS}),
    "arrow": lambda: pa.table({"more": [1, 2, 3], "colour": COLOURS, "x": X}),
    "dict": lambda: {"colour": COLOURS, "x": X},
    "array": lambda: np.array(list(zip(X, COLOURS, strict=True)), dtype=object),
}


@pytest.mark.parametrize("kind", TABLES)
def test_any_table_is_scored_the_same(model: CurveModel, kind: str) -> None:
    raw = score_table(model, TABLES[kind]())
    np.testing.assert_allclose(raw[:, 1], expected())


def test_predictions_are_label_and_probabilities(model: CurveModel) -> None:
    found = predict_table(model, TABLES["pandas"]())
    assert list(found) == ["predict", "p0", "p1"]
    assert list(found["predict"]) == ["1", "0", "1"]
    np.testing.assert_allclose(found["p0"] + found["p1"], 1.0)


def test_one_row_as_a_dict(model: CurveModel) -> None:
    assert predict_table(model, {"x": 0.5, "colour": "red"})["predict"] == ["1"]


def test_empty_and_all_na_tables(model: CurveModel) -> None:
    empty = predict_table(model, pd.DataFrame({"x": [], "colour": []}))
    assert [len(column) for column in empty.values()] == [0, 0, 0]
    na = predict_table(model, pa.table({"x": pa.nulls(2), "colour": pa.nulls(2, pa.string())}))
    np.testing.assert_allclose(na["p1"], 0.5)


def test_regression_predicts_one_column() -> None:
    found = predict_table(curve_model(ModelCategory.REGRESSION), TABLES["dict"]())
    assert list(found) == ["predict"]
    np.testing.assert_allclose(found["predict"], expected())


def test_array_of_another_width_is_refused(model: CurveModel) -> None:
    with pytest.raises(ModelError, match="reads 2 columns, the array has 3"):
        score_table(model, np.zeros((1, 3)))


def test_labels_of_na_probabilities_are_na(model: CurveModel) -> None:
    raw = np.array([[np.nan, np.nan], [0.2, 0.8]])
    np.testing.assert_array_equal(model.labels(raw), [-1, 1])


def test_threshold_prefers_validation_metrics(model: CurveModel) -> None:
    found = metric_builder(ModelCategory.BINOMIAL, ("0", "1"))
    valid = found.measure(np.array([0.1, 0.9]), np.array([0.0, 1.0]))
    output = model.output.replace(threshold=None)
    assert output.training_metrics is not None
    assert output.default_threshold == output.training_metrics.default_threshold
    assert output.replace(validation_metrics=valid).default_threshold == 0.9


def test_metrics_of_a_local_table(model: CurveModel) -> None:
    builder = metric_builder(ModelCategory.BINOMIAL, ("0", "1"))
    table = {"x": X, "colour": COLOURS, "y": ["1", "0", None]}
    found = measure_table(model, table, builder)
    assert (found.n_obs, found.auc) == (2, 1.0)


def test_models_pickle(model: CurveModel) -> None:
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.effects, model.effects)
    assert str(copy) == str(model)


def test_printout_names_the_model_and_shows_its_tables(model: CurveModel) -> None:
    for shown in (repr(model), model._repr_html_()):
        for text in ("curve_1", "AUC", "Maximum Metrics", "Gains/Lift", "Importance"):
            assert text in shown


@pytest.mark.parametrize(
    ("level", "name"),
    [("yes", "yes"), ("0", "p0"), ("-1.5", "p-1.5"), ("1e3", "p1e3"), ("x1", "x1")],
)
def test_probability_names(level: str, name: str) -> None:
    assert probability_name(level) == name
