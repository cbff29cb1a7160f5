"""ParseRun: one parse on the cluster, two passes over its ranges."""

from __future__ import annotations

import logging
import queue
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dh2o.chunks import Block, Chunk, encode_codes, encode_floats
from dh2o.chunks.bank import encode_codes_of
from dh2o.frame import Frame, VecType
from dh2o.parse.carriers import carrier_for
from dh2o.parse.columns import LocalCodes
from dh2o.parse.domains import Lookup, merge_levels, no_levels
from dh2o.parse.faults import fault_sentences
from dh2o.parse.partitions import check_partitions, domain_of
from dh2o.parse.plan import RangeUnit, StreamUnit, Unit, partition_of_unit, units_of
from dh2o.parse.ranges import (
    UNKNOWN_END,
    ParsedRange,
    RangeReport,
    parse_segments,
    parse_stream,
)
from dh2o.parse.setup import ENUM, NUMERIC, STRING, SVMLIGHT, TIME, UUID, ParseSetup
from dh2o.parse.sources import Source
from dh2o.parse.tables.origins import forced_numbers, with_origins
from dh2o.parse.tables.units import TableUnit, read_table_unit

if TYPE_CHECKING:
    from dh2o.mrtask import Blocks, Engine, JobContext

_log = logging.getLogger("dh2o.parse")

_VEC_TYPES = {
    NUMERIC: VecType.NUMERIC,
    ENUM: VecType.ENUM,
    STRING: VecType.STRING,
    TIME: VecType.TIME,
    UUID: VecType.UUID,
}
_POLL_S = 0.2
_MAX_WARNINGS = 20
_UNPACKED_BY_STORED = 8


@dataclass(frozen=True)
class _Piece:
    """One block to be: the results its columns lie in, its number in there, and its report."""

    futures: tuple[Any, ...]
    number: int
    report: RangeReport
    partition: tuple[str | None, ...]


class ParseRun:
    """One parse: starts the tasks, checks that ranges meet, merges domains, makes the frame."""

    def __init__(
        self,
        engine: Engine,
        setup: ParseSetup,
        sources: Sequence[Source],
        ctx: JobContext | None,
    ) -> None:
        self._engine = engine
        self._setup = setup
        names = setup.names()
        check_partitions(sources, setup.partition_by, [names[i] for i in setup.kept_columns])
        self._units = units_of(sources, setup)
        self._ctx = ctx
        self._total_nbytes = max(sum(_stored_nbytes(unit) for unit in self._units), 1)
        self._carrier = carrier_for(engine, sum(map(_text_nbytes, self._units)))

    def frame(self) -> Frame:
        """Return the parsed frame."""
        pieces = self._read_all()
        self._setup = _widened(self._setup, [piece.report for piece in pieces])
        self._warn(pieces)
        blocks, domains = self._finish(pieces)  # may find that a column has no levels
        if self._ctx is not None:
            self._ctx.check()
        setup, kept = self._setup, self._setup.kept_columns
        names, types = setup.names(), setup.types()
        frame = Frame.of(
            [*(names[i] for i in kept), *setup.partition_by],
            blocks,
            [*(_VEC_TYPES[types[i]] for i in kept), *[VecType.ENUM] * len(setup.partition_by)],
            domains,
        )
        frame = with_origins(frame, setup)
        self._engine.wait(frame)
        return frame

    # ---- first pass: bytes to columns with local codes

    def _read_all(self) -> list[_Piece]:
        units = self._units
        futures = self._carrier.read(_read_unit, [(unit, self._setup) for unit in units], "parse")
        try:
            reports = self._reports(futures)
        except BaseException:
            for future in futures:
                future.cancel()
            raise
        self._repair(futures, reports)
        pieces: list[_Piece] = []
        for unit, future, group in zip(units, futures, reports, strict=True):
            if isinstance(unit, TableUnit) and unit.is_continued:
                beside = pieces[-len(group) :]
                pieces[-len(group) :] = [
                    replace(piece, futures=(*piece.futures, future), report=piece.report.beside(r))
                    for piece, r in zip(beside, group, strict=True)
                ]
                continue
            partition = partition_of_unit(unit, self._setup.partition_by)
            pieces += [_Piece((future,), k, report, partition) for k, report in enumerate(group)]
        return pieces

    def _reports(self, futures: Sequence[Any]) -> list[list[RangeReport]]:
        """Return what each task says of its blocks, showing progress as they come."""
        asked = self._carrier.reports(futures)
        reports: list[list[RangeReport]] = [[]] * len(asked)
        n_rows = nbytes = 0
        for i in self._as_done(asked):
            reports[i] = self._carrier.reported(asked[i])
            n_rows += sum(r.n_rows for r in reports[i])
            nbytes += _stored_nbytes(self._units[i])
            self._update(nbytes, n_rows)
        return reports

    def _as_done(self, futures: Sequence[Any]) -> Iterator[int]:
        """Give the numbers of the futures as they finish; raises when the job is cancelled."""
        done: queue.SimpleQueue[int] = queue.SimpleQueue()
        for i, future in enumerate(futures):
            future.add_done_callback(_putter(done, i))
        left = len(futures)
        while left:
            try:
                number = done.get(timeout=_POLL_S)
            except queue.Empty:
                if self._ctx is not None:
                    self._ctx.check()
                continue
            left -= 1
            yield number

    def _update(self, nbytes: int, n_rows: int) -> None:
        if self._ctx is None:
            return
        self._ctx.check()
        share = min(nbytes / self._total_nbytes, 1.0)
        self._ctx.update(0.95 * share, f"{n_rows:,} rows of {nbytes / 1e6:,.1f} MB parsed")

    def _repair(self, futures: list[Any], reports: list[list[RangeReport]]) -> None:
        """Read again the ranges whose first row did not start where the one before them ended."""
        for i in range(len(self._units)):
            unit = self._units[i]
            if not isinstance(unit, RangeUnit) or len(unit.segments) > 1:
                continue
            true_start = self._true_start(i, reports)
            known = reports[i][0].segments[0]
            if known.first_start == true_start and known.next_start != UNKNOWN_END:
                continue
            segment = replace(unit.segments[0], start=true_start, is_exact=True)
            segment = replace(segment, stop=max(segment.stop, segment.start))
            [futures[i]] = self._carrier.read(
                _read_unit, [(RangeUnit((segment,)), self._setup)], "parse-again"
            )
            [asked] = self._carrier.reports([futures[i]])
            for _ in self._as_done([asked]):
                reports[i] = self._carrier.reported(asked)

    def _true_start(self, i: int, reports: list[list[RangeReport]]) -> int:
        """Return where the first row of unit `i` starts, by the end of the unit before it."""
        unit = self._units[i]
        assert isinstance(unit, RangeUnit)
        segment = unit.segments[0]
        if segment.start == 0:
            return reports[i][0].segments[0].first_start
        return reports[i - 1][0].segments[-1].next_start

    # ---- second pass: local codes to codes in the domain

    def _finish(self, pieces: Sequence[_Piece]) -> tuple[Blocks, list[tuple[str, ...] | None]]:
        setup = self._setup
        kept, names, types = setup.kept_columns, setup.names(), setup.types()
        domains: list[tuple[str, ...] | None] = []
        lookups: list[list[Lookup | None]] = []
        for slot, column in enumerate(kept):
            if types[column] != ENUM:
                domains.append(None)
                lookups.append([None] * len(pieces))
                continue
            reports = [piece.report for piece in pieces]
            given = _given_domain(setup, column) or _declared_domain(reports, slot)
            local = [_levels_of(report, slot) for report in reports]
            domain, codes = merge_levels(names[column], local, given)
            is_na = not domain and given is None and any(report.n_rows for report in reports)
            if is_na:  # as in H2O a column without any level is one of numbers
                self._setup = _with_type(self._setup, column, NUMERIC)
            domains.append(None if is_na else domain)
            lookups.append([None] * len(pieces) if is_na else list(codes))
        places = [
            domain_of([p.partition[i] for p in pieces]) for i in range(len(setup.partition_by))
        ]
        domains += places
        forced = tuple(forced_numbers(setup, "int"))
        blocks = self._carrier.blocks(
            _finish_block,
            [
                (
                    piece.number,
                    tuple(column[i] for column in lookups),
                    forced,
                    tuple(_code(d, v) for d, v in zip(places, piece.partition, strict=True)),
                )
                for i, piece in enumerate(pieces)
            ],
            deps=[piece.futures for piece in pieces],
            layout=[piece.report.n_rows for piece in pieces],
        )
        return blocks, domains

    # ---- what the user is told

    def _warn(self, pieces: Sequence[_Piece]) -> None:
        warn: Callable[[str], None] = _log.warning if self._ctx is None else self._ctx.warn
        for text in fault_sentences(self._setup, [piece.report for piece in pieces])[
            :_MAX_WARNINGS
        ]:
            warn(text)


def _given_domain(setup: ParseSetup, column: int) -> tuple[str, ...] | None:
    domains = setup.domains or ()
    return domains[column] if column < len(domains) else None


def _declared_domain(reports: Sequence[RangeReport], slot: int) -> tuple[str, ...] | None:
    """Return the levels in the file's own order, if all blocks agree on it as far as they go."""
    own = [_levels_of(r, slot) for r in reports if r.n_rows]
    if not own or not all(slot < len(r.declared) and r.declared[slot] for r in reports if r.n_rows):
        return None
    longest = max(own, key=len)
    is_one = all(longest.slice(0, len(levels)).equals(levels) for levels in own)
    return tuple(longest.to_pylist()) if is_one else None


def _levels_of(report: RangeReport, slot: int) -> Any:
    return no_levels() if report.levels[slot] is None else report.levels[slot]


def _code(domain: Sequence[str], value: str | None) -> int:
    return -1 if value is None else domain.index(value)


def _widened(setup: ParseSetup, reports: Sequence[RangeReport]) -> ParseSetup:
    """Return the setup with all columns that the ranges of an SVMLight parse have seen."""
    if setup.parse_type != SVMLIGHT:
        return setup
    n_columns = max(len(report.bad) for report in reports)
    return replace(setup, number_columns=n_columns, column_types=(NUMERIC,) * n_columns)


def _with_type(setup: ParseSetup, column: int, column_type: str) -> ParseSetup:
    types = list(setup.types())
    types[column] = column_type
    return replace(setup, column_types=tuple(types))


def _stored_nbytes(unit: Unit) -> int:
    if isinstance(unit, StreamUnit):
        return unit.source.nbytes
    if isinstance(unit, TableUnit):
        return unit.nbytes
    return sum(segment.stop - segment.start for segment in unit.segments)


def _text_nbytes(unit: Unit) -> int:
    """Return about how many bytes of text a unit would be."""
    return _stored_nbytes(unit) * (1 if isinstance(unit, RangeUnit) else _UNPACKED_BY_STORED)


def _putter(done: queue.SimpleQueue[int], number: int) -> Callable[[Any], None]:
    return lambda _future: done.put(number)


# ---- what runs on the workers


def _read_unit(unit: Unit, setup: ParseSetup) -> list[ParsedRange]:
    if isinstance(unit, RangeUnit):
        return [parse_segments(unit.segments, setup)]
    if isinstance(unit, TableUnit):
        return read_table_unit(unit, setup)
    return list(parse_stream(unit.source, setup, unit.piece_nbytes, unit.is_first_file))


def _finish_block(
    number: int,
    lookups: tuple[Lookup | None, ...],
    forced_ints: tuple[int, ...],
    partition: tuple[int, ...],
    inputs: list[list[ParsedRange]],
) -> Block:
    part = inputs[0][number]
    columns = tuple(column for ranges in inputs for column in ranges[number].columns)
    if len(columns) < len(lookups):  # SVMLight: columns that only other ranges have seen
        from dh2o.parse.svmlight import zero_chunk

        columns += (zero_chunk(part.n_rows),) * (len(lookups) - len(columns))
    chunks = list(map(_global_chunk, columns, lookups))
    for slot in forced_ints:
        if not chunks[slot].is_integer:
            chunks[slot] = encode_floats(np.rint(chunks[slot].floats()))
    chunks += [encode_codes(np.full(part.n_rows, code, np.int32)) for code in partition]
    return Block(part.n_rows, tuple(chunks))


def _global_chunk(column: Chunk | LocalCodes, lookup: Lookup | None) -> Chunk:
    if isinstance(column, LocalCodes):
        if lookup is None:  # a column without any level
            return encode_floats(np.full(len(column.codes), np.nan))
        return encode_codes_of(lookup, column.codes)
    return column
