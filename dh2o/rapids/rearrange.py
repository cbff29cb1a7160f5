"""Rows in another order: sort, join, duplicates. Packed keys come here, rows move in blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dh2o.chunks import Block
from dh2o.chunks.codec import read_only
from dh2o.errors import RapidsError
from dh2o.frame import Frame, Vec
from dh2o.frame.layout import Layout, layout_for
from dh2o.frame.physical import CHUNK_KINDS
from dh2o.frame.rows import take_rows
from dh2o.mrtask import current_engine
from dh2o.rapids.columns import Column, Table, local_table, unique_names
from dh2o.rapids.keys import I64, U64, KeyLayout, key_layout
from dh2o.rapids.levels import recoded
from dh2o.rapids.ordering import Ordered, collected_keys, ordered, parallel
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
    source = store(table)
    if source.frame is None:  # pragma: no cover - store always sets it
        raise AssertionError
    return Table.of(take_rows(source.frame, order, missing=True, layout=layout))


# ---- joins


def _common_keys(
    left: Table, right: Table, by: tuple[Sequence[int], Sequence[int]], left_rules: bool
) -> tuple[list[Column], list[Column]]:
    """Return the key columns of both tables with equal domains."""
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
            first, second = (a, b) if left_rules else (b, a)
            domain = tuple(dict.fromkeys((*(first.domain or ()), *(second.domain or ()))))
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
    return recoded(column, [place[level] for level in levels], domain)


@dataclass(frozen=True, slots=True)
class Joined:
    """The rows of a join, by key: the key, and the row of either side (-1 for none)."""

    keys: U64  # packed by `layout`
    layout: KeyLayout
    left: I64
    right: I64


def join_rows(
    left: Table,
    right: Table,
    by: tuple[Sequence[int], Sequence[int]],
    keep: tuple[bool, bool],
) -> Table:
    """Return the joined rows, sorted by key: keys, the rest of the left, the rest of the right.

    `keep` says whether rows of the left and right that have no partner stay.
    """
    lefts, rights = _common_keys(left, right, by, keep[0] or not keep[1])
    if keep == (False, True):  # all of the right: its rows lead, as in H2O
        swapped = _pairs(right, rights, left, lefts, (True, False))
        joined = Joined(swapped.keys, swapped.layout, swapped.right, swapped.left)
    else:
        joined = _pairs(left, lefts, right, rights, keep)
    left_rest = [i for i in range(left.n_cols) if i not in set(by[0])]
    right_rest = [j for j in range(right.n_cols) if j not in set(by[1])]
    parts = [(left.select(left_rest), joined.left), (right.select(right_rest), joined.right)]
    n_rows, n_cols = len(joined.left), len(by[0]) + len(left_rest) + len(right_rest)
    layout = None
    if n_rows * n_cols <= SMALL_CELLS and all(_is_small(part, n_rows) for part, _ in parts):
        rest = [take_local(part, order) for part, order in parts if part.n_cols]
    else:
        layout = layout_for(n_rows, n_rows * n_cols * TEXT_NBYTES_A_CELL)
        rest = [_taken(part, order, layout) for part, order in parts if part.n_cols]
    filled = together([_key_table(left, by[0], lefts, joined, layout), *rest])
    names = unique_names([name for part in filled for name in part.names])
    return filled[0].like(names, [c for part in filled for c in part.columns])


def _key_table(
    left: Table,
    by: Sequence[int],
    columns: Sequence[Column],
    joined: Joined,
    layout: Layout | None,
) -> Table:
    """Return the key columns of the joined rows, stored in a layout if one is given."""
    names = [left.names[i] for i in by]
    types, domains = [c.type for c in columns], [c.domain for c in columns]
    texts = [left.columns[i].is_string for i in by]
    engine = current_engine()
    if layout is None or any(texts) or engine.scheduler_here is None:
        made = local_table(names, joined.layout.unpack(joined.keys), types, domains)
        return _texts_again(made, texts)
    cuts = np.cumsum([0, *layout])
    fields, kinds = joined.layout.fields, [CHUNK_KINDS[t] for t in types]

    def block(i: int) -> Block:
        words = joined.keys[:, cuts[i] : cuts[i + 1]]
        return Block(
            layout[i], tuple(f.chunk(words, k) for f, k in zip(fields, kinds, strict=True))
        )

    blocks = engine.keep_blocks(parallel(block, range(len(layout))))
    vecs = tuple(Vec(types[i], (blocks, i), domains[i]) for i in range(len(names)))
    return Table.of(Frame(tuple(names), vecs, layout))


def _texts_again(made: Table, texts: Sequence[bool]) -> Table:
    """Return key columns that were strings as strings again."""
    if not any(texts):
        return made
    from dh2o.rapids.arithmetic import as_string

    kept = [as_string(c) if text else c for c, text in zip(made.columns, texts, strict=True)]
    return gather(made.like(made.names, kept))


def _pairs(
    left: Table,
    lefts: Sequence[Column],
    right: Table,
    rights: Sequence[Column],
    keep: tuple[bool, bool],
) -> Joined:
    """Return the rows of both sides of the join, ordered by key, then by row."""
    from dh2o.rapids import key_kernels

    layout = key_layout([(left, lefts), (right, rights)])
    sides = [collected_keys(left, lefts, layout), collected_keys(right, rights, layout)]
    whole = None
    if layout.n_words > 1:
        whole, sides, shape = _ranked(sides, layout)
        n_bits = 1 + max(1, whole.shape[1]).bit_length()
    else:
        shape = ([f.shift for f in layout.fields], [(1 << f.n_bits) - 1 for f in layout.fields])
        n_bits = layout.word_bits[0]
    shifts, masks = (read_only(np.array(s, dtype=np.uint64)) for s in shape)
    orders = [ordered(words, (n_bits,), spread=True) for words in sides]
    (left_keys, left_rows), (right_keys, right_rows) = (
        (read_only(np.ascontiguousarray(o.keys[0])), read_only(o.rows)) for o in orders
    )
    n = key_kernels.count_pairs(left_keys, right_keys, shifts, masks, *keep)
    keys = np.empty((1, n), dtype=np.uint64)
    rows_left, rows_right = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    key_kernels.fill_pairs(
        left_keys, left_rows, right_keys, right_rows, shifts, masks, *keep,
        keys[0], rows_left, rows_right,
    )  # fmt: skip
    words = keys if whole is None else whole[:, (keys[0] >> np.uint64(1)).view(np.int64)]
    return Joined(words, layout, rows_left, rows_right)


def _ranked(
    sides: Sequence[U64], layout: KeyLayout
) -> tuple[U64, list[U64], tuple[list[int], list[int]]]:
    """Return keys of several words as one: their number among all, and a bit that none is NA."""
    both = np.concatenate(sides, axis=1)
    order = ordered(both, layout.word_bits, spread=True)
    starts = order.starts()
    flags = np.zeros(both.shape[1], dtype=np.uint64)
    flags[starts[1:]] = 1
    ranks = np.empty(both.shape[1], dtype=np.uint64)
    ranks[order.rows] = np.cumsum(flags)
    ranks = (ranks << np.uint64(1)) | (~layout.unknown(both)).astype(np.uint64)
    n_left = sides[0].shape[1]
    distinct = order.keys[:, starts]
    return distinct, [ranks[None, :n_left], ranks[None, n_left:]], ([0], [1])
