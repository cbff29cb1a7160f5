"""The plan of a parse: which task reads which bytes. By the data alone, never by the cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from dh2o.errors import ParseError
from dh2o.frame.layout import block_nbytes
from dh2o.parse.lines import first_line_of, split_line
from dh2o.parse.partitions import partition_of
from dh2o.parse.ranges import BOM_8, Segment
from dh2o.parse.setup import HEADER_YES, TABLE_TYPES, ParseSetup
from dh2o.parse.sources import PLAIN, ZIP, Source, preview_of
from dh2o.parse.tables.units import TableUnit, plan_table_units
from dh2o.parse.tokenise import decode_lenient

_PROBE_NBYTES = 1 << 20


@dataclass(frozen=True)
class StreamUnit:
    """A packed file: one task unpacks it and cuts its text into pieces."""

    source: Source
    piece_nbytes: int
    is_first_file: bool


@dataclass(frozen=True)
class RangeUnit:
    """Segments of plain files that make one block: part of a file, or several small files."""

    segments: tuple[Segment, ...]


Unit = StreamUnit | RangeUnit | TableUnit


def units_of(sources: Sequence[Source], setup: ParseSetup) -> list[Unit]:
    """Return the tasks that read the sources, text or tables, in the order of the rows."""
    if setup.parse_type in TABLE_TYPES:
        return list(plan_table_units(sources, setup, setup.chunk_size))
    return plan_units(sources, setup.chunk_size, setup.partition_by)


def partition_of_unit(unit: Unit, names: Sequence[str]) -> tuple[str | None, ...]:
    """Return the values of the partition columns in a unit's rows: all its files share them."""
    if isinstance(unit, StreamUnit):
        return partition_of(unit.source.name, names)
    first = unit.pieces[0] if isinstance(unit, TableUnit) else unit.segments[0]
    return partition_of(first.source.name, names)


def text_nbytes(sources: Sequence[Source]) -> int:
    """Return about how many bytes of text the sources hold when they are unpacked."""
    density = _density(sources)
    return sum(s.nbytes if s.packing == PLAIN else int(s.nbytes * density) for s in sources)


def plan_units(
    sources: Sequence[Source], size: int = 0, partition_by: Sequence[str] = ()
) -> list[Unit]:
    """Return the tasks that read the sources, in the order of the rows.

    A block covers `size` bytes of text; 0 leaves that to the rule of the layout.
    """
    size = size or block_nbytes(text_nbytes(sources))
    units: list[Unit] = []
    small: list[Segment] = []

    def flush() -> None:
        if small:
            units.append(RangeUnit(tuple(small)))
            small.clear()

    for number, source in enumerate(sources):
        is_first = number == 0
        if source.packing != PLAIN:
            flush()
            units.append(StreamUnit(source, size, is_first))
        elif source.nbytes > size:
            flush()
            units.extend(RangeUnit((s,)) for s in _cut(source, size, is_first))
        elif source.nbytes > 0:
            if sum(s.stop for s in small) + source.nbytes > size or _is_elsewhere(
                small, source, partition_by
            ):
                flush()
            small.append(Segment(source, 0, source.nbytes, is_first_file=is_first))
    flush()
    return units


def _is_elsewhere(small: Sequence[Segment], source: Source, partition_by: Sequence[str]) -> bool:
    """Say whether a file lies in another partition than the files before it."""
    if not small or not partition_by:
        return False
    own = partition_of(source.name, partition_by)
    return own != partition_of(small[-1].source.name, partition_by)


def _cut(source: Source, size: int, is_first: bool) -> list[Segment]:
    n_pieces = -(-source.nbytes // size)
    cuts = [source.nbytes * i // n_pieces for i in range(n_pieces + 1)]
    return [Segment(source, a, b, is_first_file=is_first) for a, b in pairwise(cuts)]


def _density(sources: Sequence[Source]) -> float:
    """Return the bytes of text in a byte of the first packed file, from its start."""
    packed = next((s for s in sources if s.packing != PLAIN and s.nbytes > 0), None)
    return 1.0 if packed is None else preview_of(packed, _PROBE_NBYTES).text_per_byte


def with_header_names(setup: ParseSetup, sources: Sequence[Source]) -> ParseSetup:
    """Return the setup with the first file's own header, by which later headers are known."""
    several = len(sources) > 1 or any(s.packing == ZIP for s in sources)
    if setup.header_names or not several or setup.check_header != HEADER_YES:
        return setup
    data = preview_of(sources[0], _PROBE_NBYTES).data.removeprefix(BOM_8)
    line, _ = first_line_of(data, setup.quote, setup.markers)
    cells = split_line(line, setup.separator, setup.quote, setup.escapechar)
    return replace(setup, header_names=tuple(map(decode_lenient, cells)))


def check_setup(setup: ParseSetup, dest: str) -> None:
    """Raise ParseError for a setup that cannot become a frame called `dest`."""
    names = setup.names()
    kept = [names[i] for i in setup.kept_columns]
    if not kept:
        raise ParseError("All columns are skipped. Leave at least one to parse.")
    seen: set[str] = set()
    for name in kept:
        if name in seen:
            raise ParseError(
                f"Found duplicate column name {name}. Give other names with column_names."
            )
        seen.add(name)
    if dest in setup.source_frames:
        raise ParseError(f"The destination {dest!r} is one of the sources. Choose another key.")
    if not setup.delete_on_done or len(set(setup.source_frames)) == len(setup.source_frames):
        return
    raise ParseError("A source is given twice. Set delete_on_done to false to parse it twice.")
