"""Types of columns from what their cells look like in a preview (H2O's rules)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import compress

import numpy as np

from dh2o.parse import numbers
from dh2o.parse.levels import LevelTable
from dh2o.parse.lines import may_hold_times, may_hold_uuids
from dh2o.parse.plain_rows import CellTable
from dh2o.parse.setup import ENUM, NUMERIC, STRING, TIME, UUID
from dh2o.parse.texts import read_uuids
from dh2o.parse.times import NOT_A_TIME, read_times
from dh2o.parse.tokenise import TABLE_FULL, Dialect, U8Array, new_tally, slots_of, tokenise

_N_PROBED = 2000
_MOSTLY_UNIQUE = 0.95
_NA_WORDS = frozenset((b"NA", b"na", b"Na", b"N/A"))
_CELLS_PER_TILE = 1 << 16


@dataclass
class ColumnCounts:
    """How many cells of a column look like what, and its distinct texts."""

    n_nonzeros: int = 0
    n_zeros: int = 0
    n_empty: int = 0
    n_times: int = 0
    n_uuids: int = 0
    texts: dict[bytes, int] = field(default_factory=dict)

    @property
    def n_cells(self) -> int:
        """All cells counted so far."""
        others = self.n_nonzeros + self.n_zeros + self.n_empty + self.n_times + self.n_uuids
        return others + self.n_texts

    @property
    def n_texts(self) -> int:
        """Cells that are neither number nor time nor UUID nor empty."""
        return sum(self.texts.values())

    def merged(self, other: ColumnCounts) -> ColumnCounts:
        """Return the counts of both previews together."""
        texts = dict(self.texts)
        for text, count in other.texts.items():
            texts[text] = texts.get(text, 0) + count
        return ColumnCounts(
            self.n_nonzeros + other.n_nonzeros,
            self.n_zeros + other.n_zeros,
            self.n_empty + other.n_empty,
            self.n_times + other.n_times,
            self.n_uuids + other.n_uuids,
            texts,
        )

    def guess(self, n_rows: int) -> str:
        """Return the type that H2O would choose for these counts."""
        n_numbers = self.n_nonzeros + self.n_zeros
        n_texts, n_distinct = self.n_texts, len(self.texts)
        n_times, n_uuids = self.n_times, self.n_uuids
        repeats = n_distinct <= _MOSTLY_UNIQUE * n_texts
        if n_numbers >= max(n_times, n_uuids) and self.n_nonzeros >= n_texts:
            return NUMERIC
        if n_distinct == 1 and n_times == 0 and n_uuids <= max(n_numbers, n_texts):
            is_na = not _NA_WORDS.isdisjoint(self.texts)
            return NUMERIC if is_na or n_texts < n_numbers else ENUM
        if n_distinct <= 1 and n_numbers > n_times + n_uuids:
            return NUMERIC
        if n_times > max(n_uuids, n_numbers) and (n_times > n_texts or n_distinct <= 1):
            return TIME
        if n_uuids > max(n_times, n_numbers) and (n_uuids > n_texts or n_distinct <= 1):
            return UUID
        if n_texts > max(n_times, n_uuids, n_numbers) and n_distinct >= _MOSTLY_UNIQUE * n_texts:
            return STRING
        if repeats and (self._zeros_are_na(n_rows) or n_texts >= n_numbers):
            return ENUM
        return NUMERIC

    def _zeros_are_na(self, n_rows: int) -> bool:
        """Say whether zeros and texts fill the column; a preview may end one row short in it."""
        return self.n_zeros > 0 and self.n_zeros + self.n_texts >= n_rows - self.n_empty - 1

    def guess_na_strings(self, column_type: str, n_rows: int) -> tuple[str, ...] | None:
        """Return ``("0",)`` for an enum whose zeros stand for NA, else None."""
        repeats = len(self.texts) <= _MOSTLY_UNIQUE * self.n_texts
        is_na = column_type == ENUM and repeats and self._zeros_are_na(n_rows)
        return ("0",) if is_na else None


def count_cells(
    buf: U8Array, start: int, at_end: bool, dialect: Dialect, n_columns: int, n_skipped: int = 0
) -> tuple[int, list[ColumnCounts]]:
    """Return the rows in the buffer and what the cells of each column look like.

    `n_skipped` rows (0 or 1, the header) at the start are left out.
    """
    counter = _Counter(dialect, n_columns)
    pos = start
    if n_skipped:
        slots = slots_of(n_columns, ())
        none = np.empty((n_skipped, 1, 2), np.int32)
        end = buf.size
        _, pos, _ = tokenise(buf, pos, end, end, at_end, dialect, slots, none, 0, new_tally())
    table = CellTable(dialect, n_columns, tuple(range(n_columns)), _CELLS_PER_TILE)
    n_rows, why = 0, TABLE_FULL
    while why == TABLE_FULL:
        n, pos, why = table.fill(buf, pos, buf.size, buf.size, at_end, n_rows)
        if n:
            counter.add(buf, table.cells, n)
        n_rows += n
    return n_rows, counter.finish()


def counts_of_texts(
    buf: U8Array, cells: np.ndarray, dialect: Dialect, *, words_only: bool
) -> ColumnCounts:
    """Return what the cells of one column look like; numbers may count as words."""
    counter = _Counter(dialect, 1)
    counter.add(buf, cells, len(cells), words_only=words_only)
    return counter.finish()[0]


class _Counter:
    """Counts numbers tile by tile; texts are gathered and looked at once each."""

    def __init__(self, dialect: Dialect, n_columns: int) -> None:
        self._dialect = dialect
        self._kinds = np.zeros((n_columns, numbers.N_KINDS), np.int64)
        self._levels: dict[int, LevelTable] = {}
        self._codes: dict[int, list[np.ndarray]] = {}

    def add(
        self, buf: U8Array, cells: np.ndarray, n_rows: int, *, words_only: bool = False
    ) -> None:
        kinds = np.empty((len(self._kinds), n_rows), np.uint8)
        counts = np.zeros_like(self._kinds)
        numbers.find_kinds(buf, cells, n_rows, self._dialect.quote, kinds, counts)
        self._kinds += counts
        if words_only:
            self._kinds[:, [numbers.ZERO, numbers.NONZERO]] = 0
        for slot, own in enumerate(kinds):
            if not (words_only or counts[slot, numbers.WORD]):
                continue
            is_text = own != numbers.EMPTY if words_only else own == numbers.WORD
            rows = np.flatnonzero(is_text)
            n_words = len(rows)
            codes = np.empty(n_words, np.int32)
            levels = self._levels.setdefault(slot, LevelTable())
            if n_words == n_rows:
                levels.read(buf, cells, n_rows, slot, self._dialect, codes, 0)
            else:
                some = np.ascontiguousarray(cells[rows, slot : slot + 1])
                levels.read(buf, some, n_words, 0, self._dialect, codes, 0)
            self._codes.setdefault(slot, []).append(codes)

    def finish(self) -> list[ColumnCounts]:
        return [self._finish_column(slot) for slot in range(len(self._kinds))]

    def _finish_column(self, slot: int) -> ColumnCounts:
        kinds = self._kinds[slot]
        counts = ColumnCounts(
            n_nonzeros=int(kinds[numbers.NONZERO]),
            n_zeros=int(kinds[numbers.ZERO]),
            n_empty=int(kinds[numbers.EMPTY]),
        )
        if slot not in self._codes:
            return counts
        table = self._levels[slot]
        codes = np.concatenate(self._codes[slot])
        occurrences = np.bincount(codes[codes >= 0], minlength=table.n_levels)
        texts = table.texts()
        is_time, is_uuid = _times_and_uuids(table, texts)
        counts.n_times = int(occurrences[is_time].sum())
        counts.n_uuids = int(occurrences[is_uuid].sum())
        is_word = ~(is_time | is_uuid)
        counts.texts = dict(
            zip(compress(texts, is_word), occurrences[is_word].tolist(), strict=True)
        )
        return counts


def _times_and_uuids(table: LevelTable, texts: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Say of each level whether it is a time and whether it is a UUID."""
    n = table.n_levels
    cells = np.empty((n, 1, 2), np.int32)
    cells[:, 0, 0] = table.ends[:n]
    cells[:, 0, 1] = table.ends[1 : n + 1]
    is_time, is_uuid = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    tally = np.zeros(2, np.int64)
    if may_hold_times(texts[:_N_PROBED]):
        ms = np.empty(n, np.int64)
        fixed = np.empty(n, np.bool_)
        read_times(table.arena, cells, n, 0, ms, fixed, 0, tally, takes_numbers=False)
        is_time = ms != NOT_A_TIME
    if may_hold_uuids(texts[:_N_PROBED]):
        read_uuids(table.arena, cells, n, 0, np.empty((n, 2), np.uint64), is_uuid, 0, tally)
    return is_time, is_uuid
