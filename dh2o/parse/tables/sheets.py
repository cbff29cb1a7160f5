"""The rows of a workbook's first sheet, read in a process of their own.

The library lays a sheet out as a whole, empty cells too: two cells in far corners are 400 GB, and
where memory ends it ends its process. That must not be a worker's.
"""

from __future__ import annotations

import importlib.util
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from typing import IO, Any

from dh2o.errors import MissingExtraError, ParseError
from dh2o.parse.sources import Source
from dh2o.parse.storage import is_remote

#: More than this, empty ones between others included, is no sheet that people made.
MAX_CELLS = 1 << 26
_MAX_MEMORY = 8 << 30
_TIMEOUT_S = 900

_PROGRAM = """
import pickle, sys
max_memory, max_cells = int(sys.argv[1]), int(sys.argv[2])
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (max_memory, max_memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
except (ImportError, ValueError, OSError):
    pass
import python_calamine as calamine

def rows():
    book = calamine.CalamineWorkbook.from_filelike(sys.stdin.buffer)
    if not book.sheet_names:
        return "empty", None
    sheet = book.get_sheet_by_index(0)
    if sheet.height * sheet.width > max_cells:
        return "large", (sheet.height, sheet.width)
    cells = sheet.to_python(skip_empty_area=True)
    cells = [[None if cell == "" else cell for cell in row] for row in cells]
    return "rows", [row for row in cells if any(cell is not None for cell in row)]

try:
    answer = rows()
except calamine.PasswordError:
    answer = "password", None
except BaseException as error:
    answer = "damaged", str(error) or type(error).__name__
pickle.dump(answer, sys.stdout.buffer, protocol=5)
"""


def rows_of_first_sheet(file: IO[bytes], source: Source) -> list[list[Any]]:
    """Return the rows that hold anything, empty cells as None; OSError if the file is damaged."""
    if importlib.util.find_spec("python_calamine") is None:
        raise MissingExtraError.of("python-calamine", "excel", "Reading Excel files")
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as answer:
        if is_remote(source.url):
            shutil.copyfileobj(file, given)
            given.seek(0)
        _run(given if is_remote(source.url) else file, answer)
        answer.seek(0)
        try:
            kind, what = pickle.load(answer)  # noqa: S301 - our own program wrote it
        except EOFError:
            raise OSError("it asks for more memory than there is, or its parts are wrong") from None
    if kind == "rows":
        return list(what)
    if kind == "damaged":
        raise OSError(what)
    raise ParseError(_refusal(kind, what, source.name))


def _refusal(kind: str, what: Any, name: str) -> str:
    if kind == "password":
        return f"{name} is protected by a password. Save it without one."
    if kind == "large":
        return (
            f"The first sheet of {name} spans {what[0]:,} rows and {what[1]:,} columns, more than "
            f"{MAX_CELLS:,} cells. Remove what lies far from the rest, or save it as CSV."
        )
    return f"{name} holds no sheet."


def _run(given: IO[bytes], answer: IO[bytes]) -> None:
    os.lseek(given.fileno(), 0, os.SEEK_SET)
    program = [sys.executable, "-P", "-c", _PROGRAM, str(_memory()), str(MAX_CELLS)]
    try:
        subprocess.run(
            program,
            stdin=given,
            stdout=answer,
            stderr=subprocess.DEVNULL,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise OSError(f"reading it did not end within {_TIMEOUT_S} s") from error


def _memory() -> int:
    """Return what the reader may take: half of this machine's memory, 8 GiB at most."""
    try:
        installed = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return _MAX_MEMORY
    return min(_MAX_MEMORY, installed // 2)
