"""Files of typed columns: the same values from every format, and what is said of bad ones."""

from __future__ import annotations

import datetime as dt
import os
import signal
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dh2o.errors import ParseError
from dh2o.mrtask import Engine
from dh2o.parse import guess_setup, parse_files, start_parse

from .conftest import run
from .table_files import DAY, N_ROWS, WRITERS, arrow_table, rows

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
#: What a format cannot say: ORC and workbooks know no levels.
ORDERED = ("z", "a", "m")


def ms(when: dt.datetime | None) -> int | None:
    return None if when is None else (when - EPOCH) // dt.timedelta(milliseconds=1)


@pytest.fixture
def parse(tmp_path: Path) -> Any:
    def parsed(kind: str, n: int = N_ROWS, **wishes: Any) -> Any:
        path = tmp_path / f"table.{kind}"
        WRITERS[kind](path, n)
        return run(guess_setup(path, **wishes), [path])

    return parsed


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("cut", [0, 1500])
def test_every_format_gives_the_same_values(parse: Any, kind: str, cut: int) -> None:
    want = rows()
    got = parse(kind, chunk_size=cut)
    assert got["i"] == want["i"]
    assert got["x"] == want["x"]
    assert got["c"] == want["c"]
    assert got["s"] == want["s"]
    assert got["t"] == [ms(t) for t in want["t"]]
    assert "many" not in got.columns
    if kind not in {"orc", "xlsx", "xls"}:
        assert got.domains["c"] == ORDERED
    if cut:
        assert len(got.frame.layout) > 3
    assert got.told.warnings == []


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("n", [0, 1])
def test_tables_of_no_row_and_of_one(parse: Any, kind: str, n: int) -> None:
    got = parse(kind, n, check_header=1)
    assert got.frame.shape == (n, 5)
    assert list(got.frame.names) == ["i", "x", "c", "t", "s"]


def test_names_types_skips_and_na(parse: Any) -> None:
    got = parse(
        "parquet",
        column_names=["a", "b", "d"],
        skipped_columns=["t", 4],
        column_types=["enum", None, "string"],
        na_strings=[["7"], ["0.25"], ["z"]],
    )
    assert list(got.frame.names) == ["a", "b", "d"]
    assert got["a"][:9] == ["0", "1", "2", "3", "4", "5", "6", None, "8"]
    assert got["b"][:4] == [0, 0.125, None, None]
    assert got["d"][:5] == [None, "a", "m", None, "a"]


def test_texts_as_numbers_are_told(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    texts = {"a": ["1", "2.5", "", None, "x", "1e3"], "b": ["", "u", "", "v", "u", None]}
    pq.write_table(pa.table(texts), path)
    got = run(guess_setup(path, column_types=["numeric", "enum"]), [path])
    assert got["a"] == [1, 2.5, None, None, None, 1000]
    assert got["b"] == ["", "u", "", "v", "u", None]
    assert (
        "Column 'a': 1 cell is no number and became NA, the first 'x' in row 5"
        in (got.told.warnings[0])
    )


def test_types_of_arrow(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    day = dt.date(2020, 1, 2)
    table = pa.table(
        {
            "wide": pa.array([2**63 - 1, -5, None], pa.int64()),
            "unsigned": pa.array([2**64 - 1, 1, None], pa.uint64()),
            "date": pa.array([day, None, day], pa.date32()),
            "micros": pa.array([1_577_836_800_123_456, None, -1], pa.timestamp("us", "UTC")),
            "decimal": pa.array([1, None, 3], pa.decimal128(9, 2)),
            "flag": pa.array([True, None, True]),
            "none": pa.nulls(3),
            "bytes": pa.array([b"a", b"\xff", None]),
            "nested": pa.array([[1], None, [2]]),
        }
    )
    pq.write_table(table, path)
    setup = guess_setup(path, column_types={"bytes": "string"})
    got = run(setup, [path])
    chunk = got.frame.vecs[0].ref[0][0].chunk(0)
    assert chunk.ints()[:2].tolist() == [2**63 - 1, -5]
    assert got["unsigned"] == [2.0**64, 1, None]
    assert got["date"] == [1577923200000, None, 1577923200000]
    assert got["micros"] == [1577836800123, None, -1]
    assert got["decimal"] == [1, None, 3]
    assert (got["flag"], got.domains["flag"]) == (["True", None, "True"], ("True",))
    assert got["none"] == [None] * 3
    assert got["bytes"] == ["a", "<0xFF>", None]
    assert "nested" not in got.columns
    assert "'nested'" in setup.warnings[0]


@pytest.mark.parametrize("cut", [0, 700])
def test_large_texts_are_levels_as_others_are(tmp_path: Path, cut: int) -> None:
    texts = ["", "b", None, "ä", " b", "a", " a "] * 200 + ["late", "NA"]
    found = []
    for kind in (pa.string(), pa.large_string()):
        path = tmp_path / f"{kind}.parquet"
        pq.write_table(pa.table({"t": pa.array(texts, kind)}), path, row_group_size=400)
        wishes: dict[str, Any] = {"column_types": {"t": "enum"}, "na_strings": ["a"]}
        got = run(guess_setup(path, chunk_size=cut, **wishes), [path])
        found.append((got.frame.vecs[0].domain, got["t"]))
    assert found[0] == found[1]
    assert found[0][1] == [None if text in {"a", " a "} else text for text in texts]


def test_number_types_can_be_forced(parse_text: Any, tmp_path: Path) -> None:
    got = parse_text("a,b\n1,0.6\n2,1.4\n", column_types=["real", "int"], force_col_types=True)
    assert got["b"] == [1, 1]
    assert got.frame.vecs[0].source.is_real
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"a": [1.0, 2.0]}), path)
    assert run(guess_setup(path, force_col_types=True), [path]).frame.vecs[0].source.is_real
    assert not run(guess_setup(path), [path]).frame.vecs[0].source.is_real


def test_times_of_the_clock(parse: Any) -> None:
    got = parse("parquet", tz_adjust_to_local=True, timezone="America/Chicago")
    assert got["t"][0] == ms(DAY) - 6 * 3_600_000


def test_workbook_cells(tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    rows = ["n", "mixed", "flag"], [1, 5, True], [2.5, "x", False], [3, 6, None]
    for row in rows:
        book.active.append(row)
    path = tmp_path / "t.xlsx"
    book.save(path)
    got = run(guess_setup(path), [path])
    assert got["n"] == [1, 2.5, 3]
    assert got["mixed"] == [5, None, 6]
    assert got["flag"] == ["TRUE", "FALSE", None]
    assert run(guess_setup(path, check_header=-1), [path]).frame.shape == (4, 3)


def test_several_files_and_partitions(tmp_path: Path) -> None:
    paths = []
    for year in (2021, 2020):
        for part in range(2):
            path = tmp_path / f"year={year}" / "kind=a%2Fb" / f"{part}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.table({"v": [year, part]}), path)
            paths.append(path)
    got = run(guess_setup(paths, partition_by=("year", "kind")), paths)
    assert got["v"] == [2021, 0, 2021, 1, 2020, 0, 2020, 1]
    assert got.domains == {"v": None, "year": ("2020", "2021"), "kind": ("a/b",)}
    assert got["year"] == ["2021"] * 4 + ["2020"] * 4
    with pytest.raises(ParseError, match="no part month=") as said:
        run(guess_setup(paths, partition_by=("month",)), paths)
    assert "3 more" in str(said.value)
    with pytest.raises(ParseError, match="duplicate column name year"):
        run(guess_setup(paths, partition_by=("year", "year")), paths)


def test_text_partitions(tmp_path: Path) -> None:
    paths = []
    for year in ("2020", "__HIVE_DEFAULT_PARTITION__"):
        path = tmp_path / f"y={year}" / "a.csv"
        path.parent.mkdir()
        path.write_text("a,b\n1,2\n3,4\n")
        paths.append(path)
    got = run(guess_setup(paths, partition_by=("y",)), paths)
    assert got["a"] == [1, 3, 1, 3]
    assert got["y"] == ["2020", "2020", None, None]


@pytest.mark.parametrize("kind", WRITERS)
def test_damaged_files(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "t.bin"
    WRITERS[kind](path)
    whole = path.read_bytes()
    for broken in (whole[: len(whole) // 2], whole[:20]):
        path.write_bytes(broken)
        with pytest.raises(ParseError, match=r"cannot be|empty|binary"):
            run(guess_setup(path), [path])


def test_files_that_do_not_fit_together(tmp_path: Path) -> None:
    one, two, text = tmp_path / "a.parquet", tmp_path / "b.parquet", tmp_path / "c.csv"
    pq.write_table(pa.table({"a": [1]}), one)
    pq.write_table(pa.table({"b": [1]}), two)
    text.write_text("a\n1\n")
    with pytest.raises(ParseError, match="has no column 'a'"):
        guess_setup([one, two])
    with pytest.raises(ParseError, match="Parse them apart"):
        guess_setup([one, text])
    with pytest.raises(ParseError, match="is no PARQUET file"):
        guess_setup(text, parse_type="PARQUET")


def test_workbooks_that_are_bombs(tmp_path: Path) -> None:
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "x")
        with archive.open("xl/worksheets/sheet1.xml", "w") as sheet:
            for _ in range(80):
                sheet.write(b" " * (1 << 20))
    with pytest.raises(ParseError, match="unpacks to 80 MiB"):
        guess_setup(path)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tables") / "large.parquet"
    tables = [arrow_table() for _ in range(20)]
    pq.write_table(pa.concat_tables(tables), path, row_group_size=2500)
    return path


def values_of(engine: Engine, frame: Any) -> list[Any]:
    [blocks] = {id(vec.ref[0]): vec.ref[0] for vec in frame.vecs}.values()
    return [
        [(repr(chunk.codec), chunk.values().tolist() if chunk.kind != "string" else
          chunk.strings().to_pylist()) for chunk in block.chunks]
        for block in engine.gather(blocks)
    ]  # fmt: skip


@pytest.mark.cluster
def test_same_frame_on_one_and_three_workers_and_after_a_kill(
    engine: Engine, cluster3: Engine, large: Path
) -> None:
    setup = guess_setup(large, chunk_size=40_000)
    one = parse_files(engine, setup, "tables1.hex")
    assert len(one.layout) > 3
    want = repr((one.layout, one.domains, values_of(engine, one)))
    three = parse_files(cluster3, setup, "tables3.hex")
    assert repr((three.layout, three.domains, values_of(cluster3, three))) == want
    victim = next(iter(cluster3.client.run(os.getpid).values()))
    job = start_parse(cluster3, setup, "tables4.hex")
    os.kill(victim, signal.SIGKILL)
    job.wait(progress=False)
    assert job.status == "DONE", job.exception
    after = cluster3.dkv.get("tables4.hex")
    assert repr((after.layout, after.domains, values_of(cluster3, after))) == want
    engine.dkv.remove("tables1.hex")
    cluster3.dkv.remove("tables3.hex", "tables4.hex")
