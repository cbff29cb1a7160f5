"""Packings of exported text: each piece is packed by itself, and pieces lie one after the other.

gzip, bzip2, zstandard and xz all read members that follow each other as one text, so blocks can be
packed where they lie.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable

_GZIP_LEVEL = 6


def _zstd(data: bytes) -> bytes:
    import zstandard

    return zstandard.ZstdCompressor().compress(data)


PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, _GZIP_LEVEL, mtime=0),
    "bzip2": bz2.compress,
    "zstd": _zstd,
    "xz": lzma.compress,
}


def packed(data: bytes, packing: str | None) -> bytes:
    """Return the bytes as a whole member of a packed file, or as they are."""
    return data if packing is None else PACKINGS[packing](data)
