"""Threads of one worker for passes: the calling thread works too, so nested use cannot deadlock."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
U = TypeVar("U")


class LaneThreads:
    """Runs a function over items on up to `n_threads` threads, the caller's among them."""

    def __init__(self, n_threads: int) -> None:
        self.n_threads = max(int(n_threads), 1)
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    def _helpers(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self.n_threads, thread_name_prefix="dh2o-lane")
            return self._pool

    def map(self, fn: Callable[[T], U], items: Sequence[T]) -> list[U]:
        """Return ``[fn(item) for item in items]``; the first error stops the rest and is raised."""
        n_helpers = min(self.n_threads, len(items)) - 1
        if n_helpers < 1:
            return [fn(item) for item in items]
        run = _Run(fn, items)
        helpers = [self._helpers().submit(run.work) for _ in range(n_helpers)]
        run.work()
        for helper in helpers:
            if not helper.cancel():
                helper.result()
        if run.error is not None:
            raise run.error
        return run.results

    def submit(self, fn: Callable[..., T], *args: Any) -> Any:
        """Return a future of ``fn(*args)`` run on the pool."""
        return self._helpers().submit(fn, *args)

    def close(self) -> None:
        """Let the threads end."""
        with self._lock:
            if self._pool is not None:
                self._pool.shutdown(wait=False, cancel_futures=True)
                self._pool = None


class _Run:
    """One `map`: threads take the next item until none is left."""

    def __init__(self, fn: Callable[[Any], Any], items: Sequence[Any]) -> None:
        self.fn = fn
        self.items = items
        self.results: list[Any] = [None] * len(items)
        self.error: BaseException | None = None
        self._next = iter(range(len(items)))  # a range iterator's next() is atomic under the GIL

    def work(self) -> None:
        for i in self._next:
            if self.error is not None:
                return
            try:
                self.results[i] = self.fn(self.items[i])
            except BaseException as error:  # noqa: BLE001  (handed to the caller's thread)
                self.error = error
                return


def _let_this_thread(controller: Any) -> None:
    """Let this thread set the number: threadpoolctl heeds the first that ever did, silently."""
    clear = getattr(controller, "clear_controlling_thread", None)
    if clear is not None:
        clear(force=True)


class _BlasLimit:
    """Holds BLAS to one thread while any pass runs: results must not depend on the cores."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._depth = 0
        self._n_modules = -1
        self._controllers: list[Any] = []
        self._before: list[tuple[Any, int]] = []  # of those that had more threads

    def enter(self) -> None:
        with self._lock:
            self._depth += 1
            if self._depth == 1:
                self._find()
                found = [(c, c.get_num_threads()) for c in self._controllers]
                self._before = [(controller, count) for controller, count in found if count != 1]
                for controller, _ in self._before:
                    self._set(controller, 1)

    def leave(self) -> None:
        with self._lock:
            self._depth -= 1
            if self._depth == 0:
                for controller, count in self._before:
                    self._set(controller, count)

    @staticmethod
    def _set(controller: Any, count: int) -> None:
        _let_this_thread(controller)
        controller.set_num_threads(count)
        _let_this_thread(controller)

    def _find(self) -> None:
        if len(sys.modules) == self._n_modules:  # no import since: no new BLAS either
            return
        from threadpoolctl import ThreadpoolController

        self._n_modules = len(sys.modules)
        found = ThreadpoolController().select(user_api="blas")
        self._controllers = list(found.lib_controllers)


_BLAS = _BlasLimit()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Run BLAS on one thread meanwhile (the pass itself uses all threads)."""
    _BLAS.enter()
    try:
        yield
    finally:
        _BLAS.leave()
