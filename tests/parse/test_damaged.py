"""Damaged files: a typed error or a frame, whatever their bytes; never the end of the process."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dh2o.errors import DH2OError, ParseError
from dh2o.parse import guess_setup
from dh2o.parse.tables import sheets

from .conftest import run
from .table_files import WRITERS

CSV = b'a,"b",t\n' + b"".join(b'%d,"x ""%d""",2020-01-02\n' % (i, i % 3) for i in range(60))
TEXTS = {
    "csv": CSV,
    "gz": gzip.compress(CSV),
    "svm": b"".join(b"%d %d:%.1f 9:1\n" % (i % 2, i % 5 + 1, i / 3) for i in range(60)),
    "arff": b"@relation r\n@attribute a numeric\n@attribute b {x,y}\n@attribute c string\n@data\n"
    + b"".join(b"%d,x,'s %d'\n" % (i, i) for i in range(60)),
}


def damaged(whole: bytes, seed: int) -> bytes:
    """Return the bytes cut short, overwritten, repeated or with odd characters between them."""
    rng = random.Random(seed)
    data = bytearray(whole)
    place = rng.randrange(len(data))
    how = seed % 5
    if how == 0:
        del data[place:]
    elif how == 1:
        for _ in range(4):
            data[rng.randrange(len(data))] = rng.randrange(256)
    elif how == 2:
        data[place : place + 4] = rng.choice([b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\0\0\0\0"])
    elif how == 3:
        data[place:place] = data[place // 2 : place]
    else:
        for _ in range(9):
            data.insert(rng.randrange(len(data)), rng.choice(b"\0\xff\"'\n\r,;\\ #:@{"))
    return bytes(data)


@pytest.mark.parametrize(
    ("kind", "n_seeds"),
    [("feather", 60), ("arrows", 60), ("avro", 60), ("xlsx", 5), *((k, 40) for k in TEXTS)],
)
def test_random_damage(kind: str, n_seeds: int, tmp_path: Path) -> None:
    path = tmp_path / f"file.{kind}"
    if kind in TEXTS:
        path.write_bytes(TEXTS[kind])
    else:
        WRITERS[kind](path, 60)
    whole = path.read_bytes()
    assert len(run(guess_setup(path), [path])["a" if kind in {"csv", "gz", "arff"} else "C2"
                   if kind == "svm" else "i"]) == 60  # fmt: skip
    said = []
    for seed in range(n_seeds):
        path.write_bytes(damaged(whole, seed))
        try:
            parsed = run(guess_setup(path), [path])
        except DH2OError as error:
            said.append(str(error))
        else:
            assert len({len(column) for column in parsed.columns.values()}) == 1, seed
    assert all(path.name in text or "olumn" in text for text in said)


def test_offsets_of_arrow_that_point_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "texts.arrow"
    table = pa.table({"s": ["first", "second", "third"]})
    with pa.ipc.new_file(path, table.schema) as out:
        out.write_table(table)
    data = path.read_bytes()
    offsets = b"".join(n.to_bytes(4, "little") for n in (0, 5, 11, 16))
    assert data.count(offsets) == 1
    path.write_bytes(data.replace(offsets, offsets[:8] + b"\xff\xff\xff\x7f" + offsets[12:]))
    with pytest.raises(ParseError, match=r"texts\.arrow cannot be read as ARROW"):
        run(guess_setup(path), [path])


def test_texts_of_parquet_that_are_no_utf8(tmp_path: Path) -> None:
    path = tmp_path / "texts.parquet"
    rows = [f"text {i}" for i in range(50)]
    pq.write_table(pa.table({"s": rows, "c": ["level"] * 50}), path, compression="none")
    data = path.read_bytes().replace(b"text 7", b"tex\xd1 7").replace(b"level", b"l\xffvel")
    path.write_bytes(data)
    parsed = run(guess_setup(path), [path])
    assert parsed["s"][6:9] == ["text 6", "tex<0xD1> 7", "text 8"]
    assert set(parsed["c"]) == {"l<0xFF>vel"}


def test_a_workbook_with_cells_in_far_corners(tmp_path: Path) -> None:
    path = tmp_path / "far.xlsx"
    book = openpyxl.Workbook()
    book.active["A1"], book.active["XFD1048576"] = 1, 2
    book.save(path)
    with pytest.raises(ParseError, match=r"far\.xlsx"):
        guess_setup(path)


def test_a_workbook_with_too_many_empty_cells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "wide.xlsx"
    book = openpyxl.Workbook()
    book.active["A1"], book.active["AAA99"] = 1, 2
    book.save(path)
    monkeypatch.setattr(sheets, "MAX_CELLS", 10_000)
    with pytest.raises(ParseError, match="spans 99 rows and 703 columns"):
        guess_setup(path)


def test_times_beyond_the_calendar_of_python(tmp_path: Path) -> None:
    path = tmp_path / "far.parquet"
    pq.write_table(pa.table({"t": pa.array([0, 1 << 50], pa.timestamp("ms"))}), path)
    assert run(guess_setup(path), [path])["t"] == [0, 1 << 50]
