"""The parse of files to a frame: one task a range, one short task more for the domains."""

from __future__ import annotations

import logging
import os
import queue
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dh2o.chunks import Block, encode_codes
from dh2o.errors import ParseError
from dh2o.frame import Frame, VecType
from dh2o.parse.columns import BadCells, LocalCodes
from dh2o.parse.domains import Lookup, merge_levels
from dh2o.parse.guess import guess_setup
from dh2o.parse.plan import (
    RangeUnit,
    StreamUnit,
    Unit,
    check_setup,
    plan_units,
    with_header_names,
)
from dh2o.parse.ranges import (
    UNKNOWN_END,
    ParsedRange,
    RangeReport,
    parse_segments,
    parse_stream,
)
from dh2o.parse.setup import ENUM, NUMERIC, STRING, TIME, UUID, ParseSetup, frame_key_of
from dh2o.parse.sources import RawFile, Source, absolute, source_of
from dh2o.parse.tokenise import (
    FIRST_LONG,
    FIRST_UNMATCHED,
    N_LONG,
    N_UNMATCHED,
)

if TYPE_CHECKING:
    from dh2o.mrtask import DKV, Blocks, Engine, Job, JobContext

_log = logging.getLogger("dh2o.parse")

File = str | os.PathLike[str] | RawFile

_VEC_TYPES = {
    NUMERIC: VecType.NUMERIC,
    ENUM: VecType.ENUM,
    STRING: VecType.STRING,
    TIME: VecType.TIME,
    UUID: VecType.UUID,
}
_POLL_S = 0.2
_MAX_WARNINGS = 20


def start_parse(
    engine: Engine,
    setup: ParseSetup,
    dest: str | None = None,
    files: Sequence[File] | None = None,
) -> Job:
    """Return the job that parses the files of `setup` to the frame `dest`.

    Without a `dest` the key is made from the name of the first file, with a number when it is
    taken.
    """
    items = _resolve(engine, setup, files)
    wanted = dest or _free_key(engine, setup, items)
    check_setup(setup, wanted)
    return engine.start_job(
        "Parse", _parse_job, setup, wanted, items, dest=wanted, dest_type="Key<Frame>"
    )


def parse_files(
    engine: Engine,
    setup: ParseSetup,
    dest: str | None = None,
    ctx: JobContext | None = None,
    files: Sequence[File] | None = None,
) -> Frame:
    """Return the frame that the files of `setup` hold, stored in the DKV under `dest`.

    Parameters
    ----------
    files
        What the sources of the setup stand for; by default each is a path, or the key of a
        `RawFile` in the DKV.
    ctx
        The job on whose behalf this runs: gets progress and warnings, and may be cancelled.

    Raises
    ------
    ParseError
        When a file cannot be read as the setup says. Nothing is stored then.
    """
    items = _resolve(engine, setup, files)
    wanted = dest or _free_key(engine, setup, items)
    if ctx is not None:
        return _store(ctx.dkv, _parse(engine, setup, wanted, items, ctx), wanted, items, setup)
    dkv = engine.dkv.held_by(f"parse-{uuid.uuid4().hex}")
    with dkv.writing(wanted):
        return _store(dkv, _parse(engine, setup, wanted, items, None), wanted, items, setup)


def _parse_job(ctx: JobContext, setup: ParseSetup, dest: str, files: list[File]) -> None:
    frame = _parse(ctx.engine, setup, dest, files, ctx)
    _store(ctx.dkv, frame, dest, files, setup)


def _store(dkv: DKV, frame: Frame, dest: str, files: Sequence[File], setup: ParseSetup) -> Frame:
    """Return the frame with its key, stored; imported files are removed if the setup says so."""
    frame = replace(frame, key=dest)
    dkv.put(dest, frame, kind="frame")
    if setup.delete_on_done:
        raw = [f.name for f in files if isinstance(f, RawFile) and dkv.kind(f.name) == "raw"]
        dkv.remove(*raw)
    return frame


def _resolve(engine: Engine, setup: ParseSetup, files: Sequence[File] | None) -> list[File]:
    """Return paths and imported files; a source name that is a raw key gives its file."""
    if files is None:
        dkv = engine.dkv
        files = [dkv.get(n) if dkv.kind(n) == "raw" else n for n in setup.source_frames]
    if not files:
        raise ParseError("No file names given for parsing. Give at least one path.")
    return [f if isinstance(f, RawFile) else absolute(os.fspath(f)) for f in files]


def _free_key(engine: Engine, setup: ParseSetup, files: Sequence[File]) -> str:
    name = setup.destination_frame
    if name is None:
        first = files[0]
        name = frame_key_of(first.name if isinstance(first, RawFile) else os.fspath(first))
    taken = set(engine.dkv.keys())
    stem = name.removesuffix(".hex")
    number = 0
    while name in taken:
        number += 1
        name = f"{stem}{number}.hex"
    return name


def _parse(
    engine: Engine, setup: ParseSetup, dest: str, files: Sequence[File], ctx: JobContext | None
) -> Frame:
    if setup.number_columns == 0:
        setup = guess_setup(files, **_given(setup))
    check_setup(setup, dest)
    sources = [source_of(item) for item in files]
    if not any(source.nbytes for source in sources):
        raise ParseError(f"{sources[0].name}: the file is empty, there is nothing to parse.")
    setup = with_header_names(setup, sources)
    return ParseRun(engine, setup, sources, ctx).frame()


def _given(setup: ParseSetup) -> dict[str, Any]:
    """Return the fields of an unguessed setup that differ from the defaults."""
    default = ParseSetup()
    return {
        name: value
        for name, value in vars(setup).items()
        if value != getattr(default, name) and name != "source_frames"
    }


@dataclass(frozen=True)
class _Piece:
    """One block to be: the result it lies in, its number in there, and its report."""

    future: Any
    number: int
    report: RangeReport


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
        self._units = plan_units(sources, setup.chunk_size)
        self._ctx = ctx
        self._total_nbytes = max(sum(_stored_nbytes(unit) for unit in self._units), 1)

    def frame(self) -> Frame:
        """Return the parsed frame."""
        pieces = self._read_all()
        self._warn(pieces)
        blocks, domains = self._finish(pieces)
        if self._ctx is not None:
            self._ctx.check()
        setup, kept = self._setup, self._setup.kept_columns
        names, types = setup.names(), setup.types()
        frame = Frame.of(
            [names[i] for i in kept],
            blocks,
            [_VEC_TYPES[types[i]] for i in kept],
            domains,
        )
        self._engine.wait(frame)
        return frame

    # ---- first pass: bytes to columns with local codes

    def _read_all(self) -> list[_Piece]:
        units = self._units
        futures = self._engine.submit(
            _read_unit, [(unit, self._setup) for unit in units], name="parse"
        )
        reports = self._reports(futures)
        self._repair(futures, reports)
        return [
            _Piece(future, k, report)
            for future, group in zip(futures, reports, strict=True)
            for k, report in enumerate(group)
        ]

    def _reports(self, futures: Sequence[Any]) -> list[list[RangeReport]]:
        """Return what each task says of its blocks, showing progress as they come."""
        asked = self._engine.submit(
            _reports_of, [()] * len(futures), deps=[[f] for f in futures], name="parse-report"
        )
        reports: list[list[RangeReport]] = [[]] * len(asked)
        n_rows = nbytes = 0
        for i in self._as_done(asked):
            reports[i] = self._engine.gather([asked[i]])[0]
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
            [futures[i]] = self._engine.submit(
                _read_unit, [(RangeUnit((segment,)), self._setup)], name="parse-again"
            )
            [reports[i]] = self._reports_again(futures[i])

    def _true_start(self, i: int, reports: list[list[RangeReport]]) -> int:
        """Return where the first row of unit `i` starts, by the end of the unit before it."""
        unit = self._units[i]
        assert isinstance(unit, RangeUnit)  # noqa: S101 - narrows the type
        segment = unit.segments[0]
        if segment.start == 0:
            return reports[i][0].segments[0].first_start
        return reports[i - 1][0].segments[-1].next_start

    def _reports_again(self, future: Any) -> list[list[RangeReport]]:
        asked = self._engine.submit(_reports_of, [()], deps=[[future]], name="parse-report")
        for _ in self._as_done(asked):
            pass
        return self._engine.gather(asked)

    # ---- second pass: local codes to codes in the domain

    def _finish(self, pieces: Sequence[_Piece]) -> tuple[Blocks, list[tuple[str, ...] | None]]:
        setup = self._setup
        kept = setup.kept_columns
        domains: list[tuple[str, ...] | None] = []
        lookups: list[list[Lookup | None]] = []
        for slot, column in enumerate(kept):
            if setup.types()[column] != ENUM:
                domains.append(None)
                lookups.append([None] * len(pieces))
                continue
            given = (setup.domains or {})[column] if self._has_domain(column) else None
            local = [piece.report.levels[slot] or () for piece in pieces]
            domain, codes = merge_levels(setup.names()[column], local, given)
            domains.append(domain)
            lookups.append(list(codes))
        blocks = self._engine.submit_blocks(
            _finish_block,
            [
                (piece.number, tuple(column[i] for column in lookups))
                for i, piece in enumerate(pieces)
            ],
            deps=[[piece.future] for piece in pieces],
            layout=[piece.report.n_rows for piece in pieces],
            name="parse-domains",
        )
        return blocks, domains

    def _has_domain(self, column: int) -> bool:
        domains = self._setup.domains
        return bool(domains) and column < len(domains) and domains[column] is not None

    # ---- what the user is told

    def _warn(self, pieces: Sequence[_Piece]) -> None:
        warn: Callable[[str], None] = _log.warning if self._ctx is None else self._ctx.warn
        for text in _warnings(self._setup, [piece.report for piece in pieces])[:_MAX_WARNINGS]:
            warn(text)


def _warnings(setup: ParseSetup, reports: Sequence[RangeReport]) -> list[str]:
    """Return what went wrong in the cells: one sentence for each column, with an example."""
    texts = []
    names, types = setup.names(), setup.types()
    for slot, column in enumerate(setup.kept_columns):
        count, row, text = _total_bad([report.bad[slot] for report in reports], reports)
        if count:
            what = {NUMERIC: "number", TIME: "time", UUID: "UUID"}.get(types[column], "value")
            texts.append(
                f"Column {names[column]!r}: {count} cell{'s are' if count > 1 else ' is'} no {what} "
                f"and became NA, the first {text!r} in row {row + 1}. Give column_types or "
                "na_strings if that is wrong."
            )
    for n_slot, first_slot, sentence in _ROW_FAULTS:
        count = sum(report.tally[n_slot] for report in reports)
        if count:
            row = _first_row(reports, first_slot)
            texts.append(sentence.format(count=count, n=setup.number_columns, row=row + 1))
    return texts


_ROW_FAULTS = (
    (
        N_LONG,
        FIRST_LONG,
        "{count} row(s) have more than {n} cells; the extra ones were ignored. First: row {row}.",
    ),
    (
        N_UNMATCHED,
        FIRST_UNMATCHED,
        "A quote that opens in row {row} is never closed; the rest of the file is one cell.",
    ),
)


def _total_bad(bad: Sequence[BadCells], reports: Sequence[RangeReport]) -> tuple[int, int, str]:
    count, row, text, start = 0, -1, "", 0
    for cells, report in zip(bad, reports, strict=True):
        if cells.count and row < 0:
            row, text = start + cells.row, cells.text
        count += cells.count
        start += report.n_rows
    return count, row, text


def _first_row(reports: Sequence[RangeReport], slot: int) -> int:
    start = 0
    for report in reports:
        if report.tally[slot] >= 0:
            return start + report.tally[slot]
        start += report.n_rows
    return -1


def _stored_nbytes(unit: Unit) -> int:
    if isinstance(unit, StreamUnit):
        return unit.source.nbytes
    return sum(segment.stop - segment.start for segment in unit.segments)


def _putter(done: queue.SimpleQueue[int], number: int) -> Callable[[Any], None]:
    return lambda _future: done.put(number)


# ---- what runs on the workers


def _read_unit(unit: Unit, setup: ParseSetup) -> list[ParsedRange]:
    if isinstance(unit, RangeUnit):
        return [parse_segments(unit.segments, setup)]
    return list(parse_stream(unit.source, setup, unit.piece_nbytes, unit.is_first_file))


def _reports_of(inputs: list[Any]) -> list[RangeReport]:
    [parsed] = inputs
    return [part.report for part in parsed]


def _finish_block(
    number: int, lookups: tuple[Lookup | None, ...], inputs: list[list[ParsedRange]]
) -> Block:
    part = inputs[0][number]
    chunks = tuple(
        encode_codes(lookup[column.codes]) if isinstance(column, LocalCodes) else column
        for column, lookup in zip(part.columns, lookups, strict=True)
    )
    return Block(part.n_rows, chunks)
