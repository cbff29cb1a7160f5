"""Parse: bytes to frames. One tokeniser over byte ranges in parallel, straight into chunks."""

from __future__ import annotations

from dh2o.parse.export import ExportOptions, check_export, export_frame
from dh2o.parse.guess import guess_setup
from dh2o.parse.parser import parse_files, start_parse
from dh2o.parse.setup import ParseSetup, frame_key_of, numbered_keys
from dh2o.parse.sources import RawFile
from dh2o.parse.storage import list_files

__all__ = [
    "ExportOptions",
    "ParseSetup",
    "RawFile",
    "check_export",
    "export_frame",
    "frame_key_of",
    "guess_setup",
    "list_files",
    "numbered_keys",
    "parse_files",
    "start_parse",
]


def __dir__() -> list[str]:
    return __all__
