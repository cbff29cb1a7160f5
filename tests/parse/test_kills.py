"""Imports of typed files and databases go on when a worker is killed in the middle of them."""

from __future__ import annotations

import os
import signal
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from dh2o.mrtask import Engine
from dh2o.parse import guess_setup, parse_files, start_parse
from dh2o.parse.sql import SqlSource, start_sql_import
from tests.parse.table_files import rows, write_avro

pytestmark = pytest.mark.cluster


def kill_one(cluster: Engine, job: Any) -> Any:
    """Kill a worker while the job runs; return the frame that it makes all the same."""
    os.kill(next(iter(cluster.client.run(os.getpid).values())), signal.SIGKILL)
    job.wait(progress=False)
    assert job.status == "DONE", job.exception
    return cluster.dkv.get(job.dest)


def test_avro(cluster3: Engine, engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "t.avro"
    write_avro(path, 6000)
    setup = guess_setup(path, chunk_size=20_000)
    want = parse_files(engine, setup, "avro_want.hex")
    frame = kill_one(cluster3, start_parse(cluster3, setup, "avro_killed.hex"))
    assert len(frame.layout) > 6
    assert frame.layout == want.layout
    assert frame.to_arrow().equals(want.to_arrow())
    assert frame.to_arrow()["i"].to_pylist() == rows(6000)["i"]
    engine.dkv.remove("avro_want.hex")
    cluster3.dkv.remove("avro_killed.hex")


def test_sql(cluster3: Engine, tmp_path: Path) -> None:
    pytest.importorskip("sqlalchemy")
    n_rows = 201_000  # two slices
    path = tmp_path / "data.db"
    with sqlite3.connect(path) as db:
        db.execute("create table t (id integer primary key, x integer)")
        db.executemany("insert into t values (?, ?)", ((i, i * 7 % 1000) for i in range(n_rows)))
    source = SqlSource(f"sqlite:///{path}", "t")
    frame = kill_one(cluster3, start_sql_import(cluster3, source, "sql_killed.hex"))
    table = frame.to_arrow()
    assert table["id"].to_pylist() == list(range(n_rows))
    assert table["x"].to_pylist() == [i * 7 % 1000 for i in range(n_rows)]
    cluster3.dkv.remove("sql_killed.hex")
