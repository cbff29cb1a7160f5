"""Which columns or rows a selector means: names, numbers, ranges, negative numbers, 0/1 frames."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import RapidsError
from dh2o.rapids.columns import Table
from dh2o.rapids.tree import NumList
from dh2o.rapids.values import ValNums, ValStrs

__all__ = ["columns_py", "columns_r", "row_numbers"]


def _by_name(names: Sequence[str], wanted: Sequence[str]) -> list[int]:
    place = {name: i for i, name in reversed(list(enumerate(names)))}
    for name in wanted:
        if name not in place:
            some = ", ".join(map(repr, names[:8]))
            raise RapidsError(f"Column {name} not found. Columns: {some}.")
    return [place[name] for name in wanted]


MAX_POSITION = 2.0**53  # beyond, doubles are no longer every whole number


def _check_positions(node: NumList, what: str) -> None:
    for base, _, _ in node.spans:
        if not abs(base) <= MAX_POSITION:
            raise RapidsError(f"{what} are chosen by whole numbers, got {base:g}.")


def _bounded(node: NumList, n_cols: int) -> list[int]:
    """Return the numbers of a list; ranges stop behind the last column, however long they are."""
    _check_positions(node, "Columns")
    out: list[int] = []
    for base, count, stride in node.spans:
        first = int(base)
        step = int(stride) if count > 1 else 1
        if first >= 0 and count > 1:
            last = min(first + (count - 1) * step, n_cols)
            out.extend(range(first, last + 1, max(step, 1)))
        else:
            out.extend(first + i * step for i in range(min(count, 2 * n_cols + 1)))
    return out


def columns_r(
    table: Table, selector: ValNums | ValStrs, *, past_end_ignored: bool = False
) -> list[int]:
    """Return positions, R style: negative numbers exclude, one past the end is an error.

    With `past_end_ignored` a list of several single numbers loses those past the end.
    """
    if isinstance(selector, ValStrs):
        return _by_name(table.names, selector.values)
    numbers = _bounded(selector.node, table.n_cols)
    if past_end_ignored and len(selector.node.spans) > 1:
        numbers = [number for number in numbers if number < table.n_cols]
    if not numbers:
        return []
    if numbers[0] >= 0:
        if min(numbers) < 0:
            raise RapidsError("Cannot mix negative and positive column selection.")
        if max(numbers) >= table.n_cols:
            raise RapidsError(f"Column must be an integer from 0 to {table.n_cols - 1}")
        return numbers
    gone = {-number - 1 for number in numbers}
    return [i for i in range(table.n_cols) if i not in gone]


def column_at(table: Table, position: int, symbol: str) -> int:
    """Return the number of a column that `symbol` was given."""
    if not 0 <= position < table.n_cols:
        raise RapidsError(f"{symbol}: no column {position} in a frame of {table.n_cols} columns.")
    return position


def columns_py(table: Table, selector: ValNums | ValStrs) -> list[int]:
    """Return positions, Python style: negative numbers count from the end."""
    if isinstance(selector, ValStrs):
        return _by_name(table.names, selector.values)
    single = len(selector.node.spans) == 1 and selector.node.spans[0][1] == 1
    numbers = _bounded(selector.node, table.n_cols)
    if numbers and numbers[0] < 0:
        numbers = [number + table.n_cols for number in numbers]
    if single and not 0 <= numbers[0] < table.n_cols:
        raise RapidsError(f"Column must be an integer from 0 to {table.n_cols - 1}")
    return [number for number in numbers if 0 <= number < table.n_cols]


def row_numbers(n_rows: int, node: NumList) -> tuple[int, int] | NDArray[np.int64]:
    """Return the rows of a number list, ascending: (start, stop) for a plain range, else numbers.

    Negative numbers exclude rows. Rows beyond the end are an error in a list, ignored in a range.
    """
    _check_positions(node, "Rows")
    if len(node.spans) == 1 and node.spans[0][0] >= 0 and node.spans[0][1] > 1:
        base, count, stride = node.spans[0]
        start = int(base)
        if stride == 1:
            return min(start, n_rows), min(start + count, n_rows)
        stop = min(start + (count - 1) * int(stride) + 1, n_rows)
        return np.arange(start, stop, int(stride))
    rows = np.sort(node.expand().astype(np.int64))
    if not len(rows):
        return rows
    if rows[0] < 0:
        if rows[-1] >= 0:
            raise RapidsError("Cannot mix negative and positive row selection")
        keep = np.ones(n_rows, dtype=bool)
        gone = -rows - 1
        keep[gone[gone < n_rows]] = False
        return np.flatnonzero(keep)
    if rows[-1] > n_rows and len(rows) == len(node.spans):
        raise RapidsError(f"Row must be an integer from 0 to {n_rows - 1}")
    return rows[rows < n_rows]
