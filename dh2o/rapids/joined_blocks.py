"""The blocks of a join, made and stored by the one worker, which lives in this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from dh2o.chunks import Block, Chunk
from dh2o.frame import Frame, Vec
from dh2o.frame.layout import Layout
from dh2o.frame.physical import CHUNK_KINDS, physical, rebuilt
from dh2o.frame.shuffle import gathered_here, opened_here
from dh2o.mrtask import current_engine
from dh2o.rapids.columns import Column, Table, unique_names
from dh2o.rapids.few_keys import Placed
from dh2o.rapids.joining import Joined
from dh2o.rapids.keys import U64
from dh2o.rapids.ordering import parallel

__all__ = ["stored_here"]

Columns = list[list[Chunk]]
"""Of each column the chunks of all blocks."""


def stored_here(
    names: Sequence[str],
    keys: Sequence[Column],
    joined: Joined | Placed,
    sides: Sequence[Frame],
    layout: Layout,
) -> Table:
    """Return the joined rows: the `keys`, so named, and the columns of both sides."""
    if isinstance(joined, Placed):
        made = _placed(joined, keys, sides, layout)
    else:
        made = _paired(joined, keys, sides, layout)
    visible, hidden = made[: len(keys)], []
    at = len(keys)
    for frame in sides:
        n_physical = len(physical(frame).columns)
        visible += made[at : at + frame.n_cols]
        hidden += made[at + frame.n_cols : at + n_physical]
        at += n_physical
    by_block = zip(layout, zip(*visible, *hidden, strict=True), strict=True)
    blocks = current_engine().keep_blocks([Block(n, chunks) for n, chunks in by_block])
    vecs = [Vec(c.type, (blocks, i), c.domain) for i, c in enumerate(keys)]
    vecs += [vec for frame in sides for vec in frame.vecs]
    all_names = unique_names([*names, *(name for frame in sides for name in frame.names)])
    return Table.of(rebuilt(all_names, vecs, blocks, "other"))


def _key_chunks(words: U64, joined: Joined | Placed, keys: Sequence[Column]) -> list[Chunk]:
    fields, kinds = joined.layout.fields, [CHUNK_KINDS[c.type] for c in keys]
    return [f.chunk(words, k) for f, k in zip(fields, kinds, strict=True)]


def _paired(
    joined: Joined, keys: Sequence[Column], sides: Sequence[Frame], layout: Layout
) -> Columns:
    """Return the columns of rows listed one by one."""
    cuts = np.cumsum([0, *layout])
    words = [joined.keys[:, cuts[i] : cuts[i + 1]] for i in range(len(layout))]
    by_block = parallel(lambda part: _key_chunks(part, joined, keys), words)
    made = [list(column) for column in zip(*by_block, strict=True)]
    for frame, rows in zip(sides, (joined.left, joined.right), strict=True):
        made += gathered_here(physical(frame), rows, layout)
    return made


def _placed(
    joined: Placed, keys: Sequence[Column], sides: Sequence[Frame], layout: Layout
) -> Columns:
    """Return the columns of rows that are dealt out and of rows that fill runs."""
    opened = [opened_here(physical(frame)) for frame in sides]
    moving = joined.to.moving(opened[joined.many], parallel)
    work: list[Callable[[], Any]] = [partial(moving.move, k) for k in range(moving.n_parts)]
    runs_of_keys, few = joined.runs.numbers(), 1 - joined.many
    work += [
        partial(runs_of_keys.filled, [chunk], layout)
        for chunk in _key_chunks(joined.keys, joined, keys)
    ]
    work += [partial(joined.runs.filled, chunks, layout) for chunks in opened[few]]
    filled = parallel(_called, work)[moving.n_parts :]
    by_side = [moving.chunks(layout, parallel), filled[len(keys) :]]
    return [*filled[: len(keys)], *by_side[joined.many], *by_side[few]]


def _called(fn: Callable[[], Any]) -> Any:
    return fn()
