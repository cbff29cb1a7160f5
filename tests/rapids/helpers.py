"""Values as plain Python, and the two frames whose results on H2O are known."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import numpy as np

from dh2o.frame import Frame
from dh2o.rapids import Session, ValFrame, ValFun, ValNums
from dh2o.rapids.columns import Table
from dh2o.rapids.passes import gather


def column_list(column: Any) -> list[Any]:
    """Return a column's values: levels of an enum, None for NA."""
    values = column.expr.values
    if not isinstance(values, np.ndarray):
        return list(values.to_pylist())
    if column.domain is not None:
        return [None if math.isnan(v) else column.domain[int(v)] for v in values]
    return [None if math.isnan(v) else float(v) for v in values]


def rows_of(table: Table) -> dict[str, list[Any]]:
    held = gather(table)
    return {n: column_list(c) for n, c in zip(held.names, held.columns, strict=True)}


def plain(value: Any) -> Any:
    """Return a value as Python's own: a dict of columns, a list, a number or a string."""
    if isinstance(value, ValFrame):
        return rows_of(value.table)
    if isinstance(value, ValNums):
        return [None if math.isnan(v) else float(v) for v in value.values]
    if isinstance(value, ValFun):
        return value.name
    found = getattr(value, "value", None)
    if found is None:
        found = value.values
    return None if isinstance(found, float) and math.isnan(found) else found


def run(session: Session, text: str) -> Any:
    return plain(session.execute(text))


def close(a: Any, b: Any) -> bool:
    """Whether two plain values agree, numbers to 8 digits."""
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(close(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(close(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, int | float) and isinstance(b, int | float):
        return math.isclose(a, b, rel_tol=1e-8, abs_tol=1e-12)
    return bool(a == b)


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def golden_f() -> Frame:
    days = ["2020-01-01", "2020-02-03", None, "2021-12-31", "2019-07-15"]
    frame = Frame.from_python(
        {
            "a": [1.5, None, -2.25, 4.0, 1.5],
            "b": [1, 2, 3, 4, 5],
            "c": ["x", "y", "x", "z", None],
            "s": ["hello world", "Foo bar", None, "aaa", "Hello"],
            "t": [None if d is None else day(d) for d in days],
        }
    )
    return as_enums(frame, "c")


def golden_gf() -> Frame:
    frame = Frame.from_python(
        {
            "g": ["a", "b", "a", "b", "c"],
            "v": [1.0, 2.0, 3.0, None, 5.0],
            "w": [2, 3, 4, 5, 6],
            "d": [day(f"2020-01-0{i}") for i in range(1, 6)],
        }
    )
    return as_enums(frame, "g")


def as_enums(frame: Frame, *names: str) -> Frame:
    from dh2o.rapids import H2OFrame

    wrapped = H2OFrame(frame)
    for name in names:
        wrapped[name] = wrapped[name].asfactor()
    return wrapped.frame
