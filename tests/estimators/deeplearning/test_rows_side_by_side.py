"""Many columns become rows, and many rows are measured, as by one loop over each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dh2o.estimators.deeplearning import learners
from dh2o.estimators.deeplearning.learners import measure
from dh2o.estimators.deeplearning.rows import Roles, Rows, RowSpec
from dh2o.models.deeplearning import Inputs
from dh2o.mrtask.threads import LaneThreads


@pytest.mark.parametrize("p", [0, 1, 16, 37])
@pytest.mark.parametrize("n", [0, 1, 50])
def test_numbers_are_shifted_scaled_and_0_for_na(n: int, p: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, p))
    x[rng.random((n, p)) < 0.1] = np.nan
    shift, scale = rng.normal(size=p), rng.uniform(1, 2, p)
    names = tuple(f"x{k}" for k in range(p))
    inputs = Inputs((), (), names, shift, scale, True)
    buffer = np.empty(n)  # the same memory for each column, as a reader may do

    def read(name: str) -> np.ndarray:
        buffer[:] = x[:, int(name[1:])]
        return buffer

    places, numbers = inputs.rows(read, n, np.float32)
    assert places.shape == (n, 0)
    wanted = np.nan_to_num((x - shift) * scale).astype(np.float32)
    np.testing.assert_array_equal(numbers, wanted)


class Identity:
    """A model whose predictions are its numbers, with no weights."""

    class network:  # noqa: N801
        n_weights = 0

    def of_units(self, _places: Any, numbers: np.ndarray, _offset: Any) -> np.ndarray:
        return numbers


class FirstRows:
    """Metrics that keep what they saw: which rows, in which order."""

    def map(self, preds: np.ndarray, y: np.ndarray, _weights: Any) -> list[float]:
        assert len(preds) == len(y)
        return preds[:, 0].tolist()

    def combine(self, a: list[float], b: list[float]) -> list[float]:
        return a + b


@pytest.mark.parametrize("n", [0, 3, 40])
def test_rows_are_measured_in_their_order_on_any_threads(
    n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learners, "_MEASURED", 3)
    monkeypatch.setattr(learners, "_HELD", 4)
    numbers = np.arange(n, dtype=np.float32)[:, None]
    rows = Rows(np.zeros((n, 0), np.int32), numbers, None, None, None, np.arange(n))
    spec = RowSpec(Inputs((), (), ("x",), np.zeros(1), np.ones(1), True), Roles(None))
    threads: Any = LaneThreads(3)
    given: tuple[Any, ...] = (rows, Identity(), FirstRows(), 1, spec)
    try:
        assert measure(*given) == measure(*given, threads) == list(range(n))
    finally:
        threads.close()
