"""Strings: a length per row and the UTF-8 bytes of all rows, or a dictionary of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from dh2o.chunks.codec import NA_INT, Buffer, Codec, Mask, Stored, frozen

if TYPE_CHECKING:
    from dh2o.chunks.chunk import Chunk

#: Packed bytes must be at most this part of the plain ones, or the plain ones stay.
WORTH_PACKING = 0.85


@dataclass(frozen=True, slots=True)
class TextCodec(Codec):
    """UTF-8 bytes one row after the other; the lengths are a chunk of integers, NA for NA.

    `packed` bytes are one zstandard frame of `n_bytes` plain bytes.
    """

    tag: ClassVar[str] = "text"
    n_bytes: int = 0
    packed: bool = False

    @property
    def name(self) -> str:
        return "text-zstd" if self.packed else "text"

    def na_mask(self, stored: Stored, start: int, out: Mask) -> None:
        out[:] = stored.children[0].na_mask(start, start + len(out))

    def strings(self, stored: Stored, start: int, stop: int) -> Any:
        """Return the rows `start` to `stop` as an Arrow large_string array."""
        lengths = stored.children[0]
        ends = np.zeros(stop + 1, dtype=np.int64)
        known = lengths.ints(start=0, stop=stop)
        na = known == NA_INT
        known[na] = 0
        np.cumsum(known, out=ends[1:])
        return arrow_text(ends[start:], self._bytes(stored), na[start:])

    def _bytes(self, stored: Stored) -> Buffer:
        if not self.packed:
            return stored.buffers[0]
        import zstandard

        packed = stored.buffers[0].data
        plain = zstandard.ZstdDecompressor().decompress(packed, self.n_bytes)
        return np.frombuffer(plain, dtype=np.uint8)

    def slice(self, stored: Stored, start: int, stop: int) -> tuple[Codec, Stored]:
        chunk = encode_text(self.strings(stored, start, stop))
        return chunk.codec, chunk.stored


@dataclass(frozen=True, slots=True)
class TextDictionaryCodec(Codec):
    """Strings by their place in a chunk of different strings; the codes are a chunk of integers."""

    tag: ClassVar[str] = "text-dictionary"

    def na_mask(self, stored: Stored, start: int, out: Mask) -> None:
        out[:] = stored.children[1].na_mask(start, start + len(out))

    def strings(self, stored: Stored, start: int, stop: int) -> Any:
        """Return the rows `start` to `stop` as an Arrow large_string array."""
        import pyarrow as pa

        different, codes = stored.children
        places = codes.codes(start=start, stop=stop)
        return different.strings().take(pa.array(places, mask=places < 0))

    def slice(self, stored: Stored, start: int, stop: int) -> tuple[Codec, Stored]:
        different, codes = stored.children
        return self, Stored((), (different, codes.slice(start, stop)))


def arrow_text(ends: Any, data: Buffer, na: Mask) -> Any:
    """Return the Arrow array of the strings between consecutive `ends` in `data`."""
    import pyarrow as pa

    n_na = int(na.sum())
    validity = pa.py_buffer(np.packbits(~na, bitorder="little")) if n_na else None
    buffers = [validity, pa.py_buffer(np.ascontiguousarray(ends)), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.large_string(), len(na), buffers, null_count=n_na)


def encode_text(array: Any) -> Chunk:
    """Return the smaller of the plain and the dictionary chunk of a large_string array."""
    plain = _encode_plain(array)
    n_rows = len(array)
    if n_rows < 2 or not _repeats(array):
        return plain
    dictionary = _encode_dictionary(array)
    return dictionary if dictionary.nbytes < plain.nbytes else plain


def _repeats(array: Any) -> bool:
    sample = array.slice(0, 1024)
    return len(sample.unique()) <= 0.7 * len(sample)


def _encode_plain(array: Any) -> Chunk:
    from dh2o.chunks.chunk import Chunk
    from dh2o.chunks.constant import ConstantCodec
    from dh2o.chunks.encode import encode_ints

    n_rows = len(array)
    if array.null_count == n_rows:
        return Chunk(ConstantCodec(None), n_rows, "string", Stored())
    _, offsets_buffer, data_buffer = array.buffers()
    first = array.offset
    offsets = np.frombuffer(offsets_buffer, dtype=np.int64)[first : first + n_rows + 1]
    lengths = np.diff(offsets)
    na = np.asarray(array.is_null())
    data = np.frombuffer(data_buffer or b"", dtype=np.uint8)[offsets[0] : offsets[-1]]
    if na.any() and lengths[na].any():  # bytes may lie under an NA
        data = data[np.repeat(~na, lengths)]
    codec, packed = _pack_bytes(data)
    return Chunk(codec, n_rows, "string", Stored((packed,), (encode_ints(lengths, na),)))


def _pack_bytes(data: Buffer) -> tuple[TextCodec, Buffer]:
    import zstandard

    plain = frozen(data.copy())
    if data.nbytes >= 512:
        packed = zstandard.ZstdCompressor(level=1).compress(plain.data)
        if len(packed) <= WORTH_PACKING * data.nbytes:
            return TextCodec(data.nbytes, packed=True), np.frombuffer(packed, dtype=np.uint8)
    return TextCodec(data.nbytes), plain


def _encode_dictionary(array: Any) -> Chunk:
    from dh2o.chunks.chunk import Chunk
    from dh2o.chunks.encode import encode_codes

    coded = array.dictionary_encode()
    codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32, copy=False)
    children = (_encode_plain(coded.dictionary), encode_codes(codes))
    return Chunk(TextDictionaryCodec(), len(array), "string", Stored((), children))
