"""Columns cut into chunks: each chunk holds its rows in the smallest form that loses nothing.

Knows numpy and numba; knows neither Dask's cluster nor frames.
"""

from __future__ import annotations

from dask.sizeof import sizeof as _sizeof

from dh2o.chunks.block import Block
from dh2o.chunks.chunk import Chunk, Kind
from dh2o.chunks.codec import NA_CODE, NA_INT, Codec, LossyCodecError
from dh2o.chunks.encode import (
    all_na,
    encode_codes,
    encode_floats,
    encode_ints,
    encode_strings,
    encode_uuids,
)
from dh2o.chunks.stats import ChunkStats

#: What the Python objects of a chunk take beside its buffers.
_CHUNK_OVERHEAD_NBYTES = 400


@_sizeof.register(Chunk)
def _sizeof_chunk(chunk: Chunk) -> int:
    return chunk.nbytes + _CHUNK_OVERHEAD_NBYTES


@_sizeof.register(Block)
def _sizeof_block(block: Block) -> int:
    return block.nbytes + _CHUNK_OVERHEAD_NBYTES * (1 + block.n_cols)


__all__ = [
    "NA_CODE",
    "NA_INT",
    "Block",
    "Chunk",
    "ChunkStats",
    "Codec",
    "Kind",
    "LossyCodecError",
    "all_na",
    "encode_codes",
    "encode_floats",
    "encode_ints",
    "encode_strings",
    "encode_uuids",
]
