"""What a pass costs: the lane against the task graph, and a step on job-local state.

The partial result is 172 kB, as a level of a GBM's histograms.
Run: python benchmarks/bench_passes.py
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from dh2o.chunks import Block, encode_ints
from dh2o.mrtask import Blocks, Engine, LocalTask, MRTask
from dh2o.mrtask.start import start_cluster

N_PARTIAL = 172_000 // 8
N_BLOCKS = 16


def ones(n_rows: int) -> tuple[Any, ...]:
    return (encode_ints(np.arange(n_rows)),)


class Histogram(MRTask[Any, Any]):
    """As cheap as a map can be, so that the carrier is what is measured."""

    def map(self, block: Block) -> Any:
        return np.full(N_PARTIAL, block.n_rows, np.int64)

    def combine(self, a: Any, b: Any) -> Any:
        a += b
        return a


class LocalHistogram(LocalTask[Any, Any]):
    def map(self, state: int, _: Any) -> Any:
        return np.full(N_PARTIAL, state, np.int64)

    def combine(self, a: Any, b: Any) -> Any:
        a += b
        return a


def n_rows_here(blocks: list[Block], *_: Any) -> int:
    return sum(block.n_rows for block in blocks)


class Doubled(MRTask[Any, Any]):
    def map(self, block: Block) -> Any:
        return (encode_ints(block.ints(0) * 2),)


def median_ms(work: Callable[[], Any], n_times: int) -> float:
    """Return the median of `n_times` runs after one that warms up."""
    work()
    times = []
    for _ in range(n_times):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return 1000 * statistics.median(times)


def measure(engine: Engine, name: str, n_blocks: int) -> None:
    blocks = engine.submit_blocks(ones, [(1000,)] * n_blocks)
    n_rows = 1000 * n_blocks
    for carrier in ("lane", "graph"):
        assert Histogram().do_all(blocks, carrier=carrier)[0] == n_rows
    lane = median_ms(lambda: Histogram().do_all(blocks), 100)
    graph = median_ms(lambda: Histogram().do_all(blocks, carrier="graph"), 15)
    with engine.local(blocks, n_rows_here) as state:
        assert state.run(LocalHistogram())[0] == n_rows
        local = median_ms(lambda: state.run(LocalHistogram()), 200)
    frame = median_ms(lambda: made(engine, blocks), 15)
    print(
        f"{name:24} {n_blocks:3} blocks: lane {lane:6.2f} ms, graph {graph:6.1f} ms "
        f"({graph / lane:4.0f} times), local step {local:5.2f} ms, new frame {frame:5.1f} ms"
    )


def made(engine: Engine, blocks: Blocks) -> Blocks:
    new = Doubled().new_blocks(blocks, 1)
    engine.wait(new)
    return new


def main() -> None:
    print(f"A pass with a partial result of {N_PARTIAL * 8 // 1000} kB, medians:")
    with start_cluster(n_workers=1, threads_per_worker=2) as engine:
        for n_blocks in (1, 2, N_BLOCKS):
            measure(engine, "1 in-process worker", n_blocks)
    with start_cluster(n_workers=2, threads_per_worker=1) as engine:
        for n_blocks in (2, N_BLOCKS):
            measure(engine, "2 worker processes", n_blocks)


if __name__ == "__main__":
    import bench_passes  # workers import the tasks from there, as they do those of dh2o

    bench_passes.main()
