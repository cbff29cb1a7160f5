"""Import and export with the official client: every kind of source, and what is closed."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dh2o.server.files import FileAccessError, Files
from dh2o.server.options import ServerOptions


def test_parquet_there_and_back(h2o: Any, tmp_path: Path) -> None:
    table = pa.table({"a": [1, 2, None], "x": [0.5, 1.5, 2.5], "c": ["u", "v", "u"]})
    pq.write_table(table, tmp_path / "t.parquet")
    frame = h2o.import_file(str(tmp_path / "t.parquet"))
    assert frame.types == {"a": "int", "x": "real", "c": "enum"}
    h2o.export_file(frame, str(tmp_path / "out"), format="parquet", compression="snappy")
    parts = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert parts == [".part-m-00000.crc", "part-m-00000"]
    back = h2o.import_file(str(tmp_path / "out"), partition_by=None)
    assert back.as_data_frame().equals(frame.as_data_frame())
    forced = h2o.import_file(str(tmp_path / "out"), force_col_types=True, skipped_columns=[2])
    assert forced.types == {"a": "int", "x": "real"}
    for made in (frame, back, forced):
        h2o.remove(made)


def test_partitions(h2o: Any, tmp_path: Path) -> None:
    for year in (2020, 2021):
        folder = tmp_path / f"year={year}"
        folder.mkdir()
        (folder / "a.csv").write_text(f"a,b\n{year},x\n1,y\n2,x\n")
    frame = h2o.import_file(str(tmp_path), partition_by=["year"])
    assert (frame.shape, frame.types["year"]) == ((6, 3), "enum")
    assert frame["year"].levels() == [["2020", "2021"]]
    h2o.remove(frame)


def test_tables_and_queries_of_a_database(h2o: Any, tmp_path: Path) -> None:
    pytest.importorskip("sqlalchemy")
    path = tmp_path / "d.db"
    with sqlite3.connect(path) as db:
        db.execute("create table t (k integer primary key, s text)")
        db.executemany("insert into t values (?, ?)", [(i, f"s{i % 3}") for i in range(50)])
    url = f"jdbc:sqlite:{path}"
    frame = h2o.import_sql_table(url, "t", "", "", columns=["k", "s"])
    assert frame.shape == (50, 2)
    assert frame["k"].sum() == 1225
    query = h2o.import_sql_select(url, "select s, count(*) n from t group by s", "", "")
    assert query.as_data_frame()["n"].tolist() == [17, 17, 16]
    with pytest.raises(h2o.exceptions.H2OResponseError, match="access denied"):
        h2o.import_sql_table("jdbc:sqlite:/etc/secret.db", "t", "", "")
    with pytest.raises(OSError, match="no table 'gone'"):
        h2o.import_sql_table(url, "gone", "", "")
    h2o.remove(frame)
    h2o.remove(query)


def test_links_out_of_the_root_and_roots_that_are_urls(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (outside / "secret.csv").write_text("a\n1\n")
    (inside / "link.csv").symlink_to(outside / "secret.csv")
    (inside / "folder").symlink_to(outside)
    roots = (str(inside), "s3://bucket/data/", "postgresql://db.example/sales")
    files = Files(ServerOptions(import_roots=roots))
    files.check("s3://bucket/data/x.csv")
    files.check_database("jdbc:postgresql://db.example/sales")
    closed = [
        str(inside / "link.csv"),
        str(inside / "folder" / "secret.csv"),
        "s3://bucket/database/x.csv",
        "s3://bucket/data/../other/x.csv",
        "s3://bucket/data/%2e%2e/other/x.csv",
        "https://example.org/x.csv",
    ]
    for path in closed:
        with pytest.raises(FileAccessError):
            files.check(path)
    for url in ("postgresql://db.example/other", "postgresql://x/y", f"sqlite:///{outside}/d.db"):
        with pytest.raises(FileAccessError):
            files.check_database(url)
