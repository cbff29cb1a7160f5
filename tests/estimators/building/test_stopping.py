from __future__ import annotations

import math

import numpy as np
import pytest

from dh2o.estimators.building.history import ScoringHistory
from dh2o.estimators.building.stopping import StopRule, best_index
from dh2o.models import ModelCategory
from dh2o.models.metrics import metric_builder

LOGLOSS = StopRule(2, "logloss", 0.01)


@pytest.mark.parametrize(
    ("values", "stops"),
    [
        ([9, 1.0, 1.0, 1.0], False),  # the first event does not count: too few are left
        ([9, 1.0, 1.0, 1.0, 1.0], True),
        ([9, 1.0, 0.9, 0.8, 0.7], False),
        ([9, 1.0, 1.0, 1.0, 0.9], False),
        ([9, 1.0, 1.0, 0.995, 0.99], True),  # improves by less than the tolerance
        ([9, 1.0, math.nan, 1.0, 1.0], False),
        ([9, 0.0, 0.0, 0.0, 0.0], True),
    ],
)
def test_lower_is_better(values: list[float], stops: bool) -> None:
    assert LOGLOSS.should_stop(values) is stops


@pytest.mark.parametrize(
    ("values", "stops"),
    [
        ([0.1, 0.7, 0.7, 0.7, 0.7], True),
        ([0.1, 0.7, 0.7, 0.8, 0.8], False),
        ([0.1, 0.7, 0.7, 0.6, 0.5], True),
    ],
)
def test_higher_is_better(values: list[float], stops: bool) -> None:
    assert StopRule(2, "AUC", 0.01).should_stop(values) is stops


def test_deviance_may_cross_zero() -> None:
    assert not StopRule(1, "deviance", 0.01).should_stop([9, 0.5, -0.5])
    assert StopRule(1, "deviance", 0.01).should_stop([9, -0.5, -0.4]) is False


def test_zero_rounds_never_stop() -> None:
    assert not StopRule(0, "logloss", 0.0).should_stop([1.0] * 50)


def test_best_index() -> None:
    assert best_index([3, math.nan, 1, 1], higher_is_better=False) == 2
    assert best_index([3, math.nan, 1], higher_is_better=True) == 0
    assert best_index([math.nan], higher_is_better=True) == -1


def test_history_judges_validation_metrics_if_there_are_any() -> None:
    builder = metric_builder(ModelCategory.REGRESSION)
    y = np.array([1.0, 2.0])
    history = ScoringHistory(ModelCategory.REGRESSION, {"trees": "int"}, StopRule(1, "RMSE", 0.0))
    for step in range(4):
        train = builder.measure(y + 1 / (step + 1), y)
        valid = builder.measure(y + 1 + step, y)
        history.add({"trees": step}, train, valid)
    assert history.stop_values == [1.0, 2.0, 3.0, 4.0]
    assert history.should_stop()
    table = history.table()
    assert table.col_names[:4] == ("", "timestamp", "duration", "trees")
    assert "validation_deviance" in table.col_names
    assert table.column("training_rmse") == pytest.approx([1, 0.5, 1 / 3, 0.25])


def test_history_of_nothing() -> None:
    history = ScoringHistory(ModelCategory.BINOMIAL, {"trees": "int"}, LOGLOSS)
    assert history.table().n_rows == 0
    assert not history.should_stop()


def test_the_best_of_the_last_events() -> None:
    less = StopRule(3, "logloss", 0.001)
    assert less.best_of_last([0.1, 0.5, 0.3, 0.4, 0.35]) == 2  # 0.1 is too long ago
    assert less.best_of_last([0.5, 0.3, 0.3]) == 2
    assert StopRule(3, "AUC", 0.001).best_of_last([0.9, 0.5, 0.7, 0.6]) == 2
    assert less.best_of_last([0.7]) == 0
