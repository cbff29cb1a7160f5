"""Arrow columns to the columns of a block, by the types and NA strings of the setup.

Texts go through the same readers as the cells of a CSV file: one meaning to every text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dh2o.chunks import NA_INT, Chunk, all_na, encode_floats, encode_ints, encode_strings
from dh2o.chunks import encode_uuids as encode_ids
from dh2o.frame.exchange.encode import one_array
from dh2o.parse.bad_cells import BadCells
from dh2o.parse.columns import ColumnReader, LocalCodes, reader_for
from dh2o.parse.setup import ENUM, NUMERIC, STRING, TIME, UUID
from dh2o.parse.tokenise import CellArray, Dialect, U8Array, decode_lenient, dialect_of

_TILE_ROWS = 1 << 15
_NO_QUOTE = 256
_BOOL_LEVELS = ("False", "True")
MS_PER_DAY = 86_400_000


@dataclass(frozen=True)
class ColumnWish:
    """What one column is to become; `is_declared` says that the file lists its levels."""

    name: str
    type: str
    na_words: tuple[str, ...] = ()
    timezone: str = "UTC"
    to_local: bool = False
    is_declared: bool = False


def text_dialect() -> Dialect:
    """Return the dialect of texts that stand alone: nothing in them is special."""
    return dialect_of(10, _NO_QUOTE, 0, b"")


def column_of(column: Any, wish: ColumnWish) -> tuple[Chunk | LocalCodes, BadCells]:
    """Return an Arrow column (a ChunkedArray) as what the setup wishes, and its bad cells."""
    import pyarrow as pa
    import pyarrow.types as t

    kind = column.type
    if t.is_null(kind):
        return _nothing(len(column), wish.type), BadCells()
    if t.is_dictionary(kind):
        if wish.type == ENUM:
            return _codes_of_dictionary(column, wish), BadCells()
        column = column.cast(kind.value_type)
        kind = column.type
    if t.is_boolean(kind):
        return _of_bools(column, wish), BadCells()
    if is_id(kind):
        return _of_ids(column, wish), BadCells()
    if is_text(kind):
        return _of_texts(valid_text(column), wish)
    if wish.type in {NUMERIC, TIME}:
        chunk = _of_times(column, wish) if is_time(kind) else _of_numbers(column, wish)
        return chunk, BadCells()
    return _of_texts(column.cast(pa.large_string()), wish)


def is_text(kind: Any) -> bool:
    """Say whether an Arrow type holds texts, or bytes that may be texts."""
    import pyarrow.types as t

    tests = (t.is_string, t.is_large_string, t.is_string_view, t.is_binary, t.is_large_binary)
    return any(test(kind) for test in tests)


def is_time(kind: Any) -> bool:
    """Say whether an Arrow type holds points in time."""
    import pyarrow.types as t

    return bool(t.is_timestamp(kind) or t.is_date(kind))


def is_id(kind: Any) -> bool:
    """Say whether an Arrow type holds 128-bit ids."""
    return str(kind) in {"fixed_size_binary[16]", "extension<arrow.uuid>"}


def _nothing(n_rows: int, kind: str) -> Chunk | LocalCodes:
    if kind == ENUM:
        return LocalCodes(np.zeros(n_rows, np.uint8), _levels([]))
    if kind == STRING:
        return encode_strings([None] * n_rows)
    return all_na(n_rows, "uuid") if kind == UUID else all_na(n_rows)


# ---- categoricals


def _codes_of_dictionary(column: Any, wish: ColumnWish) -> LocalCodes:
    """Return the codes of a dictionary: all its levels, in its order."""
    whole = one_array(column)
    texts = _texts_of_levels(whole.dictionary)
    indices = whole.indices
    if indices.null_count:
        indices = indices.fill_null(-1)
    at = indices.to_numpy(zero_copy_only=False)
    words = {word.strip() for word in wish.na_words}
    meant = texts  # levels that the file lists are taken at their word, other texts without spaces
    if words and not wish.is_declared:
        meant = [text and text.strip() for text in texts]
    if len({*texts, None}) == len(texts) + 1 and words.isdisjoint(meant):  # all of them are levels
        narrow = _code_type(len(texts))
        return LocalCodes(
            at.astype(narrow) + narrow(1), _levels(texts), is_declared=wish.is_declared
        )
    known: dict[str, int] = {}
    places = np.zeros(len(texts) + 1, _code_type(len(texts)))  # the last one, at -1, is that of NA
    for i, text in enumerate(texts):
        if text is not None and meant[i] not in words:
            places[i] = known.setdefault(text, len(known)) + 1
    return LocalCodes(places[at], _levels(list(known)), is_declared=wish.is_declared)


def _texts_of_levels(levels: Any) -> list[Any]:
    import pyarrow as pa

    if is_text(levels.type):
        texts: list[Any] = valid_text(pa.chunked_array([levels])).to_pylist()
        return texts
    return [None if value is None else _level(value) for value in levels.to_pylist()]


def _levels(texts: Sequence[str]) -> Any:
    import pyarrow as pa

    return pa.array(texts, pa.large_string())


def _level(value: Any) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def _code_type(n_levels: int) -> Any:
    return next(t for t in (np.uint8, np.uint16, np.uint32) if n_levels <= np.iinfo(t).max)


def _of_bools(column: Any, wish: ColumnWish) -> Chunk | LocalCodes:
    import pyarrow as pa

    ints = one_array(column).cast(pa.int64())
    na = np.asarray(ints.is_null())
    values = ints.fill_null(0).to_numpy(zero_copy_only=False)
    if wish.type == ENUM:
        present = [value for value in (0, 1) if ((values == value) & ~na).any()]
        codes = np.searchsorted(present, values) + 1
        levels = _levels([_BOOL_LEVELS[value] for value in present])
        return LocalCodes(np.where(na, 0, codes).astype(np.uint8), levels)
    if wish.type == STRING:
        words = np.array(_BOOL_LEVELS, object)[values]
        return encode_strings(pa.array(words, pa.large_string(), mask=na))
    return encode_ints(values, na)


# ---- numbers and times


def _of_numbers(column: Any, wish: ColumnWish) -> Chunk:
    import pyarrow as pa
    import pyarrow.types as t

    kind = column.type
    if t.is_time32(kind):
        column = column.cast(pa.int32())
    elif t.is_time64(kind) or t.is_duration(kind):
        column = column.cast(pa.int64())
    if t.is_integer(column.type) and str(column.type) != "uint64":
        ints = column.cast(pa.int64())
        values = _flat(ints.fill_null(NA_INT))
        if _words_of_numbers(wish):
            values = np.where(np.isin(values, _words_of_numbers(wish)), NA_INT, values)
        return encode_ints(values)
    floats = _flat(column.cast(pa.float64(), safe=False).fill_null(np.nan))
    if _words_of_numbers(wish):
        floats = np.where(np.isin(floats, _words_of_numbers(wish)), np.nan, floats)
    return encode_floats(floats)


def _words_of_numbers(wish: ColumnWish) -> list[float]:
    found = []
    for word in wish.na_words:
        try:
            found.append(float(word))
        except ValueError:
            continue
    return found


def _of_times(column: Any, wish: ColumnWish) -> Chunk:
    """Return milliseconds since 1970 in UTC; what is below them is cut."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as t

    kind = column.type
    if t.is_date32(kind):
        days = column.cast(pa.int32()).cast(pa.int64()).fill_null(NA_INT)
        ms = _flat(days)
        return encode_ints(np.where(ms == NA_INT, NA_INT, ms * MS_PER_DAY))
    unit = "ms" if t.is_date64(kind) else kind.unit
    ticks = _flat(column.cast(pa.int64()).fill_null(NA_INT))
    scale, per_ms = {"s": (1000, 1), "ms": (1, 1), "us": (1, 1000), "ns": (1, 1_000_000)}[unit]
    ms = np.where(ticks == NA_INT, NA_INT, ticks * scale // per_ms)
    if wish.to_local and t.is_timestamp(kind):
        utc = pa.array(ms, pa.timestamp("ms", tz=wish.timezone), mask=ms == NA_INT)
        ms = pc.local_timestamp(utc).cast(pa.int64()).fill_null(NA_INT).to_numpy()
    return encode_ints(ms)


def _flat(column: Any) -> Any:
    return column.to_numpy()


# ---- texts and ids


def valid_text(column: Any) -> Any:
    """Return texts or bytes as large_string; what is no UTF-8 is shown as hex."""
    import pyarrow as pa

    try:
        texts = column.cast(pa.large_string())
        texts.validate(full=True)  # what a file calls text need not be
    except pa.ArrowInvalid:
        raw = column.cast(pa.large_binary()).to_pylist()
        known = [None if text is None else decode_lenient(text) for text in raw]
        return pa.chunked_array([pa.array(known, pa.large_string())])
    return texts


def _of_texts(column: Any, wish: ColumnWish) -> tuple[Chunk | LocalCodes, BadCells]:
    if wish.type == ENUM:
        return _levels_of_texts(column, wish), BadCells()
    if wish.type == STRING:
        return encode_strings(_without_words(column, wish)), BadCells()
    reader = reader_for(wish.type, wish.name, wish.na_words, text_dialect(), wish.timezone)
    at = 0
    for array in column.chunks:
        read_texts_into(reader, array, at, empty_is_na=True)
        at += len(array)
    return reader.finish(at), reader.bad


def _levels_of_texts(column: Any, wish: ColumnWish) -> LocalCodes:
    import pyarrow as pa

    coded = one_array(_without_words(column, wish).dictionary_encode())
    codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64) + 1
    levels = coded.dictionary.cast(pa.large_string())
    return LocalCodes(codes.astype(_code_type(len(levels))), levels)


def _without_words(column: Any, wish: ColumnWish) -> Any:
    """Return the texts with null where the trimmed text is one of the NA words."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not wish.na_words:
        return column
    words = pa.array([word.strip() for word in wish.na_words], column.type)
    is_word = pc.is_in(pc.utf8_trim_whitespace(column), value_set=words)
    return pc.if_else(is_word, pa.scalar(None, column.type), column)


def read_texts_into(reader: ColumnReader, array: Any, at: int, *, empty_is_na: bool) -> None:
    """Give a large_string array to a column reader as the cells of rows `at` onwards."""
    for start in range(0, len(array), _TILE_ROWS):
        buf, cells = cells_of_texts(array.slice(start, _TILE_ROWS), empty_is_na=empty_is_na)
        reader.read(buf, cells, len(cells), 0, at + start)


def cells_of_texts(array: Any, *, empty_is_na: bool) -> tuple[U8Array, CellArray]:
    """Return a large_string array as a buffer and the place of each text in it, as cells."""
    n_rows = len(array)
    _, bounds, data = array.buffers()
    own = np.frombuffer(bounds, np.int64)[array.offset : array.offset + n_rows + 1]
    first, last = int(own[0]), int(own[-1])
    buf = np.frombuffer(data, np.uint8)[first:last].copy() if data else np.empty(0, np.uint8)
    cells = np.empty((n_rows, 1, 2), np.int32)
    cells[:, 0, 0] = own[:-1] - first
    cells[:, 0, 1] = own[1:] - first
    if array.null_count:
        cells[np.asarray(array.is_null()), 0] = 0
    if not empty_is_na:  # a cell that must be unescaped is never NA, also when it is empty
        empty = (cells[:, 0, 0] == cells[:, 0, 1]) & np.asarray(array.is_valid())
        cells[empty, 0, 1] = -cells[empty, 0, 0] - 1
    if not len(buf):
        buf = np.zeros(1, np.uint8)
    return buf, cells


def _of_ids(column: Any, wish: ColumnWish) -> Chunk | LocalCodes:
    import pyarrow as pa

    arrays = [getattr(array, "storage", array) for array in column.chunks]
    ids = one_array(pa.chunked_array(arrays, pa.binary(16)))
    if wish.type == UUID:
        return encode_ids(ids)
    import uuid

    texts = [None if raw is None else str(uuid.UUID(bytes=raw)) for raw in ids.to_pylist()]
    made, _ = _of_texts(pa.chunked_array([pa.array(texts, pa.large_string())]), wish)
    return made
