"""Metrics against scikit-learn and against the definitions, and the laws of partials."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

from dh2o.models import ModelCategory
from dh2o.models.metrics import MetricBuilder, metric_builder, weight_scale
from dh2o.models.metrics.binomial import BinomialMetricBuilder
from dh2o.models.metrics.deviance import DEVIANCES

BINOMIAL = metric_builder(ModelCategory.BINOMIAL, ("n", "y"))
MULTINOMIAL = metric_builder(ModelCategory.MULTINOMIAL, ("a", "b", "c"), auc_type="WEIGHTED_OVO")
REGRESSION = metric_builder(ModelCategory.REGRESSION)
HUBER = metric_builder(ModelCategory.REGRESSION, distribution="huber", distribution_param=0.8)


def two_classes(n: int = 5000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    y = (rng.random(n) < 0.3).astype(float)
    return np.clip(rng.normal(0.3 + 0.2 * y, 0.15), 1e-3, 1 - 1e-3), y, rng.random(n)


def three_classes(n: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(6)
    y = rng.integers(0, 3, n)
    p = rng.dirichlet(np.ones(3), n)
    p[np.arange(n), y] += 0.4
    return p / p.sum(axis=1, keepdims=True), y.astype(float)


@pytest.mark.parametrize("weighted", [False, True])
def test_binomial_agrees_with_sklearn(weighted: bool) -> None:
    p, y, w = two_classes()
    weights = w if weighted else None
    found = BINOMIAL.measure(p, y, weights)
    assert found.auc == pytest.approx(sk.roc_auc_score(y, p, sample_weight=weights), abs=1e-9)
    assert found.logloss == pytest.approx(sk.log_loss(y, p, sample_weight=weights), rel=1e-12)
    assert found.mse == pytest.approx(sk.mean_squared_error(y, p, sample_weight=weights))
    assert found.r2 == pytest.approx(sk.r2_score(y, p, sample_weight=weights))
    label = (p >= found.default_threshold).astype(float)
    np.testing.assert_allclose(
        found.cm.counts, sk.confusion_matrix(y, label, sample_weight=weights), rtol=1e-6
    )


def test_the_best_f1_is_the_best_over_all_scores() -> None:
    p, y, _ = two_classes(3000)
    precision, recall, _ = sk.precision_recall_curve(y, p)
    best = np.max(2 * precision * recall / (precision + recall))
    found = BINOMIAL.measure(p, y)
    assert len(np.unique(p)) > len(found.thresholds.scores)
    assert found.thresholds.criterion("f1").max() == pytest.approx(best, rel=1e-12)
    assert found.max_criteria_and_metric_scores.column("value")[0] == pytest.approx(best)


def test_threshold_table_counts_rows_at_or_above_the_threshold() -> None:
    p, y, _ = two_classes(3000)
    curve = BINOMIAL.measure(p, y).thresholds
    assert len(curve.scores) <= 400
    for idx in (0, 7, len(curve.scores) - 1):
        assert curve.tps[idx] == (p[y == 1] >= curve.scores[idx]).sum()
        assert curve.fps[idx] == (p[y == 0] >= curve.scores[idx]).sum()


def test_auc_of_saturated_and_of_clustered_scores() -> None:
    rng = np.random.default_rng(8)
    y = (rng.random(20_000) < 0.5).astype(float)
    near_one = 1 - 10.0 ** rng.uniform(-15, -9, 20_000) * (2 - y)
    clustered = 1e-3 + 1e-9 * rng.normal(y, 1)
    for p in (near_one, clustered):
        assert BINOMIAL.measure(p, y).auc == pytest.approx(sk.roc_auc_score(y, p), abs=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
def test_auc_is_exact_where_most_scores_are_close_and_others_spread(weighted: bool) -> None:
    rng = np.random.default_rng(11)
    n = 40_000
    y = (rng.random(n) < 0.5).astype(float)
    close = 0.5 + 1e-6 * rng.normal(y, 0.5)
    p = np.where(rng.random(n) < 0.7, close, rng.random(n))
    w = rng.integers(1, 4, n).astype(float) if weighted else None
    builder = BinomialMetricBuilder(("n", "y"), cap=1 << 10)
    truth = sk.roc_auc_score(y, p, sample_weight=w)
    coarse = builder.finish(builder.map(p, y, w))
    assert abs(coarse.auc - truth) > 1e-3  # one pass with so few cells cannot tell
    found = builder.measure(p, y, w)
    assert found.auc == pytest.approx(truth, abs=1e-5)
    rows = np.array_split(np.arange(n), 3)

    def in_pieces(finer: MetricBuilder[Any]) -> Any:
        parts = [finer.map(p[r], y[r], None if w is None else w[r]) for r in rows]
        return functools.reduce(finer.combine, parts)

    again = builder.complete(in_pieces)
    assert (again.auc, again.pr_auc) == (found.auc, found.pr_auc)
    assert again.thresholds.n_positive == y.sum() if w is None else w[y == 1].sum()


def test_multinomial_agrees_with_sklearn() -> None:
    p, y = three_classes()
    found = MULTINOMIAL.measure(p, y)
    assert found.logloss == pytest.approx(sk.log_loss(y, p), rel=1e-12)
    assert found.auc == pytest.approx(
        sk.roc_auc_score(y, p, multi_class="ovo", average="weighted"), abs=1e-9
    )
    np.testing.assert_array_equal(found.cm.counts, sk.confusion_matrix(y, p.argmax(axis=1)))
    for k in (1, 2):
        assert found.hit_ratios[k - 1] == pytest.approx(sk.top_k_accuracy_score(y, p, k=k))
    assert found.hit_ratios[-1] == 1.0


@pytest.mark.parametrize("weighted", [False, True])
def test_regression_agrees_with_sklearn(weighted: bool) -> None:
    rng = np.random.default_rng(7)
    y, w = rng.gamma(2, 2, 500), rng.random(500)
    f = y * rng.gamma(5, 0.2, 500)
    how = {"sample_weight": w if weighted else None}
    found = REGRESSION.measure(f, y, how["sample_weight"])
    assert found.mse == pytest.approx(sk.mean_squared_error(y, f, **how))
    assert found.mae == pytest.approx(sk.mean_absolute_error(y, f, **how))
    assert found.r2 == pytest.approx(sk.r2_score(y, f, **how))
    assert found.rmsle**2 == pytest.approx(sk.mean_squared_log_error(y, f, **how))
    for name, reference in (
        ("poisson", sk.mean_poisson_deviance),
        ("gamma", sk.mean_gamma_deviance),
    ):
        builder = metric_builder(ModelCategory.REGRESSION, distribution=name)
        deviance = builder.measure(f, y, how["sample_weight"]).mean_residual_deviance
        assert deviance == pytest.approx(reference(y, f, **how))


def test_other_deviances() -> None:
    y, f = np.array([3.0, 0.0, 5.0]), np.array([1.0, 2.0, 4.5])
    np.testing.assert_allclose(DEVIANCES["laplace"](y, f, 0), [2, 2, 0.5])
    np.testing.assert_allclose(DEVIANCES["quantile"](y, f, 0.9), [1.8, 0.2, 0.45])
    np.testing.assert_allclose(DEVIANCES["huber"](y, f, 1.0), [3, 3, 0.25])
    tweedie = [sk.mean_tweedie_deviance(y[[i]], f[[i]], power=1.5) for i in range(3)]
    np.testing.assert_allclose(DEVIANCES["tweedie"](y, f, 1.5), tweedie)
    assert np.isnan(DEVIANCES["custom"](y, f, 0)).all()


def test_huber_bends_at_the_quantile_of_the_errors() -> None:
    rng = np.random.default_rng(9)
    y = rng.normal(size=501)
    f = y + rng.normal(size=501) ** 3
    delta = np.quantile(np.abs(y - f), 0.8)
    found = HUBER.measure(f, y)
    assert found.mean_residual_deviance == pytest.approx(DEVIANCES["huber"](y, f, delta).mean())
    assert found.mse == REGRESSION.measure(f, y).mse
    w = rng.integers(0, 3, 501).astype(float)
    rows = np.repeat(np.arange(501), w.astype(int))
    again = HUBER.measure(f[rows], y[rows])
    weighted = HUBER.measure(f, y, w)
    assert weighted.mean_residual_deviance == pytest.approx(again.mean_residual_deviance)


CASES: list[tuple[MetricBuilder[Any], tuple[np.ndarray, ...]]] = [
    (BINOMIAL, two_classes()[:2]),
    (BINOMIAL, two_classes()),
    (MULTINOMIAL, three_classes()),
    (REGRESSION, two_classes()),
    (HUBER, two_classes()),
]


@pytest.mark.parametrize(("builder", "data"), CASES)
def test_partials_combine_to_the_same_bits(builder: Any, data: tuple[np.ndarray, ...]) -> None:
    n = len(data[0])
    rows = np.array_split(np.random.default_rng(0).permutation(n), 5)
    parts = [builder.map(*(a[r] for a in data)) for r in rows]
    first = builder.finish(functools.reduce(builder.combine, parts))
    second = builder.finish(functools.reduce(lambda a, b: builder.combine(b, a), parts[::-1]))
    whole = builder.measure(*data)
    for metrics in (first, second):
        for name in (
            "mse",
            "logloss",
            "auc",
            "pr_auc",
            "mae",
            "r2",
            "n_obs",
            "mean_residual_deviance",
        ):
            np.testing.assert_equal(
                getattr(metrics, name, None), getattr(whole, name, None), err_msg=name
            )


@pytest.mark.parametrize(("builder", "data"), CASES)
def test_rows_without_response_prediction_or_weight_do_not_count(
    builder: Any, data: tuple[np.ndarray, ...]
) -> None:
    p, y = data[0].copy(), data[1].copy()
    w = np.ones(len(y)) if len(data) == 2 else data[2].copy()
    y[:10] = np.nan
    p[10:20] = np.nan
    w[20:30] = 0.0
    w[30:40] = np.nan
    found = builder.measure(p, y, w)
    kept = builder.measure(p[40:], y[40:], w[40:])
    assert found.n_obs == len(y) - 40
    assert found.mse == kept.mse


@pytest.mark.parametrize("builder", [BINOMIAL, MULTINOMIAL, REGRESSION, HUBER])
def test_no_rows_give_na(builder: Any) -> None:
    for found in (builder.finish(None), builder.measure(np.empty((0, 3)), np.empty(0))):
        assert found.n_obs == 0
        assert math.isnan(found.mse)
        assert math.isnan(found.r2)


def test_one_row_and_one_class() -> None:
    found = BINOMIAL.measure(np.array([0.7]), np.array([1.0]))
    assert (found.auc, found.n_obs, found.default_threshold) == (1.0, 1, 0.7)
    assert math.isnan(found.r2)
    none = BINOMIAL.measure(np.array([0.7, 0.2]), np.array([0.0, 0.0]))
    assert none.auc == 0.0
    one = MULTINOMIAL.measure(np.array([[0.2, 0.5, 0.3]]), np.array([1.0]))
    assert one.hit_ratios == (1.0, 1.0, 1.0)
    assert REGRESSION.measure(np.array([1.0]), np.array([2.0])).mse == 1.0


def test_large_weights_do_not_overflow() -> None:
    p, y, w = two_classes(1000)
    for factor in (1e-12, 1e12):
        scale = weight_scale(float(w.max() * factor), 1000, whole=False)
        builder = metric_builder(ModelCategory.BINOMIAL, ("n", "y"), weight_scale=scale)
        found = builder.measure(p, y, w * factor)
        assert found.auc == pytest.approx(sk.roc_auc_score(y, p, sample_weight=w), abs=1e-9)


def test_gains_lift_can_be_switched_off_or_cut_otherwise() -> None:
    p, y, _ = two_classes(1000)
    off = metric_builder(ModelCategory.BINOMIAL, ("n", "y"), gainslift_bins=0).measure(p, y)
    assert off.gains_lift_table is None
    ten = metric_builder(ModelCategory.BINOMIAL, ("n", "y"), gainslift_bins=10).measure(p, y)
    table = ten.gains_lift_table
    assert table is not None
    np.testing.assert_allclose(table.column("cumulative_data_fraction"), np.arange(1, 11) / 10)
    assert ten.kolmogorov_smirnov == max(table.column("kolmogorov_smirnov"))
