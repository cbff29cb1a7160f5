"""The design of a linear model: which coefficient each level and each numeric column has.

Categoricals come first, those with most levels in front, then the numbers; the intercept is last.
No one-hot columns exist: a row has one code per categorical, and codes pick coefficients.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.models.glm_derived import Crossing, Derived, Read, from_state, to_state

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """How rows of named columns become rows of X.

    ``modes`` and ``fills`` stand in for NA (and unseen levels), unless ``skip_na`` leaves such rows
    out. Without ``all_levels`` the first level of each categorical has no coefficient.
    Training standardises numbers as (x - shift) * scale; coefficients kept in models are for x.
    """

    categoricals: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    numerics: tuple[str, ...]
    modes: tuple[int, ...]
    fills: F64
    shift: F64
    scale: F64
    all_levels: bool
    skip_na: bool
    #: Columns among the above that are made of others.
    derived: Mapping[str, Derived] = field(default_factory=dict)
    #: In a part of a design: which levels of a categorical alone have a coefficient.
    chosen: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)

    @property
    def base_columns(self) -> tuple[str, ...]:
        """The columns of the data that rows are read from."""
        names: dict[str, None] = {}
        for name in (*self.categoricals, *self.numerics):
            made = self.derived.get(name)
            names |= dict.fromkeys((name,) if made is None else (made.first, made.second))
        return tuple(names)

    def values(self, name: str, read: Read) -> F64:
        """Return a column of the design, NA as NaN, of what `read` gives of the data by name."""
        made = self.derived.get(name)
        return read(name) if made is None else made.values(read)

    @property
    def starts(self) -> tuple[int, ...]:
        """Where each categorical's levels begin when every level has a place."""
        return tuple(accumulate(map(len, self.levels), initial=0))

    @property
    def n_places(self) -> int:
        """Places of all levels, all numbers and the intercept."""
        return self.starts[-1] + len(self.numerics) + 1

    @property
    def kept(self) -> I64:
        """The places that have a coefficient, in order; the intercept is the last."""
        kept = np.ones(self.n_places, dtype=np.bool_)
        for idx, start in enumerate(self.starts[:-1]):
            kept[start : self.starts[idx + 1]] = self.levels_kept(idx)
        return np.flatnonzero(kept)

    def levels_kept(self, idx: int) -> NDArray[np.bool_]:
        """Return which levels of a categorical have a coefficient.

        Of a crossing without all levels: the pairs that have no first level.
        """
        if self.categoricals[idx] in self.chosen:
            return self.chosen[self.categoricals[idx]]
        kept = np.ones(len(self.levels[idx]), dtype=np.bool_)
        if self.all_levels:
            return kept
        made = self.derived.get(self.categoricals[idx])
        if isinstance(made, Crossing):
            return np.array([a > 0 and b > 0 for a, b in made.pairs], dtype=np.bool_)
        kept[:1] = False
        return kept

    def part(self, inside: NDArray[np.bool_]) -> Design:
        """Return the design of these of its coefficients and the intercept, in the same order."""
        chosen: dict[str, NDArray[np.bool_]] = {}
        at = 0
        for idx, name in enumerate(self.categoricals):
            kept = self.levels_kept(idx)
            places = np.flatnonzero(kept)
            own = inside[at : at + len(places)]
            at += len(places)
            if own.any():
                chosen[name] = np.zeros(len(kept), dtype=np.bool_)
                chosen[name][places[own]] = True
        cats = [idx for idx, name in enumerate(self.categoricals) if name in chosen]
        numbers = np.flatnonzero(inside[at:-1])
        return replace(
            self,
            categoricals=tuple(self.categoricals[i] for i in cats),
            levels=tuple(self.levels[i] for i in cats),
            modes=tuple(self.modes[i] for i in cats),
            numerics=tuple(self.numerics[i] for i in numbers),
            fills=self.fills[numbers],
            shift=self.shift[numbers],
            scale=self.scale[numbers],
            chosen=chosen,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the coefficients, ``Intercept`` last."""
        levels = [
            f"{column}.{level}"
            for idx, (column, domain) in enumerate(zip(self.categoricals, self.levels, strict=True))
            for level, kept in zip(domain, self.levels_kept(idx), strict=True)
            if kept
        ]
        return (*levels, *self.numerics, "Intercept")

    @property
    def n_level_coefficients(self) -> int:
        """How many coefficients belong to levels."""
        return sum(int(self.levels_kept(idx).sum()) for idx in range(len(self.levels)))

    @property
    def n_coefficients(self) -> int:
        """How many coefficients there are, the intercept included."""
        return self.n_level_coefficients + len(self.numerics) + 1

    def spread(self, beta: F64) -> F64:
        """Return the coefficients at their places, 0 for levels that have none."""
        full = np.zeros(self.n_places)
        full[self.kept] = beta
        return full

    def codes(self, column: int, values: F64) -> tuple[I64, NDArray[np.bool_]]:
        """Return the level of each row of a categorical, NA filled in, and where it was NA."""
        na = np.isnan(values)
        filled = np.where(na, self.modes[column], values) if na.any() else values
        return filled.astype(np.int64), na

    def eta(self, columns: Mapping[str, F64], beta: F64, n_rows: int) -> F64:
        """Return X beta of decoded columns (codes and numbers, NA as NaN).

        IN: beta for numbers as they are, not standardised. Rows to skip come out as NaN.
        """
        full = self.spread(beta)
        eta = np.full(n_rows, full[-1])
        skip = np.zeros(n_rows, dtype=np.bool_)
        for idx, name in enumerate(self.categoricals):
            codes, na = self.codes(idx, self.values(name, columns.__getitem__))
            eta += full[self.starts[idx] + codes]
            skip |= na
        for idx, name in enumerate(self.numerics):
            values = self.values(name, columns.__getitem__)
            b = full[self.starts[-1] + idx]
            na = np.isnan(values)
            if na.any():
                values = np.where(na, self.fills[idx], values)
                skip |= na
            if b:
                eta += b * values
        if self.skip_na:
            eta[skip] = np.nan
        return eta

    def destandardised(self, beta: F64) -> F64:
        """Return coefficients (last axis) for x of coefficients for (x - shift) * scale."""
        out = beta.copy()
        numbers = slice(self.n_level_coefficients, beta.shape[-1] - 1)
        out[..., numbers] = beta[..., numbers] * self.scale
        out[..., -1] -= (out[..., numbers] * self.shift).sum(axis=-1)
        return out

    def standardised(self, beta: F64) -> F64:
        """Return coefficients (last axis) for (x - shift) * scale of coefficients for x."""
        out = beta.copy()
        numbers = slice(self.n_level_coefficients, beta.shape[-1] - 1)
        out[..., numbers] = beta[..., numbers] / self.scale
        out[..., -1] += (beta[..., numbers] * self.shift).sum(axis=-1)
        return out

    def to_state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return the design as JSON-able data and arrays."""
        data = {
            "categoricals": list(self.categoricals),
            "levels": [list(domain) for domain in self.levels],
            "numerics": list(self.numerics),
            "modes": list(self.modes),
            "all_levels": self.all_levels,
            "skip_na": self.skip_na,
            "derived": to_state(self.derived),
        }
        return data, {"fills": self.fills, "shift": self.shift, "scale": self.scale}

    @classmethod
    def from_state(cls, data: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Design:
        """Return the design that `to_state` described."""
        return cls(
            categoricals=tuple(data["categoricals"]),
            levels=tuple(tuple(domain) for domain in data["levels"]),
            numerics=tuple(data["numerics"]),
            modes=tuple(data["modes"]),
            fills=np.asarray(arrays["fills"], dtype=np.float64),
            shift=np.asarray(arrays["shift"], dtype=np.float64),
            scale=np.asarray(arrays["scale"], dtype=np.float64),
            all_levels=bool(data["all_levels"]),
            skip_na=bool(data["skip_na"]),
            derived=from_state(data.get("derived", {})),
        )
