"""Files on the web and in S3, and clear words when a package for them is missing."""

from __future__ import annotations

import gzip
import http.server
import importlib
import io
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dh2o.errors import MissingExtraError, ParameterError, ParseError
from dh2o.mrtask import Engine
from dh2o.parse import ExportOptions, export_frame, guess_setup, list_files, parse_files

from .conftest import run
from .table_files import WRITERS, rows

TEXT = b"a,b\n" + b"".join(b"%d,x%d\n" % (i, i % 5) for i in range(2000))


class Ranged(http.server.SimpleHTTPRequestHandler):
    """Answers ranges, as most servers of files do."""

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        file = Path(self.translate_path(self.path))
        if asked is None or not file.is_file():
            return super().do_GET()
        data = file.read_bytes()
        first, _, last = asked.removeprefix("bytes=").partition("-")
        start, stop = int(first), min(int(last or len(data) - 1) + 1, len(data))
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(data)}")
        self.send_header("Content-Length", str(stop - start))
        self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        self.wfile.write(data[start:stop])
        return None

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Plain(http.server.SimpleHTTPRequestHandler):
    """Gives whole files only."""

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(params=[Ranged, Plain])
def web(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    handler = partial(request.param, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("kind", ["parquet", "avro", "xlsx"])
def test_tables_on_the_web(web: str, tmp_path: Path, kind: str) -> None:
    pytest.importorskip("aiohttp")
    WRITERS[kind](tmp_path / f"t.{kind}")
    url = f"{web}/t.{kind}"
    assert run(guess_setup(url), [url])["s"] == rows()["s"]


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """A bucket of moto's S3 server; gives its URL."""
    server_module = pytest.importorskip("moto.server", reason="moto is not installed")
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    import s3fs

    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        s3fs.S3FileSystem.clear_instance_cache()
        fs = s3fs.S3FileSystem()
        fs.mkdir("data")
        fs.pipe("data/text/a.csv", TEXT)
        fs.pipe("data/text/b.csv.gz", gzip.compress(TEXT))
        yield "s3://data"
        s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


def test_files_in_s3(s3: str, engine: Engine, tmp_path: Path) -> None:
    assert list_files(f"{s3}/text") == [f"{s3}/text/a.csv", f"{s3}/text/b.csv.gz"]
    assert list_files(f"{s3}/text/*.gz") == [f"{s3}/text/b.csv.gz"]
    assert list_files(f"{s3}/text", r"\.csv$") == [f"{s3}/text/a.csv"]
    frame = parse_files(
        engine, guess_setup(list_files(f"{s3.replace('s3', 's3a')}/text")), "s3.hex"
    )
    assert frame.to_arrow().column("a").to_pylist() == [*range(2000)] * 2
    export_frame(frame, f"{s3}/out/x.parquet", ExportOptions(format="parquet"))
    back = parse_files(engine, guess_setup(f"{s3}/out/x.parquet"), "back.hex")
    assert back.to_arrow().to_pydict() == frame.to_arrow().to_pydict()
    assert back.domains == frame.domains
    with pytest.raises(ParameterError, match="already exists"):
        export_frame(frame, f"{s3}/out/x.parquet", ExportOptions(format="parquet"))
    with pytest.raises(ZeroDivisionError):
        export_frame(frame, f"{s3}/out/y.csv", progress=lambda _: 1 // 0)  # type: ignore[arg-type]
    assert list_files(f"{s3}/out") == [f"{s3}/out/x.parquet"]
    engine.dkv.remove("s3.hex", "back.hex")


def test_what_s3_has_not(s3: str) -> None:
    for name in ("gone.csv", "gone*", "nobucket"):
        with pytest.raises(ParseError, match=r"does not exist|holds no file"):
            list_files(f"{s3}/{name}" if name != "nobucket" else "s3://nobucket/x.csv")


@pytest.mark.parametrize(
    ("url", "module", "extra"),
    [
        ("s3://b/x.csv", "s3fs", "s3"),
        ("gs://b/x.csv", "gcsfs", "gs"),
        ("abfs://b/x", "adlfs", "azure"),
    ],
)
def test_missing_extras(monkeypatch: pytest.MonkeyPatch, url: str, module: str, extra: str) -> None:
    registry = importlib.import_module("fsspec.registry")
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr(registry, "_registry", {})
    monkeypatch.setattr(registry, "registry", {})
    with pytest.raises(MissingExtraError, match=rf"dh2o\[{extra}\]"):
        list_files(url)


def test_unknown_file_systems() -> None:
    with pytest.raises(ParseError, match="cannot be opened"):
        list_files("nosuch://x/y.csv")


def test_bombs_are_refused(parse_text: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import zipfile

    from dh2o.parse import sources

    monkeypatch.setattr(sources, "MAX_TRUSTED_NBYTES", 1 << 18)
    data = b"a,b\n" + b"1,2\n" * (1 << 18)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("x.csv", data)
    for packed in (gzip.compress(data), archive.getvalue()):
        with pytest.raises(ParseError, match="unpacks to more than"):
            parse_text(packed)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "latin-1", "cp1252"])
def test_encodings(parse_text: Any, encoding: str) -> None:
    text = "name,n\nMüller,1\nGödel,2\nMüller,3\n" * 50
    told = {} if encoding.startswith("utf") else {"encoding": encoding}
    got = parse_text(text.encode(encoding), cut=300, header_lines=0, check_header=1, **told)
    assert got["name"][:2] == ["Müller", "Gödel"]
    packed = parse_text(gzip.compress(text.encode(encoding)), check_header=1, encoding=encoding)
    assert packed.columns == got.columns


def test_encodings_that_are_wrong(parse_text: Any) -> None:
    with pytest.raises(ParseError, match="'klingon' is not known"):
        parse_text("a,b\n1,2\n", encoding="klingon")
    with pytest.raises(ParseError, match="is no text in utf-16"):
        parse_text("a,ü\n1,2\n".encode("utf-16") + b"\x00", encoding="utf-16")
