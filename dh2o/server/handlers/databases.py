"""Import of tables and queries of databases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dh2o.errors import ParameterError
from dh2o.parse.sql import SqlSource, start_sql_import
from dh2o.server.files import Files
from dh2o.server.schemas.parse import ImportSQLTableV99

from .jobs import job_schema

if TYPE_CHECKING:
    from dh2o.server.app import Call

__all__ = ["import_sql"]

_ALL = "*"


def import_sql(call: Call, args: ImportSQLTableV99) -> Any:
    """Start to read a table or a query; the answer is the job."""
    if not args.connection_url:
        raise ParameterError("connection_url: the URL of the database is needed.")
    Files(call.state.options).check_database(args.connection_url)
    columns = (args.columns or _ALL).strip()
    source = SqlSource(
        url=args.connection_url,
        table=args.table or None,
        select=args.select_query or None,
        columns=() if columns == _ALL else tuple(name.strip() for name in columns.split(",")),
        username=args.username or "",
        password=args.password or "",
    )
    job = start_sql_import(
        call.state.engine,
        source,
        fetch_mode=args.fetch_mode,
        n_chunks=int(args.num_chunks_hint) if args.num_chunks_hint else None,
    )
    return job_schema(job)
