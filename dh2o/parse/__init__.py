"""Parse: bytes to frames. One tokeniser over byte ranges in parallel, straight into chunks."""

from __future__ import annotations

from dh2o.parse.guess import guess_setup
from dh2o.parse.setup import ParseSetup
from dh2o.parse.sources import RawFile, list_files

__all__ = ["ParseSetup", "RawFile", "guess_setup", "list_files"]
