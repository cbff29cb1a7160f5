"""The same rows in other blocks: rebalancing, aligning, compacting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dh2o.chunks import Block
from dh2o.errors import FrameError
from dh2o.frame.layout import Layout, blocks_of_rows, layout_for, row_starts
from dh2o.frame.physical import Physical, empty_block, engine_for, physical, rebuilt
from dh2o.frame.vec import Vec, VecType
from dh2o.mrtask import MRTask

if TYPE_CHECKING:
    from dh2o.frame.frame import Frame
    from dh2o.mrtask import Blocks

Part = tuple[int, int, int]
"""Block number, first row and end row in it."""


def rebalance(frame: Frame, layout: Layout | None = None) -> Frame:
    """Return the same rows in `layout`, or in the layout that the amount of data asks for."""
    if layout is None:
        layout = layout_for(frame.n_rows, text_nbytes(frame), frame.n_cols)
    if layout == tuple(frame.layout) or not frame.n_cols:
        return frame
    if sum(layout) != frame.n_rows:
        raise FrameError(f"A layout of {sum(layout)} rows does not fit {frame.n_rows} rows.")
    starts = row_starts(layout)
    groups = [blocks_of_rows(frame.layout, starts[i], starts[i + 1]) for i in range(len(layout))]
    blocks = regroup(physical(frame), groups, empty_like(frame))
    return rebuilt(frame.names, frame.vecs, blocks, "same")


def like(frame: Frame, layout: Sequence[int]) -> Frame:
    """Return `frame` in the layout of another frame with as many rows."""
    return rebalance(frame, tuple(layout))


def compact(frame: Frame) -> Frame:
    """Return the frame in Blocks that hold its columns and no others; chunks are shared."""
    parts = {ref[0].uid for ref in physical(frame).columns}
    if not frame.n_cols or not parts:
        return frame
    blocks = engine_for(frame).map_blocks(_same_chunks, [physical(frame)], layout=frame.layout)
    return rebuilt(frame.names, frame.vecs, blocks, "same")


def _same_chunks(block: Block) -> Block:
    return Block(block.n_rows, block.chunks)


def regroup(source: Physical, groups: Sequence[Sequence[Part]], empty: Block) -> Blocks:
    """Return blocks of which the i-th is made of the parts `groups[i]` of the source's blocks."""
    spans = [([(lo, hi) for _, lo, hi in group], empty) for group in groups]
    inputs = [[(source, block_idx) for block_idx, _, _ in group] for group in groups]
    layout = tuple(sum(hi - lo for _, lo, hi in group) for group in groups)
    return engine_for(source).submit_blocks(_joined, spans, deps=inputs, layout=layout)


def _joined(spans: Sequence[tuple[int, int]], empty: Block, blocks: list[Block]) -> Block:
    if not blocks:
        return empty
    pieces = [
        block if (lo, hi) == (0, block.n_rows) else block.slice(lo, hi)
        for block, (lo, hi) in zip(blocks, spans, strict=True)
    ]
    return pieces[0] if len(pieces) == 1 else Block.concat(pieces)


def empty_like(frame: Frame) -> Block:
    """Return a block of no rows with the physical columns of `frame`."""
    n_hidden = sum(vec.sub_ms is not None for vec in frame.vecs)
    blank = empty_block(frame.vecs).chunks
    hidden = [empty_block([Vec(VecType.NUMERIC, frame.columns[0])]).chunks[0]] * n_hidden
    return Block(0, (*blank, *hidden))


class _TextNbytes(MRTask[int, int]):
    """Twice the compressed bytes of string columns: about what they take as text."""

    def map(self, block: Block) -> int:
        return 2 * sum(chunk.nbytes for chunk in block.chunks)

    def combine(self, a: int, b: int) -> int:
        return a + b

    def finish(self, total: int | None) -> int:
        return total or 0


def text_nbytes(frame: Frame) -> int:
    """Return about how many bytes the frame would take as CSV text."""
    per_row = 0.0
    for vec in frame.vecs:
        if vec.type is VecType.ENUM:
            domain = vec.domain or ()
            per_row += 1 + sum(map(len, domain)) / max(1, len(domain))
        else:
            per_row += _TEXT_WIDTH[vec.type]
    texts = [i for i, vec in enumerate(frame.vecs) if vec.type is VecType.STRING]
    n_text = _TextNbytes().do_all(frame.select(texts)) if texts else 0
    return int(per_row * frame.n_rows) + n_text


_TEXT_WIDTH = {VecType.NUMERIC: 8, VecType.TIME: 20, VecType.UUID: 37, VecType.STRING: 1}
