"""Metrics that users define."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dh2o.errors import ModelError, ParameterError
from dh2o.models import ModelCategory
from dh2o.models.metrics import metric_builder
from dh2o.models.metrics.custom import CustomMetric, CustomMetricBuilder


class MAE:
    """H2O's example."""

    def map(self, pred: Any, act: Any, w: float, o: float, model: Any) -> list[float]:  # noqa: ARG002
        return [w * abs(act[0] - pred[0]), w]

    def reduce(self, left: list[float], right: list[float]) -> list[float]:
        return [left[0] + right[0], left[1] + right[1]]

    def metric(self, total: list[float]) -> float:
        return total[0] / total[1]


class Largest:
    """No sums."""

    def map(self, pred: Any, act: Any, w: float, o: float, model: Any) -> float:  # noqa: ARG002
        return float(abs(act[0] - pred[0]))

    def reduce(self, left: float, right: float) -> float:
        return max(left, right)

    def metric(self, total: float) -> float:
        return total


def builder(custom: Any, category: ModelCategory = ModelCategory.REGRESSION) -> CustomMetricBuilder:
    domain = ("a", "b", "c") if category.is_classifier else None
    base = metric_builder(category, domain)
    return CustomMetricBuilder(base, CustomMetric.of(custom), None, category.is_classifier)


def rows(n: int = 90) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    y = rng.normal(size=n)
    y[::7] = np.nan
    return rng.normal(size=(n, 1)), y, rng.integers(0, 3, n).astype(float)


@pytest.mark.parametrize("custom", [MAE, MAE(), lambda p, a: abs(p[0] - a[0])])
def test_it_stands_beside_the_usual_metrics(custom: Any) -> None:
    metrics = builder(custom).measure(*rows())
    assert metrics.custom_value == pytest.approx(metrics.mae, rel=1e-14)
    assert metrics.custom_name == getattr(custom, "__name__", "MAE")


@pytest.mark.parametrize("custom", [MAE, Largest])
def test_any_cut_and_order_gives_the_same_bits(custom: Any) -> None:
    judge, (f, y, w) = builder(custom), rows()
    whole = judge.measure(f, y, w)
    for cut in ([50], [3, 40, 41], [0, 89]):
        parts = [judge.map(f[p], y[p], w[p]) for p in np.split(np.arange(90), cut)]
        total = parts[-1]
        for part in parts[:-1]:
            total = judge.combine(total, part)
        assert judge.finish(total).custom_value == whole.custom_value


def test_classes_come_with_their_label() -> None:
    class Accuracy(MAE):
        def map(self, pred: Any, act: Any, w: float, o: float, model: Any) -> list[float]:  # noqa: ARG002
            assert len(pred) == 4
            return [float(pred[0] == act[0]), 1.0]

    probabilities = np.array([[0.7, 0.2, 0.1], [0.1, 0.2, 0.7], [0.4, 0.5, 0.1]])
    judge = builder(Accuracy, ModelCategory.MULTINOMIAL)
    assert judge.measure(probabilities, np.array([0.0, 2.0, 0.0])).custom_value == 2 / 3


def test_no_rows_give_na() -> None:
    assert np.isnan(builder(MAE).measure(np.empty((0, 1)), np.empty(0)).custom_value)


def test_what_fails_is_named() -> None:
    def broken(pred: Any, act: Any) -> float:
        return pred[9] - act[0]

    with pytest.raises(ModelError, match="broken failed on a row: IndexError"):
        builder(broken).measure(*rows())
    with pytest.raises(ParameterError, match="no method map, reduce, metric"):
        CustomMetric.of(int)
