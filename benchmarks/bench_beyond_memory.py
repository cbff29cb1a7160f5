"""Parsing, sorting, grouping and joining a frame larger than the workers' memory, by spilling.

python benchmarks/bench_beyond_memory.py [--rows N] [--columns P] [--workers W]
    [--memory-limit 400MB]

The frame has P columns of doubles that nothing makes smaller, and three of keys: 8 (P + 1) bytes a
row. Printed are the time of each step and the most memory that a worker, and this process, took.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
from pyarrow import csv

import dh2o
from dh2o.mrtask import Engine

ROWS_A_BATCH = 100_000


def write(path: Path, n_rows: int, n_columns: int) -> None:
    """Write the frame as CSV, a batch at a time."""
    names = [*(f"x{i}" for i in range(n_columns)), "few", "many", "row"]
    schema = pa.schema([(n, pa.float64() if n[0] == "x" else pa.int64()) for n in names])
    with csv.CSVWriter(path, schema) as out:
        for start in range(0, n_rows, ROWS_A_BATCH):
            rng = np.random.default_rng(start)
            n = min(ROWS_A_BATCH, n_rows - start)
            values = [rng.normal(size=n) for _ in range(n_columns)]
            keys = [rng.integers(0, 100, n), rng.integers(0, n_rows // 2, n)]
            arrays = [pa.array(v) for v in (*values, *keys, np.arange(start, start + n))]
            out.write_batch(pa.record_batch(arrays, names=names))


class Peaks:
    """The most memory that each process of a cluster, and this one, takes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._stop = threading.Event()
        self.begin()
        threading.Thread(target=self._watch, daemon=True).start()

    def begin(self) -> None:
        self.workers, self.client = 0, 0
        self.pids = {facts["pid"] for facts in self._engine.worker_facts()}

    def _watch(self) -> None:
        here = psutil.Process()
        while not self._stop.wait(0.02):
            self.client = max(self.client, here.memory_info().rss)
            for pid in self.pids:
                if psutil.pid_exists(pid):
                    self.workers = max(self.workers, psutil.Process(pid).memory_info().rss)

    def close(self) -> None:
        self._stop.set()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=3_000_000)
    parser.add_argument("--columns", type=int, default=32)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--memory-limit", default="400MB")
    args = parser.parse_args()
    n = args.rows
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        write(path, n, args.columns)
        engine = dh2o.init(
            n_workers=args.workers, threads_per_worker=1, memory_limit=args.memory_limit
        )
        peaks = Peaks(engine)
        text = path.stat().st_size >> 20
        print(f"{n} rows x {args.columns + 3} columns, {text} MB of text; ", end="")
        print(f"{args.workers} workers of one thread, {args.memory_limit} each")

        def timed(what: str, work: Callable[[], Any]) -> Any:
            peaks.begin()
            start = time.perf_counter()
            made = work()
            shape = made.shape
            took = time.perf_counter() - start
            kept = {facts["pid"] for facts in engine.worker_facts()} == peaks.pids
            print(
                f"{what:28} {took:6.1f} s, {shape[0]} rows; worker at most "
                f"{peaks.workers >> 20} MB, this process {peaks.client >> 20} MB"
                f"{'' if kept else '; WORKERS WERE LOST'}",
                flush=True,
            )
            return made

        frame = timed("parse", lambda: dh2o.import_file(str(path)))
        small = frame[["many", "row", "x0"]]
        timed("sort", lambda: frame.sort(["few", "x0"]))
        timed("group, few groups", lambda: frame.group_by("few").mean("x0").sd("x1").get_frame())
        timed("group, many groups", lambda: frame.group_by("many").mean("x0").sum("x1").get_frame())
        timed("median of many groups", lambda: frame.group_by("many").median("x0").get_frame())
        timed("distinct", lambda: frame.drop_duplicates(["many"], keep="first"))
        timed("join", lambda: frame.merge(small[: n // 4, :], by_x=["row"], by_y=["row"]))
        peaks.close()
        engine.close()


if __name__ == "__main__":
    main()
