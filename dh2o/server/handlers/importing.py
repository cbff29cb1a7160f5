"""Import, upload, guess and parse."""

from __future__ import annotations

import re
import secrets
from dataclasses import fields as dataclass_fields
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dh2o.errors import KeyNotFoundError, ParameterError, ParseError
from dh2o.parse import (
    ParseSetup,
    RawFile,
    guess_setup,
    list_files,
    numbered_keys,
    start_parse,
)
from dh2o.server.files import Files, UploadedFile, import_key, path_of_key
from dh2o.server.schemas.base import Key
from dh2o.server.schemas.parse import (
    ImportFilesMultiV3,
    ImportFilesV3,
    ParseSetupV3,
    ParseSVMLightV3,
    ParseV3,
    TypeaheadV3,
)

from .jobs import job_schema

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dh2o.server.app import Call

__all__ = [
    "complete_path",
    "guess",
    "import_files",
    "import_many",
    "parse",
    "parse_svmlight",
    "put_key",
    "upload",
]

_COPY_NBYTES = 1 << 20
_OWN_IMPORT = re.compile(r"^https?://[^/]*/(3|99|LATEST)/ImportFiles", re.IGNORECASE)
_FRAME_NAME = re.compile(r"^(.*?)(\d*)\.hex$")


def import_files(call: Call, args: ImportFilesV3) -> ImportFilesV3:
    """Return the files under one path."""
    files = _allowed_files(call, [args.path or ""], args.pattern)
    args.files, args.destination_frames = files, [import_key(file) for file in files]
    args.fails, args.dels = [], []
    return args


def import_many(call: Call, args: ImportFilesMultiV3) -> ImportFilesMultiV3:
    """Return the files under several paths."""
    files = _allowed_files(call, args.paths or [], args.pattern)
    args.files, args.destination_frames = files, [import_key(file) for file in files]
    args.fails, args.dels = [], []
    return args


def complete_path(call: Call, args: TypeaheadV3) -> TypeaheadV3:
    """Return the paths that begin with a text."""
    args.matches = Files(call.state.options).complete(args.src or "", args.limit)
    return args


def guess(call: Call, args: ParseSetupV3) -> ParseSetupV3:
    """Return a guess of how the raw files are to be parsed."""
    keys = _names(args.source_frames)
    overrides = _overrides(args, skip={"source_frames", "destination_frame"})
    setup = guess_setup([_source(call, key) for key in keys], **overrides)
    if path_of_key(keys[0]) is None:
        name = f"Key_Frame__{keys[0]}.hex"
    else:
        name = call.state.promise_key(numbered_keys(setup.destination_frame or "frame.hex"))
    return _setup_schema(setup, keys, name)


def parse(call: Call, args: ParseV3) -> ParseV3:
    """Start to parse the raw files; the answer names the job."""
    keys = _names(args.source_frames)
    dest = args.destination_frame.name if args.destination_frame else None
    if dest is None:
        raise ParameterError("destination_frame: the key of the frame to make is needed.")
    overrides = _overrides(args, skip={"source_frames", "destination_frame"})
    sources = [_source(call, key) for key in keys]
    setup = replace(guess_setup(sources, **overrides), timezone=call.state.time_zone)
    job = start_parse(call.state.engine, setup, dest, files=sources)
    call.state.keep_promise(dest)
    if args.blocking:
        job.wait(progress=False)
    args.job = job_schema(job)
    return args


def parse_svmlight(call: Call, args: ParseSVMLightV3) -> Any:
    """Start to parse SVMLight files."""
    keys = _names(args.source_frames)
    sources = [_source(call, key) for key in keys]
    setup = guess_setup(sources, parse_type="SVMLight")
    dest = args.destination_frame.name if args.destination_frame else None
    name = dest or call.state.promise_key(numbered_keys(setup.destination_frame or "frame.hex"))
    job = start_parse(call.state.engine, setup, name, files=sources)
    call.state.keep_promise(name)
    return job_schema(job)


def upload(call: Call) -> dict[str, Any]:
    """Take the body, or its first file, into the spool; the answer names its key."""
    key = call.request.args.get("destination_frame") or f"upload_{secrets.token_hex(16)}"
    nbytes = _store_upload(call, key)
    return {"destination_frame": key, "total_bytes": nbytes}


def put_key(call: Call) -> dict[str, Any]:
    """Take the body into the spool under a key of the client's choice."""
    key = call.request.args.get("destination_key") or f"upload_{secrets.token_hex(16)}"
    overwrite = call.request.args.get("overwrite", "true").lower() != "false"
    if not overwrite and call.state.engine.dkv.contains(key):
        raise ParameterError(f"destination_key: {key!r} is taken, and overwrite is false.")
    nbytes = _store_upload(call, key)
    return {"destination_key": key, "total_bytes": nbytes}


for _reads_body in (upload, put_key):
    _reads_body.reads_body = True  # type: ignore[attr-defined]  # the body is not a form


def _store_upload(call: Call, key: str) -> int:
    request = call.request
    if (request.mimetype or "").startswith("multipart/"):
        uploads = list(request.files.values())
        if not uploads:
            raise ParameterError("The body holds no file.")
        stream: Any = uploads[0].stream
    else:
        stream = request.stream
    nbytes = 0
    with call.state.engine.spool.create(suffix=_suffix(key)) as out:
        while piece := stream.read(_COPY_NBYTES):
            out.write(piece)
            nbytes += len(piece)
    raw = UploadedFile(name=key, url=out.ref.url, nbytes=nbytes, ref=out.ref)
    call.state.engine.dkv.put(key, raw, kind="raw")
    return nbytes


def _suffix(key: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "_", key)[-60:]


def _allowed_files(call: Call, paths: Iterable[str], pattern: str | None) -> list[str]:
    wanted = [str(path) for path in paths]
    if not wanted or not wanted[0]:
        raise ParameterError("path: the path of a file or folder is needed.")
    guard = Files(call.state.options)
    for path in wanted:
        if _OWN_IMPORT.match(path):
            raise ParameterError(f"Recursive path reference: {path[:200]} is itself an import.")
        guard.check(path)
    files = list_files(wanted if len(wanted) > 1 else wanted[0], pattern)
    for file in files:
        guard.check(file)
    return files


def _source(call: Call, key: str) -> Any:
    path = path_of_key(key)
    if path is not None:
        Files(call.state.options).check(path)
        return path
    dkv = call.state.engine.dkv
    raw = dkv.get(key) if dkv.contains(key) else None
    if not isinstance(raw, RawFile):
        raise KeyNotFoundError(f"Raw file {key!r} not found. Import or upload it first.")
    return raw


def _names(keys: list[Key] | None) -> list[str]:
    names = [key.name for key in keys or [] if key is not None and key.name]
    if not names:
        raise ParameterError("source_frames: the keys of the raw files are needed.")
    return names


def _overrides(args: Any, skip: set[str]) -> dict[str, Any]:
    known = {f.name: f for f in dataclass_fields(ParseSetup)}
    given = {}
    for spec in dataclass_fields(args):
        value = getattr(args, spec.name)
        if spec.name in skip or spec.name not in known or value is None:
            continue
        if value == spec.default and spec.name != "check_header":
            continue
        given[spec.name] = _frozen(value)
    return given


def _frozen(value: Any) -> Any:
    return tuple(_frozen(v) for v in value) if isinstance(value, list) else value


def _setup_schema(setup: ParseSetup, keys: list[str], name: str) -> ParseSetupV3:
    if setup.number_columns == 0:
        raise ParseError(f"{', '.join(keys)}: no columns found. Is the file empty?")
    out = ParseSetupV3()
    for spec in dataclass_fields(out):
        if hasattr(setup, spec.name):
            value = getattr(setup, spec.name)
            setattr(out, spec.name, value if value not in ((), None) else None)
    out.source_frames = [Key(key, "Frame") for key in keys]
    out.destination_frame = name
    out.total_filtered_column_count = setup.total_filtered_column_count or setup.number_columns
    return out
