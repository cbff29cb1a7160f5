"""Rows in the order of packed keys: sorting integers that carry their row number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeVar

import numpy as np

from dh2o.chunks import Block
from dh2o.chunks.codec import read_only
from dh2o.errors import RapidsError
from dh2o.mrtask import current_engine
from dh2o.rapids.columns import Column, Table
from dh2o.rapids.keys import I64, U64, WORD_BITS, KeyLayout, KeyTiles
from dh2o.rapids.long_keys import by_long_keys
from dh2o.rapids.passes import carrier_of, local_tiles
from dh2o.rapids.program import Program, Tiles, compile_exprs

__all__ = ["KeysOf", "Ordered", "collected_keys", "order_of", "ordered", "parallel"]

T = TypeVar("T")
R = TypeVar("R")

Each = Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]
"""Runs a function over items: `parallel`, or one after the other."""
Ends = tuple[int, int]
"""The first and the last digit of a range."""

SAME: I64 = np.empty(0, dtype=np.int64)  # rows in the order in which they lie
PARALLEL_ROWS = 1 << 18
COUNTED_BITS = 11  # keys of so few bits are counted and placed, not compared,
SPREAD_ROWS = 1 << 17  # so many are spread before they are sorted, where words have two digits
FEW_BITS = 6  # and of so few bits even where they could be sorted as short integers
ALWAYS_FREE = 64 << 20  # bytes: so little memory is there without asking
U64_DTYPE = np.dtype(np.uint64)
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

    Keys are sorted from the last word to the first, and from the last digit of a word to its first;
    a digit is as many bits as fit into a word beside the row's number, so for most keys one sort of
    plain integers is all. Many rows are spread first where words have more digits (`long_keys`).
    """
    n_rows = words.shape[1]
    row_bits = row_bits_of(n_rows)
    digits = _digits(word_bits, WORD_BITS - row_bits)
    rows = np.empty(0, dtype=np.int64)
    found = np.empty(0, dtype=np.uint64)
    if keys and len(digits) == 1:
        found = np.empty(n_rows, dtype=np.uint64)
    each = parallel if spread else _one_by_one
    if len(digits) == 1 and len(words) == 1 and is_counted(word_bits[0], row_bits):
        parts = [counted(read_only(words[0]), word_bits[0], row_bits, each)]
        rows = _unfused(parts, row_bits, rows, found, each)
    else:
        for of_word in _by_word(reversed(digits)):
            if len(of_word) > 1 and n_rows >= SPREAD_ROWS:
                word = words[of_word[0][0]]
                held = word[rows] if len(rows) else word
                rows, found = by_long_keys(held, rows, row_parts(n_rows, each), each)
                continue
            for digit in of_word:
                rows = _by_digit(words, digit, row_bits, rows, found, each)
    if not digits:
        rows = np.arange(n_rows)
    if not keys:
        return Ordered(rows, words[:, :0])
    is_found = len(words) == 1 and len(found) == n_rows
    return Ordered(rows, found[None, :] if is_found else words[:, rows])


def row_bits_of(n_rows: int) -> int:
    """Return the bits that the number of a row takes."""
    return max(1, (n_rows - 1).bit_length())


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


def _by_word(digits: Iterable[Digit]) -> list[list[Digit]]:
    """Return the digits of each word."""
    return [list(of_word) for _, of_word in groupby(digits, key=itemgetter(0))]


def _by_digit(words: U64, digit: Digit, row_bits: int, before: I64, found: U64, each: Each) -> I64:
    """Return the rows, until now in the order `before`, by a digit; `found` gets the digits.

    Every thread sorts the rows of one range of digits.
    """
    number, low, n_bits = digit
    held, order = read_only(words[number]), read_only(before)

    def sort(ends: Ends) -> U64:
        part = fused(held, (low, n_bits), row_bits, ends, order)
        return in_order(part, n_bits + row_bits)

    ranges = key_ranges([held], (low, n_bits)) if each is parallel else [(0, (1 << n_bits) - 1)]
    return _unfused(each(sort, ranges), row_bits, order, found, each)


def fused(word: U64, place: tuple[int, int], row_bits: int, ends: Ends, order: I64 = SAME) -> U64:
    """Return the digits from ``ends[0]`` to ``ends[1]``, each with its row in the lowest bits.

    `place` is the lowest bit of the digits and their number of bits; rows come in an `order`.
    """
    from dh2o.rapids import key_kernels

    low, n_bits = place
    out = np.empty(len(word) + 1, dtype=np.uint64)  # what is not written takes no memory
    cuts, mask = read_only(np.array(ends, dtype=np.uint64)), np.uint64((1 << n_bits) - 1)
    n = key_kernels.fuse(word, low, mask, read_only(order), row_bits, cuts, out)
    part: U64 = out[:n]
    return part


def in_order(part: U64, n_bits: int) -> U64:
    """Return integers of so many bits in order; short ones are sorted in half the time."""
    if n_bits <= 32:
        short = part.astype(np.uint32)
        short.sort()
        return short.astype(np.uint64)
    part.sort()
    return part


def is_counted(n_bits: int, row_bits: int) -> bool:
    """Return whether keys of so few bits are better counted and placed than compared."""
    return n_bits <= (FEW_BITS if n_bits + row_bits <= 32 else COUNTED_BITS)


def counted(word: U64, n_bits: int, row_bits: int, each: Each) -> U64:
    """Return keys of few bits in order, each with its row in the lowest bits, without comparing.

    Every thread counts and places the rows of one part of the table.
    """
    from dh2o.chunks.kernels import count_keys
    from dh2o.rapids import key_kernels

    cuts = row_parts(len(word), each)
    n_parts = len(cuts) - 1
    counts = np.zeros((n_parts, 1 << n_bits), dtype=np.int64)
    each(lambda k: count_keys(word[cuts[k] : cuts[k + 1]], counts[k]), range(n_parts))
    in_turn = counts.T.ravel()
    starts = np.ascontiguousarray((np.cumsum(in_turn) - in_turn).reshape(-1, n_parts).T)
    out = np.empty(len(word), dtype=np.uint64)

    def place(k: int) -> None:
        part = word[cuts[k] : cuts[k + 1]]
        key_kernels.place_codes(part, cuts[k], row_bits, starts[k], out)

    each(place, range(n_parts))
    return out


def _unfused(parts: Sequence[U64], row_bits: int, before: I64, found: U64, each: Each) -> I64:
    """Return the rows of sorted digits that carry their places in `before`."""
    from dh2o.rapids import key_kernels

    order = read_only(before)
    starts = np.cumsum([0, *(len(part) for part in parts)])
    rows = np.empty(int(starts[-1]), dtype=np.int64)

    def split(k: int) -> None:
        place = slice(starts[k], starts[k + 1])
        key_kernels.unfuse(read_only(parts[k]), row_bits, order, rows[place], found[place])

    each(split, range(len(parts)))
    return rows


def _one_by_one(fn: Callable[[T], R], items: Sequence[T]) -> list[R]:
    return [fn(item) for item in items]


def row_parts(n_rows: int, each: Each) -> list[int]:
    """Return the ends of the parts of so many rows, one for each thread that `each` uses."""
    n_parts = _n_parts(n_rows) if each is parallel else 1
    return [n_rows * k // n_parts for k in range(n_parts + 1)]


def _n_parts(n_rows: int) -> int:
    """Return among how many threads of this process so many rows are best shared."""
    lane = current_engine().own_lane if n_rows >= PARALLEL_ROWS else None
    return 1 if lane is None else lane.threads.n_threads


def key_ranges(words: Sequence[U64], place: tuple[int, int]) -> list[Ends]:
    """Return ranges of digits of about as many rows each, one for each thread of this process.

    `place` is the lowest bit of the digits and their number of bits.
    """
    shift, mask = np.uint64(place[0]), np.uint64((1 << place[1]) - 1)
    n_rows = sum(len(word) for word in words)
    n_ranges = _n_parts(n_rows)
    if n_ranges == 1:
        return [(0, int(mask))]
    step = max(1, n_rows // _SAMPLE)
    sample = np.sort(np.concatenate([word[::step] for word in words]) >> shift & mask)
    cuts = {int(sample[len(sample) * k // n_ranges]) for k in range(1, n_ranges)} - {0}
    starts = [0, *sorted(cuts)]
    return list(zip(starts, [*(start - 1 for start in starts[1:]), int(mask)], strict=True))


@dataclass(frozen=True, slots=True)
class KeysOf:
    """The packed keys of a block."""

    program: Program
    layout: KeyLayout
    dtype: Any = U64_DTYPE

    def __call__(self, block: Block) -> Any:
        return self.of(self.tiles(block))

    def tiles(self, block: Block) -> Tiles:
        """Return what the program reads of a block."""
        return KeyTiles(block, self.program, len(self.layout.fields))

    def of(self, tiles: Tiles) -> Any:
        """Return the packed keys of rows (words x rows)."""
        words = np.zeros((self.layout.n_words, tiles.n_rows), dtype=self.dtype)
        self.into(words, tiles)
        return words

    def into(self, words: Any, tiles: Tiles) -> None:
        """Write the packed keys of rows into `words`, which come zeroed."""
        for start, stop, values in self.program.tiles(tiles):
            self.layout.pack(values, words[:, start:stop])


def collected_keys(
    table: Table, columns: Sequence[Column], layout: KeyLayout, dtype: Any = U64_DTYPE
) -> Any:
    """Return the packed keys of all rows in this process (words x rows), in words of a type."""
    _refuse_too_many(table.n_rows, layout.n_words)
    compiled = compile_exprs([c.expr for c in columns])
    pack = KeysOf(compiled.program, layout, dtype)
    tiles = local_tiles(compiled.sources, table)
    if tiles is not None:
        return pack.of(tiles)
    engine, source = current_engine(), carrier_of(compiled.sources, table)
    if engine.scheduler_here is None:
        parts = engine.collect(source, pack)
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
    words = np.zeros((layout.n_words, table.n_rows), dtype=dtype)

    def pack_here(block: Block) -> None:
        pack.into(words[:, block.row_start : block.row_start + block.n_rows], pack.tiles(block))

    engine.collect(source, pack_here)
    return words


def _refuse_too_many(n_rows: int, n_words: int) -> None:
    """Raise before the keys of all rows would fill the memory of this machine."""
    n_bytes = n_rows * (NBYTES_PER_WORD * n_words + NBYTES_PER_SORTED_ROW)
    if n_bytes <= ALWAYS_FREE:
        return
    import psutil

    free = psutil.virtual_memory().available
    if n_bytes > MAX_SHARE_OF_MEMORY * free:
        raise RapidsError(
            f"Sorting, joining or grouping {n_rows} rows by these keys takes about "
            f"{n_bytes / 2**30:.1f} GiB in one process, where {free / 2**30:.1f} GiB are free. "
            "Use fewer or smaller key columns, or work on parts of the rows."
        )
