"""Rows in another order: sort, join, duplicates. Packed keys come here, rows move in blocks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dh2o.errors import RapidsError
from dh2o.frame import Frame
from dh2o.frame.layout import Layout, layout_for, row_starts
from dh2o.frame.rows import take_rows
from dh2o.mrtask import current_engine
from dh2o.rapids.columns import Column, Table, local_table, unique_names
from dh2o.rapids.exchange.joining import JoinSide, joined_by_ranges
from dh2o.rapids.exchange.size import exceeds_one_process
from dh2o.rapids.few_keys import Placed, has_few_keys, placed
from dh2o.rapids.joined_blocks import stored_here
from dh2o.rapids.joining import Joined, pairs_of
from dh2o.rapids.keys import I64, KeyLayout, key_layout
from dh2o.rapids.levels import recoded
from dh2o.rapids.ordering import (
    PARALLEL_ROWS,
    Ordered,
    collected_keys,
    ordered,
    parallel,
)
from dh2o.rapids.passes import TEXT_NBYTES_A_CELL, gather, store, together
from dh2o.rapids.prim_types import to_enum
from dh2o.rapids.row_selection import take_local

__all__ = ["join_rows", "ordered_rows", "reordered"]

SMALL_CELLS = 500_000  # below, the rows themselves come to this process


def ordered_rows(table: Table, columns: Sequence[Column], ups: Sequence[bool]) -> Ordered:
    """Return the rows of a table in the stable order of columns; NA first in both directions."""
    layout = key_layout([(table, columns)], [not up for up in ups])
    words = collected_keys(table, columns, layout)
    return ordered(words, layout.word_bits, spread=True)


def reordered(table: Table, order: I64) -> Table:
    """Return the rows of these numbers, in this order; -1 gives a row of NA."""
    if _is_small(table, len(order)):
        return take_local(table, order)
    return _taken(table, order, None)


def _is_small(table: Table, n_rows: int) -> bool:
    """Return whether `n_rows` rows of a table are best taken in this process."""
    return table.is_local or max(table.n_rows, n_rows) * table.n_cols <= SMALL_CELLS


def _taken(table: Table, order: I64, layout: Layout | None) -> Table:
    return Table.of(take_rows(_frame_of(table), order, missing=True, layout=layout))


# ---- joins


def common_keys(
    left: Table, right: Table, by: tuple[Sequence[int], Sequence[int]], keep: tuple[bool, bool]
) -> tuple[list[Column], list[Column]]:
    """Return the key columns of both tables with equal domains.

    The levels are those of the left, or of the right if all of its rows stay, as in H2O; those of
    both if all of both do. Other levels become NA: no row that has one is in the result.
    """
    lefts, rights = [], []
    for i, j in zip(*by, strict=True):
        a, b = left.columns[i], right.columns[j]
        if a.is_string or b.is_string:
            a, b = to_enum(left, left.names[i], a), to_enum(right, right.names[j], b)
        if a.type is not b.type:
            raise RapidsError(
                f"Merging columns must be the same type, column {left.names[i]} found types "
                f"{a.type} and {b.type}"
            )
        if a.is_enum:
            levels, others = a.domain or (), b.domain or ()
            if keep == (True, True):
                domain = tuple(dict.fromkeys((*levels, *others)))
            else:
                domain = others if keep[1] else levels
            a, b = _in_domain(a, domain), _in_domain(b, domain)
        lefts.append(a)
        rights.append(b)
    return lefts, rights


def _in_domain(column: Column, domain: tuple[str, ...]) -> Column:
    if column.domain == domain:
        return column
    levels = column.domain or ()
    if domain[: len(levels)] == levels:  # the codes stay
        return column.with_domain(domain)
    place = {level: float(i) for i, level in enumerate(domain)}
    return recoded(column, [place.get(level, np.nan) for level in levels], domain)


def join_rows(
    left: Table,
    right: Table,
    by: tuple[Sequence[int], Sequence[int]],
    keep: tuple[bool, bool],
) -> Table:
    """Return the joined rows, sorted by key: keys, the rest of the left, the rest of the right.

    `keep` says whether rows of the left and right that have no partner stay.
    """
    if exceeds_one_process([left, right]):
        return _joined_by_ranges(left, right, by, keep)
    lefts, rights = common_keys(left, right, by, keep)
    layout = key_layout([(left, lefts), (right, rights)])
    joined = _joined([(left, lefts), (right, rights)], layout, keep)
    rests = [_others(side, idx) for side, idx in zip((left, right), by, strict=True)]
    parts = [side.select(rest) for side, rest in zip((left, right), rests, strict=True)]
    return _filled(left.select(by[0]), lefts, joined, parts)


def _joined(
    sides: Sequence[tuple[Table, Sequence[Column]]], layout: KeyLayout, keep: tuple[bool, bool]
) -> Joined | Placed:
    """Return the rows of a join of two tables by key columns."""
    n_rows = [table.n_rows for table, _ in sides]
    if has_few_keys(layout, n_rows) and max(n_rows) >= PARALLEL_ROWS:
        short = [collected_keys(*side, layout, np.dtype(np.uint16)) for side in sides]
        cuts = [row_starts(table.layout) if table.layout else () for table, _ in sides]
        found = placed([words[0] for words in short], layout, keep, parallel, cuts)
        if found is not None:
            return found
        words = [one.astype(np.uint64) for one in short]
    else:
        words = [collected_keys(*side, layout) for side in sides]
    if keep == (False, True):  # all of the right: its rows lead, as in H2O
        swapped = pairs_of(words[::-1], layout, (True, False))
        return Joined(swapped.keys, layout, swapped.right, swapped.left)
    return pairs_of(words, layout, keep)


def _others(side: Table, by: Sequence[int]) -> list[int]:
    """Return the columns of a side of a join that are no keys."""
    return [i for i in range(side.n_cols) if i not in set(by)]


def _joined_by_ranges(
    left: Table,
    right: Table,
    by: tuple[Sequence[int], Sequence[int]],
    keep: tuple[bool, bool],
) -> Table:
    """Return what `join_rows` does, of rows exchanged between the workers."""
    left, right = (Table.of(_frame_of(side)) if side.is_local else side for side in (left, right))
    columns = common_keys(left, right, by, keep)
    sides = [
        JoinSide(side, keys, _others(side, idx))
        for side, keys, idx in zip((left, right), columns, by, strict=True)
    ]
    made = joined_by_ranges([left.names[i] for i in by[0]], sides[0], sides[1], keep)
    texts = [left.columns[i].is_string for i in by[0]]
    return _as_texts(made, texts) if any(texts) else made


def _filled(
    by: Table, keys: Sequence[Column], joined: Joined | Placed, parts: Sequence[Table]
) -> Table:
    """Return the joined rows: the `keys`, which are those of `by` in common types, and `parts`."""
    n_rows, n_cols = joined.n_rows, by.n_cols + sum(part.n_cols for part in parts)
    texts = [c.is_string for c in by.columns]
    layout = None
    if n_rows * n_cols > SMALL_CELLS or not all(_is_small(part, n_rows) for part in parts):
        layout = layout_for(n_rows, n_rows * n_cols * TEXT_NBYTES_A_CELL)
    if layout is not None and current_engine().scheduler_here is not None and not any(texts):
        return stored_here(by.names, keys, joined, [_frame_of(part) for part in parts], layout)
    if isinstance(joined, Placed):
        joined = joined.joined()
    types, domains = [c.type for c in keys], [c.domain for c in keys]
    made = local_table(by.names, joined.layout.unpack(joined.keys), types, domains)
    rest = [
        take_local(part, rows) if layout is None else _taken(part, rows, layout)
        for part, rows in zip(parts, (joined.left, joined.right), strict=True)
        if part.n_cols
    ]
    filled = together([_texts_again(made, texts), *rest])
    names = unique_names([name for part in filled for name in part.names])
    return filled[0].like(names, [c for part in filled for c in part.columns])


def _frame_of(table: Table) -> Frame:
    """Return the stored frame of a table."""
    if not table.n_cols:
        return Frame((), (), ())
    frame = store(table).frame
    if frame is None:  # pragma: no cover - store always sets it
        raise AssertionError
    return frame


def _texts_again(made: Table, texts: Sequence[bool]) -> Table:
    """Return key columns that were strings as strings again."""
    if not any(texts):
        return made
    return gather(_as_texts(made, texts))


def _as_texts(made: Table, texts: Sequence[bool]) -> Table:
    """Return a table whose first columns, where `texts` says so, are strings."""
    from dh2o.rapids.arithmetic import as_string

    keys = zip(made.columns, texts, strict=False)
    kept = [as_string(c) if text else c for c, text in keys]
    return made.like(made.names, [*kept, *made.columns[len(texts) :]])
