"""Strategies for Arrow and pandas tables of every type that a frame keeps; exact comparison."""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import strategies as st

Values = st.SearchStrategy[list[Any]]

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
UNITS = ("s", "ms", "us", "ns")


def ints_of(kind: pa.DataType) -> st.SearchStrategy[Any]:
    info = np.iinfo(kind.to_pandas_dtype())
    low, high = max(info.min, -(2**63) + 1), min(info.max, 2**63 - 1)
    return st.integers(low, high)


def ticks_of(unit: str) -> st.SearchStrategy[int]:
    limit = (2**63 - 1) // 1000 if unit == "s" else 2**63 - 1
    return st.integers(-limit, limit)


def floats_of(width: int) -> st.SearchStrategy[float]:
    return st.floats(width=width, allow_nan=False)  # NaN beside null is the one exception


def arrow_columns() -> dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]]:
    columns: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {}

    def add(kind: pa.DataType, values: st.SearchStrategy[Any]) -> None:
        columns[str(kind)] = (kind, values)

    for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"):
        add(getattr(pa, name)(), ints_of(getattr(pa, name)()))
    for width in (16, 32, 64):
        add(getattr(pa, f"float{width}")(), floats_of(width))
    add(pa.bool_(), st.booleans())
    add(pa.null(), st.none())
    for kind in (pa.string(), pa.large_string(), pa.string_view()):
        add(kind, TEXT)
    for unit in UNITS:
        add(pa.timestamp(unit), ticks_of(unit))
        add(pa.timestamp(unit, "Europe/Berlin"), ticks_of(unit))
        add(pa.duration(unit), st.integers(-(2**63) + 1, 2**63 - 1))
    add(pa.date32(), st.integers(-(2**31), 2**31 - 1))
    add(pa.date64(), st.integers(-(10**8), 10**8).map(lambda days: days * 86_400_000))
    add(pa.time32("ms"), st.integers(0, 86_399_999))
    add(pa.time64("ns"), st.integers(0, 86_399_999_999_999))
    add(pa.decimal128(15, 3), st.decimals(-(10**11), 10**11, places=3))
    add(pa.decimal128(18, 0), st.integers(-(10**17), 10**17).map(decimal.Decimal))
    add(pa.binary(16), st.binary(min_size=16, max_size=16))
    return columns


ARROW = arrow_columns()


@st.composite
def arrow_arrays(draw: Callable[[Any], Any], n_rows: int) -> pa.Array:
    kind, values = ARROW[draw(st.sampled_from(sorted(ARROW)))]
    items = draw(st.lists(st.none() | values, min_size=n_rows, max_size=n_rows))
    if isinstance(items, list) and all(isinstance(v, int | None) for v in items):
        storage = pa.int32() if kind in (pa.date32(), pa.time32("ms")) else pa.int64()
        if pa.types.is_temporal(kind):
            return pa.array(items, storage).view(kind)
    return pa.array(items, kind)


@st.composite
def dictionary_arrays(draw: Callable[[Any], Any], n_rows: int) -> pa.Array:
    levels = draw(st.lists(TEXT, min_size=1, max_size=6, unique=True))
    codes = st.none() | st.integers(0, len(levels) - 1)
    index = draw(st.sampled_from([pa.int8(), pa.int32(), pa.uint16()]))
    indices = pa.array(draw(st.lists(codes, min_size=n_rows, max_size=n_rows)), index)
    values = pa.array(levels, draw(st.sampled_from([pa.string(), pa.large_string()])))
    return pa.DictionaryArray.from_arrays(indices, values, ordered=draw(st.booleans()))


@st.composite
def arrow_tables(draw: Callable[[Any], Any]) -> pa.Table:
    n_rows = draw(st.integers(0, 40))
    n_cols = draw(st.integers(1, 4))
    either = arrow_arrays(n_rows) | dictionary_arrays(n_rows)
    arrays = [draw(either) for _ in range(n_cols)]
    return pa.table(arrays, names=[f"x{i}" for i in range(n_cols)])


def same_arrow(left: pa.Table, right: pa.Table) -> None:
    """Assert equal schema and equal values, -0.0 and 0.0 told apart."""
    assert left.schema == right.schema
    for name in left.column_names:
        a, b = plain(left.column(name)), plain(right.column(name))
        assert a.null_count == b.null_count, name
        assert a.equals(b), name
        if pa.types.is_floating(a.type):
            np.testing.assert_array_equal(np.signbit(a.to_numpy()), np.signbit(b.to_numpy()), name)
        if pa.types.is_dictionary(left.column(name).type):
            assert dictionary_of(left, name) == dictionary_of(right, name)


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def dictionary_of(table: pa.Table, name: str) -> list[str]:
    chunks = table.column(name).unify_dictionaries().chunks
    return chunks[0].dictionary.to_pylist() if chunks else []


PANDAS: dict[str, st.SearchStrategy[Any]] = {
    **{f"int{w}": st.integers(-(2 ** (w - 1)) + 1, 2 ** (w - 1) - 1) for w in (8, 16, 32, 64)},
    **{f"uint{w}": st.integers(0, 2 ** min(w, 63) - 1) for w in (8, 16, 32, 64)},
    "float32": st.floats(width=32),
    "float64": st.floats(),
    "bool": st.booleans(),
    "Int64": st.none() | st.integers(-(2**63) + 1, 2**63 - 1),
    "UInt8": st.none() | st.integers(0, 255),
    "Float64": st.none() | st.floats(allow_nan=False),
    "boolean": st.none() | st.booleans(),
    "object": st.none() | TEXT,
    "str": st.none() | TEXT,
    "string[python]": st.none() | TEXT,
    "string[pyarrow]": st.none() | TEXT,
    "int64[pyarrow]": st.none() | st.integers(-(2**63) + 1, 2**63 - 1),
    "timestamp[us][pyarrow]": st.none() | st.datetimes(),
    **{f"datetime64[{u}]": st.integers(-(10**9), 10**9) for u in UNITS},
    "datetime64[ns, Asia/Tokyo]": st.integers(-(10**18), 10**18),
    **{f"timedelta64[{u}]": st.integers(-(10**9), 10**9) for u in UNITS},
}


@st.composite
def pandas_frames(draw: Callable[[Any], Any]) -> pd.DataFrame:
    n_rows = draw(st.integers(0, 30))
    columns = {}
    for i in range(draw(st.integers(1, 4))):
        if draw(st.integers(0, 4)) == 0:
            columns[f"x{i}"] = draw(categoricals(n_rows))
            continue
        dtype = draw(st.sampled_from(sorted(PANDAS)))
        values = draw(st.lists(PANDAS[dtype], min_size=n_rows, max_size=n_rows))
        columns[f"x{i}"] = pandas_array(values, dtype)
    return pd.DataFrame(columns, index=pd.RangeIndex(n_rows))


def pandas_array(values: list[Any], dtype: str) -> Any:
    if dtype.startswith("datetime64[ns, "):
        return pd.Series(pd.to_datetime(pd.Series(values, dtype="int64"), utc=True)).astype(dtype)
    if dtype.startswith(("datetime64", "timedelta64")):
        return np.array(values, "int64").view(
            dtype.replace("datetime64", "M8").replace("timedelta64", "m8")
        )
    return pd.array(values, dtype=dtype) if dtype != "object" else pd.Series(values, dtype=object)


@st.composite
def categoricals(draw: Callable[[Any], Any], n_rows: int) -> pd.Categorical:
    levels = draw(
        st.lists(TEXT, min_size=1, max_size=5, unique=True)
        | st.lists(st.integers(-9, 9), min_size=1, max_size=5, unique=True)
        | st.lists(st.floats(-5, 5), min_size=1, max_size=5, unique=True)
    )
    codes = draw(st.lists(st.integers(-1, len(levels) - 1), min_size=n_rows, max_size=n_rows))
    return pd.Categorical.from_codes(codes, levels, ordered=draw(st.booleans()))


def a_bit_of_everything(n_rows: int = 200) -> pa.Table:
    """Return one table with every type, NA in each column, values spread over the blocks."""
    rng = np.random.default_rng(7)
    hole = rng.random(n_rows) < 0.2
    day = dt.date(2020, 2, 29)
    columns = {
        "int": pa.array(rng.integers(-9, 9, n_rows), mask=hole),
        "real": pa.array(rng.normal(size=n_rows), mask=hole),
        "big": pa.array(rng.integers(2**60, 2**62, n_rows), mask=hole),
        "text": pa.array([None if h else f"t {i}" for i, h in enumerate(hole)]),
        "enum": pa.array(
            [None if h else "abc"[i % 3] for i, h in enumerate(hole)]
        ).dictionary_encode(),
        "flag": pa.array([None if h else i % 2 == 0 for i, h in enumerate(hole)]),
        "when": pa.array(rng.integers(0, 10**18, n_rows), mask=hole).view(
            pa.timestamp("ns", "UTC")
        ),
        "day": pa.array([None if h else day + dt.timedelta(i) for i, h in enumerate(hole)]),
        "id": pa.array([None if h else rng.bytes(16) for h in hole], pa.binary(16)),
        "nothing": pa.nulls(n_rows),
    }
    return pa.table(columns)
