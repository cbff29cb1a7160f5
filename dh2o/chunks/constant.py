"""Constant chunks: one value, no bytes per row."""
# ruff: noqa: ARG002 - the one value needs none of the arguments that other codecs need

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dh2o.chunks.codec import (
    F64,
    I64,
    NA_INT,
    NA_OF_DTYPE,
    Buffer,
    Codec,
    LossyCodecError,
    Mask,
    NumberCodec,
    Stored,
    first_row,
    same_bits,
)


@dataclass(frozen=True, slots=True)
class ConstantCodec(NumberCodec):
    """Every row is `value`; None is NA.  Also the all-NA chunk of every kind."""

    tag: ClassVar[str] = "constant"
    value: float | int | None

    @property
    def is_integer(self) -> bool:
        return not isinstance(self.value, float)

    def encode(self, values: Buffer) -> Stored:
        if values.dtype == np.int64:
            lost = values != (NA_INT if self.value is None else self.value)
        else:
            want = np.array([math.nan if self.value is None else self.value], dtype=np.float64)
            lost = ~same_bits(values, want)
        if lost.any():
            row = first_row(lost)
            raise LossyCodecError.at_row(self, row, values[row])
        return Stored()

    def decode(self, stored: Stored, start: int, out: Buffer) -> None:
        out.fill(NA_OF_DTYPE[out.dtype.char] if self.value is None else self.value)

    def na_mask(self, stored: Stored, start: int, out: Mask) -> None:
        out.fill(self.value is None)

    def slice(self, stored: Stored, start: int, stop: int) -> tuple[Codec, Stored]:
        return self, stored

    def counts(self, stored: Stored, n_rows: int) -> tuple[F64, I64]:
        value = math.nan if self.value is None else float(self.value)
        return np.array([value]), np.array([n_rows], dtype=np.int64)
