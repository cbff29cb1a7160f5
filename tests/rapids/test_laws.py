"""Laws of every expression: layouts, fusing, workers and awkward frames do not matter."""

from __future__ import annotations

import contextlib
import threading
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from helpers import rows_of

from dh2o.errors import RapidsError
from dh2o.frame import Frame
from dh2o.mrtask import Engine
from dh2o.rapids import Session, ValFrame
from dh2o.rapids.columns import Table
from dh2o.rapids.passes import gather, store

EXPRESSIONS = [
    "(+ (* (cols_py k 0) 2) (/ (cols_py k 1) 3))",
    "(mean (log (abs (+ (cols_py k [0 1]) 1))) True 0)",
    "(sd (cols_py k [0 1]) True)",
    "(rows k (> (cols_py k 0) 0))",
    "(cumsum (cols_py k 1) 0)",
    "(difflag1 (cols_py k 0))",
    "(ifelse (> (cols_py k 0) 0) (cols_py k 1) 0)",
    '(GB k [2] mean 0 "rm" sdev 1 "all" nrow 0 "all")',
    "(sort k [2 0] [1 -1])",
    '(quantile (cols_py k [0 1]) [0.1 0.5 0.9] "interpolate" _)',
    "(h2o.runif k 7)",
    "(kfold_column k 3 5)",
    "(table (cols_py k 2) True)",
    "(unique (as.factor (cols_py k 2)) False)",
    '(merge k (cols_py k [2 1]) True False [2] [0] "auto")',
    "(toupper (as.character (cols_py k 2)))",
    "(scale (cols_py k [0 1]) True True)",
    "(na.omit k)",
]


def data(n_rows: int) -> dict[str, Any]:
    draw = np.random.default_rng(1)
    a = draw.normal(size=n_rows)
    a[draw.random(n_rows) < 0.1] = np.nan
    return {
        "a": a,
        "b": draw.integers(0, 50, n_rows).astype(np.float64),
        "c": draw.integers(0, 4, n_rows).astype(np.float64),
    }


def results(engine: Engine, frame: Frame) -> list[Any]:
    stored = frame.put("k")
    try:
        with Session(engine) as session:
            return [_bits(session.execute(text)) for text in EXPRESSIONS]
    finally:
        if engine.dkv.contains(stored.key or ""):
            engine.dkv.remove("k")


def _bits(value: Any) -> Any:
    if isinstance(value, ValFrame):
        return {name: _exact(column) for name, column in rows_of(value.table).items()}
    return _exact(np.asarray(value.values).tolist())


def _exact(values: list[Any]) -> list[Any]:
    return [v.hex() if isinstance(v, float) else v for v in values]


def in_blocks(n_rows: int, n_blocks: int) -> Frame:
    frame = Frame.from_python(data(n_rows))
    cuts = np.linspace(0, n_rows, n_blocks + 1).astype(int)
    return frame.rebalance([int(b - a) for a, b in pairwise(cuts)])


@pytest.mark.cluster
def test_workers_do_not_change_a_bit(engine: Engine, cluster3: Engine) -> None:
    from dh2o.mrtask import use_engine

    with use_engine(cluster3):
        three = results(cluster3, in_blocks(500, 7))
    with use_engine(engine):
        one = results(engine, in_blocks(500, 7))
    assert one == three


@pytest.mark.parametrize("n_blocks", [1, 3, 40])
def test_layout_does_not_matter(engine: Engine, n_blocks: int) -> None:
    one, many = results(engine, in_blocks(60, 1)), results(engine, in_blocks(60, n_blocks))
    for text, a, b in zip(EXPRESSIONS, one, many, strict=True):
        assert _near(a, b), text


def _near(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return list(a) == list(b) and all(_near(a[k], b[k]) for k in a)
    return len(a) == len(b) and all(
        x == y
        if not (isinstance(x, str) and "0x" in x)
        else np.isclose(float.fromhex(x), float.fromhex(y), rtol=1e-10, atol=1e-12)
        for x, y in zip(a, b, strict=True)
    )


@pytest.mark.parametrize("n_rows", [0, 1])
def test_empty_and_single_row_frames(engine: Engine, n_rows: int) -> None:
    frame = Frame.from_python(data(3)).slice_rows(0, n_rows)
    for text, value in zip(EXPRESSIONS, results(engine, frame), strict=True):
        assert value is not None, text


def test_columns_of_na_only(engine: Engine) -> None:
    frame = Frame.from_python({"a": [np.nan] * 4, "b": [np.nan] * 4, "c": [1.0, 1.0, 2.0, 2.0]})
    for text, value in zip(EXPRESSIONS, results(engine, frame), strict=True):
        assert value is not None, text


def test_fused_equals_one_step_at_a_time(session: Session) -> None:
    in_blocks(1000, 3).put("k")
    fused = session.execute("(mean (sqrt (abs (- (* (cols_py k [0 1]) 3) 1))) True 0)")
    for i, step in enumerate(
        ["(cols_py k [0 1])", "(* s0 3)", "(- s1 1)", "(abs s2)", "(sqrt s3)"]
    ):
        session.execute(f"(tmp= s{i} {step})")
    stepwise = session.execute("(mean s4 True 0)")
    names = ["sqrt(abs(a))", "sqrt(abs(b))"]
    assert rows_of(fused.table) == rows_of(stepwise.table)
    assert list(rows_of(fused.table)) == names
    session.execute("(rm k)")


def test_a_reducer_stores_nothing(session: Session, engine: Engine) -> None:
    in_blocks(100, 2).put("k")
    made = []
    original = engine.map_blocks
    engine.map_blocks = lambda *a, **k: made.append(a) or original(*a, **k)  # type: ignore[method-assign]
    try:
        session.execute("(mean (+ (* (cols_py k 0) 2) 1) True 0)")
        session.execute("(sd (log (abs (cols_py k 0))) True)")
    finally:
        engine.map_blocks = original  # type: ignore[method-assign]
    assert made == []
    session.execute("(rm k)")


def test_stored_blocks_are_computed_once(engine: Engine) -> None:
    table = Table.of(Frame.from_python({"a": [1.0, 2.0]}))
    value = ValFrame(table.like(["b"], [table.columns[0].then("abs")]))
    assert value.frame is value.frame
    assert rows_of(store(value.table)) == {"b": [1, 2]}
    assert gather(value.table).n_rows == 2


def test_long_chains_stay_flat(session: Session) -> None:
    Frame.from_python({"a": [1.0, 2.0]}).put("k")
    text = "(+ 1 " * 380 + "(cols_py k 0)" + ")" * 380
    assert rows_of(session.execute(text).table) == {"a": [381, 382]}
    deep = "(ifelse 1 " * 390 + "1" + " 2)" * 390
    with contextlib.suppress(RapidsError):  # Python's own limit on calls, as a typed error
        assert session.execute(deep).value == 1
    session.execute("(rm k)")


def test_sessions_run_side_by_side(engine: Engine) -> None:
    Frame.from_python({"a": [1.0, 2.0, 3.0]}).put("k")
    found: list[float] = []

    def work(i: int) -> None:
        from dh2o.mrtask import use_engine

        with use_engine(engine), Session(engine) as session:
            for j in range(5):
                session.execute(f"(tmp= side{i}_{j} (+ k {i}))")
            found.append(session.execute(f"(sum side{i}_4)").value)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [6, 9, 12, 15]
    assert not [key for key in engine.dkv.keys(kind=None) if key.startswith("side")]
    engine.dkv.remove("k")
