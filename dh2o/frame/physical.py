"""The columns of a frame as tasks see them: visible ones first, then the parts of milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dh2o.chunks import Block, Kind, all_na
from dh2o.frame.layout import Layout
from dh2o.frame.vec import Vec, VecType

if TYPE_CHECKING:
    from dh2o.frame.frame import Frame
    from dh2o.mrtask import Blocks, ColumnRef, Engine, HasColumns

CHUNK_KINDS: dict[VecType, Kind] = {
    VecType.NUMERIC: "number",
    VecType.ENUM: "code",
    VecType.STRING: "string",
    VecType.TIME: "number",
    VecType.UUID: "uuid",
}


@dataclass(frozen=True, slots=True)
class Physical:
    """Everything that lies in the blocks for a frame; what a task takes to keep all of it."""

    names: tuple[str, ...]
    columns: tuple[ColumnRef, ...]
    layout: Layout


def physical(frame: Frame) -> Physical:
    """Return all columns that a task on the rows of `frame` has to carry along."""
    hidden = [(i, vec.sub_ms) for i, vec in enumerate(frame.vecs) if vec.sub_ms is not None]
    return Physical(
        (*frame.names, *(f"{frame.names[i]}\0ns" for i, _ in hidden)),
        (*frame.columns, *(ref for _, ref in hidden)),
        frame.layout,
    )


def engine_for(table: HasColumns) -> Engine:
    """Return the engine that holds the blocks of `table`, else the current one."""
    from dh2o.mrtask.engine import engine_of

    return engine_of([blocks for blocks, _ in table.columns])


def rebuilt(
    names: Sequence[str], vecs: Sequence[Vec], blocks: Blocks, rows: Literal["same", "other"]
) -> Frame:
    """Return the frame whose columns, like `vecs`, now lie in `blocks` in physical order.

    With the `same` rows (in any layout) the statistics stay valid; with `other` rows they go.
    """
    from dh2o.frame.frame import Frame

    placed = []
    hidden = len(vecs)
    for i, vec in enumerate(vecs):
        sub_ms = None
        if vec.sub_ms is not None:
            sub_ms, hidden = (blocks, hidden), hidden + 1
        place = vec.relocated if rows == "same" else vec.moved
        placed.append(place((blocks, i), sub_ms))
    return Frame(tuple(names), tuple(placed), tuple(blocks.layout))


def empty_block(vecs: Sequence[Vec], names: Sequence[str] = ()) -> Block:
    """Return a block of no rows with the columns of `vecs`."""
    return Block(0, tuple(all_na(0, CHUNK_KINDS[vec.type]) for vec in vecs), tuple(names))
