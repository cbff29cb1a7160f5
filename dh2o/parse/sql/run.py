"""The import of a table or query: slices are read side by side into the spool, then encoded.

Each row is asked of the database once; what tasks need to make a block again lies in the spool.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from dh2o.chunks import Block, Chunk
from dh2o.errors import ParameterError
from dh2o.frame import Frame, VecType
from dh2o.frame.exchange.arrow_io import read_spooled, spooled
from dh2o.frame.layout import MIN_BLOCK_NBYTES, layout_for
from dh2o.parse.columns import LocalCodes
from dh2o.parse.setup import NUMERIC, STRING, TIME, UUID
from dh2o.parse.sql.query import Slice, SqlSource, slices_of, tables_of
from dh2o.parse.tables.columns import ColumnWish, column_of, is_id, is_text, is_time

if TYPE_CHECKING:
    from dh2o.mrtask import DKV, Engine, Job, JobContext

SINGLE, DISTRIBUTED = "SINGLE", "DISTRIBUTED"
_ROWS_OF_SLICE = 200_000
_NBYTES_OF_CELL = 12
_VEC_TYPES = {
    NUMERIC: VecType.NUMERIC,
    STRING: VecType.STRING,
    TIME: VecType.TIME,
    UUID: VecType.UUID,
}
_numbers = count(1)


@dataclass(frozen=True)
class _Piece:
    """Rows that lie in the spool, and the Arrow types of their columns."""

    ref: Any
    names: tuple[str, ...]
    types: tuple[Any, ...]
    n_rows: int


def import_sql(
    engine: Engine, source: SqlSource, dest: str | None = None, fetch_mode: str = DISTRIBUTED
) -> Frame:
    """Return the frame of a table or query, stored under `dest`."""
    job = start_sql_import(engine, source, dest, fetch_mode)
    job.wait()
    frame: Frame = engine.dkv.get(job.dest or "")
    return frame


def start_sql_import(
    engine: Engine,
    source: SqlSource,
    dest: str | None = None,
    fetch_mode: str | None = None,
    n_chunks: int | None = None,
) -> Job:
    """Return the job that reads a table or query.

    Parameters
    ----------
    fetch_mode
        DISTRIBUTED (the default) reads slices of a table side by side, if it has a primary key;
        SINGLE reads all rows through one cursor, as a query always is.
    n_chunks
        How many blocks the frame shall have; by default their size decides.
    """
    mode = (fetch_mode or DISTRIBUTED).upper()
    if mode not in {SINGLE, DISTRIBUTED}:
        raise ParameterError(f"fetch_mode: {fetch_mode!r} is not {SINGLE} or {DISTRIBUTED}.")
    if n_chunks is not None and n_chunks < 1:
        raise ParameterError(f"num_chunks_hint: expected 1 or more, got {n_chunks}.")
    source.check()
    key = dest or _free_key(engine, source)
    return engine.start_job(
        "Import SQL Table", _sql_job, source, key, mode, n_chunks, dest=key, dest_type="Key<Frame>"
    )


def _free_key(engine: Engine, source: SqlSource) -> str:
    word = re.sub(r"\W", "_", source.table or "")
    while True:
        key = f"{word}_{next(_numbers)}_sql_to_hex"
        if not engine.dkv.contains(key):
            return key


def _sql_job(
    ctx: JobContext, source: SqlSource, dest: str, mode: str, n_chunks: int | None
) -> None:
    frame = _frame_of(ctx, source, mode, n_chunks)
    _put(ctx.dkv, frame, dest)


def _put(dkv: DKV, frame: Frame, dest: str) -> None:
    dkv.put(dest, replace(frame, key=dest), kind="frame")


def _frame_of(ctx: JobContext, source: SqlSource, mode: str, n_chunks: int | None) -> Frame:
    slices = [Slice()] if mode == SINGLE else slices_of(source, _ROWS_OF_SLICE)
    if len(slices) == 1:
        pieces = list(_spooled_pieces(ctx, source))
    else:
        pieces = _read_slices(ctx, source, slices)
    names = pieces[0].names
    kinds = [_kind_of([piece.types[i] for piece in pieces]) for i in range(len(names))]
    for name, kind in zip(names, kinds, strict=True):
        if kind is None:
            ctx.warn(f"Column {name!r} has a type that no column holds; it is all NA.")
    wishes = [ColumnWish(n, k or NUMERIC) for n, k in zip(names, kinds, strict=True)]
    n_rows = sum(piece.n_rows for piece in pieces)
    groups = _grouped(pieces, n_chunks or _n_blocks(n_rows, len(names)))
    blocks = ctx.engine.submit_blocks(
        _ReadPieces(wishes),
        [([piece.ref for piece in group],) for group in groups],
        layout=[sum(piece.n_rows for piece in group) for group in groups],
        name="import-sql",
    )
    frame = Frame.of(list(names), blocks, [_VEC_TYPES[w.type] for w in wishes], [None] * len(names))
    ctx.engine.wait(frame)
    return frame


def _n_blocks(n_rows: int, n_columns: int) -> int:
    return max(1, len(layout_for(n_rows, n_rows * n_columns * _NBYTES_OF_CELL)))


def _grouped(pieces: Sequence[_Piece], n_blocks: int) -> list[list[_Piece]]:
    """Return runs of pieces, about `n_blocks` of them."""
    each = sum(piece.n_rows for piece in pieces) / n_blocks
    groups: list[list[_Piece]] = [[]]
    held = 0
    for piece in pieces:
        if groups[-1] and held >= each:
            groups.append([])
            held = 0
        groups[-1].append(piece)
        held += piece.n_rows
    return groups


def _spooled_pieces(ctx: JobContext, source: SqlSource) -> Iterator[_Piece]:
    """Read all rows through one cursor, a few megabytes at a time."""
    n_rows = 0
    for table in _merged(tables_of(source, Slice())):
        ctx.check()
        n_rows += table.num_rows
        ctx.update(0.5, f"{n_rows:,} rows read")
        yield _piece_of(table, spooled([table]))


def _read_slices(ctx: JobContext, source: SqlSource, slices: Sequence[Slice]) -> list[_Piece]:
    """Read slices side by side on the workers; their rows go to the spool from here."""
    engine = ctx.engine
    pieces: list[_Piece] = []
    at_once = 2 * max(1, len(engine.workers()))
    for first in range(0, len(slices), at_once):
        some = slices[first : first + at_once]
        tasks = engine.submit(
            _read_slice, [(source, part, uuid.uuid4().hex) for part in some], name="sql-slice"
        )
        for tables in engine.gather(tasks):
            pieces += [_piece_of(table, spooled([table])) for table in tables if table.num_rows]
        ctx.check()
        ctx.update(0.9 * min((first + at_once) / len(slices), 1.0), "reading")
    return pieces


def _read_slice(source: SqlSource, part: Slice, _nonce: str) -> list[Any]:
    return list(_merged(tables_of(source, part)))


def _merged(tables: Iterator[Any]) -> Iterator[Any]:
    """Give tables of some megabytes; only tables of the same types are put together."""
    import pyarrow as pa

    held: list[Any] = []
    for table in tables:
        full = sum(t.nbytes for t in held) >= MIN_BLOCK_NBYTES
        if held and (full or held[0].schema != table.schema):
            yield pa.concat_tables(held)
            held = []
        held.append(table)
    if held:
        yield pa.concat_tables(held)


def _piece_of(table: Any, ref: Any) -> _Piece:
    return _Piece(ref, tuple(table.column_names), tuple(table.schema.types), table.num_rows)


def _kind_of(types: Sequence[Any]) -> str | None:
    """Return the type of a column from those of its pieces; None where no column holds it."""
    import pyarrow.types as t

    some = [kind for kind in types if not t.is_null(kind)]
    if any(t.is_nested(kind) for kind in some):
        return None
    if not some or all(t.is_integer(kind) or t.is_floating(kind) for kind in some):
        return NUMERIC
    if all(is_time(kind) for kind in some):
        return TIME
    return UUID if all(is_id(kind) for kind in some) else STRING


class _ReadPieces:
    """The task that makes a block of spool files."""

    def __init__(self, wishes: Sequence[ColumnWish]) -> None:
        self.wishes = tuple(wishes)

    def __call__(self, refs: Sequence[Any]) -> Block:
        tables = [read_spooled(ref) for ref in refs]
        n_rows = sum(table.num_rows for table in tables)
        chunks = tuple(
            _column([table.column(i) for table in tables], wish)
            for i, wish in enumerate(self.wishes)
        )
        return Block(n_rows, chunks)


def _column(columns: Sequence[Any], wish: ColumnWish) -> Chunk:
    """Return a column whose pieces may have several types as that of the whole."""
    import pyarrow as pa
    import pyarrow.types as t

    target = {
        NUMERIC: pa.float64(),
        STRING: pa.large_string(),
        TIME: pa.timestamp("ms"),
        UUID: pa.binary(16),
    }[wish.type]
    if wish.type == NUMERIC and not any(t.is_floating(column.type) for column in columns):
        target = pa.int64()
    arrays = []
    for column in columns:
        if t.is_nested(column.type):
            arrays.append(pa.nulls(len(column), target))
        elif wish.type == STRING and not is_text(column.type):
            arrays += [_as_text(array) for array in column.chunks]
        else:
            arrays += column.cast(target).chunks
    made, _ = column_of(pa.chunked_array(arrays, target), wish)
    assert not isinstance(made, LocalCodes)
    return made


def _as_text(array: Any) -> Any:
    """Return the values of a piece that holds no text, in a column that elsewhere does."""
    import pyarrow as pa

    if not is_id(array.type):
        return array.cast(pa.large_string())
    ids = np.asarray(array)
    texts = [None if raw is None else str(uuid.UUID(bytes=raw)) for raw in ids.tolist()]
    return pa.array(texts, pa.large_string())
