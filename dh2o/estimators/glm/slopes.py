"""A slope for each level: the products of a categorical's levels with one number, taken together.

Of those columns a row has one that is not 0. They are counted by the row's level, with the number
as a factor, as plain levels are with 1; what standardising subtracts from them is put right in the
sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dh2o.models.glm_derived import LevelProduct
from dh2o.models.glm_design import Design

if TYPE_CHECKING:
    from dh2o.estimators.glm.rows import Tile

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]

#: Fewer products are read as plain columns.
_FEWEST = 4
#: So are those whose means exceed their spreads so far that differences of sums lose digits.
_FARTHEST = 1e3


@dataclass(frozen=True, slots=True, eq=False)
class Slopes:
    """Which numbers of a design they are, and how a row's level tells its slot among them.

    ``slots`` is by level; levels without a coefficient share the slot behind the last. Columns are
    (x - shift) * scale.
    """

    first: str
    second: str
    mode: int
    fill: float
    numbers: I64
    slots: I32
    shift: F64
    scale: F64

    @property
    def n_slots(self) -> int:
        """How many slots there are, that of the other levels included."""
        return len(self.numbers) + 1

    def read(self, codes: F64, x: F64) -> tuple[I32, F64]:
        """Return slot and factor of each row of the two columns, NA filled in."""
        known = np.where(np.isnan(codes), self.mode, codes).astype(np.int64)
        slots = np.where(
            known < len(self.slots),
            self.slots.take(known, mode="clip"),
            np.int32(len(self.numbers)),
        )
        return slots, np.where(np.isnan(x), self.fill, x)


@dataclass(frozen=True, slots=True, eq=False)
class SlopedNumbers:
    """The numbers of a design: groups of ``slopes``, and the ``plain`` others and the intercept."""

    slopes: tuple[Slopes, ...]
    plain: I64

    @classmethod
    def of(cls, design: Design, *, standardise: bool) -> SlopedNumbers:
        """Return how the numbers of `design` are read."""
        groups: dict[tuple[str, str, int, float], list[int]] = {}
        for at, name in enumerate(design.numerics if design.derived else ()):
            made = design.derived.get(name)
            near = not standardise or abs(design.shift[at] * design.scale[at]) < _FARTHEST
            if isinstance(made, LevelProduct) and near:
                key = made.first, made.second, made.mode, made.fill
                groups.setdefault(key, []).append(at)
        plain = np.ones(len(design.numerics) + 1, dtype=np.bool_)
        slopes = []
        for key, members in groups.items():
            if len(members) >= _FEWEST:
                plain[members] = False
                slopes.append(_slopes(design, *key, members, standardise))
        return cls(tuple(slopes), np.flatnonzero(plain))


def _slopes(
    design: Design,
    first: str,
    second: str,
    mode: int,
    fill: float,
    members: list[int],
    standardise: bool,
) -> Slopes:
    made = [design.derived[design.numerics[at]] for at in members]
    levels = [column.level for column in made if isinstance(column, LevelProduct)]
    slots = np.full(max(*levels, mode) + 1, len(members), dtype=np.int32)
    slots[levels] = np.arange(len(members))
    numbers = np.array(members)
    nothing = np.zeros(len(members))
    shift = design.shift[numbers] if standardise else nothing
    scale = design.scale[numbers] if standardise else nothing + 1.0
    return Slopes(first, second, mode, fill, numbers, slots, shift, scale)


def add_predictors(tile: Tile, b: F64, eta: F64) -> None:
    """Eta += x b of the tile's slopes.   IN: b of all numbers."""
    for slopes, slots, factor in tile.sloped:
        own = np.append(b[slopes.numbers] * slopes.scale, 0.0)
        eta += own.take(slots) * factor
        eta -= own[:-1] @ slopes.shift


def add_products(tile: Tile, v: F64, out: F64) -> None:
    """Out += X'v of the tile's slopes.   OUT: of all numbers."""
    for slopes, slots, factor in tile.sloped:
        raw = np.bincount(slots, v * factor, slopes.n_slots)[:-1]
        out[slopes.numbers] += slopes.scale * (raw - slopes.shift * v.sum())


def standardise_rows(rows: F64, slopes: Sequence[Slopes], first: int) -> None:
    """Turn rows that belong to slopes from x to (x - shift) * scale; the intercept's is the last.

    IN: ``first``, the row of the first number.
    """
    for group in slopes:
        at = first + group.numbers
        rows[at] = group.scale[:, None] * (rows[at] - np.outer(group.shift, rows[-1]))
