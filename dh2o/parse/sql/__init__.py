"""SQL: tables and queries of databases through SQLAlchemy into frames."""

from dh2o.parse.sql.query import SqlSource
from dh2o.parse.sql.run import import_sql, start_sql_import

__all__ = ["SqlSource", "import_sql", "start_sql_import"]
