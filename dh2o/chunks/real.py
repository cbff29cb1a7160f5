"""Plain IEEE numbers: eight bytes, or four where that loses nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dh2o.chunks.codec import (
    Buffer,
    Codec,
    LossyCodecError,
    Mask,
    NumberCodec,
    Stored,
    first_row,
    frozen,
    same_bits,
)


@dataclass(frozen=True, slots=True)
class Float64Codec(NumberCodec):
    """Any double, as it is; NaN is NA."""

    tag: ClassVar[str] = "float64"

    def encode(self, values: Buffer) -> Stored:
        return Stored((frozen(np.array(values, dtype=np.float64)),))

    def decode(self, stored: Stored, start: int, out: Buffer) -> None:
        out[:] = stored.buffers[0][start : start + len(out)]

    def view(self, stored: Stored) -> Buffer | None:
        lying = stored.buffers[0]
        return lying if lying.dtype == np.float64 else None

    def na_mask(self, stored: Stored, start: int, out: Mask) -> None:
        np.isnan(stored.buffers[0][start : start + len(out)], out=out)

    def slice(self, stored: Stored, start: int, stop: int) -> tuple[Codec, Stored]:
        return self, Stored((frozen(stored.buffers[0][start:stop].copy()),))


@dataclass(frozen=True, slots=True)
class Float32Codec(Float64Codec):
    """Doubles that a 4-byte float holds exactly; NaN is NA."""

    tag: ClassVar[str] = "float32"

    def encode(self, values: Buffer) -> Stored:
        with np.errstate(over="ignore"):
            narrow = values.astype(np.float32)
        lost = ~same_bits(narrow.astype(np.float64), values)
        if lost.any():
            row = first_row(lost)
            raise LossyCodecError.at_row(self, row, values[row])
        return Stored((frozen(narrow),))
