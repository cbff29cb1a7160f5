"""Tables of very many columns and few rows (genomics) in dh2o, pandas and pyarrow: one process.

python benchmarks/bench_wide.py [--rows 200] [--columns 20000] [--repeats 3] [--threads 2]
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
from timing import Run, best, timed

import dh2o
from dh2o.frame import Frame

Step = Callable[[Any], Any]
Seconds = dict[tuple[str, str], list[Run]]


def write_table(path: Path, n_rows: int, n_columns: int) -> None:
    """Write a class, counts of alleles in half of the columns and expressions in the others."""
    rng = np.random.default_rng(1)
    n_alleles = n_columns // 2
    alleles = rng.integers(0, 3, (n_rows, n_alleles))
    levels = rng.normal(size=(n_rows, n_columns - n_alleles - 1)).round(3)
    with path.open("w") as file:
        file.write(",".join(["class", *(f"g{i}" for i in range(n_columns - 1))]) + "\n")
        for i in range(n_rows):
            cells = [("case", "control")[i % 2], *alleles[i].tolist(), *levels[i].tolist()]
            file.write(",".join(map(str, cells)) + "\n")


def pandas_summary(table: pd.DataFrame) -> Any:
    """Return what rollups hold of the columns of numbers, five extremes aside."""
    numbers = table.iloc[:, 1:]
    moments = numbers.mean(), numbers.std(), numbers.min(), numbers.max()
    return *moments, numbers.isna().sum(), (numbers == 0).sum()


def dh2o_steps(path: Path) -> dict[str, Step]:
    """Return what is measured of dh2o: each step takes the frame that was parsed."""
    return {
        "parse": lambda _: dh2o.import_file(path).frame,
        "rollups": lambda frame: frame.rollups(),
        "bytes": lambda frame: frame.nbytes,
        "head": lambda frame: frame.head(10),
        "half of the columns": lambda frame: frame.select(list(frame.names[::2])),
        "every other row": lambda frame: frame.take(np.arange(0, frame.n_rows, 2)),
        "a matrix": lambda frame: frame.select(list(frame.names[1:])).to_numpy(),
        "twice the numbers": _twice,
    }


def _twice(frame: Frame) -> Any:
    numbers = dh2o.H2OFrame(frame.select(list(frame.names[1:])))
    return (numbers * 2).frame


def pandas_steps(path: Path) -> dict[str, Step]:
    """Return the same of pandas."""
    return {
        "parse": lambda _: pd.read_csv(path, engine="c"),
        "rollups": pandas_summary,
        "bytes": lambda table: table.memory_usage().sum(),
        "head": lambda table: table.head(10).copy(),
        "half of the columns": lambda table: table[list(table.columns[::2])],
        "every other row": lambda table: table.iloc[::2].copy(),
        "a matrix": lambda table: table.iloc[:, 1:].to_numpy(np.float64),
        "twice the numbers": lambda table: table.iloc[:, 1:] * 2,
    }


def arrow_steps(path: Path) -> dict[str, Step]:
    """Return what pyarrow has of the same."""
    return {
        "parse": lambda _: pyarrow.csv.read_csv(
            path, read_options=pyarrow.csv.ReadOptions(block_size=path.stat().st_size + 1)
        ),
        "bytes": lambda table: table.nbytes,
        "half of the columns": lambda table: table.select(table.column_names[::2]),
        "every other row": lambda table: table.take(pa.array(range(0, table.num_rows, 2))),
    }


def measure(steps: dict[str, dict[str, Step]], repeats: int) -> Seconds:
    """Return what each step cost with each library, one library after the other in each turn."""
    found: Seconds = {}
    for _ in range(repeats):
        tables: dict[str, Any] = dict.fromkeys(steps)
        for step in steps["dh2o"]:
            for who, its in steps.items():
                if step not in its:
                    continue
                run = timed(partial(its[step], tables[who]))
                found.setdefault((step, who), []).append(run)
                if step == "parse":
                    tables[who] = run.result
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--columns", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    pa.set_cpu_count(args.threads)
    dh2o.init(threads_per_worker=args.threads)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "wide.csv"
        write_table(path, args.rows, args.columns)
        size = path.stat().st_size / 1e6
        print(f"{args.rows} rows x {args.columns} columns, {size:.0f} MB of text")
        steps = {
            "dh2o": dh2o_steps(path),
            "pandas": pandas_steps(path),
            "pyarrow": arrow_steps(path),
        }
        measure(steps, 1)  # kernels are loaded, the file lies in memory
        found = measure(steps, args.repeats)
    for step in steps["dh2o"]:
        own = best(found[step, "dh2o"])
        print(f"{step:20s} dh2o    {own.text}")
        for who in ("pandas", "pyarrow"):
            if (step, who) in found:
                peer = best(found[step, who])
                ratio = own.wall / max(peer.wall, 1e-9)
                print(f"{'':20s} {who:7s} {peer.text}   dh2o takes {ratio:5.2f} of it")


if __name__ == "__main__":
    main()
