"""Expressions of hundreds of short columns, which are read, encoded and taken together."""

from __future__ import annotations

import numpy as np
import pytest

from dh2o.frame import Frame
from dh2o.mrtask import Engine
from dh2o.rapids import H2OFrame

DRAW = np.random.default_rng(8)
CELLS = np.where(DRAW.random((50, 300)) < 0.2, np.nan, DRAW.normal(size=(50, 300)).round(2))
CELLS[:, 7] = np.nan


@pytest.fixture
def wide(engine: Engine) -> H2OFrame:
    return H2OFrame(Frame.from_numpy(CELLS).rebalance((20, 0, 29, 1)))


def numbers(frame: H2OFrame) -> np.ndarray:
    return np.asarray(frame.frame.to_numpy())


def test_arithmetic(wide: H2OFrame) -> None:
    np.testing.assert_array_equal(numbers(wide * 2 + 1), CELLS * 2 + 1)


def test_rows_by_condition(wide: H2OFrame) -> None:
    np.testing.assert_array_equal(numbers(wide[wide["C1"] > 0, :]), CELLS[CELLS[:, 0] > 0])


def test_rows_by_number(wide: H2OFrame) -> None:
    rows = [49, 3, 3, 20]
    np.testing.assert_array_equal(wide.frame.take(rows).to_numpy(), CELLS[rows])


def test_means_and_deviations(wide: H2OFrame) -> None:
    with np.errstate(all="ignore"):
        expected = np.nanstd(np.delete(CELLS, 7, axis=1), axis=0, ddof=1)
    found = np.delete(np.array(wide.sd(na_rm=True)), 7)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    means = np.delete(numbers(wide.mean(return_frame=True))[0], 7)
    np.testing.assert_allclose(means, np.nanmean(np.delete(CELLS, 7, axis=1), axis=0), rtol=1e-12)


def test_exchanged(wide: H2OFrame) -> None:
    np.testing.assert_array_equal(numbers(wide.transpose()), CELLS.T)
