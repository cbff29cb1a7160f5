"""Queries: what is read of a database, and its rows as Arrow tables of a few kinds of columns."""

from __future__ import annotations

import datetime as dt
import decimal
import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from dh2o.errors import ParameterError, ParseError
from dh2o.parse.sql.address import address_of, require_sqlalchemy

#: Rows that are fetched at a time.
FETCH_ROWS = 20_000
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MS = dt.timedelta(milliseconds=1)
_NAME = re.compile(r"[A-Za-z_][\w$#]*(\.[A-Za-z_][\w$#]*){0,2}")

NOTHING, NUMBER, TEXT, MOMENT, ID, OTHER = "nothing", "number", "text", "moment", "id", "other"


@dataclass(frozen=True)
class SqlSource:
    """What is read: a table with some of its columns, or a query."""

    url: str
    table: str | None = None
    select: str | None = None
    columns: tuple[str, ...] = ()
    username: str = ""
    password: str = field(default="", repr=False)

    def check(self) -> None:
        """Raise ParameterError unless this names one table or one query."""
        if bool(self.table) == bool(self.select):
            raise ParameterError("Give either a table or a select_query.")
        if self.select and not re.match(r"\s*(select|with)\b", self.select, re.IGNORECASE):
            raise ParameterError(
                f"The select query must start with `SELECT`, but instead is: {self.select[:100]}"
            )
        if self.table and not _NAME.fullmatch(self.table):
            raise ParameterError(f"table: {self.table!r} is no name of a table.")
        address_of(self.url, self.username, self.password)

    @property
    def name(self) -> str:
        """A word for messages and keys."""
        return self.table or "query"


@dataclass(frozen=True)
class Slice:
    """Rows ``start .. start + n_rows`` in the order of the key columns; all rows without a key."""

    key: tuple[str, ...] = ()
    start: int = 0
    n_rows: int = 0


@contextmanager
def connected(source: SqlSource) -> Iterator[Any]:
    """Give a connection; what the database says of a failure is a ParseError without password."""
    sqlalchemy = require_sqlalchemy()
    url = address_of(source.url, source.username, source.password)
    options: dict[str, Any] = {"poolclass": sqlalchemy.pool.NullPool}
    if url.get_backend_name() == "sqlite":
        # SQLite would make a file that is not there.
        options["creator"] = _SqliteReader(url.database)
    engine = sqlalchemy.create_engine(url, **options)
    try:
        with engine.connect() as connection:
            yield connection
    except sqlalchemy.exc.SQLAlchemyError as error:
        said = str(getattr(error, "orig", None) or error).strip().splitlines()[0][:300]
        if source.password:
            said = said.replace(source.password, "***")
        raise ParseError(
            f"{source.name}: the database says: {said}. "
            "Check connection_url, username, password and the query."
        ) from None
    finally:
        engine.dispose()


class _SqliteReader:
    """Connects to an SQLite file for reading only."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __call__(self) -> Any:
        import sqlite3
        from urllib.parse import quote

        return sqlite3.connect(f"file:{quote(self.path)}?mode=ro", uri=True)


def statement_of(source: SqlSource, connection: Any, part: Slice | None = None) -> Any:
    """Return the statement that gives the rows of a source, or of a slice of it."""
    sqlalchemy = require_sqlalchemy()
    if source.select:
        return sqlalchemy.text(source.select.strip().rstrip(";"))
    table = _table_of(source, connection)
    wanted = [_column_of(table, name) for name in source.columns] or list(table.columns)
    query = sqlalchemy.select(*wanted)
    if part is not None and part.key:
        query = query.order_by(*(table.columns[name] for name in part.key))
        query = query.limit(part.n_rows).offset(part.start)
    return query


def _table_of(source: SqlSource, connection: Any) -> Any:
    sqlalchemy = require_sqlalchemy()
    schema, _, name = (source.table or "").rpartition(".")
    try:
        return sqlalchemy.Table(
            name, sqlalchemy.MetaData(), schema=schema or None, autoload_with=connection
        )
    except sqlalchemy.exc.NoSuchTableError:
        raise ParseError(f"The database has no table {source.table!r}. Check the name.") from None


def _column_of(table: Any, name: str) -> Any:
    if name in table.columns:
        return table.columns[name]
    alike = [c for c in table.columns if c.name.lower() == name.lower()]
    if alike:
        return alike[0]
    known = ", ".join(c.name for c in list(table.columns)[:20])
    raise ParameterError(f"columns: the table has no column {name!r}. It has: {known}.")


def slices_of(source: SqlSource, n_rows_each: int) -> list[Slice]:
    """Return the slices of a table that has a key, by which rows have an order; else one slice."""
    if source.select:
        return [Slice()]
    sqlalchemy = require_sqlalchemy()
    with connected(source) as connection:
        table = _table_of(source, connection)
        key = tuple(column.name for column in table.primary_key.columns)
        if not key:
            return [Slice()]
        count = sqlalchemy.select(sqlalchemy.func.count()).select_from(table)
        n_rows = int(connection.execute(count).scalar_one())
    starts = range(0, max(n_rows, 1), max(n_rows_each, 1))
    # The last slice has no end: rows that have come since the count are read, too.
    return [Slice(key, start, n_rows_each) for start in starts]


def tables_of(source: SqlSource, part: Slice) -> Iterator[Any]:
    """Give the rows of a slice as Arrow tables; one table at least, for the names."""
    import pyarrow as pa

    with connected(source) as connection:
        streaming = connection.execution_options(stream_results=True, max_row_buffer=FETCH_ROWS)
        result = streaming.execute(statement_of(source, connection, part))
        names = [str(name) for name in result.keys()]  # noqa: SIM118 - a result is no dict
        _check_names(names)
        n_tables = 0
        while rows := result.fetchmany(FETCH_ROWS):
            columns = [arrow_of([row[i] for row in rows]) for i in range(len(names))]
            yield pa.Table.from_arrays(columns, names=names)
            n_tables += 1
        if not n_tables:
            yield pa.table({name: pa.nulls(0) for name in names})


def _check_names(names: Sequence[str]) -> None:
    twice = next((name for name in names if list(names).count(name) > 1), None)
    if twice is not None:
        raise ParseError(f"Found duplicate column name {twice}. Name the query's columns apart.")


def kind_of(value: Any) -> str:
    """Return the kind of column that holds a value of a database."""
    if isinstance(value, bool | int | float | decimal.Decimal):
        return NUMBER
    if isinstance(value, str):
        return TEXT
    if isinstance(value, dt.date | dt.time):
        return MOMENT
    return ID if isinstance(value, uuid.UUID) else OTHER


def arrow_of(values: Sequence[Any]) -> Any:
    """Return values of one column as Arrow: numbers, texts, times or ids; null for other things."""
    import pyarrow as pa

    kinds = {kind_of(value) for value in values if value is not None}
    if not kinds or kinds == {OTHER}:
        field_type = pa.null() if not kinds else pa.struct([])
        return pa.nulls(len(values)) if not kinds else pa.array([None] * len(values), field_type)
    if kinds == {NUMBER}:
        return _numbers(values)
    if kinds == {MOMENT}:
        ms = [None if value is None else _ms_of(value) for value in values]
        return pa.array(ms, pa.timestamp("ms"))
    if kinds == {ID}:
        return pa.array([None if v is None else v.bytes for v in values], pa.binary(16))
    texts = [v if v is None or isinstance(v, str) else str(v) for v in values]
    return pa.array(texts, pa.large_string())


def _numbers(values: Sequence[Any]) -> Any:
    import pyarrow as pa

    if all(value is None or isinstance(value, int) for value in values):
        try:
            return pa.array([None if v is None else int(v) for v in values], pa.int64())
        except (pa.ArrowInvalid, OverflowError):
            pass
    return pa.array([None if v is None else float(v) for v in values], pa.float64())


def _ms_of(value: dt.date | dt.time) -> int:
    """Return milliseconds since 1970; times without a zone are UTC's, times of day of day one."""
    if isinstance(value, dt.time):
        value = dt.datetime.combine(_EPOCH.date(), value)
    elif not isinstance(value, dt.datetime):
        value = dt.datetime.combine(value, dt.time())
    if value.tzinfo is None:
        value = value.replace(tzinfo=dt.UTC)
    return (value - _EPOCH) // _MS
