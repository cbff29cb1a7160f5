"""Lane threads: order is kept, errors stop the rest, nested use does not deadlock."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from dh2o.mrtask.threads import LaneThreads, one_blas_thread


@pytest.fixture
def threads() -> LaneThreads:
    return LaneThreads(3)


def test_results_are_in_order(threads: LaneThreads) -> None:
    assert threads.map(lambda x: x * x, range(50)) == [x * x for x in range(50)]
    assert threads.map(lambda x: x, []) == []


def test_several_threads_work(threads: LaneThreads) -> None:
    barrier = threading.Barrier(3, timeout=600)
    assert (
        len(set(threads.map(lambda _: (barrier.wait(), threading.get_ident())[1], range(3)))) == 3
    )


def test_first_error_is_raised_and_stops_the_rest(threads: LaneThreads) -> None:
    seen = []

    def work(x: int) -> None:
        seen.append(x)
        raise ValueError(f"item {x}")

    with pytest.raises(ValueError, match="item"):
        threads.map(work, range(1000))
    assert len(seen) <= 3


def test_nested_use_does_not_deadlock(threads: LaneThreads) -> None:
    def outer(x: int) -> int:
        return sum(threads.map(lambda y: x + y, range(10)))

    assert threads.map(outer, range(10)) == [sum(x + y for y in range(10)) for x in range(10)]


def test_works_after_close(threads: LaneThreads) -> None:
    threads.map(abs, [1, 2, 3])
    threads.close()
    assert threads.map(abs, [1, -2, 3]) == [1, 2, 3]


def blas_threads() -> set[int]:
    np.zeros((2, 2)) @ np.zeros((2, 2))
    return {
        lib["num_threads"] for lib in ThreadpoolController().info() if lib["user_api"] == "blas"
    }


def test_blas_runs_on_one_thread_meanwhile() -> None:
    before = blas_threads()
    with one_blas_thread(), one_blas_thread():
        assert blas_threads() == {1}
    assert blas_threads() == before


def test_blas_is_held_by_any_thread() -> None:
    """Jobs run on threads that come and go; each of them must be able to hold BLAS."""
    found: list[set[int]] = []

    def hold() -> None:
        with one_blas_thread():
            found.append(blas_threads())

    with one_blas_thread():
        pass  # this thread was the first to set a number
    other = threading.Thread(target=hold)
    other.start()
    other.join()
    assert found == [{1}]
