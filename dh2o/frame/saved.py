"""Frames kept in files of dh2o's own: one Arrow file a frame, written and read block by block."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from dh2o.errors import FrameError
from dh2o.files import replaced

if TYPE_CHECKING:
    from dh2o.frame.frame import Frame

__all__ = ["file_of", "load", "save"]


def file_of(folder: str | Path, key: str) -> Path:
    """Return the file of a key; characters that mean something in paths are escaped."""
    return Path(folder).expanduser() / f"{quote(key, safe=' ()+,=@~')}.arrow"


def save(frame: Frame, folder: str | Path, key: str, *, force: bool = True) -> Path:
    """Write a frame into a folder under the name of its key, whole or not at all.

    Raises
    ------
    FrameError
        The file is there and `force` is not set.
    FileWriteError
        The folder cannot be written.
    """
    import pyarrow as pa

    target = file_of(folder, key)
    if target.exists() and not force:
        raise FrameError(f"{target} exists. Give force=True to replace it.")
    reader = pa.RecordBatchReader.from_stream(frame)
    with (
        replaced(target) as partial,
        pa.OSFile(str(partial), "wb") as sink,
        pa.ipc.new_file(sink, reader.schema) as writer,
    ):
        for batch in reader:
            writer.write_batch(batch)
    return target


def load(key: str, folder: str | Path, *, force: bool = True) -> Frame:
    """Return the frame that `save` wrote into a folder under a key, stored under it again.

    Raises
    ------
    FrameError
        There is no such file or it is no frame, or the key is in use and `force` is not set.
    """
    import pyarrow as pa

    from dh2o.frame.exchange.arrow_io import from_batches
    from dh2o.mrtask import current_engine

    dkv = current_engine().dkv
    if dkv.contains(key) and not force:
        raise FrameError(f"Frame {key!r} exists. Give force=True to replace it.")
    source = file_of(folder, key)
    try:
        with pa.memory_map(str(source)) as opened, pa.ipc.open_file(opened) as reader:
            batches = (reader.get_batch(i) for i in range(reader.num_record_batches))
            return from_batches(reader.schema, batches).put(key)
    except FileNotFoundError:
        raise FrameError(f"No frame {key!r} in {folder}: {source} is missing.") from None
    except (OSError, pa.ArrowInvalid) as error:
        raise FrameError(f"{source} is no frame that dh2o wrote: {error}") from None
