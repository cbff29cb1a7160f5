"""Polars tables in and out, through Arrow, in exactly the dtypes they came with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dh2o.errors import FrameError, MissingExtraError
from dh2o.frame.vec import Source


def require_polars() -> Any:
    """Return Polars, or raise the error that says how to install it."""
    try:
        import polars as pl
    except ImportError as error:
        raise MissingExtraError.of("Polars", "polars", "Exchange with Polars") from error
    return pl


def table_of_polars(data: Any) -> tuple[Any, list[Source]]:
    """Return a DataFrame, LazyFrame or Series as Arrow, and what Polars called its types."""
    pl = require_polars()
    if isinstance(data, pl.LazyFrame):
        data = data.collect()
    if isinstance(data, pl.Series):
        data = data.to_frame(data.name or "C1")
    for name, dtype in data.schema.items():
        if dtype in (pl.Object, pl.Binary) or dtype.is_nested():
            raise FrameError(
                f"Column {name!r} has Polars dtype {dtype}, which no column holds. "
                "Convert it to numbers or text, or drop it."
            )
    sources = [Source(polars=_kept_name(dtype)) for dtype in data.dtypes]
    return data.to_arrow(compat_level=pl.CompatLevel.newest()), sources


def _kept_name(dtype: Any) -> str | None:
    """Return the name of a dtype that Arrow does not tell apart from others."""
    name = type(dtype).__name__ if not isinstance(dtype, type) else dtype.__name__
    return name if name in {"Enum", "Categorical"} else None


def polars_of_table(table: Any, sources: Sequence[Source | None]) -> Any:
    """Return an Arrow table as a DataFrame; enums become Categorical unless they were Enum."""
    pl = require_polars()
    series = []
    for i, (name, source) in enumerate(zip(table.column_names, sources, strict=True)):
        column = table.column(i)
        made = pl.from_arrow(column)
        made = (made if isinstance(made, pl.Series) else made.to_series()).alias(name)
        if source is not None and source.polars == "Enum" and _is_dictionary(column):
            levels = column.unify_dictionaries().chunk(0).dictionary if column.num_chunks else []
            made = made.cast(pl.String).cast(pl.Enum([str(level) for level in levels]))
        elif _is_dictionary(column):
            made = made.cast(pl.Categorical)
        series.append(made)
    return pl.DataFrame(series)


def _is_dictionary(column: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_dictionary(column.type))
