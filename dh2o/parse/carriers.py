"""How the tasks of a parse run: as Dask's, or on the threads of the one worker in this process.

Dask's tasks leave their columns where they ran and can be made again. What lives in this process
is lost with it anyhow, and a task through the scheduler costs milliseconds of the processor that
the parse wants for itself. So where the frame is small beside the memory of the worker, its threads
run the tasks, and only the finished blocks are handed to the worker.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from dh2o.mrtask import Blocks, Engine
    from dh2o.parse.ranges import ParsedRange, RangeReport

#: Of a worker's memory: what the columns of a parse may fill without being able to go to disk.
_SHARE_OF_MEMORY = 0.25


class Carrier(Protocol):
    """Runs the tasks of both passes. Its futures have ``add_done_callback`` and ``cancel``."""

    def read(
        self, fn: Callable[..., list[ParsedRange]], args: Sequence[tuple[Any, ...]], name: str
    ) -> list[Any]:
        """Return futures of the ranges that ``fn(*args[i])`` gives."""

    def reports(self, futures: Sequence[Any]) -> list[Any]:
        """Return futures of what is said of those ranges."""

    def reported(self, future: Any) -> list[RangeReport]:
        """Return the reports of a future that is done; raises what its task raised."""

    def blocks(
        self,
        fn: Callable[..., Any],
        args: Sequence[tuple[Any, ...]],
        deps: Sequence[Sequence[Any]],
        layout: Sequence[int],
    ) -> Blocks:
        """Return the blocks ``fn(*args[i], ranges of deps[i])``."""


def carrier_for(engine: Engine, text_nbytes: int) -> Carrier:
    """Return what runs a parse of so many bytes of text."""
    if engine.scheduler_here is None:
        return GraphCarrier(engine)
    limit = engine.own_worker.memory_manager.memory_limit
    fits = limit is None or text_nbytes <= _SHARE_OF_MEMORY * limit
    return ThreadCarrier(engine) if fits else GraphCarrier(engine)


class GraphCarrier:
    """Dask's tasks: results stay where they were made, lost ones are made again."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def read(
        self, fn: Callable[..., list[ParsedRange]], args: Sequence[tuple[Any, ...]], name: str
    ) -> list[Any]:
        return self._engine.submit(fn, args, name=name)

    def reports(self, futures: Sequence[Any]) -> list[Any]:
        deps = [[future] for future in futures]
        return self._engine.submit(_reports_of, [()] * len(deps), deps=deps, name="parse-report")

    def reported(self, future: Any) -> list[RangeReport]:
        reports: list[RangeReport] = self._engine.gather([future])[0]
        return reports

    def blocks(
        self,
        fn: Callable[..., Any],
        args: Sequence[tuple[Any, ...]],
        deps: Sequence[Sequence[Any]],
        layout: Sequence[int],
    ) -> Blocks:
        return self._engine.submit_blocks(
            fn, args, deps=deps, layout=list(layout), name="parse-domains"
        )


class ThreadCarrier:
    """The threads of the worker in this process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._threads = engine.here().threads

    def read(
        self,
        fn: Callable[..., list[ParsedRange]],
        args: Sequence[tuple[Any, ...]],
        name: str,  # noqa: ARG002 - nothing shows it
    ) -> list[Any]:
        return list(_Queue(self._threads, fn, args).futures)

    def reports(self, futures: Sequence[Any]) -> list[Any]:
        return list(futures)

    def reported(self, future: Any) -> list[RangeReport]:
        return [part.report for part in future.result()]

    def blocks(
        self,
        fn: Callable[..., Any],
        args: Sequence[tuple[Any, ...]],
        deps: Sequence[Sequence[Any]],
        layout: Sequence[int],  # noqa: ARG002 - the blocks themselves say it
    ) -> Blocks:
        def make(i: int) -> Any:
            return fn(*args[i], [future.result() for future in deps[i]])

        return self._engine.keep_blocks(self._threads.map(make, range(len(args))))


class _Queue:
    """Tasks that take the threads in turn with those of other work, not all at once."""

    def __init__(self, threads: Any, fn: Callable[..., Any], args: Sequence[tuple[Any, ...]]):
        self.futures: list[Future[Any]] = [Future() for _ in args]
        self._threads = threads
        self._fn = fn
        self._args = args
        self._next = iter(range(len(args)))  # its next() is atomic under the GIL
        for _ in range(min(threads.n_threads, len(args))):
            threads.submit(self._step)

    def _step(self) -> None:
        for i in self._next:
            future = self.futures[i]
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(self._fn(*self._args[i]))
            except BaseException as error:  # noqa: BLE001  (handed to whoever asks the future)
                future.set_exception(error)
            self._threads.submit(self._step)
            return


def _reports_of(inputs: list[Any]) -> list[RangeReport]:
    [parsed] = inputs
    return [part.report for part in parsed]
