"""Which files a path names, how they are packed, and what is said of those that are no tables."""

from __future__ import annotations

import bz2
import gzip
import http.server
import lzma
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import zstandard

from dh2o.errors import ParseError
from dh2o.parse import frame_key_of, guess_setup, list_files, numbered_keys

from .conftest import run

TABLE = b"a,b,c\n" + b"".join(b"%d,x%d,2020-01-0%d\n" % (i, i % 5, i % 9 + 1) for i in range(3000))

PACKINGS = {
    "plain": lambda data: data,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.compress,
    "zstd frames": lambda d: zstandard.compress(d[:9999]) + zstandard.compress(d[9999:]),
    "gzip members": lambda d: gzip.compress(d[:9999]) + gzip.compress(d[9999:]),
}


@pytest.mark.parametrize("packing", PACKINGS)
def test_packings_are_told_by_their_first_bytes(parse_text: Any, packing: str) -> None:
    want = parse_text(TABLE)
    got = parse_text(PACKINGS[packing](TABLE), cut=7000, name="no_suffix")
    assert got.columns == want.columns
    assert len(got.frame.layout) > 1
    assert got.domains == want.domains


def test_cut_short_archive(parse_text: Any) -> None:
    with pytest.raises(ParseError, match="fetch it again"):
        parse_text(gzip.compress(TABLE)[:-100])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"\n\n  \n", "empty"),
        (b"# only\n# comments\n", "only comments"),
        (b"a,b\0c\n1,2\n", "binary"),
        (gzip.compress("a,b\n1,2\n".encode("utf-16"), mtime=0), "UTF-16"),
        (b"PAR1xxxx", "cannot be read as PARQUET"),
        (b"%PDF-1.4 x", "PDF"),
        (b"x" * (4 << 20) + b"x", "no line end"),
    ],
)
def test_what_is_no_table(parse_text: Any, data: bytes, message: str) -> None:
    with pytest.raises(ParseError, match=message):
        parse_text(data)


def test_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a1.csv", "sub/a2.csv", "sub/b.txt", ".hidden"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("a,b\n1,2\n")
    base = str(tmp_path)
    assert list_files(base) == [f"{base}/a1.csv", f"{base}/sub/a2.csv", f"{base}/sub/b.txt"]
    assert list_files(base, r"a\d.*\.csv") == [f"{base}/a1.csv", f"{base}/sub/a2.csv"]
    assert list_files(f"{base}/**/*.csv") == [f"{base}/a1.csv", f"{base}/sub/a2.csv"]
    assert list_files([f"{base}/a1.csv", f"{base}/sub/b.txt"]) == [
        f"{base}/a1.csv",
        f"{base}/sub/b.txt",
    ]
    monkeypatch.chdir(tmp_path)
    assert list_files("a1.csv") == [f"{base}/a1.csv"]
    monkeypatch.setenv("HOME", base)
    assert list_files("~/a1.csv") == [f"{base}/a1.csv"]


def test_paths_that_name_nothing(tmp_path: Path) -> None:
    for path, pattern in [("no/such.csv", None), (str(tmp_path), None), (str(tmp_path), "x(")]:
        with pytest.raises(ParseError):
            list_files(path, pattern)
    with pytest.raises(ParseError, match="does not exist"):
        guess_setup("no/such.csv")


def test_frame_keys() -> None:
    assert frame_key_of("/data/prostate.csv") == "prostate.hex"
    assert frame_key_of("s3://b/my file.csv.gz") == "my_file.hex"
    assert frame_key_of("2020.csv") == "X2020.hex"


def test_several_files_with_and_without_header(parse_text: Any) -> None:
    got = parse_text("a,b\n1,2\n", "A,b\n3,4\n", "5,6\n", cut=8)
    assert got["a"] == [1, 3, 5]
    assert parse_text("a,b\n1,x\n", "a,b\n2,y\n", column_names=["c", "d"])["c"] == [1, 2]


def test_many_small_files_make_few_blocks(parse_text: Any) -> None:
    got = parse_text(*[f"a,b\n{i},{i}\n" for i in range(30)], cut=100)
    assert got["a"] == list(range(30))
    assert len(got.frame.layout) < 5


def test_files_that_do_not_fit_together(parse_text: Any) -> None:
    with pytest.raises(ParseError, match="must have the same columns"):
        parse_text("a,b\n1,2\n", "a,c\n1,2\n")
    with pytest.raises(ParseError, match="Parse them apart"):
        parse_text("a,b\n1,2\n", "a;b\n1;2\n")


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "t.csv").write_bytes(TABLE)
    (tmp_path / "t.gz").write_bytes(gzip.compress(TABLE))

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))
    ) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("name", ["t.csv", "t.gz"])
def test_web_addresses(web: str, name: str, parse_text: Any) -> None:
    [url] = list_files(f"{web}/{name}")
    got = run(guess_setup(url, chunk_size=9000), [url])
    assert got.columns == parse_text(TABLE).columns
    assert len(got.frame.layout) > 1
    with pytest.raises(ParseError, match="cannot be opened"):
        guess_setup(f"{web}/gone.csv")


def test_tables_that_come_with_h2o() -> None:
    pytest.importorskip("h2o")
    iris = list_files("h2o://iris")[0]
    header = Path(iris).read_text().splitlines()[0]  # of the server's table, not the one beside it
    assert header == "sepal_len,sepal_wid,petal_len,petal_wid,class"
    with pytest.raises(ParseError, match="does not have it"):
        list_files("h2o://../secret")


def test_taken_names_are_numbered() -> None:
    names = numbered_keys("prostate.hex")
    assert [next(names) for _ in range(3)] == ["prostate.hex", "prostate1.hex", "prostate2.hex"]
