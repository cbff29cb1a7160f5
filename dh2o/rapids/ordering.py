"""Rows in the order of packed keys: sorting integers that carry their row number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from dh2o.chunks.codec import read_only
from dh2o.errors import RapidsError
from dh2o.mrtask import current_engine
from dh2o.rapids.columns import Column, Table
from dh2o.rapids.keys import I64, U64, KeyLayout
from dh2o.rapids.passes import BlockTiles, carrier_of, local_tiles
from dh2o.rapids.program import Program, Tiles, compile_exprs

__all__ = ["KeysOf", "Ordered", "collected_keys", "order_of", "ordered", "parallel"]

T = TypeVar("T")
R = TypeVar("R")

PARALLEL_ROWS = 1 << 18
_SAMPLE = 1024
NBYTES_PER_WORD = 8
NBYTES_PER_SORTED_ROW = 24  # the row's number, the digit with it, and what the sort moves
MAX_SHARE_OF_MEMORY = 0.7


@dataclass(frozen=True, slots=True)
class Ordered:
    """Rows in the order of their keys, equal keys in the order of rows."""

    rows: I64
    keys: U64  # words x rows, in that order

    def starts(self) -> I64:
        """Return where each group of equal keys starts."""
        n_rows = len(self.rows)
        first = np.zeros(n_rows, dtype=np.bool_)
        first[:1] = True
        for word in self.keys:
            first[1:] |= word[1:] != word[:-1]
        return np.flatnonzero(first)


def parallel(fn: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Return ``[fn(item) for item in items]`` on the threads of the worker in this process."""
    lane = current_engine().own_lane
    return _one_by_one(fn, items) if lane is None else lane.threads.map(fn, items)


def order_of(words: U64, word_bits: Sequence[int]) -> I64:
    """Return the stable order of rows by packed keys."""
    return ordered(words, word_bits, keys=False, spread=True).rows


def ordered(
    words: U64, word_bits: Sequence[int], *, keys: bool = True, spread: bool = False
) -> Ordered:
    """Return the rows in the stable order of their packed keys; `spread` it over the threads.

    Keys are sorted from the last digit to the first; a digit is as many bits as fit into a word
    beside the row's number, so for most keys one sort of plain integers is all.
    """
    n_rows = words.shape[1]
    row_bits = max(1, (n_rows - 1).bit_length())
    digits = _digits(word_bits, 64 - row_bits)
    rows = np.empty(0, dtype=np.int64)
    found = np.empty(0, dtype=np.uint64)
    if keys and len(digits) == 1:
        found = np.empty(n_rows, dtype=np.uint64)
    for digit in reversed(digits):
        rows = _by_digit(words, digit, row_bits, rows, found, spread=spread)
    if not digits:
        rows = np.arange(n_rows)
    if not keys:
        return Ordered(rows, words[:, :0])
    return Ordered(rows, found[None, :] if len(digits) == 1 else words[:, rows])


Digit = tuple[int, int, int]
"""Word, lowest bit and number of bits."""


def _digits(word_bits: Sequence[int], room: int) -> list[Digit]:
    """Return the digits of keys, of at most `room` bits each, the first one first."""
    digits = []
    for word, n_bits in enumerate(word_bits):
        n_digits = -(-n_bits // room)
        each = -(-n_bits // n_digits)
        lows = range(0, n_bits, each)
        digits += [(word, low, min(each, n_bits - low)) for low in reversed(lows)]
    return digits


def _by_digit(
    words: U64, digit: Digit, row_bits: int, before: I64, found: U64, *, spread: bool
) -> I64:
    """Return the rows, until now in the order `before`, by a digit; `found` gets the digits.

    Every thread sorts the rows of one range of digits.
    """
    from dh2o.rapids import key_kernels

    number, low, n_bits = digit
    held, order, mask = read_only(words[number]), read_only(before), np.uint64((1 << n_bits) - 1)
    n_rows = len(held)

    def fused(ends: tuple[int, int]) -> U64:
        out = np.empty(n_rows, dtype=np.uint64)  # what is not written takes no memory
        cuts = read_only(np.array(ends, dtype=np.uint64))
        part: U64 = out[: key_kernels.fuse(held, low, mask, order, row_bits, cuts, out)]
        part.sort()
        return part

    each = parallel if spread else _one_by_one
    parts = each(fused, _ranges(held, low, int(mask), each is parallel))
    rows = np.empty(n_rows, dtype=np.int64)
    starts = np.cumsum([0, *(len(part) for part in parts)])

    def split(k: int) -> None:
        place = slice(starts[k], starts[k + 1])
        key_kernels.unfuse(read_only(parts[k]), row_bits, order, rows[place], found[place])

    each(split, range(len(parts)))
    return rows


def _one_by_one(fn: Callable[[T], R], items: Sequence[T]) -> list[R]:
    return [fn(item) for item in items]


def _ranges(word: U64, low: int, mask: int, spread: bool) -> list[tuple[int, int]]:
    """Return ranges of digits of about as many rows each, one for each thread of this process."""
    lane = current_engine().own_lane if spread and len(word) >= PARALLEL_ROWS else None
    if lane is None or lane.threads.n_threads == 1:
        return [(0, mask)]
    n_ranges = lane.threads.n_threads
    sample = np.sort(word[:: max(1, len(word) // _SAMPLE)] >> np.uint64(low) & np.uint64(mask))
    cuts = {int(sample[len(sample) * k // n_ranges]) for k in range(1, n_ranges)} - {0}
    starts = [0, *sorted(cuts)]
    return list(zip(starts, [*(start - 1 for start in starts[1:]), mask], strict=True))


@dataclass(frozen=True, slots=True)
class KeysOf:
    """The packed keys of a block."""

    program: Program
    layout: KeyLayout

    def __call__(self, block: Any) -> U64:
        return self.of(BlockTiles(block))

    def of(self, tiles: Tiles) -> U64:
        words = np.zeros((self.layout.n_words, tiles.n_rows), dtype=np.uint64)
        for start, stop, values in self.program.tiles(tiles):
            self.layout.pack(values, words[:, start:stop])
        return words


def collected_keys(table: Table, columns: Sequence[Column], layout: KeyLayout) -> U64:
    """Return the packed keys of all rows in this process (words x rows): 8 bytes a word and row."""
    _refuse_too_many(table.n_rows, layout.n_words)
    compiled = compile_exprs([c.expr for c in columns])
    pack = KeysOf(compiled.program, layout)
    tiles = local_tiles(compiled.sources, table)
    if tiles is not None:
        return pack.of(tiles)
    parts = current_engine().collect(carrier_of(compiled.sources, table), pack)
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def _refuse_too_many(n_rows: int, n_words: int) -> None:
    """Raise before the keys of all rows would fill the memory of this machine."""
    import psutil

    n_bytes = n_rows * (NBYTES_PER_WORD * n_words + NBYTES_PER_SORTED_ROW)
    free = psutil.virtual_memory().available
    if n_bytes > MAX_SHARE_OF_MEMORY * free:
        raise RapidsError(
            f"Sorting, joining or grouping {n_rows} rows by these keys takes about "
            f"{n_bytes / 2**30:.1f} GiB in one process, where {free / 2**30:.1f} GiB are free. "
            "Use fewer or smaller key columns, or work on parts of the rows."
        )
