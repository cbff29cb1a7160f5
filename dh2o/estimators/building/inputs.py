"""Tables of any kind as frames that a build can name by key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from dh2o.errors import ParameterError
from dh2o.frame import Frame, new_frame_key
from dh2o.mrtask import Engine, current_engine, init
from dh2o.mrtask.engine import find_engine


def engine_or_start() -> Engine:
    """Return the current engine; starts the embedded one if there is none."""
    return find_engine() or init()


def is_cluster_frame(data: Any) -> bool:
    """Whether `data` already lies in the cluster: a Frame or an H2OFrame."""
    return isinstance(data, Frame) or isinstance(getattr(data, "frame", None), Frame)


def as_frame(data: Any, names: Sequence[str] | None = None) -> Frame:
    """Return `data` as a frame: H2OFrame, Frame, a frame's key, or any kind of table."""
    if isinstance(data, Frame):
        return data
    if isinstance(data, str):
        return Frame.get(data)
    frame = getattr(data, "frame", None)
    if isinstance(frame, Frame):
        return frame
    engine_or_start()
    return Frame.from_any(data, names)


@contextmanager
def stored(*frames: Frame | None) -> Iterator[list[str | None]]:
    """Give the keys of frames; those that have none are stored meanwhile."""
    with ExitStack() as stack:
        keys: list[str | None] = []
        for frame in frames:
            key = None if frame is None else frame.key
            if frame is not None and (key is None or not current_engine().dkv.contains(key)):
                key = new_frame_key("train")
                frame.put(key)
                # A job that Ctrl-C cancelled holds its frames until its next check.
                stack.callback(current_engine().dkv.remove_when_free, key)
            keys.append(key)
        yield keys


def column_name(frame: Frame, column: str | int | None, what: str) -> str | None:
    """Return the name of a column given by name or position."""
    if column is None or isinstance(column, str):
        return column
    if isinstance(column, int) and -frame.n_cols <= column < frame.n_cols:
        return frame.names[column]
    raise ParameterError(
        f"{what}: column {column!r} is not in the frame of {frame.n_cols} columns."
    )


def column_names(frame: Frame, columns: Any, what: str) -> list[str]:
    """Return the names of columns given by name or position, alone or in a list."""
    some = [columns] if isinstance(columns, str | int) else list(columns)
    names = [str(column_name(frame, column, what)) for column in some]
    unknown = [name for name in names if name not in frame]
    if unknown:
        raise ParameterError(
            f"{what}: column {unknown[0]!r} not in the frame. Columns: {', '.join(frame.names[:8])}"
            + ("…" if frame.n_cols > 8 else ".")
        )
    return names
