"""Frames as CSV: to the client, and to files of the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response

from dh2o.errors import ParameterError
from dh2o.mrtask import use_engine
from dh2o.parse import ExportOptions, check_export, export_frame
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
    if not args.path:
        raise ParameterError("path: the path of the file to write is needed.")
    Files(call.state.options).check(args.path)
    frame = frame_of(args.frame_id)
    options = ExportOptions(
        format=args.format or "csv",
        # H2O writes Parquet as a folder of parts, one for each chunk, whatever num_parts says.
        n_parts=-1 if args.format == "parquet" else args.num_parts,
        compression=args.compression,
        separator=chr(args.separator),
        header=args.header,
        quote_header=args.quote_header,
        force=args.force,
        write_checksum=args.write_checksum,
        to_utc_from=call.state.time_zone if args.tz_adjust_from_local else None,
    )
    check_export(frame, args.path, options)
    job = call.state.engine.start_job(
        "Export dataset", _export, frame, args.path, options, dest=None, dest_type="Key<Frame>"
    )
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


def _export(ctx: JobContext, frame: Frame, path: str, options: ExportOptions) -> None:
    def progress(share: float) -> None:
        ctx.check()
        ctx.update(share)

    export_frame(frame, path, options, progress)
