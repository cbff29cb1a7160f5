"""Bytes of airlines-like data in dh2o, H2O and Polars; speed of packing and unpacking.

python benchmarks/bench_chunks.py [--rows 1000000] [--no-h2o]
"""

from __future__ import annotations

import argparse
import contextlib
import io
import shutil
import socket
import string
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from dh2o.chunks import Chunk, encode_codes, encode_floats

#: A block of the default layout holds about this many rows of such data.
BLOCK_ROWS = 100_000


def airlines_like(n_rows: int, seed: int = 1) -> pl.DataFrame:
    """Return flights as the airlines data set has them: counts, times, codes, delays with NA."""
    rng = np.random.default_rng(seed)
    letters = list(string.ascii_uppercase)
    airports = np.array(["".join(rng.choice(letters, 3)) for _ in range(300)])
    carriers = np.array(["".join(rng.choice(letters, 2)) for _ in range(22)])
    share = rng.gamma(0.6, size=300)
    origin, dest = (rng.choice(300, n_rows, p=share / share.sum()) for _ in range(2))
    where = rng.normal(size=(300, 2))
    distance = np.hypot(*(where[origin] - where[dest]).T) * 700 + 60
    crs_dep = rng.integers(300, 1439, n_rows)
    delay = np.rint(rng.gamma(0.35, 30, n_rows) - 4)
    lost = rng.random(n_rows) < 0.02
    dep = (crs_dep + delay) % 1440
    air = distance / 7.5 + 18
    arr_delay = np.rint(delay + rng.normal(0, 9, n_rows))

    def clock(minutes: Any) -> Any:
        return np.floor(minutes / 60) * 100 + minutes % 60

    def with_na(values: Any) -> pl.Series:
        return pl.Series(np.where(lost, np.nan, np.rint(values))).fill_nan(None).cast(pl.Int32)

    return pl.DataFrame(
        {
            "Year": np.sort(rng.integers(1987, 2009, n_rows)),
            "Month": rng.integers(1, 13, n_rows),
            "DayofMonth": rng.integers(1, 29, n_rows),
            "DayOfWeek": rng.integers(1, 8, n_rows),
            "DepTime": with_na(clock(dep)),
            "CRSDepTime": clock(crs_dep).astype(np.int64),
            "ArrTime": with_na(clock((dep + air) % 1440)),
            "CRSArrTime": clock(np.rint(crs_dep + air) % 1440).astype(np.int64),
            "UniqueCarrier": carriers[rng.choice(22, n_rows, p=np.arange(1, 23) / 253)],
            "FlightNum": rng.integers(1, 7000, n_rows),
            "ActualElapsedTime": with_na(air + rng.normal(0, 5, n_rows)),
            "CRSElapsedTime": np.rint(air).astype(np.int64),
            "ArrDelay": with_na(arr_delay),
            "DepDelay": with_na(delay),
            "Origin": airports[origin],
            "Dest": airports[dest],
            "Distance": np.rint(distance).astype(np.int64),
            "Cancelled": lost.astype(np.int64),
            "Diverted": (rng.random(n_rows) < 0.002).astype(np.int64),
            "IsArrDelayed": np.where(~lost & (arr_delay > 0), "YES", "NO"),
            "IsDepDelayed": np.where(~lost & (delay > 0), "YES", "NO"),
        }
    )


def doubles(column: pl.Series) -> Any:
    """Return a column as the values that a parser hands to encode_*."""
    if column.dtype == pl.String:
        levels = column.unique().sort()
        return column.cast(pl.Enum(levels)).to_physical().cast(pl.Int32).to_numpy()
    return column.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def pack(values: Any) -> list[Chunk]:
    """Return the chunks of one column, cut as blocks cut it."""
    encode = encode_codes if values.dtype == np.int32 else encode_floats
    return [encode(values[i : i + BLOCK_ROWS]) for i in range(0, len(values), BLOCK_ROWS)]


def best_s(work: Any, n_times: int = 5) -> float:
    """Return the seconds of the quickest of several runs."""
    took = []
    for _ in range(n_times):
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return min(took)


def report_columns(table: pl.DataFrame) -> int:
    """Print a line per column and the totals; return the bytes of all chunks."""
    out, source = np.empty(BLOCK_ROWS), np.random.default_rng(0).normal(size=BLOCK_ROWS)
    pack(source)  # compiles
    total, pack_s, unpack_s, copy_s = 0, 0.0, 0.0, 0.0
    print(f"{'column':<18}{'codec':<14}{'bytes/row':>10}{'pack ns':>9}{'unpack GB/s':>12}")
    for name in table.columns:
        values = doubles(table[name])
        chunks = pack(values)

        def unpack(chunks: list[Chunk] = chunks) -> None:
            for chunk in chunks:
                chunk.floats(out[: chunk.n_rows])

        def copy(chunks: list[Chunk] = chunks) -> None:
            for chunk in chunks:
                np.copyto(out[: chunk.n_rows], source[: chunk.n_rows])

        nbytes = sum(chunk.nbytes for chunk in chunks)
        packing, unpacking = best_s(lambda v=values: pack(v), 3), best_s(unpack)
        total += nbytes
        pack_s += packing
        unpack_s += unpacking
        copy_s += best_s(copy)
        n = len(values)
        print(
            f"{name:<18}{chunks[0].codec.name:<14}{nbytes / n:>10.3f}{packing / n * 1e9:>9.1f}"
            f"{8e-9 * n / unpacking:>12.1f}"
        )
    gigabytes = 8e-9 * table.height * table.width
    print(
        f"packed {gigabytes / pack_s:.2f} GB/s of doubles; unpacked {gigabytes / unpack_s:.1f}, "
        f"np.copyto {gigabytes / copy_s:.1f} GB/s"
    )
    return total


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def h2o_nbytes(table: pl.DataFrame) -> tuple[int | None, str]:
    """Return what H2O's own byte_size says of the same data, or None and why there is no answer."""
    if shutil.which("java") is None:
        return None, "no Java on PATH"
    try:
        import h2o
    except ImportError:
        return None, "the h2o package is not installed"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "airlines.csv"
        table.write_csv(file)
        with contextlib.redirect_stdout(io.StringIO()):
            h2o.init(ip="127.0.0.1", port=free_port(), nthreads=1, max_mem_size="2g",
                     bind_to_localhost=True, start_h2o=True, verbose=False)  # fmt: skip
            try:
                enums = dict.fromkeys(
                    (c for c in table.columns if table[c].dtype == pl.String), "enum"
                )
                frame = h2o.import_file(str(file), col_types=enums)
                answer = h2o.api(f"GET /3/Frames/{frame.frame_id}/summary")
                return int(answer["frames"][0]["byte_size"]), ""
            finally:
                h2o.cluster().shutdown()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--no-h2o", action="store_true", help="do not start a real H2O")
    options = parser.parse_args()
    table = airlines_like(options.rows)
    ours = report_columns(table)
    theirs, reason = (None, "--no-h2o") if options.no_h2o else h2o_nbytes(table)
    categorical = table.with_columns(pl.col(pl.String).cast(pl.Categorical))
    csv_nbytes = len(table.head(10_000).write_csv()) * options.rows // 10_000
    print(f"\n{options.rows:,} rows of {table.width} columns, bytes:")
    rows = [
        ("CSV text (about)", csv_nbytes),
        ("Polars", table.estimated_size()),
        ("Polars, categorical", categorical.estimated_size()),
        ("H2O byte_size", theirs),
        ("dh2o chunks", ours),
    ]
    for name, nbytes in rows:
        print(f"  {name:<22}{reason if nbytes is None else f'{nbytes:>14,}'}")
    if theirs is not None and ours > theirs:
        print("dh2o takes more bytes than H2O", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
