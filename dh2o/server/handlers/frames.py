"""Frames: list, show, summarise, delete; and their blocks."""
# ruff: noqa: ARG001 (all handlers are called alike)

from __future__ import annotations

from typing import TYPE_CHECKING

from dh2o.errors import FrameError, KeyNotFoundError, ParameterError
from dh2o.frame import Frame, saved
from dh2o.mrtask.allocator import give_back
from dh2o.server.files import Files
from dh2o.server.frame_view import Window, column_frame, frame_schema
from dh2o.server.handlers.jobs import job_schema
from dh2o.server.handlers.mojo import raw_frame
from dh2o.server.schemas.base import Key
from dh2o.server.schemas.frames import (
    FrameChunksV3,
    FrameChunkV3,
    FrameLoadV3,
    FrameSaveV3,
    FramesListV3,
    FramesV3,
    FrameSynopsisV3,
    RemoveAllV3,
    RemoveV3,
)

if TYPE_CHECKING:
    from dh2o.mrtask import JobContext
    from dh2o.server.app import Call

__all__ = [
    "delete_frame",
    "delete_frames",
    "list_frames",
    "load",
    "remove_all_keys",
    "remove_key",
    "save",
    "show_chunks",
    "show_column",
    "show_column_summary",
    "show_columns",
    "show_domain",
    "show_frame",
    "show_light",
    "show_summary",
]


def frame_of(key: Key | None) -> Frame:
    """Return the frame stored under `key`."""
    if key is None or key.name is None:
        raise ParameterError("frame_id: the key of a frame is needed.")
    try:
        return Frame.get(key.name)
    except KeyNotFoundError as error:
        error.values = {"argument": "key", "name": key.name}  # type: ignore[attr-defined]  # shown
        raise


def list_frames(call: Call, args: FramesListV3) -> FramesListV3:
    """Return name and size of every frame."""
    frames = []
    for entry in call.state.engine.dkv.entries():
        if entry.kind == "frame":
            frame = Frame.get(entry.key)
            frames.append(
                FrameSynopsisV3(
                    frame_id=Key(entry.key, "Frame"),
                    byte_size=entry.nbytes,
                    rows=frame.n_rows,
                    columns=frame.n_cols,
                )
            )
    args.frames = frames
    return args


def show_frame(call: Call, args: FramesV3) -> FramesV3:
    """Return one frame with a window of its rows; a raw file as one column of bytes."""
    raw = raw_frame(call, args.frame_id)
    args.frames = [raw or frame_schema(frame_of(args.frame_id), Window.of(args))]
    return args


def show_columns(call: Call, args: FramesV3) -> FramesV3:
    """Return the columns of one frame."""
    return show_frame(call, args)


def show_light(call: Call, args: FramesV3) -> FramesV3:
    """Return one frame without the tables on its blocks."""
    args.frames = [frame_schema(frame_of(args.frame_id), Window.of(args), with_blocks=False)]
    return args


def show_summary(call: Call, args: FramesV3) -> FramesV3:
    """Return one frame with histograms and percentiles of its columns."""
    window = Window.of(args)
    args.frames = [frame_schema(frame_of(args.frame_id), window, with_histograms=True)]
    return args


def show_column(call: Call, args: FramesV3) -> FramesV3:
    """Return one column of a frame."""
    frame = column_frame(frame_of(args.frame_id), args.column)
    args.frames = [frame_schema(frame, Window.of(args))]
    return args


def show_column_summary(call: Call, args: FramesV3) -> FramesV3:
    """Return one column of a frame with its histogram and percentiles."""
    frame = column_frame(frame_of(args.frame_id), args.column)
    args.frames = [frame_schema(frame, Window.of(args), with_histograms=True)]
    return args


def show_domain(call: Call, args: FramesV3) -> FramesV3:
    """Return the levels of a categorical column."""
    vec = column_frame(frame_of(args.frame_id), args.column).vecs[0]
    args.domain = [list(vec.domain) if vec.domain is not None else None]
    return args


def show_chunks(call: Call, args: FrameChunksV3) -> FrameChunksV3:
    """Return the row count of each block, and the worker that holds it."""
    frame = frame_of(args.frame_id)
    args.chunks = [
        FrameChunkV3(chunk_id=i, row_count=n, node_idx=0) for i, n in enumerate(frame.layout)
    ]
    return args


def delete_frame(call: Call, args: FramesV3) -> FramesV3:
    """Delete one frame."""
    frame = frame_of(args.frame_id)
    Frame.delete(frame.key or "")
    return args


def delete_frames(call: Call, args: FramesV3) -> FramesV3:
    """Delete all frames."""
    dkv = call.state.engine.dkv
    for key in dkv.keys(kind="frame"):
        dkv.remove(key)
    return args


def remove_key(call: Call, args: RemoveV3) -> RemoveV3:
    """Remove one key, whatever it names; nothing happens if it is not there."""
    if args.key is None or args.key.name is None:
        raise ParameterError("key: the key to remove is needed.")
    dkv = call.state.engine.dkv
    if dkv.contains(args.key.name):
        dkv.remove(args.key.name)
    return args


def remove_all_keys(call: Call, args: RemoveAllV3) -> RemoveAllV3:
    """Remove everything but the retained keys, which must be frames or models."""
    dkv = call.state.engine.dkv
    retained = [key.name for key in args.retained_keys or [] if key is not None]
    kinds = {entry.key: entry.kind for entry in dkv.entries()}
    wrong = [key for key in retained if kinds.get(key, "frame") not in ("frame", "model")]
    if wrong:
        raise FrameError(f"Only frames and models can be retained, not {', '.join(wrong)}.")
    if not retained:
        call.state.close_sessions()
    dkv.remove_all(retained=retained)
    give_back()
    return args


def save(call: Call, args: FrameSaveV3) -> FrameSaveV3:
    """Start to write a frame into a folder of the server, in dh2o's own format."""
    frame, folder = frame_of(args.frame_id), _folder(call, args.dir)
    key = str(frame.key)
    target = saved.file_of(folder, key)
    if target.exists() and not args.force:
        raise ParameterError(f"File already exists: {target}. Use force=True to overwrite it.")
    job = call.state.engine.start_job(
        "Save frame", _save, frame, folder, key, dest=None, dest_type="Key<Frame>"
    )
    args.job = job_schema(job)
    return args


def load(call: Call, args: FrameLoadV3) -> FrameLoadV3:
    """Start to read a frame from a folder of the server."""
    folder, key = _folder(call, args.dir), args.frame_id.name if args.frame_id else None
    if not key:
        raise ParameterError("frame_id: the key that the frame was saved under is needed.")
    if call.state.engine.dkv.contains(key) and not args.force:
        raise ParameterError(f"Frame Key<Frame> {key} already exists.")
    if not saved.file_of(folder, key).is_file():
        raise FrameError(f"No frame {key!r} in {folder}.")
    job = call.state.engine.start_job(
        "Load frame", _load, folder, key, dest=None, dest_type="Key<Frame>"
    )
    args.job = job_schema(job)
    return args


def _folder(call: Call, folder: str | None) -> str:
    if not folder:
        raise ParameterError("dir: the path of a folder is needed.")
    Files(call.state.options).check(folder)
    return folder.removeprefix("file://")


def _save(ctx: JobContext, frame: Frame, folder: str, key: str) -> None:
    saved.save(frame, folder, key)


def _load(ctx: JobContext, folder: str, key: str) -> None:
    saved.load(key, folder)
