"""Files that are there whole or not at all."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dh2o.errors import FileWriteError

__all__ = ["replaced"]


@contextmanager
def replaced(target: Path) -> Iterator[Path]:
    """Give a path to write to; when the block ends well, what is there takes the place of `target`.

    Folders that are missing are made. Whoever reads meanwhile finds the old file or the new one.

    Raises
    ------
    FileWriteError
        The folder cannot be made, or nothing can be written there.
    """
    partial = target.with_name(f".{target.name[:40]}.{uuid.uuid4().hex[:8]}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.touch()
        yield partial
        partial.replace(target)
    except (ConnectionError, TimeoutError):  # of what the block reads
        raise
    except OSError as error:
        raise FileWriteError(f"Cannot write {target}: {error.strerror or error}.") from error
    finally:
        _forget(partial)


def _forget(partial: Path) -> None:
    try:
        partial.unlink(missing_ok=True)
    except OSError:  # in a folder that is none
        return
