"""Columns cut into chunks: each chunk holds its rows in the smallest form that loses nothing.

Knows numpy and numba; knows neither Dask nor frames.
"""

from __future__ import annotations

from dh2o.chunks.block import Block
from dh2o.chunks.chunk import Chunk, Kind
from dh2o.chunks.codec import NA_CODE, NA_INT, Codec, LossyCodecError
from dh2o.chunks.column_stats import ColumnStats
from dh2o.chunks.encode import (
    SMALL_NA,
    all_na,
    encode_codes,
    encode_floats,
    encode_ints,
    encode_small_ints,
    encode_strings,
    encode_uuids,
)
from dh2o.chunks.stats import ChunkStats

__all__ = [
    "NA_CODE",
    "NA_INT",
    "SMALL_NA",
    "Block",
    "Chunk",
    "ChunkStats",
    "Codec",
    "ColumnStats",
    "Kind",
    "LossyCodecError",
    "all_na",
    "encode_codes",
    "encode_floats",
    "encode_ints",
    "encode_small_ints",
    "encode_strings",
    "encode_uuids",
]


def __dir__() -> list[str]:
    return __all__
