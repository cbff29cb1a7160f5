"""Frames side by side and one below the other."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from dh2o.chunks import Block, Chunk, Kind, all_na, encode_codes, encode_ints
from dh2o.errors import FrameError
from dh2o.frame.align import like, rebalance
from dh2o.frame.layout import TARGET_N_BLOCKS
from dh2o.frame.physical import CHUNK_KINDS, engine_for, physical
from dh2o.frame.vec import Source, Vec, VecType

if TYPE_CHECKING:
    from dh2o.frame.frame import Frame
    from dh2o.mrtask import Blocks, ColumnRef

MAX_BLOCKS_AFTER_RBIND = 2 * TARGET_N_BLOCKS
Lut = npt.NDArray[np.int32]


def unique_name(name: str, taken: Container[str]) -> str:
    """Return `name`, or `name` with the first number that makes it new, as H2O does: a, a0, a1."""
    found, number = name, 0
    while found in taken:
        found, number = f"{name}{number}", number + 1
    return found


def with_columns(frame: Frame, columns: Mapping[str, Frame | Vec] | Frame) -> Frame:
    """Return `frame` with columns replaced, or appended where the name is new."""
    from dh2o.frame.frame import Frame

    if isinstance(columns, Frame):
        columns = {name: columns.select(name) for name in columns.names}
    vecs = dict(zip(frame.names, frame.vecs, strict=True))
    layout = frame.layout if frame.n_cols else None
    for name, column in columns.items():
        layout, vecs[name] = _fitting(name, column, layout)
    return Frame(tuple(vecs), tuple(vecs.values()), layout if layout is not None else frame.layout)


def _fitting(
    name: str, column: Frame | Vec, layout: tuple[int, ...] | None
) -> tuple[tuple[int, ...], Vec]:
    """Return the column as a Vec of `layout`, or of its own layout when it is the first."""
    if isinstance(column, Vec):
        return layout if layout is not None else tuple(column.ref[0].layout), column
    if column.n_cols != 1:
        raise FrameError(
            f"Column {name!r} must be one column; the frame given has {column.n_cols}."
        )
    if layout is None:
        return tuple(column.layout), column.vecs[0]
    if column.n_rows != sum(layout):
        raise FrameError(
            f"Column {name!r} has {column.n_rows} rows, the frame has {sum(layout)}; "
            "they must agree."
        )
    return layout, like(column, layout).vecs[0]


def cbind(frames: Sequence[Frame]) -> Frame:
    """Return the columns of all frames side by side, realigned to the first where needed."""
    from dh2o.frame.frame import Frame

    filled = [frame for frame in frames if frame.n_cols]
    if not filled:
        return frames[0]
    first = filled[0]
    bound: dict[str, Vec] = {}
    for frame in filled:
        if frame.n_rows != first.n_rows:
            raise FrameError(
                f"Frames side by side need as many rows each: {first.n_rows} and {frame.n_rows}."
            )
        aligned = like(frame, first.layout)
        for name, vec in zip(aligned.names, aligned.vecs, strict=True):
            bound[unique_name(name, bound)] = vec
    return Frame(tuple(bound), tuple(bound.values()), first.layout)


def rbind(frames: Sequence[Frame]) -> Frame:
    """Return the rows of all frames, in order, under the names of the first."""
    from dh2o.frame.frame import Frame

    frames = [frame for frame in frames if frame.n_cols] or list(frames[:1])
    first = frames[0]
    if len(frames) == 1:
        return first
    for frame in frames[1:]:
        if frame.n_cols != first.n_cols:
            raise FrameError(
                f"Frames one below the other need as many columns each: {first.n_cols} "
                f"and {frame.n_cols}."
            )
    columns = [_below(name, [f.vecs[i] for f in frames]) for i, name in enumerate(first.names)]
    hidden = [i for i, column in enumerate(columns) if column.has_sub_ms]
    args, inputs = [], []
    for k, frame in enumerate(frames):
        recodes = tuple(column.recodes[k] for column in columns)
        own = [i for i, vec in enumerate(frame.vecs) if vec.sub_ms is not None]
        found = tuple(frame.n_cols + own.index(i) if i in own else None for i in hidden)
        source = physical(frame)
        for block_idx in range(frame.n_blocks):
            args.append((recodes, found))
            inputs.append([(source, block_idx)])
    layout = tuple(n for frame in frames for n in frame.layout)
    blocks = engine_for(first).submit_blocks(_restacked, args, deps=inputs, layout=layout)
    vecs = tuple(
        Vec(c.type, (blocks, i), c.domain, c.source, _hidden_ref(blocks, len(columns), hidden, i))
        for i, c in enumerate(columns)
    )
    stacked = Frame(first.names, vecs, layout)
    return rebalance(stacked) if len(layout) > MAX_BLOCKS_AFTER_RBIND else stacked


class _Column:
    """One column of frames stacked: its type and domain, and how each frame's codes change."""

    def __init__(
        self,
        kind: VecType,
        domain: tuple[str, ...] | None,
        source: Source | None,
        recodes: Sequence[tuple[Kind, Lut | None]],
        has_sub_ms: bool,
    ) -> None:
        self.type = kind
        self.domain = domain
        self.source = source
        self.recodes = recodes
        self.has_sub_ms = has_sub_ms


def _below(name: str, vecs: Sequence[Vec]) -> _Column:
    """Return what the columns, one below the other, become; they must agree in type."""
    kind = _common_type(name, vecs)
    sources = {vec.source for vec in vecs}
    source = sources.pop() if len(sources) == 1 else None
    chunk_kind = CHUNK_KINDS[kind]
    if kind is not VecType.ENUM:
        recodes: list[tuple[Kind, Lut | None]] = [(chunk_kind, None)] * len(vecs)
        has_sub_ms = any(vec.sub_ms is not None for vec in vecs)
        return _Column(kind, None, source, recodes, has_sub_ms)
    domain = tuple(dict.fromkeys(level for vec in vecs for level in vec.domain or ()))
    code_of = {level: code for code, level in enumerate(domain)}
    recodes = []
    for vec in vecs:
        own = vec.domain or ()
        lut = np.array([code_of[level] for level in own] + [-1], np.int32)
        recodes.append((chunk_kind, None if own == domain[: len(own)] else lut))
    return _Column(kind, domain, source, recodes, False)


def _common_type(name: str, vecs: Sequence[Vec]) -> VecType:
    kinds = {vec.type for vec in vecs}
    if len(kinds) > 1:  # a column of NA only fits below any other
        known = [vec for vec in vecs if not (vec.is_numeric and _is_all_na(vec))]
        kinds = {vec.type for vec in known}
    if len(kinds) > 1:
        types = " and ".join(sorted(str(kind) for kind in kinds))
        raise FrameError(
            f"Column {name!r} has types {types} in the frames to put one below the other. "
            "Convert one of them first."
        )
    return kinds.pop()


def _is_all_na(vec: Vec) -> bool:
    from dh2o.frame.frame import Frame

    rolled = Frame(("x",), (vec,), tuple(vec.ref[0].layout)).rollups()[0]
    return rolled.n_na == rolled.n_rows


def _hidden_ref(
    blocks: Blocks, n_cols: int, hidden: Sequence[int], column: int
) -> ColumnRef | None:
    return (blocks, n_cols + hidden.index(column)) if column in hidden else None


def _restacked(
    recodes: Sequence[tuple[Kind, Lut | None]], found: Sequence[int | None], blocks: list[Block]
) -> Block:
    """Return a block with its enums in the common domain, and all hidden columns there."""
    block = blocks[0]
    chunks = [
        _recoded(chunk, kind, lut)
        for chunk, (kind, lut) in zip(block.chunks[: len(recodes)], recodes, strict=True)
    ]
    for i in found:
        blank = encode_ints(np.zeros(block.n_rows, np.int64)) if i is None else block.chunks[i]
        chunks.append(blank)
    return Block(block.n_rows, tuple(chunks))


def _recoded(chunk: Chunk, kind: Kind, lut: Lut | None) -> Chunk:
    if chunk.kind != kind:  # only a column of NA may meet another type
        return all_na(chunk.n_rows, kind)
    return chunk if lut is None else encode_codes(lut[chunk.codes()])
