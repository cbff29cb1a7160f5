"""How fast tables come in and go out, beside the cost of only moving them.

    python benchmarks/bench_exchange.py [--rows 1000000] [--h2o]

The yardstick of a line is the same table written to and read from an Arrow IPC file on this
machine: what any exchange between processes costs at least. ``--h2o`` also times the real H2O
(needs Java) on both ways.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

from dh2o.frame import Frame
from dh2o.mrtask import init

REPEATS = 3


def make_table(n_rows: int) -> pa.Table:
    """Return a table with the usual mix of columns of flights or sales."""
    rng = np.random.default_rng(1)
    carriers = np.array(["AA", "UA", "DL", "WN", "B6", "EV"])
    cities = np.array([f"city {i:03d}" for i in range(300)])
    start = np.datetime64("2020-01-01T00:00", "s").astype(np.int64)
    minutes = rng.integers(0, 500_000, n_rows)
    return pa.table(
        {
            "id": pa.array(np.arange(n_rows)),
            "delay": pa.array(rng.integers(-30, 300, n_rows), mask=rng.random(n_rows) < 0.03),
            "distance": pa.array(rng.integers(80, 4000, n_rows).astype(np.int32)),
            "price": pa.array(np.round(rng.gamma(2, 90, n_rows), 2)),
            "score": pa.array(rng.normal(size=n_rows)),
            "carrier": pa.array(carriers[rng.integers(0, 6, n_rows)]).dictionary_encode(),
            "city": pa.array(cities[rng.integers(0, 300, n_rows)]),
            "when": pa.array((start + minutes * 60) * 1000).view(pa.timestamp("ms", "UTC")),
            "late": pa.array(rng.random(n_rows) < 0.3),
        }
    )


def best_s(run: Callable[[], Any]) -> float:
    """Return the best of a few runs, in seconds."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def ipc_there_and_back(table: pa.Table, folder: Path) -> None:
    path = folder / "table.arrow"
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def entered(make: Callable[[], Frame]) -> Frame:
    """Return the frame once its blocks are there, not only promised."""
    frame = make()
    frame.head(1)
    from dh2o.mrtask import current_engine

    current_engine().wait(frame)
    return frame


def report(name: str, seconds: float, nbytes: int, yardstick_s: float) -> None:
    rate = nbytes / seconds / 1e6
    print(f"{name:24s} {seconds * 1e3:9.1f} ms {rate:9.0f} MB/s {seconds / yardstick_s:7.2f} x IPC")


def bench(n_rows: int) -> None:
    table = make_table(n_rows)
    data, polars = table.to_pandas(), pl.from_arrow(table)
    with tempfile.TemporaryDirectory() as folder:
        yardstick_s = best_s(lambda: ipc_there_and_back(table, Path(folder)))
    print(f"{n_rows} rows, {table.num_columns} columns, {table.nbytes / 1e6:.0f} MB as Arrow")
    report("Arrow IPC file", yardstick_s, table.nbytes, yardstick_s)
    sources = {
        "arrow": (Frame.from_arrow, table, Frame.to_arrow),
        "pandas": (Frame.from_pandas, data, Frame.to_pandas),
        "polars": (Frame.from_polars, polars, Frame.to_polars),
    }
    for name, (come_in, source, go_out) in sources.items():
        frame = entered(lambda come_in=come_in, source=source: come_in(source))
        into_s = best_s(lambda come_in=come_in, source=source: entered(lambda: come_in(source)))
        report(f"from {name}", into_s, table.nbytes, yardstick_s)
        out_s = best_s(lambda go_out=go_out, frame=frame: go_out(frame))
        report(f"to {name}", out_s, table.nbytes, yardstick_s)
    frame = Frame.from_arrow(table)
    report("rollups", best_s(lambda: fresh(frame).rollups()), table.nbytes, yardstick_s)
    report(
        "to CSV", best_s(lambda: sum(map(len, frame.to_csv_stream()))), table.nbytes, yardstick_s
    )
    print(f"compressed to {frame.nbytes / 1e6:.1f} MB ({frame.nbytes / table.nbytes:.2f} of Arrow)")


def fresh(frame: Frame) -> Frame:
    """Return the frame with its statistics unknown."""
    return Frame(frame.names, tuple(vec.moved(vec.ref) for vec in frame.vecs), frame.layout)


def bench_h2o(n_rows: int) -> None:
    import h2o

    h2o.init(port=0, verbose=False)
    h2o.no_progress()
    data: pd.DataFrame = make_table(n_rows).to_pandas()
    start = time.perf_counter()
    frame = h2o.H2OFrame(data)
    print(f"H2O H2OFrame(pandas)     {(time.perf_counter() - start) * 1e3:9.1f} ms")
    start = time.perf_counter()
    frame.as_data_frame()
    print(f"H2O as_data_frame        {(time.perf_counter() - start) * 1e3:9.1f} ms")
    h2o.cluster().shutdown()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--h2o", action="store_true", help="time the real H2O as well")
    options = parser.parse_args()
    with init(dashboard_address=None):
        bench(options.rows)
    if options.h2o:
        bench_h2o(options.rows)


if __name__ == "__main__":
    main()
