"""Avro: parts are the blocks between sync marks; records are decoded by fastavro."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import IO, Any

from dh2o.errors import MissingExtraError, ParseError
from dh2o.parse.tables.files import Part

_SYNC_NBYTES = 16
_PLAIN = {
    "boolean": "int8",
    "int": "int32",
    "long": "int64",
    "float": "float",
    "double": "double",
    "string": "large_string",
    "bytes": "large_binary",
    "null": "null",
}
_LOGICAL = {
    "timestamp-millis": "timestamp[ms]",
    "timestamp-micros": "timestamp[us]",
    "local-timestamp-millis": "timestamp[ms]",
    "local-timestamp-micros": "timestamp[us]",
    "date": "date32",
    "uuid": "large_string",
}


def require_fastavro() -> Any:
    """Return ``fastavro``, or raise the error that says how to install it."""
    try:
        import fastavro
    except ImportError as error:
        raise MissingExtraError.of("fastavro", "avro", "Reading Avro files") from error
    return fastavro


class AvroFile:
    """An open Avro container."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        fastavro = require_fastavro()
        self._file = file
        self._name = name
        file.seek(0)
        try:
            opened = fastavro.reader(file)
            self._codec = opened.codec
            declared = opened.writer_schema
            is_record = isinstance(declared, dict) and declared["type"] == "record"
            fields = declared["fields"] if is_record else []
            self.domains = {f["name"]: _symbols(f["type"]) for f in fields}
            self.schema = _arrow_schema(fields)
        except Exception as error:
            raise OSError(f"its header is damaged ({_said(error)})") from error
        if not is_record:
            raise ParseError(f"{name} holds no records, so it is no table.")
        self._header_nbytes, self._offsets, self.parts = _blocks_of(file)

    def read(self, numbers: Sequence[int], names: Sequence[str], n_rows: int) -> Iterator[Any]:
        """Give tables of about `n_rows` rows."""
        import pyarrow as pa

        schema = pa.schema([self.schema.field(name) for name in names])
        records = self._records(numbers)
        while some := list(islice(records, n_rows)):
            columns = [_column(some, field) for field in schema]
            yield pa.Table.from_arrays(columns, schema=schema)

    def _records(self, numbers: Sequence[int]) -> Iterator[dict[str, Any]]:
        fastavro = require_fastavro()
        self._file.seek(0)
        header = self._file.read(self._header_nbytes)
        for number in numbers:
            start, nbytes = self._offsets[number]
            self._file.seek(start)
            block = io.BytesIO(header + self._file.read(nbytes))
            try:
                yield from fastavro.reader(block)
            except Exception as error:
                raise OSError(f"block {number + 1} is damaged ({_said(error)})") from error


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__


def _column(records: Sequence[dict[str, Any]], field: Any) -> Any:
    import pyarrow as pa

    values = [record[field.name] for record in records]
    if pa.types.is_dictionary(field.type):
        return pa.array(values, pa.large_string()).dictionary_encode().cast(field.type)
    if str(field.type) == "int8":
        values = [None if value is None else int(value) for value in values]
    elif str(field.type) == "large_string":
        values = [None if value is None else str(value) for value in values]
    return pa.array(values, field.type)


def _without_null(kind: Any) -> Any:
    """Return the type of a union with null, which says that the column has NA."""
    if not isinstance(kind, list):
        return kind
    others = [k for k in kind if k != "null"]
    return others[0] if len(others) == 1 and len(kind) <= 2 else ("null" if not others else kind)


def _symbols(kind: Any) -> tuple[str, ...] | None:
    kind = _without_null(kind)
    return tuple(kind["symbols"]) if isinstance(kind, dict) and kind["type"] == "enum" else None


def _arrow_schema(fields: Sequence[dict[str, Any]]) -> Any:
    """Return the columns as Arrow fields; types that are no column are structs, to be left out."""
    import pyarrow as pa

    return pa.schema([pa.field(f["name"], _arrow_type(f["type"])) for f in fields])


def _arrow_type(kind: Any) -> Any:
    import pyarrow as pa

    kind = _without_null(kind)
    if isinstance(kind, dict):
        if kind["type"] == "enum":
            return pa.dictionary(pa.int32(), pa.large_string())
        logical = kind.get("logicalType")
        if logical == "decimal":
            return pa.decimal128(min(int(kind["precision"]), 38), int(kind.get("scale", 0)))
        if logical in _LOGICAL:
            return pa.type_for_alias(_LOGICAL[logical])
        kind = kind["type"] if isinstance(kind["type"], str) else None
    if isinstance(kind, str) and kind in _PLAIN:
        return pa.type_for_alias(_PLAIN[kind])
    return pa.struct([])


def _blocks_of(file: IO[bytes]) -> tuple[int, list[tuple[int, int]], list[Part]]:
    """Return the header's length, and of each block its place and what it holds, undecoded."""
    file.seek(0, 2)
    end = file.tell()
    file.seek(4)
    while count := _long(file):
        if count < 0:
            count = -count
            _long(file)
        for _ in range(2 * count):
            file.seek(_long(file), 1)
    header_nbytes = file.seek(_SYNC_NBYTES, 1)
    offsets, parts = [], []
    start = header_nbytes
    while start < end:
        n_rows, nbytes = _long(file), _long(file)
        stop = file.tell() + nbytes + _SYNC_NBYTES
        if n_rows < 0 or nbytes < 0 or stop > end:
            raise OSError(f"the block at byte {start} is cut short")
        offsets.append((start, stop - start))
        parts.append(Part(n_rows, nbytes))
        start = file.seek(stop)
    return header_nbytes, offsets, parts


def _long(file: IO[bytes]) -> int:
    """Read one zigzag number of Avro."""
    value = shift = 0
    while True:
        byte = file.read(1)
        if not byte or shift > 63:
            raise OSError("it ends in the middle of a number")
        value |= (byte[0] & 127) << shift
        if byte[0] < 128:
            return (value >> 1) ^ -(value & 1)
        shift += 7
