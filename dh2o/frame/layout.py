"""The layout of a frame: how many rows each block has, by the data alone, never by the cluster."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

Layout = tuple[int, ...]

MIN_BLOCK_NBYTES = 4 << 20
MAX_BLOCK_NBYTES = 64 << 20
TARGET_N_BLOCKS = 64
#: Of text, for each column.
MIN_CHUNK_NBYTES = 1 << 10


def block_nbytes(total_text_nbytes: int, n_columns: int = 1) -> int:
    """Return the bytes of text that one block covers: 1/64 of the data, within 4 MB and 64 MB.

    A block of thousands of columns is larger: chunks of a few rows take more time than their rows.
    """
    share = -(-total_text_nbytes // TARGET_N_BLOCKS)
    least = max(MIN_BLOCK_NBYTES, n_columns * MIN_CHUNK_NBYTES)
    return min(max(share, least), MAX_BLOCK_NBYTES)


def even_layout(n_rows: int, n_blocks: int) -> Layout:
    """Return `n_blocks` row counts that add up to `n_rows` and differ by at most one."""
    if n_rows == 0 or n_blocks <= 0:
        return (0,) if n_blocks > 0 else ()
    n_blocks = min(n_blocks, n_rows)
    each, more = divmod(n_rows, n_blocks)
    return (each + 1,) * more + (each,) * (n_blocks - more)


def layout_for(n_rows: int, text_nbytes: int, n_columns: int = 1) -> Layout:
    """Return the layout of `n_rows` rows that would take `text_nbytes` bytes as text."""
    return even_layout(n_rows, max(1, -(-text_nbytes // block_nbytes(text_nbytes, n_columns))))


def row_starts(layout: Sequence[int]) -> tuple[int, ...]:
    """Return the first row of each block and, last, the number of rows: H2O's ESPC."""
    return (0, *accumulate(layout))


def blocks_of_rows(layout: Sequence[int], start: int, stop: int) -> list[tuple[int, int, int]]:
    """Return (block, start in it, stop in it) for the blocks that hold rows start..stop."""
    parts = []
    first = 0
    for block_idx, n_rows in enumerate(layout):
        lo, hi = max(start - first, 0), min(stop - first, n_rows)
        if lo < hi:
            parts.append((block_idx, lo, hi))
        first += n_rows
    return parts
