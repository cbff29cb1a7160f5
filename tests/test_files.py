"""Files that are there whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from dh2o.errors import FileWriteError
from dh2o.files import replaced


def test_a_file_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    target = tmp_path / "new" / "file"
    for content in ("first", "second"):
        with replaced(target) as partial:
            partial.write_text(content)
            assert not target.exists() or target.read_text() == "first"
        assert target.read_text() == content
    assert list(target.parent.iterdir()) == [target]


def test_nothing_half_written_stays(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("before")
    with pytest.raises(ZeroDivisionError), replaced(target) as partial:
        partial.write_text("half") / 0
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("where", ["/proc/nowhere/file", "{}/file/below"])
def test_a_place_that_takes_no_files_is_named(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").write_text("not a folder")
    target = Path(where.format(tmp_path))
    with pytest.raises(FileWriteError, match=f"^Cannot write {target}: "), replaced(target):
        pytest.fail("nothing can be written here")


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    target = tmp_path / "file"
    with pytest.raises(FileWriteError, match="No space left"), replaced(target):
        Path("/dev/full").write_bytes(bytes(1 << 16))
    assert not list(tmp_path.iterdir())


def test_errors_of_what_is_read_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(ConnectionError), replaced(tmp_path / "file"):
        raise ConnectionError
