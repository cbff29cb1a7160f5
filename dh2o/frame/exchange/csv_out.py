"""Frames as CSV text in the form of H2O's downloads, block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dh2o.chunks import NA_INT, Block, Chunk
from dh2o.frame.exchange.decode import uuid_texts
from dh2o.frame.exchange.packing import packed
from dh2o.frame.frame import Frame
from dh2o.frame.physical import engine_for
from dh2o.frame.vec import VecType

BLOCKS_AT_ONCE = 4
"""How many blocks are turned into text side by side: enough to be quick, few enough to be small."""

MAX_PLAIN_NUMBER = 1e10
"""Below this Arrow prints whole doubles as digits only, above perhaps with an exponent."""


@dataclass(frozen=True, slots=True)
class CsvOptions:
    """How the text looks. H2O's downloads: comma, header and texts in double quotes, NA empty.

    With a `packing` each piece is a member of a packed file.
    """

    separator: str = ","
    header: bool = True
    quote_header: bool = True
    escape: str = '"'
    hex_floats: bool = False
    packing: str | None = None


@dataclass(frozen=True, slots=True)
class _CsvColumn:
    type: VecType
    is_int: bool
    levels: tuple[str, ...] | None


def csv_stream(frame: Frame, **options: Any) -> Iterator[bytes]:
    """Yield the frame as CSV text; a few blocks are in this process at a time."""
    how = CsvOptions(**options)
    if how.header:
        yield packed(header_line(frame.names, how), how.packing)
    rollups = frame.rollups()
    columns = [
        _CsvColumn(vec.type, rolled.is_int, _quoted_levels(vec.domain, how))
        for vec, rolled in zip(frame.vecs, rollups, strict=True)
    ]
    to_text = _BlockToText(columns, how)
    engine = engine_for(frame)
    filled = [i for i, n_rows in enumerate(frame.layout) if n_rows]
    if not filled and not how.header:
        yield packed(b"", how.packing)
    for first in range(0, len(filled) if frame.n_cols else 0, BLOCKS_AT_ONCE):
        yield from engine.collect(frame, to_text, indices=filled[first : first + BLOCKS_AT_ONCE])


def header_line(names: Sequence[str], how: CsvOptions) -> bytes:
    """Return the line of column names."""
    cells = [_quoted(name, how) if how.quote_header else name for name in names]
    return (how.separator.join(cells) + "\n").encode()


def _quoted(text: str, how: CsvOptions) -> str:
    if how.escape != '"':
        text = text.replace(how.escape, how.escape * 2)
    return '"' + text.replace('"', how.escape + '"') + '"'


def _quoted_levels(domain: Sequence[str] | None, how: CsvOptions) -> tuple[str, ...] | None:
    return None if domain is None else tuple(_quoted(level, how) for level in domain)


class _BlockToText:
    """Gives the CSV text of a block."""

    def __init__(self, columns: Sequence[_CsvColumn], how: CsvOptions) -> None:
        self.columns = list(columns)
        self.how = how

    def __call__(self, block: Block) -> bytes:
        if not block.n_rows:
            return b""
        cells = [
            _texts(chunk, column, self.how).fill_null("")
            for chunk, column in zip(block.chunks, self.columns, strict=True)
        ]
        return packed(lines_of(cells, self.how.separator), self.how.packing)


def lines_of(cells: Sequence[Any], separator: str) -> bytes:
    """Return the lines of large_string columns without nulls."""
    import pyarrow as pa
    import pyarrow.compute as pc

    nothing, end, between = (pa.scalar(t, pa.large_string()) for t in ("", "\n", separator))
    last = pc.binary_join_element_wise(cells[-1], nothing, end)
    lines = pc.binary_join_element_wise(*cells[:-1], last, between)
    _, bounds, data = lines.buffers()
    if data is None:
        return b""
    first, stop = np.frombuffer(bounds, np.int64)[[lines.offset, lines.offset + len(lines)]]
    return memoryview(data)[first:stop].tobytes()


def _texts(chunk: Chunk, column: _CsvColumn, how: CsvOptions) -> Any:
    """Return a column as large_string cells, null for NA."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pa.large_string()
    if column.type is VecType.STRING:
        cells = chunk.strings()
        if how.escape != '"':
            cells = pc.replace_substring(cells, how.escape, how.escape * 2)
        cells = pc.replace_substring(cells, '"', how.escape + '"')
        quote = pa.scalar('"', text)
        return pc.binary_join_element_wise(quote, cells, quote, pa.scalar("", text))
    if column.type is VecType.UUID:
        return pa.array(uuid_texts(chunk.uuids()), text)
    if column.type is VecType.ENUM:
        codes = chunk.codes()
        return pa.array(column.levels or (), text).take(pa.array(codes, mask=codes < 0))
    if chunk.is_integer:
        ints = chunk.ints()
        cells = pa.array(ints, mask=ints == NA_INT).cast(text)
        return cells if column.is_int else _with_point(cells)
    return _float_texts(chunk.floats(), how)


def _with_point(cells: Any) -> Any:
    """Return integers of a real column as H2O prints them: 5.0."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pa.large_string()
    return pc.binary_join_element_wise(cells, pa.scalar(".0", text), pa.scalar("", text))


def _float_texts(values: Any, how: CsvOptions) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    na = np.isnan(values)
    if how.hex_floats:
        cells = [None if hidden else v.hex() for v, hidden in zip(values.tolist(), na, strict=True)]
        return pa.array(cells, pa.large_string())
    cells = pa.array(values, mask=na).cast(pa.large_string())
    whole = (np.trunc(values) == values) & (np.abs(values) < MAX_PLAIN_NUMBER)
    if whole.any():  # Arrow prints them without a point
        cells = pc.replace_with_mask(cells, pa.array(whole), _with_point(cells.filter(whole)))
    if np.isinf(values).any():
        cells = pc.if_else(
            pa.array(values == np.inf), pa.scalar("Infinity", pa.large_string()), cells
        )
        cells = pc.if_else(
            pa.array(values == -np.inf), pa.scalar("-Infinity", pa.large_string()), cells
        )
    return cells
