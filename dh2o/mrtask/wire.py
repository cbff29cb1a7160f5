"""How values travel: pickled once, with large buffers beside them, never copied on the way.

The functions that pickle also tell which blocks and spool files a value mentions, so that whoever
keeps the value (the DKV, a job) can keep those alive too.
"""

from __future__ import annotations

import importlib
import io
import pickle
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import cloudpickle
import numpy as np
from numpy.typing import NDArray

_local = threading.local()
_INLINE_NBYTES = 2048  # below this a buffer of its own costs more than a copy


@dataclass(frozen=True, slots=True, eq=False)  # arrays are not compared as a whole
class Parcel:
    """A pickled value: the pickle itself and the buffers that it refers to, as arrays of bytes.

    Not as memoryviews: Python's collector of cycles (of 3.11 for one) clears a memoryview that a
    pickle's buffer still uses, and the process crashes. Connections that broke off leave such
    cycles: an error and the frames that it went through. The collector does not look into arrays.
    """

    head: bytes
    buffers: tuple[NDArray[np.uint8], ...] = ()

    @property
    def nbytes(self) -> int:
        """Bytes of the pickle and its buffers."""
        return len(self.head) + sum(b.nbytes for b in self.buffers)

    def open(self) -> Any:
        """Return the value."""
        return _Unpickler(io.BytesIO(self.head), buffers=self.buffers).load()

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        # Buffers as PickleBuffer: a transport that speaks protocol 5 sends them without a copy.
        wrap: Any = pickle.PickleBuffer if protocol >= 5 else bytes
        return Parcel.of, (self.head, *(wrap(b) for b in self.buffers))

    @classmethod
    def of(cls, head: bytes, *buffers: Any) -> Parcel:
        """Return a parcel of a pickle and of buffers of any kind, which are not copied."""
        return cls(head, tuple(_bytes_of(b) for b in buffers))


def _bytes_of(buffer: Any) -> NDArray[np.uint8]:
    """Return an array that lies where `buffer` lies."""
    return np.frombuffer(buffer, np.uint8)


class _Unpickler(pickle.Unpickler):
    """Unpickles what came from the own cluster; safe while other threads import, too.

    Python imports a module under its lock, and its package within that. A thread that begins with
    the package takes the locks the other way round, and one of the two fails: packages go first.
    """

    def find_class(self, module: str, name: str) -> Any:
        if module not in sys.modules:
            parts = module.split(".")
            for i in range(1, len(parts)):
                importlib.import_module(".".join(parts[:i]))
        return super().find_class(module, name)


def pack(value: Any) -> Parcel:
    """Return `value` pickled; arrays of some size stay outside the pickle and are not copied."""
    buffers: list[NDArray[np.uint8]] = []

    def keep(buffer: pickle.PickleBuffer) -> bool:
        """Put a large buffer beside the pickle; return whether it goes into the pickle."""
        raw = buffer.raw()
        if raw.nbytes <= _INLINE_NBYTES:
            return True
        buffers.append(_bytes_of(raw))
        return False

    head = _plain_pickle(value, keep)
    if head is None:
        buffers.clear()
        head = cloudpickle.dumps(value, protocol=5, buffer_callback=keep)
    return Parcel(head, tuple(buffers))


def _plain_pickle(value: Any, keep: Any) -> bytes | None:
    """Return the pickle; None if it refers to code that other processes may not be able to import.

    Plain pickling takes a tenth of the time, and most of what travels is arrays and our classes.
    """
    found = getattr(_local, "found", None)
    n_found = 0 if found is None else len(found)
    try:
        head = pickle.dumps(value, protocol=5, buffer_callback=keep)
    except Exception:  # noqa: BLE001  (a lambda, or whatever a user's class raises)
        head = b"__main__"
    by_value = ("__main__", *cloudpickle.list_registry_pickle_by_value())
    if not any(name.encode() in head for name in by_value):
        return head
    if found is not None:
        del found[n_found:]
    return None


def dumps(value: Any) -> bytes:
    """Return `value` as one bytes object (small metadata)."""
    plain = _plain_pickle(value, None)
    return cloudpickle.dumps(value, protocol=5) if plain is None else plain


def loads(data: bytes) -> Any:
    """Return the value of `dumps`."""
    return _Unpickler(io.BytesIO(data)).load()


def pack_exception(error: BaseException) -> bytes:
    """Return `error` with its traceback, or its message only if it cannot be pickled."""
    import traceback

    from dh2o.errors import DH2OError

    text = "".join(traceback.format_exception(error))
    try:
        data = dumps((error, text))
        loads(data)
    except Exception:  # noqa: BLE001  (whatever a user's exception does when pickled)
        data = dumps((DH2OError(f"{type(error).__name__}: {error}"), text))
    return data


def unpack_exception(data: bytes) -> BaseException:
    """Return the exception of `pack_exception`; its remote traceback is its cause."""
    error, text = loads(data)
    error.__cause__ = RemoteTraceback(text)
    return error


class RemoteTraceback(Exception):  # noqa: N818  (shown as a cause, never raised by itself)
    """The traceback of an error as it was on the worker."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f'\n"""\n{self.text}"""'


@contextmanager
def mentions() -> Iterator[list[Any]]:
    """Collect the blocks and spool files that are pickled or unpickled in this thread meanwhile."""
    outer = getattr(_local, "found", None)
    found: list[Any] = []
    _local.found = found
    try:
        yield found
    finally:
        _local.found = outer


def mention(thing: Any) -> None:
    """Tell the collector of this thread, if there is one, that `thing` is pickled or unpickled."""
    found = getattr(_local, "found", None)
    if found is not None:
        found.append(thing)
