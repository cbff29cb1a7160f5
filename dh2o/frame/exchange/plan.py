"""How an Arrow column becomes a frame column: decided for the whole of it, from mergeable scans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Literal

from dh2o.errors import FrameError
from dh2o.frame.exchange.arrow_types import empty_array, type_from_name
from dh2o.frame.vec import Source, VecType

Strings = Literal["string", "enum", "guess"]

BOOL_DOMAIN = ("False", "True")
MAX_GUESSED_LEVELS = 65_536
"""More different texts than this are no categories for anybody who did not ask for them."""

MAX_DISTINCT_SHARE = 0.95
"""H2O's rule: a column whose texts are nearly all different is text, not categories."""


@dataclass(frozen=True, slots=True)
class ColumnScan:
    """What one piece of a column tells about the whole: mergeable, in row order."""

    arrow: str
    n_rows: int
    n_na: int
    has_sub_ms: bool
    levels: tuple[str, ...] | None
    text_nbytes: int

    def combine(self, later: ColumnScan) -> ColumnScan:
        """Return the scan of this piece followed by a `later` one."""
        return ColumnScan(
            _wider(self.arrow, later.arrow),
            self.n_rows + later.n_rows,
            self.n_na + later.n_na,
            self.has_sub_ms or later.has_sub_ms,
            _merged_levels(self, later),
            self.text_nbytes + later.text_nbytes,
        )


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """What a column becomes: its type, its one domain, and the type to give back later."""

    name: str
    type: VecType
    domain: tuple[str, ...] | None
    source: Source
    has_sub_ms: bool = False


def scan_column(name: str, array: Any, strings: Strings = "string") -> ColumnScan:
    """Return what the array (a piece of column `name`) tells about the column."""
    import pyarrow as pa

    kind = array.type
    kind_of_column(name, kind)
    return ColumnScan(
        arrow=str(kind),
        n_rows=len(array),
        n_na=array.null_count,
        has_sub_ms=_has_sub_ms(array),
        levels=_levels_of(array, strings),
        text_nbytes=_text_nbytes(array, pa),
    )


def scan_pieces(name: str, column: Any, strings: Strings = "string") -> ColumnScan:
    """Return what a ChunkedArray (or Array) tells about the column."""
    import pyarrow as pa

    pieces = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    pieces = pieces or [empty_array(column.type)]
    return merge_scans([scan_column(name, piece, strings) for piece in pieces])


def merge_scans(scans: Sequence[ColumnScan]) -> ColumnScan:
    """Return the scan of the whole column from the scans of its pieces in row order."""
    return reduce(ColumnScan.combine, scans)


def plan_column(
    name: str, scan: ColumnScan, origin: Source | None = None, strings: Strings = "string"
) -> ColumnPlan:
    """Return what to make of column `name`, all of whose pieces are in `scan`.

    `origin` adds what the table's own library called the type.
    """
    kind = type_from_name(scan.arrow)
    vec_type = kind_of_column(name, kind)
    na_is_nan = scan.arrow in {"halffloat", "float", "double"} and scan.n_na == 0
    source = replace(origin or Source(), arrow=scan.arrow, na_is_nan=na_is_nan)
    if vec_type is VecType.STRING and _as_enum(scan, strings):
        domain = tuple(sorted(scan.levels or (), key=str.encode))
        return ColumnPlan(name, VecType.ENUM, domain, source)
    if vec_type is VecType.ENUM:
        domain = BOOL_DOMAIN if scan.arrow == "bool" else (scan.levels or ())
        return ColumnPlan(name, VecType.ENUM, domain, source)
    return ColumnPlan(name, vec_type, None, source, scan.has_sub_ms)


def kind_of_column(name: str, kind: Any) -> VecType:
    """Return the column type that holds an Arrow type without loss, or refuse."""
    import pyarrow.types as t

    if t.is_dictionary(kind):
        kind_of_column(name, kind.value_type)
        return VecType.ENUM
    if t.is_boolean(kind):
        return VecType.ENUM
    if t.is_timestamp(kind) or t.is_date(kind):
        return VecType.TIME
    if t.is_string(kind) or t.is_large_string(kind) or t.is_string_view(kind):
        return VecType.STRING
    if str(kind) in {"fixed_size_binary[16]", "extension<arrow.uuid>"}:
        return VecType.UUID
    if _is_number(kind):
        return VecType.NUMERIC
    raise FrameError(
        f"Column {name!r} has Arrow type {kind}, which has no column type here. "
        f"{_remedy(kind)} before making the frame."
    )


def _is_number(kind: Any) -> bool:
    import pyarrow.types as t

    tests = (t.is_integer, t.is_floating, t.is_decimal, t.is_duration, t.is_time, t.is_null)
    return any(test(kind) for test in tests)


def _remedy(kind: Any) -> str:
    import pyarrow.types as t

    if t.is_nested(kind):
        return "Flatten it into columns, or drop it,"
    return "Cast it to a string or a number, or drop it,"


def _wider(first: str, second: str) -> str:
    """Return the type of a column whose pieces have these types (null fits any)."""
    if first in {second, "null"}:
        return second
    if second == "null":
        return first
    import pyarrow as pa

    a, b = type_from_name(first), type_from_name(second)
    if pa.types.is_dictionary(a) and pa.types.is_dictionary(b) and a.value_type == b.value_type:
        index = max(a.index_type, b.index_type, key=lambda kind: kind.bit_width)
        return str(pa.dictionary(index, a.value_type, ordered=a.ordered and b.ordered))
    try:
        both = pa.unify_schemas(
            [pa.schema([("x", a)]), pa.schema([("x", b)])], promote_options="permissive"
        )
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise FrameError(f"Pieces of one column have types {first} and {second}.") from error
    return str(both.field(0).type)


def _levels_of(array: Any, strings: Strings) -> tuple[str, ...] | None:
    import pyarrow as pa

    if pa.types.is_dictionary(array.type):
        return _dictionary_texts(array.dictionary)
    if strings == "string" or not _is_text(array.type):
        return None
    texts = tuple(array.unique().drop_null().cast(pa.large_string()).to_pylist())
    return texts if strings == "enum" or len(texts) <= MAX_GUESSED_LEVELS else None


def _is_text(kind: Any) -> bool:
    import pyarrow.types as t

    return bool(t.is_string(kind) or t.is_large_string(kind) or t.is_string_view(kind))


def _dictionary_texts(values: Any) -> tuple[str, ...]:
    """Return the levels of a dictionary as text, each once; a null among them is no level."""
    return tuple(dict.fromkeys(text for text in texts_of(values).to_pylist() if text is not None))


def texts_of(values: Any) -> Any:
    """Return dictionary values as text that casts back to exactly the same values."""
    import pyarrow as pa

    if _is_text(values.type) or pa.types.is_null(values.type):
        return values.cast(pa.large_string())
    try:
        texts = values.cast(pa.large_string())
        same = texts.cast(values.type).equals(values)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        same = False
    if not same:
        raise FrameError(
            f"A dictionary of {values.type} cannot be kept as levels of text without loss. "
            "Cast its values to strings first."
        )
    return texts


def _merged_levels(first: ColumnScan, second: ColumnScan) -> tuple[str, ...] | None:
    """Return the levels of both in order of appearance; None where they were not counted."""
    if first.levels is None or second.levels is None:
        empty = first if first.levels is None else second
        other = second if first.levels is None else first
        return other.levels if empty.n_na == empty.n_rows else None  # all NA: no level to count
    if first.levels == second.levels:
        return first.levels
    return tuple(dict.fromkeys((*first.levels, *second.levels)))


def _as_enum(scan: ColumnScan, strings: Strings) -> bool:
    if strings == "string" or scan.levels is None:
        return False
    if strings == "enum" or len(scan.levels) == 1:
        return True
    most = min(MAX_GUESSED_LEVELS, MAX_DISTINCT_SHARE * (scan.n_rows - scan.n_na))
    return 0 < len(scan.levels) <= most


def _has_sub_ms(array: Any) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_timestamp(array.type) or array.type.unit in {"s", "ms"}:
        return False
    if array.null_count == len(array):
        return False
    floored = array.cast(pa.timestamp("ms", tz=array.type.tz), safe=False)
    return not pc.all(pc.equal(floored.cast(array.type), array)).as_py()


def _text_nbytes(array: Any, pa: Any) -> int:
    """Return about how many bytes the array would take as CSV text: what block sizes go by."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        n_levels = max(1, len(array.dictionary))
        return int(len(array) * (1 + array.dictionary.nbytes / n_levels))
    if _is_text(kind):
        return int(array.nbytes)
    per_row = {"bool": 6, "null": 1, "extension<arrow.uuid>": 37, "fixed_size_binary[16]": 37}
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return 20 * len(array)
    return per_row.get(str(kind), 8) * len(array)
