"""Rows in the order of packed keys: sorting integers that carry their row number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from dh2o.mrtask import current_engine
from dh2o.rapids.columns import Column, Table
from dh2o.rapids.keys import I64, U64, KeyLayout
from dh2o.rapids.passes import BlockTiles, carrier_of, local_tiles
from dh2o.rapids.program import Program, Tiles, compile_exprs

__all__ = ["Ordered", "collected_keys", "order_of", "ordered", "parallel"]

T = TypeVar("T")
R = TypeVar("R")

PARALLEL_ROWS = 1 << 18
_SAMPLE = 1024


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
    return [fn(item) for item in items] if lane is None else lane.threads.map(fn, items)


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
    room = 64 - row_bits
    digits = _digits(word_bits, room)
    rows: I64 | None = None
    fused: Any = None
    for word, low, n_bits in reversed(digits):
        digit = words[word]
        if n_bits < 64:
            digit = (digit >> np.uint64(low)) & np.uint64((1 << n_bits) - 1)
        digit = digit << np.uint64(row_bits) if rows is None else digit[rows] << np.uint64(row_bits)
        digit |= np.arange(n_rows, dtype=np.uint64)
        fused = _sorted_by_threads(digit) if spread else _sorted(digit)
        places = (fused & np.uint64((1 << row_bits) - 1)).view(np.int64)
        rows = places if rows is None else rows[places]
    if rows is None:
        rows = np.arange(n_rows)
    if not keys:
        return Ordered(rows, words[:, :0])
    if len(digits) == 1:
        return Ordered(rows, (fused >> np.uint64(row_bits))[None, :])
    return Ordered(rows, words[:, rows])


def _digits(word_bits: Sequence[int], room: int) -> list[tuple[int, int, int]]:
    """Return (word, lowest bit, bits) of digits of at most `room` bits, the first one first."""
    digits = []
    for word, n_bits in enumerate(word_bits):
        n_digits = -(-n_bits // room)
        each = -(-n_bits // n_digits)
        lows = range(0, n_bits, each)
        digits += [(word, low, min(each, n_bits - low)) for low in reversed(lows)]
    return digits


def _sorted(values: U64) -> U64:
    values.sort()
    return values


def _sorted_by_threads(values: U64) -> U64:
    """Return the integers sorted, each thread of this process sorting a range of them."""
    if len(values) < PARALLEL_ROWS:
        return _sorted(values)
    lane = current_engine().own_lane
    n_threads = 1 if lane is None else lane.threads.n_threads
    if n_threads == 1:
        return _sorted(values)
    sample = np.sort(values[:: max(1, len(values) // _SAMPLE)])
    cuts = [sample[len(sample) * k // n_threads] for k in range(1, n_threads)]
    out = np.empty_like(values)
    bounds = [0, *(int(np.count_nonzero(values < cut)) for cut in cuts), len(values)]

    def one(k: int) -> None:
        mine = values >= cuts[k - 1] if k else values < cuts[0]
        if 0 < k < n_threads - 1:
            mine &= values < cuts[k]
        part = out[bounds[k] : bounds[k + 1]]
        np.compress(mine, values, out=part)
        part.sort()

    parallel(one, range(n_threads))
    return out


@dataclass(frozen=True, slots=True)
class _KeysOf:
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
    compiled = compile_exprs([c.expr for c in columns])
    pack = _KeysOf(compiled.program, layout)
    tiles = local_tiles(compiled.sources, table)
    if tiles is not None:
        return pack.of(tiles)
    parts = current_engine().collect(carrier_of(compiled.sources, table), pack)
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
