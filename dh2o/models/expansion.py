"""How rows become vectors for the decompositions: indicators of levels first, then numbers.

The order is H2O's: categorical columns by falling number of levels, then numbers as in the frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.models.columns import F64

I64 = NDArray[np.int64]

#: What is done to numbers before the decomposition.
TRANSFORMS = ("NONE", "STANDARDIZE", "NORMALIZE", "DEMEAN", "DESCALE")


@dataclass(frozen=True, slots=True, eq=False)
class Expansion:
    """A number's coordinate is (x - shift) * scale, a level's 1 in rows that have it.

    Without ``all_levels`` the first level of a categorical has no coordinate. ``fills`` and
    ``modes`` stand in for NA in training if ``imputes``; else rows with NA are left out.
    """

    categoricals: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    numerics: tuple[str, ...]
    modes: tuple[int, ...]
    fills: F64
    shift: F64
    scale: F64
    all_levels: bool
    imputes: bool

    @property
    def first_level(self) -> int:
        """The first level that has a coordinate."""
        return 0 if self.all_levels else 1

    @property
    def starts(self) -> tuple[int, ...]:
        """Where each categorical's coordinates begin, and where the numbers do."""
        sizes = (max(len(domain) - self.first_level, 0) for domain in self.levels)
        return tuple(accumulate(sizes, initial=0))

    @property
    def size(self) -> int:
        """How many coordinates there are."""
        return self.starts[-1] + len(self.numerics)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the coordinates."""
        levels = [
            f"{column}.{level}"
            for column, domain in zip(self.categoricals, self.levels, strict=True)
            for level in domain[self.first_level :]
        ]
        return (*levels, *self.numerics)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, categoricals first."""
        return (*self.categoricals, *self.numerics)

    def projected(self, columns: Mapping[str, F64], vectors: F64, n_rows: int) -> F64:
        """Return rows times `vectors`, shape (n_rows, k); an NA level counts for nothing."""
        out = np.zeros((n_rows, vectors.shape[1]))
        for idx, name in enumerate(self.categoricals):
            start, stop = self.starts[idx], self.starts[idx + 1]
            own = np.vstack([vectors[start:stop], np.zeros(vectors.shape[1])])
            codes = columns[name] - self.first_level
            known = (codes >= 0) & (codes < stop - start)  # False for NA
            out += own[np.where(known, codes, stop - start).astype(np.int64)]
        if self.numerics:
            numbers = np.stack([columns[name] for name in self.numerics])
            numbers -= self.shift[:, None]
            numbers *= self.scale[:, None]
            out += numbers.T @ vectors[self.starts[-1] :]
        return out

    def to_state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return the expansion as JSON-able data and arrays."""
        data = {
            "categoricals": list(self.categoricals),
            "levels": [list(domain) for domain in self.levels],
            "numerics": list(self.numerics),
            "modes": list(self.modes),
            "all_levels": self.all_levels,
            "imputes": self.imputes,
        }
        return data, {"fills": self.fills, "shift": self.shift, "scale": self.scale}

    @classmethod
    def from_state(cls, data: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Expansion:
        """Return the expansion that `to_state` described."""
        return cls(
            tuple(data["categoricals"]),
            tuple(tuple(domain) for domain in data["levels"]),
            tuple(data["numerics"]),
            tuple(int(mode) for mode in data["modes"]),
            np.asarray(arrays["fills"], dtype=np.float64),
            np.asarray(arrays["shift"], dtype=np.float64),
            np.asarray(arrays["scale"], dtype=np.float64),
            bool(data["all_levels"]),
            bool(data["imputes"]),
        )
