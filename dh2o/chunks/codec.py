"""What every codec of a chunk is: a frozen description that packs values and unpacks them again.

Values travel as one of two arrays: float64 with NaN for NA, or int64 with `NA_INT` for NA.  A codec
holds them without losing a bit, or refuses with `LossyCodecError`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from dh2o.errors import DH2OError

if TYPE_CHECKING:
    from dh2o.chunks.chunk import Chunk

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]
U32 = npt.NDArray[np.uint32]
Mask = npt.NDArray[np.bool_]
Buffer = npt.NDArray[Any]

NA_INT = int(np.iinfo(np.int64).min)
NA_CODE = -1

#: The number that stands for NA in a decoded array of each type.
NA_OF_DTYPE: dict[str, float | int] = {"d": np.nan, "l": NA_INT, "q": NA_INT, "i": NA_CODE}


class LossyCodecError(DH2OError):
    """A codec was asked to hold a value that it cannot give back bit for bit."""

    @classmethod
    def at_row(cls, codec: Codec, row: int, value: object) -> LossyCodecError:
        """Return the error that names the `codec`, the `row` and its `value`."""
        return cls(
            f"{codec} cannot hold row {row}: {value}. Choose a wider codec for this chunk, "
            "or let encode_floats or encode_ints choose."
        )


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """What a codec makes of values: flat buffers, and chunks inside the chunk."""

    buffers: tuple[Buffer, ...] = ()
    children: tuple[Chunk, ...] = ()

    @property
    def nbytes(self) -> int:
        """Bytes of all buffers, those of the inner chunks included."""
        nbytes = 0
        for buffer in self.buffers:  # not a sum of a generator: 100,000 columns may be asked
            nbytes += buffer.nbytes
        for child in self.children:
            nbytes += child.nbytes
        return nbytes


@dataclass(frozen=True, slots=True)
class Codec(ABC):
    """Base of the codecs: a frozen description of how rows lie in buffers."""

    tag: ClassVar[str]

    @property
    def name(self) -> str:
        """The short name that chunk summaries show."""
        return self.tag

    @property
    def is_integer(self) -> bool:
        """True when every value that the description allows is an integer or NA."""
        return False

    @abstractmethod
    def na_mask(self, stored: Stored, start: int, out: Mask) -> None:
        """Fill `out` with True where the rows from `start` on are NA."""

    @abstractmethod
    def slice(self, stored: Stored, start: int, stop: int) -> tuple[Codec, Stored]:
        """Return the rows `start` to `stop` as a copy that does not hold on to the rest."""

    def __str__(self) -> str:
        inner = ", ".join(f"{f.name}={getattr(self, f.name)}" for f in fields(self))
        return f"{self.name}({inner})"

    def to_fields(self) -> dict[str, Any]:
        """Return the description as plain numbers that msgpack and JSON can hold."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_fields(cls, values: dict[str, Any]) -> Self:
        """Return the codec that `to_fields` described."""
        return cls(**values)


@dataclass(frozen=True, slots=True)
class NumberCodec(Codec):
    """Base of the codecs of numbers: `encode` then `decode` gives the same values, bit for bit."""

    def view(self, stored: Stored) -> Buffer | None:
        """Return the doubles where they lie if they are kept as such, read-only; else None."""
        del stored
        return None

    @abstractmethod
    def encode(self, values: Buffer) -> Stored:
        """Return float64 or int64 `values` packed, or raise `LossyCodecError`."""

    @abstractmethod
    def decode(self, stored: Stored, start: int, out: Buffer) -> None:
        """Fill `out` with the rows from `start` on; its dtype says which number is NA."""

    def counts(self, stored: Stored, n_rows: int) -> tuple[F64, I64] | None:  # noqa: ARG002
        """Return distinct values and how often each occurs, when that is cheaper than decoding.

        NA is the value NaN.  None says: decode instead.
        """
        return None


def first_row(lost: Mask) -> int:
    """Return the number of the first row that is marked."""
    return int(np.flatnonzero(lost)[0])


def same_bits(left: F64, right: F64) -> Mask:
    """Return where two doubles are the same value: -0.0 is not 0.0, any NaN is NA."""
    equal = (left == right) & (np.signbit(left) == np.signbit(right))
    return equal | (np.isnan(left) & np.isnan(right))


def frozen(buffer: Buffer) -> Buffer:
    """Return `buffer`, contiguous and read-only."""
    buffer = np.ascontiguousarray(buffer)
    buffer.flags.writeable = False
    return buffer


def read_only(values: Buffer) -> Buffer:
    """Return a view that cannot be written: compiled kernels take their inputs as such."""
    view = values.view()
    view.flags.writeable = False
    return view
