"""Calibrations and isotonic lines, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

from dh2o.errors import ModelError
from dh2o.models.calibration import IsotonicCalibration, PlattScaling
from dh2o.rapids.isotonic import PointSums, isotonic_line, isotonic_thresholds


def points(n: int, seed: int, decimals: int = 9) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = np.round(rng.random(n), decimals)
    return x, (rng.random(n) < x).astype(float), rng.random(n) + 0.1


@pytest.mark.parametrize(("n", "decimals"), [(1, 9), (2, 9), (500, 9), (500, 1)])
def test_lines_are_those_of_scikit_learn(n: int, decimals: int) -> None:
    from sklearn.isotonic import IsotonicRegression

    x, y, w = points(n, 3, decimals)
    theirs = IsotonicRegression().fit(x, y, w)
    found = isotonic_line(PointSums.of(x, y, w))
    np.testing.assert_allclose(found[0], theirs.X_thresholds_)
    np.testing.assert_allclose(found[1], theirs.y_thresholds_, atol=1e-12)


def test_blocks_in_any_cut_give_the_same_line() -> None:
    x, y, w = points(300, 5, 2)
    whole = PointSums.of(x, y, w)
    total = PointSums.empty()
    for part in np.array_split(np.arange(300), 7):
        total += PointSums.of(x[part], y[part], w[part])
    for a, b in zip(isotonic_thresholds(whole), isotonic_thresholds(total), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_a_pool_shares_its_weight_between_its_ends() -> None:
    x, y, w = isotonic_thresholds(
        PointSums.of(np.array([1.0, 2.0, 3.0]), np.array([1.0, 0.0, 5.0]), np.ones(3))
    )
    assert (x.tolist(), y.tolist(), w.tolist()) == ([1, 2, 3], [0.5, 0.5, 5], [1, 1, 1])


def test_beyond_the_ends_the_line_is_flat_and_na_stays() -> None:
    line = IsotonicCalibration(np.array([0.2, 0.4]), np.array([0.1, 0.7]))
    p1 = np.array([0.0, 0.3, 0.9, np.nan])
    np.testing.assert_allclose(line.calibrated(1 - p1, p1), [0.1, 0.4, 0.7, np.nan])


def test_platt_reads_the_first_probability() -> None:
    p0 = np.array([0.0, 0.5, np.nan])
    found = PlattScaling(-2.0, 1.0).calibrated(p0, 1 - p0)
    np.testing.assert_allclose(found, [1 / (1 + np.exp(-1)), 0.5, np.nan])


def test_corners_must_ascend() -> None:
    with pytest.raises(ModelError):
        IsotonicCalibration(np.array([1.0, 0.5]), np.array([0.0, 1.0]))
