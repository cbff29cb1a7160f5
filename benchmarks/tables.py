"""The tables of db-benchmark (github.com/duckdblabs/db-benchmark), and how peers are timed.

Drawn by numpy as db-benchmark's R scripts draw them: keys of K = 100 levels and of rows / K, small
integers, doubles rounded to six digits; for joins keys of which nine in ten are on both sides.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from timing import peak_mb, reset_peak

K = 100


def group_by_table(n_rows: int, seed: int = 108) -> dict[str, Any]:
    """Return the columns id1..id6, v1..v3; texts as (codes, levels)."""
    draw = np.random.default_rng(seed)
    many = max(1, n_rows // K)

    def texts(form: str, n: int) -> tuple[Any, list[str]]:
        return draw.integers(0, n, n_rows).astype(np.int32), [form % i for i in range(1, n + 1)]

    return {
        "id1": texts("id%03d", K),
        "id2": texts("id%03d", K),
        "id3": texts("id%010d", many),
        "id4": draw.integers(1, K + 1, n_rows),
        "id5": draw.integers(1, K + 1, n_rows),
        "id6": draw.integers(1, many + 1, n_rows),
        "v1": draw.integers(1, 6, n_rows),
        "v2": draw.integers(1, 16, n_rows),
        "v3": np.round(draw.random(n_rows) * 100, 6),
    }


def join_tables(n_rows: int, seed: int = 108) -> dict[str, dict[str, Any]]:
    """Return x and the tables small, medium and big that it is joined with."""
    draw = np.random.default_rng(seed)
    sizes = [max(10, n_rows // 1_000_000), max(10, n_rows // 1000), n_rows]
    keys = [_split_keys(draw, n) for n in sizes]

    def drawn(pool: Any, n: int) -> Any:
        """Return all of the pool, and then any of it, in random order."""
        rest = draw.choice(pool, n - len(pool)) if n > len(pool) else pool[:0]
        return draw.permutation(np.concatenate([pool, rest]))[:n]

    def table(side: int, n: int, n_ids: int, value: str) -> dict[str, Any]:
        out: dict[str, Any] = {f"id{i + 1}": drawn(keys[i][side], n) for i in range(n_ids)}
        for i in range(n_ids):
            levels = int(keys[i][0].max() if side == 0 else keys[i][1].max()) + 1
            out[f"id{i + 4}"] = (
                out[f"id{i + 1}"].astype(np.int32),
                [f"id{j}" for j in range(levels)],
            )
        out[value] = np.round(draw.random(n) * 100, 6)
        return out

    tables = {"x": table(0, n_rows, 3, "v1")}
    for i, name in enumerate(("small", "medium", "big")):
        tables[name] = table(1, sizes[i], i + 1, "v2")
    return tables


def _split_keys(draw: Any, n: int) -> tuple[Any, Any]:
    """Return the keys of the left and of the right side: 0.9 n are on both, 0.1 n on each alone."""
    pool = draw.permutation(np.arange(1, int(n * 1.1) + 1))
    both = pool[: int(n * 0.9)]
    return np.append(both, pool[len(both) : n]), np.append(both, pool[n : int(n * 1.1)])


# ---- the same columns for each peer


def to_arrow(columns: dict[str, Any]) -> Any:
    import pyarrow as pa

    return pa.table(
        {
            name: pa.DictionaryArray.from_arrays(pa.array(c[0]), pa.array(c[1]))
            if isinstance(c, tuple)
            else pa.array(c)
            for name, c in columns.items()
        }
    )


def to_polars(columns: dict[str, Any]) -> Any:
    import polars as pl

    return pl.from_arrow(to_arrow(columns))


def to_pandas(columns: dict[str, Any]) -> Any:
    import pandas as pd

    return pd.DataFrame(
        {
            name: pd.Categorical.from_codes(c[0], c[1]) if isinstance(c, tuple) else c
            for name, c in columns.items()
        }
    )


# ---- timing


Question = Callable[[], Any]


def compare(
    name: str, runs: dict[str, Question], repeats: int, check: Callable[[str, Any], Any]
) -> None:
    """Time the peers in turn, print seconds, CPU seconds, ratios and peak memory; compare answers.

    `check` gives of a peer's answer what must be the same for all.
    """
    wall: dict[str, float] = {}
    cpu: dict[str, float] = {}
    peak: dict[str, float] = {}
    facts: dict[str, Any] = {}
    for turn in range(repeats + 1):  # the first one warms up
        for peer, run in runs.items():
            gc.collect()
            before = reset_peak()
            used, start = time.process_time(), time.perf_counter()
            answer = run()
            seconds, used = time.perf_counter() - start, time.process_time() - used
            if turn:
                wall[peer] = min(wall.get(peer, np.inf), seconds)
                cpu[peer] = min(cpu.get(peer, np.inf), used)
                peak[peer] = max(peak.get(peer, 0.0), peak_mb() - before)
            else:
                facts[peer] = check(peer, answer)
            del answer
    ours = wall["dh2o"]
    for peer, fact in facts.items():
        if not np.allclose(fact, facts["dh2o"], rtol=1e-9, equal_nan=True):
            raise AssertionError(f"{name}: {peer} gives {fact}, dh2o {facts['dh2o']}")
    cells = []
    for peer in runs:
        ratio = (
            ""
            if peer == "dh2o"
            else f"  x{ours / wall[peer]:5.2f} cpu x{cpu['dh2o'] / cpu[peer]:5.2f}"
        )
        cells.append(
            f"{peer} {wall[peer]:6.3f} s {cpu[peer]:6.3f} cpu +{peak[peer]:4.0f} MB{ratio}"
        )
    print(f"{name:<34} " + " | ".join(cells), flush=True)


def connected(
    url: str, make: Callable[[Any], Mapping[str, Question]]
) -> Callable[[Any], Mapping[str, Question]]:
    """Return `make` once the client of the real H2O at `url` is connected."""
    import h2o

    h2o.connect(url=url, verbose=False, strict_version_check=False)
    h2o.no_progress()
    return make


def to_h2o(columns: dict[str, Any]) -> Any:
    """Return the columns as a frame of the connected H2O."""
    import h2o

    types = {name: "enum" for name, c in columns.items() if isinstance(c, tuple)}
    return h2o.H2OFrame(to_pandas(columns), column_types=types)


def computed(frame: Any) -> Any:
    """Return a frame of the connected H2O, once it is there."""
    assert frame.nrow >= 0  # asks for it
    return frame


def names_of(argument: str, known: Sequence[str]) -> list[str]:
    """Return the names of a comma-separated list; all known ones for an empty one."""
    names = [n for n in argument.split(",") if n] or list(known)
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise SystemExit(f"Unknown: {', '.join(unknown)}. Known: {', '.join(known)}.")
    return names


def ask_all(
    about: str,
    tables: Callable[[int], Any],
    makers: Mapping[str, Callable[[Any], Mapping[str, Question]]],
    titles: Mapping[str, str],
    check: Callable[[str, Any], Any],
    with_h2o: Callable[[Any], Mapping[str, Question]] | None = None,
) -> None:
    """Put the questions of `titles` to dh2o and to the peers that the command line names.

    ``makers[peer](tables(n_rows))`` are the questions that a peer answers, `with_h2o` those of a
    real H2O, whose address the command line gives; `check` makes of an answer what has to be equal.
    """
    peers = [peer for peer in makers if peer != "dh2o"]
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--questions", default="")
    parser.add_argument("--peers", default="")
    parser.add_argument("--h2o", default="", help="the address of a real H2O to compare with")
    args = parser.parse_args()
    asked = {peer: makers[peer] for peer in ["dh2o", *names_of(args.peers, peers)]}
    if args.h2o and with_h2o is not None:
        asked["h2o"] = connected(args.h2o, with_h2o)
    from dh2o.mrtask import init

    data = tables(args.rows)
    print(f"{args.rows:,} rows; ratios: dh2o by peer")
    with init():
        questions = {peer: make(data) for peer, make in asked.items()}
        for q in names_of(args.questions, list(titles)):
            runs = {peer: asked[q] for peer, asked in questions.items() if q in asked}
            compare(f"{q} {titles[q]}", runs, args.repeats, check)
