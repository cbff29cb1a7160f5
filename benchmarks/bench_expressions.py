"""Small expressions, and a chain of ten element-wise operations, beside Polars, pandas and Dask.

    python benchmarks/bench_expressions.py [ROWS ...]

The small one is ``(a + 1).mean()`` on 100,000 rows in the embedded engine: what a user feels at
every step. The chain is ten operations on two columns and the mean of the result; nothing of it
is stored.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

SMALL_ROWS = 100_000
N_SMALL = 50
N_CHAIN = 5


def seconds(function: Callable[[], Any], n_times: int) -> list[float]:
    """Return the times of some runs after a first one that is not counted."""
    function()
    times = []
    for _ in range(n_times):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return times


def report(name: str, times: list[float], value: float | None = None) -> None:
    shown = "" if value is None else f"   = {value:.6f}"
    best, middle = min(times) * 1e3, statistics.median(times) * 1e3
    print(f"{name:<34} best {best:9.2f} ms   median {middle:9.2f} ms{shown}")


def chain(a: Any, b: Any, exp: Callable[[Any], Any], log: Callable[[Any], Any]) -> Any:
    """Ten element-wise operations on two columns."""
    x = (a * 2.0 + b) / 3.0
    y = log(abs(x) + 1.0)
    return (y - x) * exp(y * -0.5) + b


def data(n_rows: int) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(0)
    return {"a": draw.normal(size=n_rows), "b": draw.normal(size=n_rows)}


def mean_plus_one(a: Any) -> Any:
    return (a + 1).mean()


def small(frame_of: Callable[[dict[str, np.ndarray]], Any]) -> None:
    columns = data(SMALL_ROWS)
    frame = frame_of(columns)
    a = frame["a"]
    report("dh2o (a + 1).mean(), 100k", seconds(lambda: mean_plus_one(a), N_SMALL))

    import pandas as pd
    import polars as pl

    table, series = pl.DataFrame(columns), pd.DataFrame(columns)["a"]
    lazy = table.lazy().select((pl.col("a") + 1).mean())
    report("polars lazy", seconds(lazy.collect, N_SMALL))
    report("pandas", seconds(lambda: mean_plus_one(series), N_SMALL))


def long_chain(n_rows: int, frame_of: Callable[[dict[str, np.ndarray]], Any]) -> None:
    columns = data(n_rows)
    print(f"\nten operations and a mean, {n_rows:,} rows")
    frame = frame_of(columns)

    def ours() -> float:
        return float(chain(frame["a"], frame["b"], lambda x: x.exp(), lambda x: x.log()).mean()[0])

    report("dh2o", seconds(ours, N_CHAIN), ours())

    import dask.dataframe as dd
    import pandas as pd
    import polars as pl

    a, b = pl.col("a"), pl.col("b")
    expr = chain(a, b, lambda x: x.exp(), lambda x: x.log()).mean()
    lazy = pl.DataFrame(columns).lazy().select(expr)
    report("polars lazy", seconds(lazy.collect, N_CHAIN), float(lazy.collect().item()))
    table = pd.DataFrame(columns)

    def with_pandas() -> float:
        return float(chain(table["a"], table["b"], np.exp, np.log).mean())

    report("pandas", seconds(with_pandas, N_CHAIN), with_pandas())
    parts = dd.from_pandas(table, npartitions=8)

    def with_dask() -> float:
        made = chain(parts["a"], parts["b"], lambda x: x.map_partitions(np.exp), _log)
        return float(made.mean().compute(scheduler="threads"))

    report("dask.dataframe, threads", seconds(with_dask, N_CHAIN), with_dask())


def _log(x: Any) -> Any:
    return x.map_partitions(np.log)


def main(sizes: list[int]) -> None:
    from dh2o.mrtask import init
    from dh2o.rapids import H2OFrame

    with init():
        small(H2OFrame)
        for n_rows in sizes:
            long_chain(n_rows, H2OFrame)


if __name__ == "__main__":
    main([int(arg) for arg in sys.argv[1:]] or [1_000_000, 10_000_000])
