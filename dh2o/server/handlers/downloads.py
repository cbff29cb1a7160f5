"""Frames as CSV: to the client, and to files of the server."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Response

from dh2o.errors import ParameterError
from dh2o.frame.layout import even_layout, row_starts
from dh2o.mrtask import use_engine
from dh2o.server.files import Files

from .frames import frame_of
from .jobs import job_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dh2o.frame import Frame
    from dh2o.mrtask import Engine, JobContext
    from dh2o.server.app import Call
    from dh2o.server.schemas.frames import FramesV3

__all__ = ["download", "export", "export_old"]


def download(call: Call, params: dict[str, Any]) -> Response:
    """Return a frame as CSV, block by block."""
    from dh2o.server.params import parse_value

    key = parse_value("frame_id", "Key<Frame>", params.get("frame_id"))
    if key is None:
        raise ParameterError("frame_id: the key of a frame is needed.")
    frame = frame_of(key)
    options = {"hex_floats": _flag(params, "hex_string")}
    name = "".join(c if c.isalnum() or c in "._-" else "_" for c in (frame.key or "frame"))
    name = name.removesuffix(".hex")
    stream = frame.to_csv_stream(**{k: v for k, v in options.items() if v})
    response = Response(
        _pieces(call.state.engine, stream), content_type="application/octet-stream;charset=utf-8"
    )
    response.headers["Content-Disposition"] = f"attachment; filename={name}.csv"
    return response


def export(call: Call, args: FramesV3) -> FramesV3:
    """Start to write a frame to a file of the server."""
    frame = frame_of(args.frame_id)
    if args.format not in (None, "csv"):
        raise ParameterError(f"format: {args.format} is not supported yet. Use csv.")
    target = _target(call, args)
    job = call.state.engine.start_job(
        "Export dataset", _export, frame, str(target), args.num_parts, _csv_options(args),
        args.compression, dest=None, dest_type="Key<Frame>",
    )  # fmt: skip
    args.job = job_schema(job)
    return args


def export_old(call: Call, args: FramesV3) -> FramesV3:
    """Start to write a frame to a file of the server (the old path)."""
    return export(call, args)


def _pieces(engine: Engine, stream: Iterator[bytes]) -> Iterator[bytes]:
    """Yield a stream that is read after the handler has returned, on the server's engine."""
    while True:
        with use_engine(engine):
            piece = next(stream, None)
        if piece is None:
            return
        yield piece


def _flag(params: dict[str, Any], name: str) -> bool:
    return str(params.get(name, "false")).lower() == "true"


def _csv_options(args: FramesV3) -> dict[str, Any]:
    return {
        "separator": chr(args.separator),
        "header": args.header,
        "quote_header": args.quote_header,
    }


def _target(call: Call, args: FramesV3) -> Path:
    if not args.path:
        raise ParameterError("path: the path of the file to write is needed.")
    Files(call.state.options).check(args.path)
    target = Path(args.path.removeprefix("file://")).expanduser()
    if args.num_parts != 1:
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise ParameterError(
                f"exportFrame: Cannot use path {args.path}: parts need a new or an empty folder."
            )
        return target
    if target.is_dir():
        raise ParameterError(f"path: {args.path} is a folder. Name the file to write.")
    if target.exists() and not args.force:
        raise ParameterError(f"File {args.path} already exists. Use force=True to overwrite it.")
    if not target.parent.is_dir():
        raise ParameterError(f"path: the folder {target.parent} does not exist.")
    return target


def _export(
    ctx: JobContext,
    frame: Frame,
    path: str,
    n_parts: int,
    options: dict[str, Any],
    packing: str | None,
) -> None:
    """Write one file, or a folder of parts: as many as asked for, or one for each block."""
    if n_parts == 1:
        _write(ctx, frame, path, options, packing)
        return
    Path(path).mkdir(parents=True, exist_ok=True)
    layout = list(frame.layout) if n_parts < 1 else even_layout(frame.n_rows, n_parts)
    starts = row_starts(layout)
    for i, n_rows in enumerate(layout):
        part = frame.slice_rows(starts[i], starts[i] + n_rows)
        _write(ctx, part, f"{path}/part-m-{i:05d}", options, packing)
        ctx.update((i + 1) / len(layout))


def _write(
    ctx: JobContext, frame: Frame, path: str, options: dict[str, Any], packing: str | None
) -> None:
    """Write beside the target and rename, so that a failed export leaves no half file."""
    partial = f"{path}.part{os.getpid()}"
    try:
        with _opened(partial, packing) as file:
            for piece in frame.to_csv_stream(**options):
                ctx.check()
                file.write(piece)
        Path(partial).replace(path)
    finally:
        Path(partial).unlink(missing_ok=True)


def _opened(path: str, packing: str | None) -> Any:
    import bz2
    import gzip

    if packing in (None, "", "none"):
        return Path(path).open("wb")
    openers: dict[str, Any] = {"gzip": gzip.open, "bzip2": bz2.open}
    if packing.lower() not in openers:
        raise ParameterError(f"compression: {packing} is not supported. Use gzip, bzip2 or none.")
    return openers[packing.lower()](path, "wb")
