"""Partial dependence, permutation importance and fairness, beside plain computations."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dh2o.errors import DH2OError
from dh2o.frame import Frame

from .conftest import X, table

Train = Callable[..., Any]


def test_means_are_those_of_predictions_on_changed_rows(gbm: Train, frame: Frame) -> None:
    model, data = gbm("two"), table()
    for column, values in (("b", range(6)), ("c", "xyz")):
        (found,) = model.partial_dependence(frame, [column])
        assert found.col_names[0] == column
        assert found.column(column) == [float(v) if column == "b" else v for v in values]
        for row, value in zip(found.rows, values, strict=True):
            p = _p(model, data, column, value)
            expected = (p.mean(), p.std(ddof=1), p.std(ddof=1) / math.sqrt(len(p)))
            np.testing.assert_allclose(row[1:], expected, rtol=1e-9)


def _p(model: Any, data: Any, column: str, value: Any) -> np.ndarray:
    changed = data[X].copy()
    changed[column] = value
    predicted = model.predict(Frame.from_pandas(changed, strings="guess"))
    return predicted.as_data_frame()["yes"].to_numpy()


def test_weights_na_pairs_rows_and_classes(gbm: Train, frame: Frame) -> None:
    model, data = gbm("number"), table()
    (weighted,) = model.partial_dependence(frame, ["b"], weight_column="w")
    changed = data[X].assign(b=2.0)
    predicted = model.predict(Frame.from_pandas(changed)).as_data_frame()["predict"]
    assert weighted.rows[2][1] == pytest.approx(np.average(predicted, weights=data["w"]))
    (with_na,) = model.partial_dependence(frame, ["c"], include_na=True)
    assert with_na.column("c") == ["x", "y", "z", ".missing(NA)"]
    (pair,) = model.partial_dependence(frame, col_pairs_2dpdp=[["b", "c"]])
    assert pair.n_rows == 18
    assert pair.rows[4][:2] == [1.0, "y"]
    (one,) = model.partial_dependence(frame, ["b"], row_index=7)
    assert one.column("stddev_response") == [0.0] * 6
    (mine,) = model.partial_dependence(frame, ["c"], user_splits={"c": ["z", "x"]})
    assert mine.column("c") == ["z", "x"]
    tables = gbm("three").partial_dependence(frame, ["b"], targets=["u", "w"])
    assert len(tables) == 2
    assert tables[0].column("mean_response") != tables[1].column("mean_response")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cols": ["q"]}, "no column 'q'"),
        ({"cols": ["b"], "nbins": 1}, "nbins"),
        ({"cols": ["c"], "nbins": 2}, "cardinality of 3"),
        ({"cols": ["b"], "targets": ["yes"]}, "targets"),
        ({"cols": ["b"], "row_index": 400}, "row_index"),
        ({"cols": ["c"], "user_splits": {"c": ["q"]}}, "no level 'q'"),
    ],
)
def test_bad_requests_name_the_parameter(
    gbm: Train, frame: Frame, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(DH2OError, match=words):
        gbm("two").partial_dependence(frame, **options)


def test_shuffling_an_important_column_costs_most(gbm: Train, frame: Frame) -> None:
    model = gbm("number")
    found = model.permutation_importance(frame, seed=1)
    assert found.col_names[0] == "Variable"
    assert set(found.column("Variable")) == set(X)
    assert found.column("Scaled Importance")[0] == 1.0
    assert sum(found.column("Percentage")) == pytest.approx(1.0)
    again = model.permutation_importance(frame, seed=1)
    assert again.rows == found.rows
    runs = model.permutation_importance(frame, "mae", 50, 3, ["a", "b"], 1)
    assert runs.col_names == ("Variable", "Run 1", "Run 2", "Run 3")
    for bad, words in (({"metric": "auc"}, "no 'auc'"), ({"features": ["w"]}, "not used")):
        with pytest.raises(DH2OError, match=words):
            model.permutation_importance(frame, **bad)


def test_fairness_counts_each_group(gbm: Train, frame: Frame) -> None:
    model, data = gbm("two"), table()
    made = model.fairness_metrics(frame, ["c"], ["y"], "yes")
    overview = made["overview"].as_data_frame()
    said = model.predict(frame).as_data_frame()["predict"]
    for i, level in enumerate("xyz"):
        here = (data["c"] == level).to_numpy()
        row = overview.iloc[i]
        assert row["c"] == level
        assert row["total"] == here.sum()
        assert row["selected"] == (said[here] == "yes").sum()
        assert row["tp"] == ((said[here] == "yes") & (data["two"][here] == "yes")).sum()
    assert overview["AIR_selectedRatio"][1] == 1.0
    assert overview["p.value"][1] == pytest.approx(1.0)
    assert "thresholds_and_metrics_x" in made
    with pytest.raises(DH2OError, match="categorical"):
        model.fairness_metrics(frame, ["b"], None, "yes")
