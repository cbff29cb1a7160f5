"""Columns of a linear model that are made of others: products and crossings (interactions).

They are made anew from the columns they stand for wherever rows are read, in training and scoring.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
Read = Callable[[str], F64]


@dataclass(frozen=True, slots=True)
class Derived(ABC):
    """A column made of ``first`` and ``second``."""

    first: str
    second: str

    @abstractmethod
    def values(self, read: Read) -> F64:
        """Return the column's numbers or level codes, NA as NaN, of what `read` gives by name."""

    @property
    def label(self) -> str:
        """Name of the interaction."""
        return f"{self.first}_{self.second}"


@dataclass(frozen=True, slots=True)
class Product(Derived):
    """Product of two numbers; NA if one of them is."""

    def values(self, read: Read) -> F64:
        return read(self.first) * read(self.second)


@dataclass(frozen=True, slots=True)
class LevelProduct(Derived):
    """The number ``second`` where ``first`` has one level, else 0. ``mode``, ``fill``: for NA."""

    level: int
    mode: int
    fill: float

    def values(self, read: Read) -> F64:
        codes, x = read(self.first), read(self.second)
        hit = codes == self.level
        if self.mode == self.level:
            hit |= np.isnan(codes)
        rows = np.flatnonzero(hit)  # mostly few: there is a column for each level
        own = x[rows]
        out = np.zeros(len(codes))
        out[rows] = np.where(np.isnan(own), self.fill, own)
        return out


@dataclass(frozen=True, slots=True)
class Crossing(Derived):
    """Which pair of levels a row has. ``pairs`` are the pairs that have rows, in order."""

    modes: tuple[int, int]
    pairs: tuple[tuple[int, int], ...]

    def values(self, read: Read) -> F64:
        a, b = (
            np.where(np.isnan(codes), mode, codes).astype(np.int64)
            for codes, mode in zip((read(self.first), read(self.second)), self.modes, strict=True)
        )
        known = np.array(self.pairs, dtype=np.int64).reshape(-1, 2)
        width = int(max(known[:, 1].max(initial=0), b.max(initial=0))) + 1
        keys = known[:, 0] * width + known[:, 1]
        order = np.argsort(keys)
        at = np.searchsorted(keys[order], a * width + b).clip(0, max(len(keys) - 1, 0))
        code = order[at].astype(np.float64)
        code[keys[order[at]] != a * width + b] = np.nan
        return code


_KINDS: dict[str, type[Derived]] = {
    kind.__name__: kind for kind in (Product, LevelProduct, Crossing)
}


def to_state(derived: Mapping[str, Derived]) -> dict[str, Any]:
    """Return the columns as JSON-able data."""
    return {
        name: {"kind": type(column).__name__, **asdict(column)} for name, column in derived.items()
    }


def from_state(data: Mapping[str, Any]) -> dict[str, Derived]:
    """Return the columns that `to_state` described."""
    made: dict[str, Derived] = {}
    for name, fields in data.items():
        values = {k: v for k, v in fields.items() if k != "kind"}
        if fields["kind"] == "Crossing":
            values["modes"] = tuple(values["modes"])
            values["pairs"] = tuple(tuple(pair) for pair in values["pairs"])
        made[name] = _KINDS[fields["kind"]](**values)
    return made
