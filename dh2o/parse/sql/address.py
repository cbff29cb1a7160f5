"""Addresses of databases: JDBC's and SQLAlchemy's, checked, as SQLAlchemy's."""

from __future__ import annotations

import importlib.util
import re
from typing import Any

from dh2o.errors import MissingExtraError, ParameterError

#: Parameters by which a driver reads files or runs code; H2O's list, and those of libpq.
FORBIDDEN = frozenset(
    [
        *("autodeserialize", "queryinterceptors", "allowloadlocalinfile", "allowmultiqueries"),
        *(
            "allowloadlocalinfileinpath",
            "allowurlinlocalinfile",
            "allowpublickeyretrieval",
            "statementinterceptors",
        ),
        *("socketfactory", "socketfactoryarg", "sslfactory", "sslfactoryarg"),
        *("loggerlevel", "loggerfile", "init", "script"),
        *("shutdown", "service", "servicefile", "passfile"),
        *("options", "local_infile", "read_default_file", "plugin_dir"),
        *("init_command", "enable_load_extension", "vfs"),
    ]
)
#: Drivers for a dialect, the preferred first: module, name in SQLAlchemy.
_DRIVERS = {
    "postgresql": (("psycopg", "psycopg"), ("psycopg2", "psycopg2"), ("pg8000", "pg8000")),
    "mysql": (("pymysql", "pymysql"), ("MySQLdb", "mysqldb")),
    "mariadb": (("pymysql", "pymysql"), ("mariadb", "mariadbconnector")),
    "mssql": (("pyodbc", "pyodbc"), ("pymssql", "pymssql")),
    "oracle": (("oracledb", "oracledb"),),
    "sqlite": (("sqlite3", "pysqlite"),),
}
_OTHER_NAMES = {"postgres": "postgresql", "sqlserver": "mssql"}
_PARAMETER = re.compile(r"([A-Za-z0-9_]+)\s*=")


def require_sqlalchemy() -> Any:
    """Return ``sqlalchemy``, or raise the error that says how to install it."""
    try:
        import sqlalchemy
    except ImportError as error:
        raise MissingExtraError.of("sqlalchemy", "sql", "Reading databases") from error
    return sqlalchemy


def address_of(url: str, username: str = "", password: str = "") -> Any:
    """Return the SQLAlchemy URL behind a JDBC URL or one of SQLAlchemy, with who asks.

    Raises
    ------
    ParameterError
        The URL cannot be read, names a database that is not known, or sets a parameter by which
        drivers read files or run code.
    """
    sqlalchemy = require_sqlalchemy()
    _refuse_parameters(url)
    try:
        made = sqlalchemy.engine.make_url(_plain(url))
    except (sqlalchemy.exc.ArgumentError, ValueError) as error:
        raise ParameterError(f"connection_url: {_shown(url)} is no database URL.") from error
    dialect = made.get_backend_name()
    if dialect not in _DRIVERS:
        known = ", ".join(sorted(_DRIVERS))
        raise ParameterError(f"connection_url: {dialect} is not one of {known}.")
    if "+" not in made.drivername:
        made = made.set(drivername=f"{dialect}+{_driver_of(dialect)}")
    if username:
        made = made.set(username=username, password=password or None)
    if dialect == "sqlite" and not made.database:
        raise ParameterError("connection_url: an SQLite URL names a file, as sqlite:///data.db.")
    return made


def _plain(url: str) -> str:
    """Return a JDBC URL in the form of all others."""
    bare = url.removeprefix("jdbc:")
    scheme, mark, rest = bare.partition(":")
    scheme = _OTHER_NAMES.get(scheme.lower(), scheme.lower() if url != bare else scheme)
    if scheme == "sqlite" and url != bare:
        return f"sqlite:///{rest}"
    if scheme == "mssql" and url != bare:
        return f"mssql:{_of_sql_server(rest)}"
    if scheme == "oracle" and url != bare:
        return f"oracle://{rest.rpartition('@')[2].removeprefix('//')}"
    # What JDBC's drivers are told after the question mark, Python's do not understand.
    return f"{scheme}{mark}{rest.partition('?')[0] if url != bare else rest}"


def _of_sql_server(rest: str) -> str:
    place, *settings = rest.split(";")
    pairs = (setting.partition("=") for setting in settings)
    named = {name.strip().lower(): value for name, _, value in pairs}
    return f"{place}/{named.get('databasename', named.get('database', ''))}"


def _refuse_parameters(url: str) -> None:
    used = {name.lower() for name in _PARAMETER.findall(re.split(r"[?;]", url, maxsplit=1)[-1])}
    bad = sorted(used & FORBIDDEN) if re.search(r"[?;]", url) else []
    if bad:
        raise ParameterError(
            f"connection_url: the parameter {bad[0]!r} is not allowed: with it a driver reads "
            "files or runs code. Leave it out."
        )


def _driver_of(dialect: str) -> str:
    for module, name in _DRIVERS[dialect]:
        if importlib.util.find_spec(module) is not None:
            return name
    module = _DRIVERS[dialect][0][0]
    extra = {"postgresql": "postgresql", "mysql": "mysql", "mariadb": "mysql"}.get(dialect)
    if extra is None:
        raise ParameterError(
            f"connection_url: reading {dialect} needs the package {module}. Install it with: "
            f"pip install {module}"
        )
    raise MissingExtraError.of(module, extra, f"Reading {dialect}")


def _shown(url: str) -> str:
    """Return a URL for messages, without a password in it."""
    return re.sub(r"//[^@/]*@", "//***@", url)[:200]
