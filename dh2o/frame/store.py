"""Frames in the DKV, where every client of the cluster sees them."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from dh2o.errors import FrameError, KeyLockedError, KeyNotFoundError
from dh2o.frame.physical import engine_for
from dh2o.mrtask import current_engine

if TYPE_CHECKING:
    from dh2o.frame.frame import Frame

KIND = "frame"

_LEGAL_KEY = re.compile(r"^[^\s!@#$%^&*()+={}\[\]|\\;:\"'<>,/?]+$")


def put(frame: Frame, key: str) -> Frame:
    """Store `frame` under `key` and return it with the key."""
    if not _LEGAL_KEY.match(key):
        raise FrameError(
            f"{key!r} is no legal key. Leave out spaces and the characters "
            "! @ # $ % ^ & * ( ) + = { } [ ] | \\ ; : \" ' < > , / ?"
        )
    stored = frame.with_key(key)
    engine_for(frame).dkv.put(key, stored, kind=KIND)
    return stored


def get(key: str) -> Frame:
    """Return the frame stored under `key`."""
    from dh2o.frame.frame import Frame

    dkv = current_engine().dkv
    found = dkv.find(key)
    if not isinstance(found, Frame):
        raise KeyNotFoundError.of("Frame", key, dkv.keys(kind=KIND))
    return found


def delete(key: str) -> None:
    """Remove the frame stored under `key`."""
    get(key)
    current_engine().dkv.remove(key)


def remember_rollups(frame: Frame) -> None:
    """Keep the statistics of a stored frame with it, so that other clients need not compute them.

    Nothing is lost when that is not possible just now: they are only a cache.
    """
    if frame.key is None:
        return
    known = {_identity(vec): vec.cell.rollups for vec in frame.vecs}

    def with_rollups(stored: Any) -> Any:
        if type(stored) is not type(frame):
            raise KeyNotFoundError.of("Frame", str(frame.key))
        for vec in stored.vecs:
            vec.cell.rollups = vec.cell.rollups or known.get(_identity(vec))
        return stored

    dkv = engine_for(frame).dkv
    with suppress(KeyNotFoundError, KeyLockedError):
        if (shared := dkv.shared(frame.key)) is not None:
            with_rollups(shared)
        else:
            dkv.update(frame.key, with_rollups)


def _identity(vec: Any) -> tuple[Any, int, str, Any]:
    blocks, column = vec.ref
    return blocks.uid, column, str(vec.type), vec.domain
