"""Frames to files and back: every packing, parts, types, and nothing half-made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from dh2o.errors import ParameterError
from dh2o.frame.exchange import from_arrow
from dh2o.frame.exchange.packing import PACKINGS
from dh2o.mrtask import Engine
from dh2o.parse import ExportOptions, export_frame, guess_setup, list_files, parse_files
from dh2o.parse.export import hadoop_checksum

from .table_files import arrow_table


@pytest.fixture
def frame(engine: Engine) -> Any:
    return from_arrow(arrow_table())


def back(engine: Engine, path: Path) -> Any:
    frame = parse_files(engine, guess_setup(list_files(str(path))), "back.hex")
    table = frame.to_arrow()
    engine.dkv.remove("back.hex")
    return table, frame


@pytest.mark.parametrize("packing", [None, *PACKINGS])
def test_packed_text(engine: Engine, frame: Any, tmp_path: Path, packing: str | None) -> None:
    path = tmp_path / "t.csv"
    export_frame(frame, str(path), ExportOptions(compression=packing, separator=";"))
    table, _ = back(engine, path)
    assert table.column("s").to_pylist() == frame.to_arrow().column("s").to_pylist()
    export_frame(frame, str(tmp_path / "parts"), ExportOptions(compression=packing, n_parts=3))
    assert len(list_files(str(tmp_path / "parts"))) == 3
    assert back(engine, tmp_path / "parts")[0].num_rows == 300


@pytest.mark.parametrize("n_parts", [1, 4, -1])
@pytest.mark.parametrize("n_rows", [300, 1, 0])
def test_parquet_keeps_types_and_levels(
    engine: Engine, tmp_path: Path, n_parts: int, n_rows: int
) -> None:
    frame = from_arrow(arrow_table(n_rows))
    path = tmp_path / "t"
    options = ExportOptions(format="parquet", compression="zstd", n_parts=n_parts)
    export_frame(frame, str(path), options)
    table, again = back(engine, path)
    assert table.to_pydict() == frame.to_arrow().to_pydict()
    assert again.types == frame.types
    assert [vec.type for vec in again.vecs] == [vec.type for vec in frame.vecs]
    if n_rows:  # Parquet keeps no levels of a column without rows
        assert again.domains["c"] == ("z", "a", "m")


def test_failures_leave_nothing(frame: Any, tmp_path: Path) -> None:
    def stop(_share: float) -> None:
        raise RuntimeError("enough")

    for options in (
        ExportOptions(),
        ExportOptions(n_parts=2),
        ExportOptions(format="parquet", n_parts=2, write_checksum=True),
    ):
        with pytest.raises(RuntimeError, match="enough"):
            export_frame(frame, str(tmp_path / "x"), options, stop)
        assert list(tmp_path.iterdir()) == []


def test_what_is_refused(frame: Any, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("x")
    for options, message in (
        (ExportOptions(format="xls"), "not known"),
        (ExportOptions(compression="snappy"), "not supported for csv"),
        (ExportOptions(separator="::"), "not one byte"),
        (ExportOptions(), "already exists"),
        (ExportOptions(n_parts=2), "new or an empty folder"),
    ):
        with pytest.raises(ParameterError, match=message):
            export_frame(frame, str(tmp_path / "there"), options)
    ids = from_arrow(pa.table({"u": pa.array([b"x" * 16], pa.binary(16))}))
    with pytest.raises(ParameterError, match="UUID column type is not supported"):
        export_frame(ids, str(tmp_path / "u"), ExportOptions(format="parquet"))


def test_checksums_are_hadoops() -> None:
    made = hadoop_checksum(b"a" * 600)
    assert made[:8] == b"crc\0\0\0\x02\0"
    assert len(made) == 8 + 2 * 4
