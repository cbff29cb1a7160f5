"""128-bit ids: sixteen bytes a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from dh2o.chunks.codec import Codec, Mask, Stored, frozen


@dataclass(frozen=True, slots=True)
class UuidCodec(Codec):
    """Sixteen bytes a row, most significant first; a bitmap marks NA when `has_na`."""

    tag: ClassVar[str] = "uuid"
    has_na: bool = False

    def encode(self, values: Any) -> Stored:
        """Return an Arrow fixed_size_binary(16) array as bytes and bitmap."""
        n_rows = len(values)
        first = 16 * values.offset
        flat = np.frombuffer(values.buffers()[1] or b"", dtype=np.uint8)[
            first : first + 16 * n_rows
        ]
        if not self.has_na:
            return Stored((frozen(flat.copy()),))
        na = np.asarray(values.is_null())
        ids = flat.reshape(n_rows, 16).copy()
        ids[na] = 0
        return Stored((frozen(ids.reshape(-1)), frozen(np.packbits(na, bitorder="little"))))

    def na_mask(self, stored: Stored, start: int, out: Mask) -> None:
        if not self.has_na:
            out.fill(False)
            return
        bits = np.unpackbits(stored.buffers[1], bitorder="little", count=start + len(out))
        out[:] = bits[start:]

    def uuids(self, stored: Stored, start: int, stop: int) -> Any:
        """Return the rows `start` to `stop` as an Arrow fixed_size_binary(16) array."""
        import pyarrow as pa

        na = np.empty(stop - start, dtype=np.bool_)
        self.na_mask(stored, start, na)
        data = pa.py_buffer(stored.buffers[0][16 * start : 16 * stop])
        validity = pa.py_buffer(np.packbits(~na, bitorder="little")) if na.any() else None
        return pa.Array.from_buffers(pa.binary(16), len(na), [validity, data])

    def slice(self, stored: Stored, start: int, stop: int) -> tuple[Codec, Stored]:
        ids = frozen(stored.buffers[0][16 * start : 16 * stop].copy())
        if not self.has_na:
            return self, Stored((ids,))
        na = np.empty(stop - start, dtype=np.bool_)
        self.na_mask(stored, start, na)
        return self, Stored((ids, frozen(np.packbits(na, bitorder="little"))))
