"""Choosing rows: by range, by condition, by number; and fetching some into this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dh2o.chunks import Block
from dh2o.errors import FrameError
from dh2o.frame.align import empty_like, like, regroup
from dh2o.frame.layout import Layout, blocks_of_rows, even_layout
from dh2o.frame.physical import Physical, empty_block, engine_for, physical, rebuilt
from dh2o.frame.shuffle import gather_rows

if TYPE_CHECKING:
    from dh2o.frame.frame import Frame

I64 = npt.NDArray[np.int64]

TINY_SHARE = 8
"""Fewer rows than this part of a frame are put into fewer blocks."""
Predicate = Callable[[Block], npt.NDArray[np.bool_]]


def fetch_rows(frame: Frame, start: int, stop: int) -> Block:
    """Return rows start..stop (cut to what there is) as one named block in this process."""
    start, stop = max(0, start), min(stop, frame.n_rows)
    parts = blocks_of_rows(frame.layout, start, stop)
    if not parts or not frame.n_cols:
        n_rows = max(0, stop - start) if not frame.n_cols else 0
        return Block(n_rows, empty_block(frame.vecs).chunks, frame.names)
    spans = {block_idx: (lo, hi) for block_idx, lo, hi in parts}
    pieces = engine_for(frame).collect(frame, _Cut(spans), indices=[part[0] for part in parts])
    return Block.concat(pieces).placed(0, start, frame.names)


class _Cut:
    """Gives the wanted rows of a block; one object for all blocks, so that it travels once."""

    def __init__(self, spans: dict[int, tuple[int, int]]) -> None:
        self.spans = spans

    def __call__(self, block: Block) -> Block:
        return block.slice(*self.spans[block.index])


def slice_rows(frame: Frame, start: int, stop: int) -> Frame:
    """Return rows start..stop as a frame; whole blocks are used as they are."""
    start, stop = max(0, start), min(stop, frame.n_rows)
    if (start, stop) == (0, frame.n_rows):
        return frame
    parts = blocks_of_rows(frame.layout, start, max(start, stop))
    groups = [[part] for part in parts] or [[]]
    blocks = regroup(physical(frame), groups, empty_like(frame))
    return rebuilt(frame.names, frame.vecs, blocks, "other")


def filter_rows(frame: Frame, keep: Frame | Predicate) -> Frame:
    """Return the rows where `keep` holds, in order, in the blocks they were in."""
    if not frame.n_cols:
        raise FrameError("A frame without columns has no rows to choose from.")
    everything = physical(frame)
    if callable(keep):
        kept = engine_for(frame).map_blocks(_KeepWhere(keep), [everything])
    else:
        mask = _mask_column(frame, keep)
        both = Physical(
            (*everything.names, "\0keep"), (*everything.columns, mask), everything.layout
        )
        kept = engine_for(frame).map_blocks(_keep_marked, [both])
    return _merged_if_tiny(rebuilt(frame.names, frame.vecs, kept, "other"), frame)


def _merged_if_tiny(kept: Frame, frame: Frame) -> Frame:
    """Return what was kept of `frame`, in as many blocks as its share of the rows deserves.

    Blocks of a few rows cost a pass as much as full ones. The rule knows only row counts, so frames
    filtered alike stay aligned.
    """
    if kept.n_blocks == 1 or kept.n_rows * TINY_SHARE > frame.n_rows:
        return kept
    n_blocks = -(-kept.n_rows * frame.n_blocks // max(1, frame.n_rows))
    return kept.rebalance(even_layout(kept.n_rows, max(1, n_blocks)))


def _mask_column(frame: Frame, keep: Frame) -> Any:
    if keep.n_cols != 1:
        raise FrameError(f"A row filter is one column of 0 and 1; this one has {keep.n_cols}.")
    if keep.n_rows != frame.n_rows:
        raise FrameError(
            f"The row filter has {keep.n_rows} rows, the frame {frame.n_rows}. They must agree."
        )
    return like(keep, frame.layout).vecs[0].ref


def _keep_marked(block: Block) -> Block:
    mark = block.floats(block.n_cols - 1)
    rows = np.flatnonzero((mark != 0) & ~np.isnan(mark))
    return _taken(Block(block.n_rows, block.chunks[:-1]), rows)


class _KeepWhere:
    """Gives the rows of a block for which a function of the block is true."""

    def __init__(self, predicate: Predicate) -> None:
        self.predicate = predicate

    def __call__(self, block: Block) -> Block:
        marked = np.asarray(self.predicate(block))
        if marked.shape != (block.n_rows,):
            raise FrameError(
                f"The row filter gave an array of shape {marked.shape} for {block.n_rows} rows."
            )
        return _taken(block, np.flatnonzero(marked))


def _taken(block: Block, rows: I64) -> Block:
    return block if len(rows) == block.n_rows else block.take(rows)


def take_rows(
    frame: Frame,
    rows: Sequence[int] | I64,
    *,
    missing: bool = False,
    layout: Layout | None = None,
) -> Frame:
    """Return the rows of these numbers, in the order given; numbers may repeat.

    With `missing`, -1 gives a row of NA. Without a `layout` blocks are as large as the largest
    of the frame.
    """
    wanted = _checked_rows(rows, frame.n_rows, -1 if missing else 0)
    if layout is None:
        largest = max(frame.layout, default=0)
        layout = even_layout(len(wanted), max(1, -(-len(wanted) // max(1, largest))))
    blocks = gather_rows(physical(frame), wanted, layout, empty_like(frame))
    return rebuilt(frame.names, frame.vecs, blocks, "other")


def _checked_rows(rows: Sequence[int] | I64, n_rows: int, lowest: int) -> I64:
    wanted = np.asarray(rows)
    if wanted.ndim != 1 or (len(wanted) and wanted.dtype.kind not in "iu"):
        raise FrameError("Row numbers must be a flat sequence of integers.")
    wanted = np.ascontiguousarray(wanted, dtype=np.int64)
    if len(wanted) and not lowest <= wanted.min() <= wanted.max() < n_rows:
        outside = (wanted < lowest) | (wanted >= n_rows)
        row = int(wanted[np.flatnonzero(outside)[0]])
        raise FrameError(f"Row {row} is out of range: the frame has {n_rows} rows.")
    return wanted
