"""Encodings: text of other encodings is turned into UTF-8 while it is read."""

from __future__ import annotations

import codecs
import io
from typing import IO, Any, cast

from dh2o.errors import ParseError

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_READ_NBYTES = 1 << 18


def encoding_of(head: bytes, asked: str | None) -> str:
    """Return the encoding that a text's first bytes, or the user, name; empty for UTF-8."""
    if asked is None:
        return next((name for bom, name in _BOMS if head.startswith(bom)), "")
    try:
        name = codecs.lookup(asked).name
    except LookupError:
        raise ParseError(f"encoding: {asked!r} is not known. Use a name such as latin-1.") from None
    return "" if name in {"utf-8", "utf-8-sig", "ascii"} else name


def as_utf8(stream: IO[bytes], encoding: str, name: str) -> IO[bytes]:
    """Return a stream of the same text in UTF-8, without a byte order mark."""
    return cast("IO[bytes]", _Transcoded(stream, encoding, name)) if encoding else stream


class _Transcoded(io.RawIOBase):
    """Decodes and encodes as much as it is asked for."""

    def __init__(self, stream: IO[bytes], encoding: str, name: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._name = name
        self._encoding = encoding
        self._held = b""
        self._at_end = False

    def readable(self) -> bool:
        """Say yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with UTF-8."""
        view = memoryview(buffer)
        while not self._held and not self._at_end:
            raw = self._stream.read(_READ_NBYTES)
            self._at_end = not raw
            try:
                text = self._decoder.decode(raw, final=self._at_end)
            except UnicodeDecodeError as error:
                raise ParseError(
                    f"{self._name} is no text in {self._encoding}: {error.reason}. "
                    "Give its encoding."
                ) from None
            self._held = text.encode("utf-8", "surrogatepass")
        n = min(len(view), len(self._held))
        view[:n] = self._held[:n]
        self._held = self._held[n:]
        return n
