"""The input layer: which unit each level and each numeric column has.

Categoricals come first, those with most levels in front, each followed by a unit for NA; then the
numbers, as (x - shift) * scale with NA as 0.  No one-hot columns exist: a row has one place for
each categorical, and places pick weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.models.deeplearning.kernels import scale_into

__all__ = ["Inputs", "dense_units"]

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]

_SIDE_BY_SIDE = 16  # columns read before they are put into rows: a line of memory in float32


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """How columns become input units.

    Without ``all_levels`` the first level of each categorical has no unit: its place is -1.
    If ``n_hashed`` is not 0, all levels share so many units, each at a place drawn by a hash.
    """

    categoricals: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    numerics: tuple[str, ...]
    shift: F64
    scale: F64
    all_levels: bool
    n_hashed: int = 0

    @property
    def starts(self) -> tuple[int, ...]:
        """Where each categorical's units begin, and where the last one's end."""
        first = 0 if self.all_levels else 1
        return tuple(accumulate((max(len(v) - first, 0) + 1 for v in self.levels), initial=0))

    @property
    def n_places(self) -> int:
        """Units of levels."""
        return self.n_hashed or self.starts[-1]

    @property
    def n_units(self) -> int:
        """Units of the input layer."""
        return self.n_places + len(self.numerics)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the units: ``column.level``, ``column.missing(NA)``, numeric columns."""
        if self.n_hashed:
            return (*(f"categorical.hash{k + 1}" for k in range(self.n_hashed)), *self.numerics)
        units: list[str] = []
        for column, domain in zip(self.categoricals, self.levels, strict=True):
            units += [f"{column}.{level}" for level in domain[0 if self.all_levels else 1 :]]
            units.append(f"{column}.missing(NA)")
        return (*units, *self.numerics)

    def places(self, column: int, codes: F64) -> I32:
        """Return the unit of each row of a categorical; NA and unseen levels have one as well."""
        first = 0 if self.all_levels else 1
        start, missing = self.starts[column], self.starts[column + 1] - 1
        with np.errstate(invalid="ignore"):
            known = (codes >= 0) & (codes < len(self.levels[column]))
        places = np.full(len(codes), missing, np.int32)
        places[known] = start + codes[known].astype(np.int32) - first
        if first:
            places[known & (codes == 0)] = -1
        return _hashed(places, self.n_hashed) if self.n_hashed else places

    def rows(
        self, read: Callable[[str], F64], n_rows: int, dtype: type[np.floating[Any]] = np.float64
    ) -> tuple[I32, NDArray[Any]]:
        """Return (places, numbers) of rows, each with one column for each of its columns.

        `read` gives a column by its name; it is asked for one after the other, so that it may use
        the same memory again.
        """
        places = np.empty((n_rows, len(self.categoricals)), np.int32)
        for idx, name in enumerate(self.categoricals):
            places[:, idx] = self.places(idx, read(name))
        numbers = np.empty((n_rows, len(self.numerics)), dtype)
        side_by_side = np.empty((min(_SIDE_BY_SIDE, len(self.numerics)), n_rows))
        for first in range(0, len(self.numerics), _SIDE_BY_SIDE):
            some = slice(first, min(first + _SIDE_BY_SIDE, len(self.numerics)))
            for name, values in zip(self.numerics[some], side_by_side, strict=False):
                values[:] = read(name)
            values = side_by_side[: some.stop - first]
            scale_into(values, self.shift[some], self.scale[some], numbers[:, some])
        return places, numbers

    def dense(self, places: I32, numbers: NDArray[Any]) -> NDArray[Any]:
        """Return all units of each row, shape (n_rows, n_units)."""
        return dense_units(places, numbers, self.n_places)

    def restored(self, units: F64) -> F64:
        """Return units with the numbers back on the scale of their columns."""
        out = units.copy()
        out[:, self.n_places :] = units[:, self.n_places :] / self.scale + self.shift
        return out

    def to_state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return the layer as JSON-able data and arrays."""
        data = {
            "categoricals": list(self.categoricals),
            "levels": [list(domain) for domain in self.levels],
            "numerics": list(self.numerics),
            "all_levels": self.all_levels,
            "n_hashed": self.n_hashed,
        }
        return data, {"shift": self.shift, "scale": self.scale}

    @classmethod
    def from_state(cls, data: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Inputs:
        """Return the layer that `to_state` described."""
        return cls(
            tuple(data["categoricals"]),
            tuple(tuple(domain) for domain in data["levels"]),
            tuple(data["numerics"]),
            np.asarray(arrays["shift"], np.float64),
            np.asarray(arrays["scale"], np.float64),
            bool(data["all_levels"]),
            int(data.get("n_hashed", 0)),
        )


def dense_units(places: I32, numbers: NDArray[Any], n_places: int) -> NDArray[Any]:
    """Return rows as vectors: 1 at each place, then the numbers."""
    out = np.zeros((len(numbers), n_places + numbers.shape[1]), numbers.dtype)
    out[:, n_places:] = numbers
    for column in places.T:
        has = np.flatnonzero(column >= 0)
        out[has, column[has]] = 1
    return out


def _hashed(places: I32, n: int) -> I32:
    """Return places among `n`, spread evenly (the finaliser of MurmurHash3); -1 stays -1."""
    mixed = places.astype(np.uint32)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        mixed ^= mixed >> np.uint32(shift)
        mixed *= np.uint32(factor)
    mixed ^= mixed >> np.uint32(16)
    return np.where(places < 0, -1, mixed % np.uint32(n)).astype(np.int32)
