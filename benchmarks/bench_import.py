"""Import of Parquet, Arrow and packed CSV beside pyarrow and Polars.

    python benchmarks/bench_import.py [--rows 1000000] [--threads 2] [--rounds 3]

Every reading is a process of its own, after a warm-up on a small file; rounds go through all
readers in turn, and the best round counts. dh2o ends with compressed blocks and one domain a
categorical, the others with Arrow or Polars columns, texts as dictionaries where they have an
option for it. Ratios are to pyarrow, of CPU seconds (all threads) and of wall time.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench_parse import peak_mb, write_airlines

READERS = ("pyarrow", "polars", "dh2o")
KINDS = ("parquet", "arrow", "csv.gz")
Read = Callable[[Path], int]


def main() -> None:
    args = arguments()
    if args.reader:
        print(json.dumps(measure(args.reader, Path(args.file), args.threads)))
        return
    with tempfile.TemporaryDirectory() as folder:
        files = write_files(Path(folder), args.rows)
        for kind in KINDS:
            compare(kind, files[kind], args)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--reader", choices=READERS, help=argparse.SUPPRESS)
    parser.add_argument("--file", help=argparse.SUPPRESS)
    return parser.parse_args()


def write_files(folder: Path, n_rows: int) -> dict[str, Path]:
    """Write the same airlines-like rows in every format; beside each a small one to warm up on."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow import csv

    text = folder / "rows.csv"
    write_airlines(text, n_rows)
    table = csv.read_csv(text)
    files = {}
    for name, rows in (("small", table.slice(0, 2000)), ("rows", table)):
        pq.write_table(rows, folder / f"{name}.parquet", row_group_size=128_000)
        with pa.ipc.new_file(folder / f"{name}.arrow", rows.schema) as out:
            out.write_table(rows, max_chunksize=64_000)
        csv.write_csv(rows, folder / "x.csv")
        (folder / f"{name}.csv.gz").write_bytes(gzip.compress((folder / "x.csv").read_bytes(), 6))
    for kind in KINDS:
        files[kind] = folder / f"rows.{kind}"
    return files


def compare(kind: str, path: Path, args: argparse.Namespace) -> None:
    best: dict[str, dict[str, float]] = {}
    for _ in range(args.rounds):
        for reader in READERS:
            command = [sys.executable, __file__, "--reader", reader, "--file", str(path)]
            command += ["--threads", str(args.threads)]
            answer = subprocess.run(command, check=True, stdout=subprocess.PIPE)
            got = json.loads(answer.stdout.splitlines()[-1])
            if reader not in best or got["seconds"] < best[reader]["seconds"]:
                best[reader] = got
    base = best["pyarrow"]
    print(f"{kind}: {args.rows:,} rows, {path.stat().st_size / 1e6:.0f} MB, {args.threads} threads")
    for reader in READERS:
        got = best[reader]
        print(
            f"  {reader:8} {got['seconds']:6.2f} s x{got['seconds'] / base['seconds']:4.2f}"
            f"  cpu {got['cpu']:6.2f} s x{got['cpu'] / base['cpu']:4.2f}"
            f"  result {got['nbytes'] / 1e6:5.0f} MB  peak +{got['peak']:5.0f} MB"
        )


def measure(reader: str, path: Path, threads: int) -> dict[str, float]:
    os.environ["POLARS_MAX_THREADS"] = str(threads)
    read = {"dh2o": reader_dh2o, "pyarrow": reader_pyarrow, "polars": reader_polars}[reader](
        threads
    )
    read(path.with_name(path.name.replace("rows", "small")))
    before = peak_mb()
    cpu, start = time.process_time(), time.perf_counter()
    nbytes = read(path)
    return {
        "seconds": time.perf_counter() - start,
        "cpu": time.process_time() - cpu,
        "nbytes": nbytes,
        "peak": peak_mb() - before,
    }


def reader_dh2o(threads: int) -> Read:
    from dh2o.mrtask import init
    from dh2o.parse import guess_setup, parse_files

    engine = init(n_workers=1, threads_per_worker=threads, processes=False, dashboard_address=None)

    def read(path: Path) -> int:
        frame = parse_files(engine, guess_setup(path), "bench.hex")
        nbytes = int(frame.nbytes)
        engine.dkv.remove("bench.hex")
        return nbytes

    return read


def reader_pyarrow(threads: int) -> Read:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow import csv

    pa.set_cpu_count(threads)

    def read(path: Path) -> int:
        if path.suffix == ".parquet":
            return int(pq.read_table(path).nbytes)
        if path.suffix == ".arrow":
            with pa.OSFile(str(path)) as file:  # read, as the others do, not mapped
                return int(pa.ipc.open_file(file).read_all().nbytes)
        options = csv.ConvertOptions(auto_dict_encode=True, auto_dict_max_cardinality=100_000)
        return int(csv.read_csv(path, convert_options=options).nbytes)

    return read


def reader_polars(_threads: int) -> Read:
    import polars as pl

    def read(path: Path) -> int:
        if path.suffix == ".parquet":
            return int(pl.read_parquet(path).estimated_size())
        if path.suffix == ".arrow":
            return int(pl.read_ipc(path).estimated_size())
        return int(pl.read_csv(path).estimated_size())

    return read


if __name__ == "__main__":
    main()
