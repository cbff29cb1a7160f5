"""Parse speed and memory beside pyarrow.csv and Polars (and H2O with --h2o).

    python benchmarks/bench_parse.py [--rows 1000000] [--threads 2] [--repeats 3]

Every reading happens in a process of its own, so that peak memory is its own; the best of the
repeats counts. The time is from the path to a table in memory, after one warm-up on a small file;
categoricals are asked for as dictionaries everywhere. `result` is what the table takes in memory,
asked after the clock has stopped, `peak` the growth of the process's peak over what it had after
the warm-up.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

READERS = ("dh2o", "pyarrow", "polars")
Size = Callable[[], float]


def main() -> None:
    args = arguments()
    if args.reader:
        print(json.dumps(measure(args.reader, Path(args.file), args.threads, args.repeats)))
        return
    with tempfile.TemporaryDirectory() as folder:
        for name, write in (("airlines", write_airlines), ("floats", write_floats)):
            path = Path(folder) / f"{name}.csv"
            write(path, args.rows)
            compare(name, path, args)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--h2o", action="store_true", help="real H2O as well (needs Java)")
    parser.add_argument("--reader", choices=(*READERS, "h2o"), help=argparse.SUPPRESS)
    parser.add_argument("--file", help=argparse.SUPPRESS)
    return parser.parse_args()


def compare(name: str, path: Path, args: argparse.Namespace) -> None:
    print(f"{name}: {args.rows:,} rows, {path.stat().st_size / 1e6:.0f} MB, {args.threads} threads")
    base = None
    for reader in (*READERS, "h2o") if args.h2o else READERS:
        options = [
            "--file",
            str(path),
            "--threads",
            str(args.threads),
            "--repeats",
            str(args.repeats),
        ]
        answer = subprocess.run(
            [sys.executable, __file__, "--reader", reader, *options],
            check=True,
            stdout=subprocess.PIPE,
        )
        lines = answer.stdout.splitlines()  # some clients say goodbye after the answer
        got = json.loads(next(line for line in reversed(lines) if line.startswith(b"{")))
        base = base or got["seconds"]
        print(
            f"  {reader:8} {got['seconds']:6.2f} s  x{got['seconds'] / base:4.2f}"
            f"  cpu {got['cpu']:6.2f} s"
            f"  result {got['result']:5.0f} MB  peak +{got['peak']:5.0f} MB"
        )


def measure(reader: str, path: Path, threads: int, repeats: int) -> dict[str, float]:
    os.environ["POLARS_MAX_THREADS"] = str(threads)
    read = {
        "dh2o": reader_dh2o,
        "pyarrow": reader_pyarrow,
        "polars": reader_polars,
        "h2o": reader_h2o,
    }[reader](threads)
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "small.csv"
        with path.open("rb") as file:
            small.write_bytes(b"".join(file.readline() for _ in range(2000)))
        read(small)()
    before = peak_mb()
    best = {"seconds": float("inf")}
    for _ in range(repeats):
        cpu, start = time.process_time(), time.perf_counter()
        nbytes_of_table = read(path)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        result = nbytes_of_table() / 1e6
        del nbytes_of_table  # and the table with it, before the next one is read
        if seconds < best["seconds"]:
            best = {"seconds": seconds, "cpu": cpu, "result": result}
    return {**best, "peak": peak_mb() - before}


def peak_mb() -> float:
    """Return this process's own peak; getrusage would count what its parent had before exec."""
    status = Path("/proc/self/status").read_text()
    return next(int(x.split()[1]) / 1e3 for x in status.splitlines() if x.startswith("VmHWM"))


def reader_dh2o(threads: int) -> Callable[[Path], Size]:
    from dh2o.mrtask import init
    from dh2o.parse import guess_setup, parse_files

    engine = init(n_workers=1, threads_per_worker=threads, processes=False, dashboard_address=None)

    def read(path: Path) -> Size:
        frame = parse_files(engine, guess_setup(path), "bench.hex")

        def nbytes() -> float:
            engine.dkv.remove("bench.hex")
            return float(frame.nbytes)

        return nbytes

    return read


def reader_pyarrow(threads: int) -> Callable[[Path], Size]:
    import pyarrow as pa
    from pyarrow import csv

    pa.set_cpu_count(threads)

    def read(path: Path) -> Size:
        options = csv.ConvertOptions(auto_dict_encode=True, auto_dict_max_cardinality=100_000)
        table = csv.read_csv(
            path, read_options=csv.ReadOptions(use_threads=threads > 1), convert_options=options
        )
        return lambda: float(table.nbytes)

    return read


def reader_polars(_threads: int) -> Callable[[Path], Size]:
    import polars as pl

    def read(path: Path) -> Size:
        texts = [n for n, t in pl.read_csv(path, n_rows=100).schema.items() if t == pl.String]
        overrides = dict.fromkeys(texts, pl.Categorical)
        table = pl.read_csv(path, schema_overrides=overrides, null_values=["NA"])
        return lambda: float(table.estimated_size())

    return read


def reader_h2o(threads: int) -> Callable[[Path], Size]:
    import h2o

    h2o.init(nthreads=threads, verbose=False)
    h2o.no_progress()

    def read(path: Path) -> Size:
        frame: Any = h2o.import_file(str(path))
        path_of_summary = f"GET /3/Frames/{frame.frame_id}/summary"
        return lambda: float(h2o.api(path_of_summary)["frames"][0]["byte_size"])

    return read


def write_airlines(path: Path, n_rows: int) -> None:
    """Write a table like the airlines data: many small integers, some codes, some NA."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import csv

    rng = np.random.default_rng(7)
    places = np.array([f"{a}{b}{c}" for a in "ABCDEF" for b in "LMNOP" for c in "WXYZ"])

    def some(low: int, high: int, na: float = 0.0) -> Any:
        return pa.array(rng.integers(low, high, n_rows), mask=rng.random(n_rows) < na)

    table = pa.table(
        {
            "Year": some(1987, 2009),
            "Month": some(1, 13),
            "DayofMonth": some(1, 32),
            "DayOfWeek": some(1, 8),
            "DepTime": some(1, 2400, 0.02),
            "CRSDepTime": some(1, 2400),
            "ArrTime": some(1, 2400, 0.02),
            "CRSArrTime": some(1, 2400),
            "UniqueCarrier": rng.choice(["WN", "AA", "DL", "UA", "US", "NW", "CO"], n_rows),
            "FlightNum": some(1, 7000),
            "TailNum": np.char.add("N", rng.integers(100, 5000, n_rows).astype(str)),
            "ActualElapsedTime": some(20, 500, 0.02),
            "ArrDelay": some(-50, 300, 0.02),
            "DepDelay": some(-20, 300, 0.02),
            "Origin": rng.choice(places, n_rows),
            "Dest": rng.choice(places, n_rows),
            "Distance": some(50, 3000),
            "Cancelled": some(0, 2),
            "IsArrDelayed": rng.choice(["YES", "NO"], n_rows),
        }
    )
    csv.write_csv(table, path, csv.WriteOptions(quoting_style="none"))


def write_floats(path: Path, n_rows: int) -> None:
    """Write ten columns of doubles with all their digits."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import csv

    rng = np.random.default_rng(7)
    csv.write_csv(pa.table({f"x{i}": rng.normal(size=n_rows) for i in range(10)}), path)


if __name__ == "__main__":
    main()
