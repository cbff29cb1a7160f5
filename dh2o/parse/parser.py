"""The parse of files to a frame: one task a range, one short task more for the domains."""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dh2o.errors import ParseError
from dh2o.frame import Frame
from dh2o.parse.guess import guess_setup
from dh2o.parse.plan import check_setup, with_header_names
from dh2o.parse.run import ParseRun
from dh2o.parse.setup import ParseSetup, frame_key_of, numbered_keys
from dh2o.parse.sources import RawFile, source_of
from dh2o.parse.storage import absolute

if TYPE_CHECKING:
    from dh2o.mrtask import DKV, Engine, Job, JobContext

File = str | os.PathLike[str] | RawFile


def start_parse(
    engine: Engine,
    setup: ParseSetup,
    dest: str | None = None,
    files: Sequence[File] | None = None,
) -> Job:
    """Return the job that parses the files of `setup` to the frame `dest`.

    Without a `dest` the key is made from the name of the first file, with a number when it is
    taken.
    """
    items = _resolve(engine, setup, files)
    wanted = dest or _free_key(engine, setup, items)
    check_setup(setup, wanted)
    return engine.start_job(
        "Parse", _parse_job, setup, wanted, items, dest=wanted, dest_type="Key<Frame>"
    )


def parse_files(
    engine: Engine,
    setup: ParseSetup,
    dest: str | None = None,
    ctx: JobContext | None = None,
    files: Sequence[File] | None = None,
) -> Frame:
    """Return the frame that the files of `setup` hold, stored in the DKV under `dest`.

    Parameters
    ----------
    files
        What the sources of the setup stand for; by default each is a path, or the key of a
        `RawFile` in the DKV.
    ctx
        The job on whose behalf this runs: gets progress and warnings, and may be cancelled.

    Raises
    ------
    ParseError
        When a file cannot be read as the setup says. Nothing is stored then.
    """
    items = _resolve(engine, setup, files)
    wanted = dest or _free_key(engine, setup, items)
    if ctx is not None:
        return _store(ctx.dkv, _parse(engine, setup, wanted, items, ctx), wanted, items, setup)
    dkv = engine.dkv.held_by(f"parse-{uuid.uuid4().hex}")
    with dkv.writing(wanted):
        return _store(dkv, _parse(engine, setup, wanted, items, None), wanted, items, setup)


def _parse_job(ctx: JobContext, setup: ParseSetup, dest: str, files: list[File]) -> None:
    frame = _parse(ctx.engine, setup, dest, files, ctx)
    _store(ctx.dkv, frame, dest, files, setup)


def _store(dkv: DKV, frame: Frame, dest: str, files: Sequence[File], setup: ParseSetup) -> Frame:
    """Return the frame with its key, stored; imported files are removed if the setup says so."""
    frame = replace(frame, key=dest)
    dkv.put(dest, frame, kind="frame")
    if setup.delete_on_done:
        raw = [f.name for f in files if isinstance(f, RawFile) and dkv.kind(f.name) == "raw"]
        dkv.remove(*raw)
    return frame


def _resolve(engine: Engine, setup: ParseSetup, files: Sequence[File] | None) -> list[File]:
    """Return paths and imported files; a source name that is a raw key gives its file."""
    if files is None:
        dkv = engine.dkv
        files = [dkv.get(n) if dkv.kind(n) == "raw" else n for n in setup.source_frames]
    if not files:
        raise ParseError("No file names given for parsing. Give at least one path.")
    return [f if isinstance(f, RawFile) else absolute(os.fspath(f)) for f in files]


def _free_key(engine: Engine, setup: ParseSetup, files: Sequence[File]) -> str:
    name = setup.destination_frame
    if name is None:
        first = files[0]
        name = frame_key_of(first.name if isinstance(first, RawFile) else os.fspath(first))
    taken = set(engine.dkv.keys())
    return next(key for key in numbered_keys(name) if key not in taken)


def _parse(
    engine: Engine, setup: ParseSetup, dest: str, files: Sequence[File], ctx: JobContext | None
) -> Frame:
    if setup.number_columns == 0:
        setup = guess_setup(files, **_given(setup))
    check_setup(setup, dest)
    sources = [source_of(item, setup.encoding) for item in files]
    if not any(source.nbytes for source in sources):
        raise ParseError(f"{sources[0].name}: the file is empty, there is nothing to parse.")
    setup = with_header_names(setup, sources)
    return ParseRun(engine, setup, sources, ctx).frame()


def _given(setup: ParseSetup) -> dict[str, Any]:
    """Return the fields of an unguessed setup that differ from the defaults."""
    default = ParseSetup()
    return {
        name: value
        for name, value in vars(setup).items()
        if value != getattr(default, name) and name != "source_frames"
    }
