"""From formulas to numbers and blocks: the only module here that starts passes.

`reduce` folds formulas without storing them, `store` turns a table into a frame, `gather` brings
a small one into this process, `filter_rows` keeps the rows where a condition holds.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from dh2o.chunks import (
    Block,
    Chunk,
    encode_codes,
    encode_floats,
    encode_strings,
    encode_uuids,
)
from dh2o.chunks.many import floats_of_chunks, tiles_of, worth_batching
from dh2o.chunks.wide import encode_float_columns
from dh2o.errors import RapidsError
from dh2o.frame import Frame, Vec, VecType
from dh2o.frame.layout import layout_for, row_starts
from dh2o.mrtask import MRTask, current_engine
from dh2o.rapids.columns import Column, Expr, Local, Stored, Table
from dh2o.rapids.program import Program, Tiles, compile_exprs

if TYPE_CHECKING:
    from dh2o.mrtask import ColumnRef, Engine
    from dh2o.rapids.kernels import F64

__all__ = ["TileTask", "gather", "in_layout", "reduce", "store", "together"]

P = TypeVar("P")
R = TypeVar("R")

MAX_GATHERED_CELLS = 50_000_000  # 400 MB as float64
TEXT_NBYTES_A_CELL = 8  # to choose the layout of values that come from this process


@dataclass(frozen=True, slots=True)
class ColumnsOf:
    """Columns for a pass: what the carriers need to know of a frame."""

    names: tuple[str, ...]
    columns: tuple[ColumnRef, ...]
    layout: tuple[int, ...]

    @classmethod
    def of(cls, refs: Sequence[ColumnRef], layout: tuple[int, ...]) -> ColumnsOf:
        """Return the carrier's view of these columns, named by their position."""
        return cls(tuple(str(i) for i in range(len(refs))), tuple(refs), layout)


class BlockTiles:
    """The tiles of a block whose columns from `first` on are a program's sources."""

    __slots__ = ("_block", "_first", "_together", "n_rows")

    def __init__(self, block: Block, first: int = 0) -> None:
        self._together: dict[int, F64] | None = None
        self._block = block
        self._first = first
        self.n_rows = block.n_rows

    def read(self, source: int, kind: str, start: int, stop: int, out: F64) -> Any:
        """Return rows of a source: doubles in `out`, Arrow strings, or Arrow ids."""
        if kind == "number" and worth_batching(self._block.n_cols - self._first, self.n_rows):
            return self._short_numbers()[source][start:stop]
        chunk = self.chunk(source)
        if kind == "number":
            return chunk.floats(out, start, stop)
        if kind == "na":
            out[:] = chunk.na_mask(start, stop)
            return out
        if kind == "row":
            first = self._block.row_start
            out[:] = np.arange(first + start, first + stop)
            return out
        return chunk.strings(start, stop) if kind == "string" else chunk.uuids(start, stop)

    def _short_numbers(self) -> dict[int, F64]:
        """Return the values of each source of numbers, all decoded at the first call."""
        if self._together is None:
            chunks = self._block.chunks[self._first :]
            numbers = [i for i, chunk in enumerate(chunks) if chunk.kind in ("number", "code")]
            values = np.empty((len(numbers), self.n_rows))
            floats_of_chunks([chunks[i] for i in numbers], values)
            self._together = dict(zip(numbers, values, strict=True))
        return self._together

    def chunk(self, source: int) -> Chunk:
        """Return the chunk of a source."""
        return self._block.chunks[self._first + source]


class LocalTiles:
    """The tiles of values in this process."""

    __slots__ = ("_values", "n_rows")

    def __init__(self, values: Sequence[Any], n_rows: int) -> None:
        self._values = values
        self.n_rows = n_rows

    def read(self, source: int, kind: str, start: int, stop: int, out: F64) -> Any:  # noqa: ARG002
        """Return rows of a source, a view of it."""
        return self._values[source][start:stop]


@dataclass(frozen=True)
class TileTask(MRTask[P, R], Generic[P, R]):
    """A pass that folds the outputs of a program tile by tile."""

    program: Program

    def map(self, block: Block) -> P:
        """Fold one block."""
        return self.fold_tiles(BlockTiles(block))

    def fold_tiles(self, tiles: Tiles) -> P:
        """Fold the tiles of one block."""
        partial = self.begin()
        for _, _, values in self.program.tiles(tiles):
            partial = self.add(partial, values)
        return partial

    @abstractmethod
    def begin(self) -> P:
        """Return the partial result of no rows."""

    @abstractmethod
    def add(self, partial: P, values: list[Any]) -> P:
        """Return the partial result with one tile more."""


def reduce(table: Table, exprs: Sequence[Expr], make: Callable[[Program], TileTask[P, R]]) -> R:
    """Return the result of a pass over formulas; nothing is stored."""
    compiled = compile_exprs(exprs)
    task = make(compiled.program)
    tiles = local_tiles(compiled.sources, table)
    if tiles is not None:
        return task.finish(task.fold_tiles(tiles))
    refs = [source.ref for source in compiled.sources if isinstance(source, Stored)]
    return task.do_all(ColumnsOf.of(refs, table.layout or ()))


def local_tiles(sources: Sequence[Stored | Local], table: Table) -> LocalTiles | None:
    """Return the values in this process when no source lies in blocks."""
    if any(isinstance(source, Stored) for source in sources):
        return None
    values = [source.values for source in sources if isinstance(source, Local)]
    return LocalTiles(values, table.n_rows)


# ---- storing


def encode_column(type_: VecType, values: Any) -> Chunk:
    """Return the chunk of a column's values: float64 (codes too), Arrow strings, Arrow ids."""
    if type_ is VecType.STRING:
        return encode_strings(values)
    if type_ is VecType.UUID:
        return encode_uuids(values)
    if type_ is VecType.ENUM:
        return encode_codes(np.where(np.isnan(values), -1, values).astype(np.int32))
    return encode_floats(values)


def run_program(program: Program, tiles: Tiles) -> list[Any]:
    """Return the outputs of a program over all rows: float64 arrays or Arrow arrays."""
    parts: list[list[Any]] = [[] for _ in program.outputs]
    whole: list[Any] = [None] * len(program.outputs)
    for start, stop, values in program.tiles(tiles):
        for i, value in enumerate(values):
            if isinstance(value, np.ndarray):
                if whole[i] is None:
                    whole[i] = np.empty(tiles.n_rows)
                whole[i][start:stop] = value
            else:
                parts[i].append(value)
    return [_joined(whole[i], parts[i]) for i in range(len(program.outputs))]


def _joined(whole: Any, parts: list[Any]) -> Any:
    if whole is not None or not parts:
        return np.empty(0) if whole is None else whole
    if len(parts) == 1:
        return parts[0]
    import pyarrow as pa

    return pa.concat_arrays(parts)


def _compute_block(block: Block, program: Program, types: tuple[VecType, ...]) -> Block:
    values = run_program(program, BlockTiles(block))
    return Block(block.n_rows, tuple(encode_columns(types, values, block.n_rows)))


def encode_columns(types: Sequence[VecType], values: Sequence[Any], n_rows: int) -> list[Chunk]:
    """Return the chunks of columns of `n_rows` rows; many short ones of numbers are made together.

    A column's values are what `encode_column` takes.
    """
    numbers = [i for i, type_ in enumerate(types) if type_ in (VecType.NUMERIC, VecType.TIME)]
    if not worth_batching(len(numbers), n_rows):
        return [encode_or_empty(t, v, n_rows) for t, v in zip(types, values, strict=True)]
    made: dict[int, Chunk] = {}
    for some in tiles_of(len(numbers), n_rows):
        places = numbers[some]
        matrix = np.stack([values[i] for i in places])
        made.update(zip(places, encode_float_columns(matrix), strict=True))
    return [made.get(i) or encode_or_empty(types[i], values[i], n_rows) for i in range(len(types))]


def encode_or_empty(type_: VecType, values: Any, n_rows: int) -> Chunk:
    if n_rows == 0 and type_ in (VecType.STRING, VecType.UUID):
        from dh2o.chunks import all_na

        return all_na(0, "string" if type_ is VecType.STRING else "uuid")
    return encode_column(type_, values)


def _given_block(n_rows: int, types: tuple[VecType, ...], values: list[Any]) -> Block:
    return Block(n_rows, tuple(encode_columns(types, values, n_rows)))


def store(table: Table, engine: Engine | None = None) -> Table:
    """Return the table as a stored frame; columns that are stored already are shared."""
    if table.frame is not None:
        return table
    engine = engine or current_engine()
    if table.layout is None:
        return store_local(table, engine)
    fresh = [i for i, column in enumerate(table.columns) if column.vec is None]
    vecs = [column.vec for column in table.columns]
    if fresh:
        columns = [table.columns[i] for i in fresh]
        compiled = compile_exprs([column.expr for column in columns])
        types = tuple(column.type for column in columns)
        source = carrier_of(compiled.sources, table)
        blocks = engine.map_blocks(
            _compute_block, [source], compiled.program, types, layout=table.layout
        )
        for j, i in enumerate(fresh):
            vecs[i] = Vec(types[j], (blocks, j), columns[j].domain)
    frame = Frame(table.names, tuple(vec for vec in vecs if vec is not None), table.layout)
    return replace(Table.of(frame), key=table.key)


def carrier_of(sources: Sequence[Stored | Local], table: Table) -> Any:
    refs = [source.ref for source in sources if isinstance(source, Stored)]
    if not refs:
        refs = [any_stored_ref(table)]
    return ColumnsOf.of(refs, table.layout or ())


def any_stored_ref(table: Table) -> ColumnRef:
    """Return some stored column of the table: what a constant column takes its rows from."""
    for column in table.columns:
        if column.vec is not None:
            return column.vec.ref
        compiled = compile_exprs([column.expr])
        for source in compiled.sources:
            if isinstance(source, Stored):
                return source.ref
    return row_blocks(table)


def row_blocks(table: Table) -> ColumnRef:
    """Return a stored column of zeros with the table's layout."""
    layout = table.layout or ()
    engine = current_engine()
    zero = (VecType.NUMERIC,)
    blocks = engine.submit_blocks(
        _given_block, [(n, zero, [np.zeros(n)]) for n in layout], layout=layout
    )
    return (blocks, 0)


def store_local(table: Table, engine: Engine, layout: tuple[int, ...] | None = None) -> Table:
    """Return values of this process as a stored frame, in a layout or what its size asks for."""
    held = gather(table)
    types = tuple(column.type for column in held.columns)
    if layout is None:
        n_bytes = held.n_rows * held.n_cols * TEXT_NBYTES_A_CELL
        layout = layout_for(held.n_rows, n_bytes, held.n_cols)
    cuts = row_starts(layout)
    values = [values_of(c) for c in held.columns]
    args = [
        (n_rows, types, [v[start : start + n_rows] for v in values])
        for n_rows, start in zip(layout, cuts, strict=False)
    ]
    if engine.scheduler_here is not None:
        made = engine.here().threads.map(lambda one: _given_block(*one), args)
        blocks = engine.keep_blocks(made)
    else:
        blocks = engine.submit_blocks(_given_block, args, layout=layout)
    vecs = tuple(
        Vec(column.type, (blocks, i), column.domain) for i, column in enumerate(held.columns)
    )
    return replace(Table.of(Frame(held.names, vecs, tuple(layout))), key=table.key)


def values_of(column: Column) -> Any:
    if not isinstance(column.expr, Local):
        raise RapidsError("A column was expected in this process.")
    return column.expr.values


# ---- gathering


def _values_of_block(block: Block, program: Program) -> list[Any]:
    return run_program(program, BlockTiles(block))


def gather(table: Table, what: str = "This operation") -> Table:
    """Return the table with all values in this process; `what` names who cannot do without."""
    exprs = [column.expr for column in table.columns]
    if table.is_local and all(isinstance(expr, Local) for expr in exprs):
        return table
    n_cells = table.n_rows * max(1, table.n_cols)
    if n_cells > MAX_GATHERED_CELLS:
        raise RapidsError(
            f"{what} works in one process and takes at most {MAX_GATHERED_CELLS} cells; "
            f"the frame has {table.n_rows} rows x {table.n_cols} columns = {n_cells}. "
            "Select fewer rows or columns first."
        )
    compiled = compile_exprs(exprs)
    tiles = local_tiles(compiled.sources, table)
    if tiles is not None:
        parts = [run_program(compiled.program, tiles)]
    else:
        source = carrier_of(compiled.sources, table)
        parts = current_engine().collect(source, _Gather(compiled.program))
    return local_like(table, parts)


@dataclass(frozen=True, slots=True)
class _Gather:
    program: Program

    def __call__(self, block: Block) -> list[Any]:
        return _values_of_block(block, self.program)


def local_like(table: Table, parts: list[list[Any]]) -> Table:
    columns = []
    for i, column in enumerate(table.columns):
        pieces = [part[i] for part in parts if len(part[i])]
        values = _concat(pieces, column.type)
        columns.append(Column(column.type, Local(values), column.domain))
    return Table(table.names, tuple(columns), table.n_rows, None, table.key)


def _concat(pieces: list[Any], type_: VecType) -> Any:
    if type_ in (VecType.STRING, VecType.UUID):
        import pyarrow as pa

        kind = pa.large_string() if type_ is VecType.STRING else pa.binary(16)
        return pa.concat_arrays(pieces) if pieces else pa.array([], type=kind)
    if len(pieces) == 1:
        return pieces[0]
    return np.concatenate(pieces) if pieces else np.empty(0)


# ---- one layout for several tables


def together(tables: Sequence[Table]) -> list[Table]:
    """Return tables of equal row counts in one layout, so that formulas can mix them."""
    layouts = {table.layout for table in tables}
    if len(layouts) <= 1:
        return list(tables)
    target = next(table.layout for table in tables if table.layout is not None)
    return [in_layout(table, target) for table in tables]


def in_layout(table: Table, layout: tuple[int, ...]) -> Table:
    """Return the table with its rows in blocks of these sizes."""
    if table.layout == layout:
        return table
    if table.layout is None:
        return store_local(table, current_engine(), layout)
    if not _reads_blocks(table):
        return replace(table, layout=layout, frame=None)
    stored = store(table)
    if stored.frame is None:  # pragma: no cover - store always sets it
        raise AssertionError
    return Table.of(stored.frame.rebalance(layout))


def _reads_blocks(table: Table) -> bool:
    compiled = compile_exprs([column.expr for column in table.columns])
    return bool(compiled.sources)
