"""Chunks on the wire and on disk: a header of plain values, and flat buffers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from dh2o.chunks.block import Block
from dh2o.chunks.chunk import Chunk
from dh2o.chunks.codec import Buffer, Codec, Stored
from dh2o.chunks.constant import ConstantCodec
from dh2o.chunks.dictionary import DictionaryCodec
from dh2o.chunks.integer import GridCodec, Int64Codec
from dh2o.chunks.real import Float32Codec, Float64Codec
from dh2o.chunks.sparse import SparseCodec
from dh2o.chunks.text import TextCodec, TextDictionaryCodec
from dh2o.chunks.uuid128 import UuidCodec
from dh2o.errors import DH2OError

#: Version of the header; readers refuse what they do not know.
FORMAT = 1
_MIN_PACK_NBYTES = 4096
_PROBE_NBYTES = 1 << 16
_WORTH = 0.8

_CODECS: tuple[type[Codec], ...] = (
    ConstantCodec, GridCodec, Int64Codec, Float32Codec, Float64Codec, DictionaryCodec,
    SparseCodec, TextCodec, TextDictionaryCodec, UuidCodec,
)  # fmt: skip
CODECS: dict[str, type[Codec]] = {codec.tag: codec for codec in _CODECS}


def block_to_frames(block: Block, *, compress: bool) -> tuple[dict[str, Any], list[Any]]:
    """Return header and buffers of `block`; a buffer is packed by zstandard when that pays."""
    frames: list[Any] = []
    packed: list[int] = []  # plain size of a packed frame, -1 for a plain one

    def add(buffer: Buffer) -> None:
        frame, size = _pack(buffer) if compress else (_raw(buffer), -1)
        frames.append(frame)
        packed.append(size)

    chunks = [_describe(chunk, add) for chunk in block.chunks]
    header = {
        "format": FORMAT,
        "n_rows": block.n_rows,
        "names": list(block.names),
        "index": block.index,
        "row_start": block.row_start,
        "chunks": chunks,
        "packed": packed,
    }
    return header, frames


def block_from_frames(header: dict[str, Any], frames: Sequence[Any]) -> Block:
    """Return the block of a header and its buffers."""
    if header.get("format") != FORMAT:
        raise DH2OError(f"A block of format {header.get('format')!r} is not format {FORMAT}.")
    plain = (_unpack(frame, size) for frame, size in zip(frames, header["packed"], strict=True))
    chunks = tuple(_rebuild(entry, plain) for entry in header["chunks"])
    return Block(
        header["n_rows"], chunks, tuple(header["names"]), header["index"], header["row_start"]
    )


def _describe(chunk: Chunk, add: Any) -> list[Any]:
    for buffer in chunk.stored.buffers:
        add(buffer)
    return [
        chunk.codec.tag,
        chunk.codec.to_fields(),
        chunk.n_rows,
        chunk.kind,
        [buffer.dtype.str for buffer in chunk.stored.buffers],
        [_describe(child, add) for child in chunk.stored.children],
    ]


def _rebuild(entry: Sequence[Any], frames: Iterator[Any]) -> Chunk:
    tag, values, n_rows, kind, dtypes, children = entry
    buffers = tuple(np.frombuffer(next(frames), dtype=dtype) for dtype in dtypes)
    for buffer in buffers:
        buffer.flags.writeable = False
    inner = tuple(_rebuild(child, frames) for child in children)
    return Chunk(CODECS[tag].from_fields(values), n_rows, kind, Stored(buffers, inner))


def _raw(buffer: Buffer) -> Any:
    return buffer.data.cast("B") if buffer.nbytes else b""


def _pack(buffer: Buffer) -> tuple[Any, int]:
    data = _raw(buffer)
    if buffer.nbytes < _MIN_PACK_NBYTES:
        return data, -1
    import zstandard

    compressor = zstandard.ZstdCompressor(level=1)
    middle = max(0, (data.nbytes - _PROBE_NBYTES) // 2)
    probe = data[middle : middle + _PROBE_NBYTES]
    if len(compressor.compress(probe)) > _WORTH * probe.nbytes:
        return data, -1
    packed = compressor.compress(data)
    return (packed, data.nbytes) if len(packed) <= _WORTH * data.nbytes else (data, -1)


def _unpack(frame: Any, size: int) -> Any:
    if size < 0:
        return frame
    import zstandard

    return zstandard.ZstdDecompressor().decompress(frame, max_output_size=size)
