"""Binning: each feature's values become codes of one byte (wide categoricals: two).

Numbers are cut at quantiles of a sample drawn by row number; the cuts are float32, so that a
tree's thresholds are exact in the scoring formats.  ``bin = number of cuts <= value``.  A level
of a categorical is its own bin, or shares one with its neighbours when there are more levels
than `nbins_cats`.  The last bin of every feature is NA.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from dh2o.compiled import njit
from dh2o.estimators.trees.arrays import F32, F64, I32, I64, U8, U16

__all__ = [
    "MAX_NARROW_BINS",
    "BinMap",
    "FeatureBins",
    "bin_codes",
    "bin_numbers",
    "code_features",
    "number_features",
    "quantile_cuts",
]

MAX_NARROW_BINS = 255  # value bins of a byte-wide feature: one code is left for NA
MAX_WIDE_BINS = 65_535


@dataclass(frozen=True, slots=True)
class FeatureBins:
    """How one feature is binned: by `cuts` (numbers) or by level (`n_levels` > 0)."""

    name: str
    cuts: F32 = field(default_factory=lambda: np.empty(0, np.float32))
    n_levels: int = 0
    n_bins: int = 1
    is_coded: bool = False
    least: float = math.nan
    largest: float = math.nan

    @property
    def is_wide(self) -> bool:
        """Whether bins and NA need two bytes."""
        return self.n_bins > MAX_NARROW_BINS

    def edges(self) -> F64:
        """Return where the bins of a number begin, and where the last ends.

        An outlier says nothing about the others: the outer two bins are no wider than a quarter of
        all between them.
        """
        if len(self.cuts) == 0:
            return np.array([0.0, 1.0])
        most = float(np.finfo(np.float32).max)
        cuts = np.clip(self.cuts.astype(np.float64), -most, most)
        widest = (cuts[-1] - cuts[0]) / 4 or 1.0
        low = np.fmax(self.least, cuts[0] - widest)  # of NaN and a number: the number
        high = np.fmin(self.largest, cuts[-1] + widest)
        return np.concatenate([[low], cuts, [high]])

    def levels_of_bins(self) -> I64:
        """Return the bin of each level."""
        return np.arange(self.n_levels, dtype=np.int64) * self.n_bins // max(self.n_levels, 1)


def number_features(name: str, cuts: F32, values: F64 | None = None) -> FeatureBins:
    """Return the bins of a numeric feature; `values` tell where the outer ones end."""
    known = values[~np.isnan(values)] if values is not None else np.zeros(0)
    ends = (float(known.min()), float(known.max())) if known.size else (math.nan, math.nan)
    return FeatureBins(name, cuts=cuts, n_bins=len(cuts) + 1, least=ends[0], largest=ends[1])


def code_features(name: str, n_levels: int, max_bins: int) -> FeatureBins:
    """Return the bins of a categorical feature: one a level, at most `max_bins`."""
    n_bins = max(min(n_levels, max_bins, MAX_WIDE_BINS), 1)
    return FeatureBins(name, n_levels=n_levels, n_bins=n_bins, is_coded=True)


@dataclass(frozen=True)
class BinMap:
    """The bins of all features, and where each feature's slots lie in a histogram."""

    features: tuple[FeatureBins, ...]

    @cached_property
    def columns(self) -> I32:
        """Place of each feature in a record: byte c >= 0, or -c-1 as a pair of bytes."""
        n_narrow, n_wide, columns = 0, self.width // 2, []
        for feature in self.features:
            if feature.is_wide:
                n_wide += 1
                columns.append(-n_wide)
            else:
                columns.append(n_narrow)
                n_narrow += 1
        return np.array(columns, np.int32)

    @cached_property
    def n_wide(self) -> int:
        """Number of two-byte features."""
        return sum(f.is_wide for f in self.features)

    @cached_property
    def width(self) -> int:
        """Bytes of a row's narrow bins: their number, even, so that pairs of bytes may follow."""
        return (len(self.features) - self.n_wide + 1) // 2 * 2

    @cached_property
    def stretch(self) -> int:
        """Slots of one narrow feature: whole cache lines, and not a power of two apart."""
        most = max((f.n_bins + 1 for f in self.features if not f.is_wide), default=1)
        return (most + 7) // 8 * 8

    @cached_property
    def wide_start(self) -> I64:
        """First slot of each two-byte feature in a histogram."""
        sizes = [f.n_bins + 1 for f in self.features if f.is_wide]
        starts = self.width * self.stretch + np.cumsum([0, *sizes])
        return starts[: len(sizes)].astype(np.int64)

    @cached_property
    def n_slots(self) -> int:
        """Slots of a histogram."""
        wide = sum(f.n_bins + 1 for f in self.features if f.is_wide)
        return (self.width * self.stretch + wide + 7) // 8 * 8

    @cached_property
    def max_bins(self) -> int:
        """Bins of the feature that has most, NA's included."""
        return max((f.n_bins + 1 for f in self.features), default=1)

    def chosen(self, features: U8) -> I32:
        """Return the flagged features as `add_chosen` takes them: empty for all."""
        if features.all():
            return np.zeros(0, np.int32)
        columns = self.columns[features.astype(np.bool_)]
        narrow, wide = columns[columns >= 0], -columns[columns < 0] - 1 - self.width // 2
        return np.concatenate([[len(narrow)], narrow, wide]).astype(np.int32)

    def table(self, signs: dict[str, int] | None = None) -> I32:
        """Return the rows (start in a histogram, bins, is coded, monotone sign, first edge)."""
        signs = signs or {}
        rows = [
            (
                c * self.stretch if c >= 0 else self.wide_start[-c - 1 - self.width // 2],
                f.n_bins,
                f.is_coded,
                signs.get(f.name, 0),
                edge,
            )
            for f, c, edge in zip(self.features, self.columns, self._first_edges, strict=True)
        ]
        return np.array(rows, np.int32).reshape(-1, 5)

    @cached_property
    def _first_edges(self) -> I64:
        """Return where each feature's edges begin in `edges`."""
        sizes = [0 if f.is_coded else f.n_bins + 1 for f in self.features]
        return np.cumsum([0, *sizes])[:-1]

    @cached_property
    def edges(self) -> F64:
        """Edges of the bins of all numbers, ``n_bins + 1`` each."""
        return np.concatenate([np.zeros(0), *(f.edges() for f in self.features if not f.is_coded)])


def quantile_cuts(values: F64, max_bins: int, weights: F64 | None = None) -> F32:
    """Return at most ``max_bins - 1`` float32 cuts that spread `values` (NaN left out) evenly.

    A value with more rows than a bin's share gets a bin of its own, and the others share the
    rest.  Rows count by their `weights`.  A cut lies half-way between two neighbours; neighbours
    that no float32 parts share a bin.
    """
    known = ~np.isnan(values)
    if weights is None:
        distinct, counts = np.unique(values[known], return_counts=True)
    else:
        distinct, place = np.unique(values[known], return_inverse=True)
        counts = np.bincount(place, weights=weights[known], minlength=len(distinct))
    if len(distinct) < 2:
        return np.empty(0, np.float32)
    if len(distinct) <= max_bins:
        ends = np.arange(1, len(distinct))
    else:
        ends = _even_ends(counts, max_bins)
    below, above = distinct[ends - 1], distinct[ends]
    with np.errstate(over="ignore", invalid="ignore"):
        cuts = (below / 2 + above / 2).astype(np.float32)
        cuts = np.where(cuts <= below, np.nextafter(cuts, np.float32(np.inf)), cuts)
        cuts = np.where(cuts > above, np.nextafter(cuts, np.float32(-np.inf)), cuts)
        low = np.isneginf(below)  # half-way from -inf is nowhere: take the neighbour itself
        floor = above.astype(np.float32)
        floor = np.where(floor > above, np.nextafter(floor, np.float32(-np.inf)), floor)
        cuts = np.where(low, floor, cuts)
        apart = (cuts > below) & (cuts <= above)
    return np.unique(cuts[apart]).astype(np.float32)


def _even_ends(counts: npt.NDArray[np.float64 | np.int64], max_bins: int) -> I64:
    """Return where bins end: each takes its share of what is left for the bins that are left."""
    reached = np.cumsum(counts).astype(np.float64)
    total, ends, taken = float(reached[-1]), [], 0.0
    for n_left in range(max_bins, 1, -1):
        share = (total - taken) / n_left
        end = int(np.searchsorted(reached, taken + share * (1 - 1e-9))) + 1
        before = float(reached[end - 2]) if end >= 2 else 0.0
        if before > taken and taken + share - before < float(reached[end - 1]) - taken - share:
            end -= 1  # stopping one value earlier is nearer to the share
        if end >= len(reached):
            break
        ends.append(end)
        taken = float(reached[end - 1])
    return np.array(ends, np.int64)


@njit(nogil=True, cache=True)
def bin_numbers(values: F64, cuts: F64, n_bins: int, out: U8, at: int, width: int) -> None:
    """out[at + i * width] = number of cuts <= values[i], or `n_bins` for NA.

    `cuts` are ascending and padded with NaN to 255: a search of eight steps without a branch.
    """
    for i in range(values.size):
        value = values[i]
        place = np.uint64(0)
        step = np.uint64(128)
        for _ in range(8):
            place += step if value >= cuts[place + step - np.uint64(1)] else np.uint64(0)
            step >>= np.uint64(1)
        out[np.uint64(at + i * width)] = place if value == value else n_bins  # noqa: PLR0124


@njit(nogil=True, cache=True)
def bin_codes(codes: I32, bins: U16, n_bins: int, out: U16, at: int, width: int) -> None:
    """out[at + i * width] = bins[codes[i]], or `n_bins` for NA (a code < 0 or too large)."""
    for i in range(codes.size):
        known = 0 <= codes[i] < bins.size
        out[at + i * width] = bins[codes[i]] if known else n_bins
