"""Tables and queries of databases: SQLite, and a real PostgreSQL where Debian's package is."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dh2o.errors import ParameterError, ParseError
from dh2o.mrtask import Engine
from dh2o.parse.sql import SqlSource, import_sql, query, start_sql_import
from dh2o.parse.sql import run as sql_run
from dh2o.parse.sql.address import address_of

pytest.importorskip("sqlalchemy")

N_ROWS = 500


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("sql") / "data.db"
    with sqlite3.connect(path) as db:
        db.execute("create table t (id integer primary key, x real, s text, d timestamp, m)")
        rows = (
            (i, None if i == 3 else i / 4, f"s{i % 7}", f"2020-01-{i % 28 + 1:02d} 10:11:12", m)
            for i in range(N_ROWS)
            for m in [i if i % 2 else f"m{i}"]
        )
        db.executemany("insert into t values (?, ?, ?, ?, ?)", rows)
        db.execute("create table loose (a integer, b blob)")
        db.execute("insert into loose values (9007199254740993, x'00ff'), (null, null)")
        db.execute("create table hollow (a integer primary key, b text)")
    return f"sqlite:///{path}"


@pytest.fixture
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_run, "_ROWS_OF_SLICE", 90)
    monkeypatch.setattr(query, "FETCH_ROWS", 40)


def columns_of(frame: Any) -> dict[str, list[Any]]:
    return frame.to_arrow().to_pydict()


@pytest.mark.parametrize("mode", ["SINGLE", "DISTRIBUTED"])
def test_a_table_on_any_cluster(any_engine: Engine, sqlite: str, mode: str, few_rows: None) -> None:
    frame = import_sql(any_engine, SqlSource(sqlite, "t"), f"{mode}.hex", mode)
    got = columns_of(frame)
    assert got["id"] == list(range(N_ROWS))
    assert got["x"][:5] == [0, 0.25, 0.5, None, 1]
    assert got["s"] == [f"s{i % 7}" for i in range(N_ROWS)]
    assert got["m"][:4] == ["m0", "1", "m2", "3"]
    assert got["d"][0] == dt.datetime(2020, 1, 1, 10, 11, 12)  # noqa: DTZ001 - as it lies there
    assert list(frame.types.values()) == ["int", "real", "string", "time", "string"]
    any_engine.dkv.remove(f"{mode}.hex")


def test_columns_and_queries(engine: Engine, sqlite: str) -> None:
    some = import_sql(engine, SqlSource(sqlite, "t", columns=("S", "id")), "some.hex")
    assert some.names == ("s", "id")
    select = "select s, count(*) as n, 1.5 as x from t where id < 14 group by s order by s;"
    made = columns_of(import_sql(engine, SqlSource(sqlite, select=select), "made.hex"))
    assert made == {"s": [f"s{i}" for i in range(7)], "n": [2] * 7, "x": [1.5] * 7}
    none = import_sql(engine, SqlSource(sqlite, select="select * from t where id < 0"), "none.hex")
    assert none.shape == (0, 5)
    assert import_sql(engine, SqlSource(sqlite, "hollow"), "nothing.hex").shape == (0, 2)
    engine.dkv.remove("some.hex", "made.hex", "none.hex", "nothing.hex")


def test_wide_integers_stay_and_bytes_are_na(engine: Engine, sqlite: str) -> None:
    job = start_sql_import(engine, SqlSource(sqlite, "loose"))
    job.wait(progress=False)
    assert columns_of(engine.dkv.get(job.dest)) == {
        "a": [9007199254740993, None],
        "b": [None, None],
    }
    assert "Column 'b' has a type that no column holds" in job.warnings[0]
    engine.dkv.remove(job.dest)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (SqlSource("sqlite:///x.db"), "either a table or a select_query"),
        (SqlSource("sqlite:///x.db", "t; drop table t"), "no name of a table"),
        (SqlSource("sqlite:///x.db", select="drop table t"), "must start with `SELECT`"),
        (SqlSource("jdbc:mysql://h/d?allowLoadLocalInfile=true", "t"), "allowloadlocalinfile"),
        (SqlSource("nonsense", "t"), "no database URL"),
        (SqlSource("duckdb:///x", "t"), "duckdb is not one of"),
    ],
)
def test_what_is_refused_at_once(engine: Engine, source: SqlSource, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        start_sql_import(engine, source)


def test_what_the_database_refuses(engine: Engine, sqlite: str, tmp_path: Path) -> None:
    missing = tmp_path / "gone.db"
    cases = [
        (SqlSource(sqlite, "gone"), "no table 'gone'"),
        (SqlSource(sqlite, "t", columns=("q",)), "no column 'q'"),
        (SqlSource(sqlite, select="select nope from t"), "no such column"),
        (SqlSource(sqlite, select="select id, id from t"), "duplicate column name"),
        (SqlSource(f"sqlite:///{missing}", "t"), "unable to open"),
        (SqlSource(sqlite, select="select 1; drop table t"), "one statement"),
    ]
    for source, message in cases:
        with pytest.raises((ParseError, ParameterError), match=message):
            start_sql_import(engine, source, "bad.hex").result()
        assert not engine.dkv.contains("bad.hex")
    assert not missing.exists()


def test_jdbc_addresses() -> None:
    wanted = {
        "jdbc:postgresql://h:5433/d?ssl=true": ("postgresql", "h", 5433, "d"),
        "postgres://h/d": ("postgresql", "h", None, "d"),
        "jdbc:sqlite:/tmp/a.db": ("sqlite", None, None, "/tmp/a.db"),
    }
    pytest.importorskip("psycopg")
    for text, (dialect, host, port, database) in wanted.items():
        url = address_of(text, "me", "secret")
        found = (url.get_backend_name(), url.host, url.port, url.database)
        assert found == (dialect, host, port, database)
        assert url.username == "me"


# ---- PostgreSQL


def postgres_folder() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@pytest.fixture(scope="module")
def postgres() -> Iterator[tuple[str, str]]:
    """A PostgreSQL of this test's own; gives its address and password."""
    pytest.importorskip("psycopg", reason="the driver psycopg is not installed")
    folder = postgres_folder()
    if folder is None:
        pytest.skip("Debian's package postgresql is not installed")
    who = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    home = Path(tempfile.mkdtemp(prefix="dh2o-pg-"))
    password = home / "password"
    password.write_text("s3cret")
    if who:
        for place in (home, password):
            shutil.chown(place, "postgres", "postgres")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={home} -F"
    data = str(home / "data")
    init = ["-D", data, "-U", "me", "--pwfile", str(password), "-A", "scram-sha-256", "-N"]
    try:
        run(*who, str(folder / "initdb"), *init)
        control = [*who, str(folder / "pg_ctl"), "-D", data, "-w"]
        run(*control, "-o", options, "-l", str(home / "log"), "start")
        try:
            yield f"postgresql://127.0.0.1:{port}/postgres", "s3cret"
        finally:
            run(*control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(home, ignore_errors=True)


def run(*command: str) -> None:
    subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL, timeout=600)


@pytest.fixture(scope="module")
def filled(postgres: tuple[str, str]) -> tuple[str, str]:
    import psycopg

    url, password = postgres
    with psycopg.connect(url, user="me", password=password) as db:
        db.execute(
            "create table t (k1 int, k2 text, x double precision, n numeric(9, 2), b boolean, "
            "d date, ts timestamptz, tm time, u uuid, j jsonb, c char(3), primary key (k1, k2))"
        )
        db.execute(
            "insert into t select i, 'a' || i, i / 4.0, i / 8.0, i % 2 = 0, date '2020-01-01' + i, "
            "timestamptz '2020-01-01 00:00:00+01' + i * interval '1 hour', time '01:02:03', "
            "'550e8400-e29b-41d4-a716-446655440000', '{}', 'abc' from generate_series(0, 299) i"
        )
        db.execute("update t set x = null, b = null, d = null, u = null where k1 = 2")
    return postgres


@pytest.mark.parametrize("form", ["{}", "jdbc:{}?sslmode=disable"])
def test_postgresql(engine: Engine, filled: tuple[str, str], form: str, few_rows: None) -> None:
    url, password = filled
    source = SqlSource(form.format(url), "public.t", username="me", password=password)
    assert password not in repr(source)
    job = start_sql_import(engine, source, "pg.hex")
    job.wait(progress=False)
    frame = engine.dkv.get("pg.hex")
    got = columns_of(frame)
    assert got["k1"] == list(range(300))
    assert got["x"][:4] == [0, 0.25, None, 0.75]
    assert got["n"][1] == 0.13
    assert got["b"][:4] == [1, 0, None, 0]
    assert got["d"][:3] == [dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 2), None]  # noqa: DTZ001
    assert got["ts"][0] == dt.datetime(2019, 12, 31, 23)  # noqa: DTZ001 - UTC
    assert got["tm"][0] == dt.datetime(1970, 1, 1, 1, 2, 3)  # noqa: DTZ001
    assert got["u"][:3] == [*["550E8400-E29B-41D4-A716-446655440000"] * 2, None]
    assert set(got["j"]) == {None}
    assert got["c"][0] == "abc"
    assert frame.types["u"] == "uuid"
    assert any("'j'" in text for text in job.warnings)
    engine.dkv.remove("pg.hex")


def test_postgresql_says_no(engine: Engine, filled: tuple[str, str]) -> None:
    url, password = filled
    with pytest.raises(ParseError, match="password authentication failed") as failed:
        start_sql_import(engine, SqlSource(url, "t", username="me", password="wr0ng")).result()
    assert "wr0ng" not in str(failed.value)
    slow = SqlSource(url, select="select 1 / 0 as x", username="me", password=password)
    with pytest.raises(ParseError, match="division by zero"):
        start_sql_import(engine, slow).result()
