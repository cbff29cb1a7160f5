"""Groups of rows with equal keys: aggregates, first within each block, then merged block by block.

A row's group is a *slot*: its packed key itself where the keys are few (a table with a place for
every possible key), else the number of its key among the sorted keys of the block. A partial
result is the keys, the rows of each, and what is wanted of each column; partials merge by adding,
by minimum and maximum, or by Chan's formula for squared deviations. Integers whose squares add up
without rounding need no such formula: sums and squares say all (`exact_where_possible`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks import Block
from dh2o.chunks.bits import bytes_of
from dh2o.chunks.codec import read_only
from dh2o.chunks.integer import GridCodec
from dh2o.chunks.places import unit_grid
from dh2o.errors import RapidsError
from dh2o.mrtask import current_engine
from dh2o.rapids.columns import Column, Table
from dh2o.rapids.kernels import F64
from dh2o.rapids.keys import I64, U64, KeyLayout, KeyTiles, Stretch, bounds_of, key_layout
from dh2o.rapids.ordering import ordered
from dh2o.rapids.passes import TileTask, reduce
from dh2o.rapids.program import Tiles

__all__ = [
    "Grouped",
    "exact_where_possible",
    "group_rows",
    "grouped",
    "numbered",
    "sorted_groups",
]

Slots = NDArray[Any]  # of integers
SAME = np.empty(0, dtype=np.int64)  # the places of groups that lie where they are
SUMS, MOMENTS, RANGE = "sums", "moments", "range"
EXACT = "exact"  # beside MOMENTS: the column's sums and sums of squares have no rounding
N_SUMS, N_EXACT, N_MOMENTS = 2, 3, 5  # numbers kept of a column
FEW_SLOTS = 1 << 12
MAX_EXACT = 1 << 53  # sums of integers below have no rounding, in whatever order
SLOTS_A_ROW = 4  # a table of slots may have so many places for each row of a block


@dataclass(slots=True)
class GroupStats:
    """What is wanted of a column in each group: (groups x count, sum) etc., see `group_kernels`."""

    sums: F64 | None
    ranges: F64 | None

    @property
    def count(self) -> F64:
        return self._sums[:, 0]

    @property
    def total(self) -> F64:
        return self._sums[:, 1]

    @property
    def spread(self) -> F64:
        """Squared deviations from the mean."""
        if self._sums.shape[1] == N_EXACT:
            return deviations(self.count, self.total, self.squares)
        return self._sums[:, 3]

    @property
    def squares(self) -> F64:
        return self._sums[:, -1]

    @property
    def low(self) -> F64:
        return self._ranges[:, 0]

    @property
    def high(self) -> F64:
        return self._ranges[:, 1]

    @property
    def _sums(self) -> F64:
        if self.sums is None:  # pragma: no cover - every column counts
            raise AssertionError
        return self.sums

    @property
    def _ranges(self) -> F64:
        if self.ranges is None:  # pragma: no cover - asked for by those who read it
            raise AssertionError
        return self.ranges

    @classmethod
    def none(cls, n_slots: int, wanted: frozenset[str]) -> GroupStats:
        """Return the statistics of no rows."""
        width = N_EXACT if EXACT in wanted else N_MOMENTS if MOMENTS in wanted else N_SUMS
        sums = np.zeros((n_slots, width))
        ranges = None
        if RANGE in wanted:
            ranges = np.empty((n_slots, 2))
            ranges[:, 0], ranges[:, 1] = np.inf, -np.inf
        return cls(sums, ranges)

    def of(self, slots: NDArray[Any]) -> GroupStats:
        """Return the statistics of these slots (numbers, or a mask)."""
        ranges = None if self.ranges is None else self.ranges[slots]
        return GroupStats(None if self.sums is None else self.sums[slots], ranges)

    def add(self, slots: Slots, values: F64 | Stretch, sizes: I64) -> None:
        """Add the values of rows in these slots, which have so many of them."""
        from dh2o.rapids import group_kernels

        if isinstance(values, Stretch):
            grid = unit_grid(values.chunk)
            if grid is not None and self._sums.shape[1] != N_MOMENTS:
                self._add_codes(slots, values, grid, sizes)
                return
            values = values.floats()
        held = read_only(values)
        if self.sums is not None:
            has_moments = self.sums.shape[1] == N_MOMENTS
            (group_kernels.add_moments if has_moments else group_kernels.add_sums)(
                slots, held, self.sums
            )
        if self.ranges is not None:
            group_kernels.add_range(slots, held, self.ranges)

    def _add_codes(self, slots: Slots, rows: Stretch, grid: GridCodec, sizes: I64) -> None:
        """Add rows that lie as codes on a grid, without a double for each in between."""
        from dh2o.rapids import group_kernels

        (raw,) = rows.chunk.stored.buffers
        if grid.width < 8:
            first = rows.start * grid.width // 8  # tiles begin with a byte
            codes = bytes_of(raw[first:], grid.width, len(rows))
        else:
            codes = raw[rows.start : rows.stop]
        codes = read_only(codes)
        na_code = grid.na_code if grid.has_na else -1
        shape = (na_code, grid.bias, 10.0**grid.decimals)
        if self.ranges is not None:
            group_kernels.add_range_of_codes(slots, codes, *shape, self.ranges)
        largest = abs(grid.bias) + (1 << grid.width)
        is_exact = grid.is_integer and largest * rows.chunk.n_rows < MAX_EXACT
        n_sums = self._sums.shape[1]
        if is_exact and n_sums == N_SUMS and not grid.has_na and len(sizes) <= len(rows):
            totals = sizes * grid.bias
            group_kernels.add_ints(slots, codes, totals)
            self._sums[:, 0] += sizes
            self._sums[:, 1] += totals
        else:
            group_kernels.add_codes(slots, codes, *shape, self._sums)

    def merge(self, other: GroupStats, places: I64 = SAME) -> None:
        """Add later rows of the groups at `places` (of all groups by default)."""
        from dh2o.rapids import group_kernels

        where = read_only(places)
        if self.sums is not None and other.sums is not None:
            if places is SAME and self.sums.shape[1] != N_MOMENTS:
                self.sums += other.sums
            else:
                group_kernels.merge_sums(self.sums, where, read_only(other.sums))
        if self.ranges is not None and other.ranges is not None:
            group_kernels.merge_ranges(self.ranges, where, read_only(other.ranges))


@dataclass(slots=True)
class Partial:
    """Groups of some blocks: `keys` are sorted packed keys (words x groups), None for all slots."""

    keys: U64 | None
    n_rows: I64
    stats: list[GroupStats]


@dataclass(slots=True)
class Grouped:
    """Groups in the order of their keys, NA first. `stats[c]` is what is known of column c."""

    keys: list[F64]
    n_rows: F64
    stats: list[GroupStats]

    @property
    def n_groups(self) -> int:
        return len(self.n_rows)


@dataclass(frozen=True)
class GroupTask(TileTask[Partial, Grouped]):
    """Groups of the first outputs (the keys of `layout`), with statistics of the others."""

    layout: KeyLayout
    wanted: tuple[frozenset[str], ...]
    n_slots: int  # places of a table of all possible keys; 0: keys are sorted

    def map(self, block: Block) -> Partial:
        return self.fold_tiles(KeyTiles(block, self.program, len(self.program.outputs)))

    def fold_tiles(self, tiles: Tiles) -> Partial:
        return self._by_slot(tiles) if self.n_slots else self._by_key(tiles)

    def begin(self) -> Partial:
        stats = [GroupStats.none(self.n_slots, w) for w in self.wanted]
        keys = None if self.n_slots else np.zeros((self.layout.n_words, 0), dtype=np.uint64)
        return Partial(keys, np.zeros(self.n_slots, dtype=np.int64), stats)

    def add(self, partial: Partial, values: list[Any]) -> Partial:
        n_keys = len(self.layout.fields)
        n_rows = len(values[0])
        word = np.uint16 if self.n_slots <= 1 << 16 else np.uint64
        words = np.zeros((max(1, self.layout.n_words), n_rows), dtype=word)
        self.layout.pack(values[:n_keys], words)
        return _add_rows(partial, words[0], values[n_keys:])

    def _by_slot(self, tiles: Tiles) -> Partial:
        partial = self.begin()
        for _, _, values in self.program.tiles(tiles):
            partial = self.add(partial, values)
        return partial

    def _by_key(self, tiles: Tiles) -> Partial:
        n_keys = len(self.layout.fields)
        words = np.zeros((self.layout.n_words, tiles.n_rows), dtype=np.uint64)
        columns = np.empty((len(self.wanted), tiles.n_rows))
        for start, stop, values in self.program.tiles(tiles):
            self.layout.pack(values[:n_keys], words[:, start:stop])
            for column, part in zip(columns, values[n_keys:], strict=True):
                if isinstance(part, Stretch):
                    part.floats(column[start:stop])
                else:
                    column[start:stop] = part
        order = ordered(words, self.layout.word_bits)
        starts = order.starts()
        slots = numbered(order.rows, starts)
        n_groups = len(starts)
        stats = [GroupStats.none(n_groups, w) for w in self.wanted]
        partial = Partial(order.keys[:, starts], np.zeros(n_groups, dtype=np.int64), stats)
        return _add_rows(partial, slots, list(columns))

    def combine(self, a: Partial, b: Partial) -> Partial:
        if a.keys is None or b.keys is None:
            a.n_rows += b.n_rows
            for mine, theirs in zip(a.stats, b.stats, strict=True):
                mine.merge(theirs)
            return a
        return _merged(a, b, self.wanted)

    def finish(self, total: Partial | None) -> Grouped:
        partial = self.begin() if total is None else total
        if partial.keys is not None:
            keys = self.layout.unpack(partial.keys)
            return Grouped(keys, partial.n_rows.astype(np.float64), partial.stats)
        if not self.layout.fields:
            return Grouped([], partial.n_rows.astype(np.float64), partial.stats)
        there = np.flatnonzero(partial.n_rows)
        keys = self.layout.unpack(there.astype(np.uint64)[None, :])
        n_rows = partial.n_rows[there].astype(np.float64)
        return Grouped(keys, n_rows, [s.of(there) for s in partial.stats])


def deviations(n: F64, total: F64, squares: F64) -> F64:
    """Return ``squares - total**2 / n`` of n integers, as if nothing were rounded before the end.

    n * squares and total**2 come as two doubles each, the rounded product and its error (Dekker,
    1971): they may be close to each other.
    """
    with np.errstate(all="ignore"):
        (high, low), (own, rest) = _product(n, squares), _product(total, total)
        return np.where(n > 0, np.maximum((high - own) + (low - rest), 0.0) / n, 0.0)


def _product(a: F64, b: F64) -> tuple[F64, F64]:
    """Return a * b, rounded, and by how much it is too small."""
    (a_high, a_low), (b_high, b_low) = _halves(a), _halves(b)
    found = a * b
    error = ((a_high * b_high - found) + a_high * b_low + a_low * b_high) + a_low * b_low
    return found, error


def _halves(values: F64) -> tuple[F64, F64]:
    """Return two numbers of 26 bits for each, which it is the sum of (Veltkamp, 1968)."""
    large = values * 134_217_729.0
    high = large - (large - values)
    return high, values - high


def exact_where_possible(
    table: Table, columns: Sequence[Column], wanted: Sequence[frozenset[str]]
) -> tuple[frozenset[str], ...]:
    """Return what is wanted of columns; of integers whose squares add up exactly, by `EXACT`.

    That is decided by the numbers of the column alone, so on any cluster in the same way.
    """
    stored = [c for c, w in zip(columns, wanted, strict=True) if MOMENTS in w and c.vec is not None]
    bounds = dict(zip(map(id, stored), bounds_of(table, stored), strict=True))

    def is_exact(column: Column) -> bool:
        found = bounds.get(id(column))
        if found is None or found.decimals:
            return False
        return max(abs(found.low), abs(found.high)) ** 2 * table.n_rows < MAX_EXACT

    pairs = zip(columns, wanted, strict=True)
    return tuple(w | {EXACT} if is_exact(column) else w for column, w in pairs)


def _add_rows(partial: Partial, slots: Slots, columns: Sequence[F64 | Stretch]) -> Partial:
    from dh2o.rapids import group_kernels

    held = read_only(slots)
    sizes = np.zeros_like(partial.n_rows)
    group_kernels.add_sizes(held, sizes)
    partial.n_rows += sizes
    for stats, values in zip(partial.stats, columns, strict=True):
        stats.add(held, values, sizes)
    return partial


def _merged(a: Partial, b: Partial, wanted: Sequence[frozenset[str]]) -> Partial:
    from dh2o.rapids import key_kernels

    if a.keys is None or b.keys is None:  # pragma: no cover - the caller looked
        raise AssertionError
    place_a = np.empty(a.keys.shape[1], dtype=np.int64)
    place_b = np.empty(b.keys.shape[1], dtype=np.int64)
    keys = tuple(read_only(np.ascontiguousarray(k)) for k in (a.keys, b.keys))
    n = int(key_kernels.merge_sorted(*keys, place_a, place_b))
    merged = np.empty((a.keys.shape[0], n), dtype=np.uint64)
    merged[:, place_b] = b.keys
    merged[:, place_a] = a.keys
    n_rows = np.zeros(n, dtype=np.int64)
    n_rows[place_a] = a.n_rows
    n_rows[place_b] += b.n_rows
    stats = [GroupStats.none(n, w) for w in wanted]
    for both, mine, theirs in zip(stats, a.stats, b.stats, strict=True):
        both.merge(mine, place_a)
        both.merge(theirs, place_b)
    return Partial(merged, n_rows, stats)


def numbered(rows: I64, starts: I64) -> I64:
    """Return the group number of each row; `rows` are sorted by group, `starts` say where."""
    flags = np.zeros(len(rows), dtype=np.int64)
    flags[starts[1:]] = 1
    slots = np.empty(len(rows), dtype=np.int64)
    slots[rows] = np.cumsum(flags)
    return slots


def grouped(
    table: Table,
    keys: Sequence[Column],
    columns: Sequence[Column],
    wanted: Sequence[frozenset[str]] | None = None,
) -> Grouped:
    """Return the groups of a table by key columns, with what is wanted of columns."""
    exprs = [c.expr for c in (*keys, *columns)]
    if not exprs:
        raise RapidsError("Grouping needs at least one column.")
    layout = key_layout([(table, keys)])
    wants = tuple(wanted or [frozenset({SUMS})] * len(columns))
    n_slots = table_slots(table, layout)
    if not n_slots and table.layout is not None and current_engine().scheduler_here is not None:
        from dh2o.rapids.many_groups import grouped_here

        return grouped_here(table, (keys, layout), columns, wants)
    return reduce(table, exprs, lambda p: GroupTask(p, layout, wants, n_slots))


def table_slots(table: Table, layout: KeyLayout) -> int:
    """Return the places of a table of all possible keys, 0 if they are too many for the rows."""
    n_bits = sum(layout.word_bits)
    block_rows = table.n_rows // max(1, len(table.layout or (1,)))
    return 1 << n_bits if 1 << n_bits <= max(FEW_SLOTS, SLOTS_A_ROW * block_rows) else 0


def group_rows(keys: Sequence[F64]) -> tuple[I64, list[F64]]:
    """Return each row's group number and the keys of the groups, sorted with NA first."""
    from dh2o.rapids.columns import local_table

    n_rows = len(keys[0])
    held = local_table([str(i) for i in range(len(keys))], keys)
    layout = key_layout([(held, held.columns)])
    order = ordered(layout.packed(keys, n_rows), layout.word_bits)
    starts = order.starts()
    return numbered(order.rows, starts), layout.unpack(order.keys[:, starts])


def sorted_groups(keys: Sequence[F64]) -> tuple[I64, I64, I64]:
    """Return rows ordered by group (stable), where each group starts, and how many rows it has."""
    groups, found = group_rows(keys)
    n_groups = len(found[0])
    sizes = np.bincount(groups, minlength=n_groups)
    return np.argsort(groups, kind="stable"), np.cumsum(sizes) - sizes, sizes
