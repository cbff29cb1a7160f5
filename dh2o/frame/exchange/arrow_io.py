"""Arrow tables and streams in and out.

Data of this process go to the spool first and tasks read them there, so that Dask can make a lost
block again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dh2o.chunks import Block
from dh2o.errors import FrameError
from dh2o.frame.exchange.arrow_types import type_from_name
from dh2o.frame.exchange.decode import (
    ArrowColumn,
    arrow_columns,
    decode_block,
    needs_rollups,
    with_levels,
)
from dh2o.frame.exchange.encode import codes_of_dictionary, encode_columns
from dh2o.frame.exchange.plan import (
    ColumnPlan,
    ColumnScan,
    Strings,
    plan_column,
    scan_column,
    scan_pieces,
)
from dh2o.frame.exchange.tables import named
from dh2o.frame.frame import Frame
from dh2o.frame.layout import MIN_BLOCK_NBYTES, block_nbytes, layout_for, row_starts
from dh2o.frame.physical import engine_for, physical
from dh2o.frame.vec import Source, Vec, VecType
from dh2o.mrtask import current_engine

if TYPE_CHECKING:
    from dh2o.mrtask import Blocks
    from dh2o.mrtask.spool import SpoolRef


def from_arrow(
    data: Any, names: Sequence[str] | None = None, *, strings: Strings = "string"
) -> Frame:
    """Return a frame of a Table, RecordBatch, RecordBatchReader, Array, or any Arrow C stream.

    A reader is read piece by piece: it may be larger than this process's memory. `strings` says
    whether text columns become strings, enums, or, by H2O's rule, whichever fits ("guess").
    """
    import pyarrow as pa

    if isinstance(data, pa.Table | pa.RecordBatch):
        table = pa.table(data) if isinstance(data, pa.RecordBatch) else data
        return from_table(named(table, names), strings=strings)
    if isinstance(data, pa.Array | pa.ChunkedArray):
        return from_table(named(pa.table({"C1": data}), names), strings=strings)
    if isinstance(data, pa.RecordBatchReader):
        return from_batches(data.schema, data, names, strings=strings)
    if hasattr(data, "__arrow_c_stream__"):
        try:
            reader = pa.RecordBatchReader.from_stream(data)
        except (pa.ArrowInvalid, pa.ArrowTypeError):  # a stream of arrays, not of rows
            return from_arrow(pa.chunked_array(data), names, strings=strings)
        return from_batches(reader.schema, reader, names, strings=strings)
    if hasattr(data, "__arrow_c_array__"):
        return from_arrow(pa.array(data), names, strings=strings)
    raise FrameError(f"{type(data).__name__} is not an Arrow table and exports no Arrow stream.")


def from_table(
    table: Any, origins: Sequence[Source] | None = None, *, strings: Strings = "string"
) -> Frame:
    """Return a frame of a table in memory; `origins` adds what its library called the types."""
    names = table.column_names
    check_names(names)
    table = table.unify_dictionaries()
    scans = [scan_pieces(name, table.column(i), strings) for i, name in enumerate(names)]
    plans = _plans(names, scans, origins, strings)
    if not plans:
        return Frame((), (), (table.num_rows,) if table.num_rows else ())
    layout = layout_for(table.num_rows, sum(scan.text_nbytes for scan in scans), len(scans))
    ready, reading = _codes_for_dictionaries(table, plans)
    starts = row_starts(layout)
    refs = [spooled([ready.slice(starts[i], n)]) for i, n in enumerate(layout)]
    blocks = current_engine().submit_blocks(
        ReadPieces(reading), [([ref],) for ref in refs], layout=layout, name="from_arrow"
    )
    return frame_of_plans(plans, blocks)


def from_batches(
    schema: Any,
    batches: Iterable[Any],
    names: Sequence[str] | None = None,
    *,
    strings: Strings = "string",
) -> Frame:
    """Return a frame of a stream of record batches; holds a few megabytes of them at a time."""
    import pyarrow as pa

    names = named(schema.empty_table(), names).column_names
    check_names(names)
    refs: list[SpoolRef] = []
    sizes: list[tuple[int, int]] = []
    totals: list[list[ColumnScan]] = []
    held: list[Any] = []
    held_nbytes = 0
    for batch in batches:
        scans = [scan_column(name, batch.column(i), strings) for i, name in enumerate(names)]
        totals = (
            [scans]
            if not totals
            else [[a.combine(b) for a, b in zip(totals[0], scans, strict=True)]]
        )
        nbytes = sum(scan.text_nbytes for scan in scans)
        sizes.append((batch.num_rows, nbytes))
        held.append(pa.table(batch).rename_columns(names))
        held_nbytes += nbytes
        if held_nbytes >= MIN_BLOCK_NBYTES:
            refs.append(spooled(held))
            sizes, held, held_nbytes = [*sizes[: -len(held)], _total(sizes[-len(held) :])], [], 0
    if held:
        refs.append(spooled(held))
        sizes = [*sizes[: -len(held)], _total(sizes[-len(held) :])]
    if not refs:
        return from_table(named(schema.empty_table(), names), strings=strings)
    plans = _plans(names, totals[0], None, strings)
    groups = _grouped(sizes)
    blocks = current_engine().submit_blocks(
        ReadPieces(plans),
        [([refs[i] for i in group],) for group in groups],
        layout=[sum(sizes[i][0] for i in group) for group in groups],
        name="from_arrow",
    )
    return frame_of_plans(plans, blocks)


def _total(sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    return sum(n for n, _ in sizes), sum(nbytes for _, nbytes in sizes)


def _grouped(sizes: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Return runs of pieces that each hold about one block of text."""
    target = block_nbytes(sum(nbytes for _, nbytes in sizes))
    groups: list[list[int]] = []
    room = 0
    for i, (_, nbytes) in enumerate(sizes):
        if not groups or room < nbytes / 2:
            groups.append([])
            room = target
        groups[-1].append(i)
        room -= nbytes
    return groups


def check_names(names: Sequence[str]) -> None:
    """Raise if two columns have one name."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise FrameError(f"Found duplicate column name {name!r}. Rename one of them.")
        seen.add(name)


def _plans(
    names: Sequence[str],
    scans: Sequence[ColumnScan],
    origins: Sequence[Source] | None,
    strings: Strings,
) -> list[ColumnPlan]:
    own = origins or [Source()] * len(names)
    return [
        plan_column(name, scan, origin, strings)
        for name, scan, origin in zip(names, scans, own, strict=True)
    ]


def _codes_for_dictionaries(
    table: Any, plans: Sequence[ColumnPlan]
) -> tuple[Any, list[ColumnPlan]]:
    """Return the table with codes in place of dictionaries, so that no block carries the levels."""
    import pyarrow as pa

    columns, reading = [], []
    for plan, column in zip(plans, table.columns, strict=True):
        if pa.types.is_dictionary(column.type):
            codes = [codes_of_dictionary(piece, plan.domain or ()) for piece in column.chunks]
            columns.append(pa.chunked_array(codes, pa.int32()))
            reading.append(replace(plan, domain=()))
        else:
            columns.append(column)
            reading.append(plan)
    return pa.table(columns, names=table.column_names), reading


def spooled(tables: Sequence[Any]) -> SpoolRef:
    """Return the spool file that holds the tables as one Arrow stream."""
    import pyarrow as pa

    with current_engine().spool.create(".arrow") as file:
        sink = pa.PythonFile(file, mode="w")
        with pa.ipc.new_stream(sink, tables[0].schema) as writer:
            for table in tables:
                writer.write_table(table)
    return file.ref


class ReadPieces:
    """The task that makes a block of spool files; the plans travel once for all blocks."""

    def __init__(self, plans: Sequence[ColumnPlan]) -> None:
        self.plans = tuple(plans)

    def __call__(self, refs: Sequence[SpoolRef]) -> Block:
        import pyarrow as pa

        tables = [read_spooled(ref) for ref in refs]
        table = tables[0] if len(tables) == 1 else pa.concat_tables(tables)
        return Block(table.num_rows, encode_columns(table.columns, self.plans))


def read_spooled(ref: SpoolRef) -> Any:
    """Return the table in a spool file; local files are mapped, not copied."""
    import pyarrow as pa

    if "://" in ref.url:
        return pa.ipc.open_stream(ref.open()).read_all()
    return pa.ipc.open_stream(pa.memory_map(ref.url)).read_all()


def frame_of_plans(plans: Sequence[ColumnPlan], blocks: Blocks) -> Frame:
    """Return the frame whose blocks hold the columns as `encode_columns` made them."""
    vecs = []
    hidden = len(plans)
    for i, plan in enumerate(plans):
        sub_ms = None
        if plan.type is VecType.TIME and plan.has_sub_ms:
            sub_ms, hidden = (blocks, hidden), hidden + 1
        vecs.append(Vec(plan.type, (blocks, i), plan.domain, plan.source, sub_ms))
    return Frame(tuple(plan.name for plan in plans), tuple(vecs), tuple(blocks.layout))


# ---- out


def leaving_columns(frame: Frame) -> list[ArrowColumn]:
    """Return how each column of the frame leaves; makes statistics only where types need them."""
    unsure = [i for i, vec in enumerate(frame.vecs) if needs_rollups(vec)]
    if unsure:
        frame.select(unsure).rollups()
    return arrow_columns(frame.names, frame.vecs, [vec.cell.rollups for vec in frame.vecs])


def arrow_schema(columns: Sequence[ArrowColumn]) -> Any:
    """Return the schema of the columns."""
    import pyarrow as pa

    return pa.schema([(column.name, type_from_name(column.arrow)) for column in columns])


def to_arrow(frame: Frame) -> Any:
    """Return the frame as a Table with one chunk a block, in the types it came with."""
    import pyarrow as pa

    columns = leaving_columns(frame)
    schema = arrow_schema(columns)
    if not columns:
        return pa.table({})
    pieces = engine_for(frame).collect(physical(frame), LeaveAsArrow(columns))
    arrays = []
    for i, column in enumerate(columns):
        own = [piece[i] for piece in pieces]
        if column.type is VecType.ENUM:
            own = with_levels(column, own)
        arrays.append(pa.chunked_array(own, schema.field(i).type))
    return pa.Table.from_arrays(arrays, schema=schema)


def table_of_block(block: Block, columns: Sequence[ArrowColumn]) -> Any:
    """Return one block as an Arrow table, enums with their levels."""
    import pyarrow as pa

    arrays = [
        with_levels(column, [array])[0] if column.type is VecType.ENUM else array
        for column, array in zip(columns, decode_block(block, columns), strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=arrow_schema(columns))


class LeaveAsArrow:
    """Gives the Arrow arrays of a block; enums as indices."""

    def __init__(self, columns: Sequence[ArrowColumn]) -> None:
        self.columns = [
            column if column.domain is None else replace(column, domain=None) for column in columns
        ]

    def __call__(self, block: Block) -> list[Any]:
        return decode_block(block, self.columns)
