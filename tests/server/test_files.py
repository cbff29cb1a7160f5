from __future__ import annotations

from pathlib import Path

import pytest

from dh2o.errors import DH2OError
from dh2o.server.files import FileAccessError, Files, import_key, path_of_key
from dh2o.server.options import ServerOptions


def test_keys_stand_for_paths_and_back() -> None:
    assert import_key("/tmp/a b.csv") == "nfs://tmp/a b.csv"
    assert path_of_key("nfs://tmp/a b.csv") == "/tmp/a b.csv"
    assert path_of_key("s3://bucket/x") == import_key("s3://bucket/x") == "s3://bucket/x"
    assert path_of_key("upload_1") is None


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "/proc/self/environ", "/root/.ssh/id_rsa", "/x/.git/config"]
)
def test_the_systems_own_files_are_closed(path: str) -> None:
    with pytest.raises(FileAccessError, match="access denied"):
        Files(ServerOptions()).check(path)


def test_roots_confine(tmp_path: Path) -> None:
    inside = tmp_path / "in"
    inside.mkdir()
    (tmp_path / "out.csv").write_text("a\n1\n")
    (inside / "link.csv").symlink_to(tmp_path / "out.csv")
    files = Files(ServerOptions(import_roots=(str(inside),)))
    files.check(str(inside / "x.csv"))
    files.check("h2o://iris")  # comes with the package h2o: nobody's secret
    for path in (
        str(tmp_path / "out.csv"),
        str(inside / ".." / "out.csv"),
        str(inside / "link.csv"),
        "http://example.org/x.csv",
        "\0",
    ):
        with pytest.raises(FileAccessError):
            files.check(path)


def test_paths_are_completed(tmp_path: Path) -> None:
    for name in ("a1.csv", "a2.csv", "b.csv"):
        (tmp_path / name).touch()
    files = Files(ServerOptions())
    assert files.complete(str(tmp_path / "a"), 0) == [
        str(tmp_path / "a1.csv"),
        str(tmp_path / "a2.csv"),
    ]
    assert len(files.complete(str(tmp_path), 2)) == 2
    assert files.complete("/nowhere/at/all", 5) == []


@pytest.mark.parametrize("roots", [None, ("/tmp",)])
def test_names_that_no_file_can_have(roots: tuple[str, ...] | None) -> None:
    files = Files(ServerOptions(import_roots=roots))
    long = "/tmp/" + "a" * 3000
    with pytest.raises(DH2OError, match=r"Path '/tmp/aa.* cannot be read: File name too long") as e:
        files.check(long)
    assert e.value.http_status == 412
    assert len(str(e.value)) < 400
    for start in (long, "~no-such-user-here/x", "/tmp/\0/"):
        assert files.complete(start, 0) == []
