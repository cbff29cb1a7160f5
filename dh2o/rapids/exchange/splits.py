"""Where sorted runs are cut, so that together the parts before each cut are the first rows of all.

Selection in several sorted sequences (Varman et al., 1991), by samples: keys are ordered by value,
run and place, so that no two are equal; a sample's rank is then known within bounds, and these
leave of each run a small interval, which the next sample divides further. Two rounds are the rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dh2o.chunks import Block
from dh2o.mrtask import current_engine
from dh2o.rapids.exchange.runs import Runs, key_words
from dh2o.rapids.keys import I64, U64

__all__ = ["bounds_of_keys", "cuts_at_ranks", "cuts_between_keys", "keys_after", "splitting_keys"]

SAMPLE_KEYS = 1 << 18
"""About so many keys come to this process in a round."""


@dataclass(frozen=True, slots=True)
class _Sampled:
    """Gives the keys at places of a run: at most `n_each` of each interval, evenly spread."""

    n_words: int
    n_each: int
    intervals: dict[int, I64]  # by block number: (intervals x from, to)

    def __call__(self, block: Block) -> list[tuple[I64, U64]]:
        words = key_words(block, self.n_words)
        out = []
        for low, high in self.intervals[block.index].tolist():
            n = min(high - low, self.n_each)
            places = low + (2 * np.arange(n) + 1) * (high - low) // (2 * max(1, n))
            out.append((places, np.stack([word[places] for word in words])))
        return out


@dataclass(slots=True)
class _Samples:
    """Samples of runs within intervals, in order; `least` and `most` bound the rank of each."""

    keys: U64
    runs: I64
    places: I64
    least: I64
    most: I64

    @classmethod
    def of(cls, found: Sequence[tuple[I64, U64]], low: I64, high: I64) -> _Samples:
        """Return the samples found in each run's interval."""
        sizes = np.array([len(places) for places, _ in found])
        runs = np.repeat(np.arange(len(found)), sizes)
        places = np.concatenate([p for p, _ in found])
        keys = np.concatenate([k for _, k in found], axis=1)
        before, after = _neighbours(places, sizes, low, high)
        order = np.lexsort((places, runs, *keys[::-1]))
        firsts = np.cumsum(sizes) - sizes
        nearest = high.copy()
        nearest[sizes > 0] = places[firsts[sizes > 0]]
        least = low.sum() + np.cumsum((places + 1 - before)[order]) - 1
        passed = np.cumsum((after - places)[order])
        most = nearest.sum() + passed - (after - places)[order]
        return cls(keys[:, order], runs[order], places[order], least, most)

    def narrowed(self, rank: int, low: I64, high: I64) -> tuple[I64, I64]:
        """Return the intervals that are left of each run for the cut at a rank."""
        n_below = int(np.searchsorted(self.most, rank, side="left"))
        n_above = int(np.searchsorted(self.least, rank, side="left"))
        low, high = low.copy(), high.copy()
        np.maximum.at(low, self.runs[:n_below], self.places[:n_below] + 1)
        np.minimum.at(high, self.runs[n_above:], self.places[n_above:])
        return low, high


def _neighbours(places: I64, sizes: I64, low: I64, high: I64) -> tuple[I64, I64]:
    """Return where the sample before each ends in its run, and where the one after starts."""
    before, after = np.empty_like(places), np.empty_like(places)
    ends = np.cumsum(sizes)
    for run, (n, end) in enumerate(zip(sizes.tolist(), ends.tolist(), strict=True)):
        if n:
            start = end - n
            before[start], before[start + 1 : end] = low[run], places[start : end - 1] + 1
            after[end - 1], after[start : end - 1] = high[run], places[start + 1 : end]
    return before, after


def cuts_at_ranks(runs: Runs, ranks: Sequence[int]) -> I64:
    """Return where each run is cut (ranks x runs) so that exactly `rank` keys lie before a cut.

    Equal keys of earlier runs come first, so parts of runs make rows in stable order.
    """
    sizes = np.asarray(runs.blocks.layout, dtype=np.int64)
    found = np.zeros((len(ranks), len(sizes)), dtype=np.int64)
    samples = _whole_samples([runs])
    open_: dict[int, tuple[I64, I64]] = {}
    for cut, rank in enumerate(ranks):
        open_[cut] = samples.narrowed(rank, np.zeros_like(sizes), sizes)
    while True:
        for cut, rank in enumerate(ranks):
            if cut in open_:
                low, high = open_[cut]
                settled = low if low.sum() == rank else high if high.sum() == rank else None
                if settled is not None:
                    found[cut] = settled
                    del open_[cut]
        if not open_:
            return found
        _narrow_all(runs, ranks, open_)


def _narrow_all(runs: Runs, ranks: Sequence[int], open_: dict[int, tuple[I64, I64]]) -> None:
    """Take one more sample for every open cut."""
    cuts = sorted(open_)
    spans = np.array([open_[cut] for cut in cuts])  # cuts x (from, to) x runs
    n_each = max(8, SAMPLE_KEYS // (len(cuts) * len(runs)))
    wanted = np.flatnonzero((spans[:, 0] < spans[:, 1]).any(axis=0))
    sampled = _Sampled(runs.n_words, n_each, {int(b): spans[:, :, b] for b in wanted})
    answers = current_engine().collect(runs.blocks, sampled, wanted.tolist())
    for k, cut in enumerate(cuts):
        low, high = (side[wanted] for side in open_[cut])
        samples = _Samples.of([answer[k] for answer in answers], low, high)
        outside = int(open_[cut][0].sum() - low.sum())
        low, high = samples.narrowed(ranks[cut] - outside, low, high)
        for side, value in zip(open_[cut], (low, high), strict=True):
            side[wanted] = value


def _whole_samples(many: Sequence[Runs]) -> _Samples:
    """Return samples of whole runs, of one table or of several with keys of one layout."""
    n_each = max(64, SAMPLE_KEYS // max(1, sum(len(runs) for runs in many)))
    found: list[tuple[I64, U64]] = []
    sizes: list[int] = []
    for runs in many:
        layout = runs.blocks.layout
        whole = {b: np.array([[0, n]], dtype=np.int64) for b, n in enumerate(layout)}
        sampled = _Sampled(runs.n_words, n_each, whole)
        found += [answer[0] for answer in current_engine().collect(runs.blocks, sampled)]
        sizes += layout
    return _Samples.of(found, np.zeros(len(sizes), dtype=np.int64), np.array(sizes))


def splitting_keys(many: Sequence[Runs], n_ranges: int) -> U64:
    """Return keys (words x fewer than `n_ranges`) between which about equally many rows lie."""
    samples = _whole_samples(many)
    n_rows = sum(runs.n_rows for runs in many)
    ranks = [n_rows * k // n_ranges for k in range(1, n_ranges)]
    where = np.searchsorted((samples.least + samples.most) // 2, ranks)
    keys = samples.keys[:, np.minimum(where, max(0, len(samples.runs) - 1))]
    fresh = np.ones(keys.shape[1], dtype=np.bool_)
    fresh[1:] = (keys[:, 1:] != keys[:, :-1]).any(axis=0)
    return keys[:, fresh]


@dataclass(frozen=True, slots=True)
class _Bounds:
    """Gives how many keys of a run come before each of some keys, and how many up to it."""

    keys: U64

    def __call__(self, block: Block) -> I64:
        words = key_words(block, len(self.keys))
        found = [_bounds(words, key) for key in self.keys.T]
        return np.array(found, dtype=np.int64).reshape(-1, 2).T


def _bounds(words: Sequence[U64], key: U64) -> tuple[int, int]:
    low, high = 0, len(words[0])
    for word, digit in zip(words, key, strict=True):
        part = word[low:high]
        first, last = (int(np.searchsorted(part, digit, side)) for side in ("left", "right"))
        low, high = low + first, low + last
    return low, high


def bounds_of_keys(runs: Runs, keys: U64) -> tuple[I64, I64]:
    """Return how many keys of each run come before some keys (keys x runs), and how many up to."""
    if not keys.shape[1] or not len(runs):
        none = np.zeros((keys.shape[1], len(runs)), dtype=np.int64)
        return none, none
    low, high = np.stack(current_engine().collect(runs.blocks, _Bounds(keys)), axis=2)
    return low, high


def cuts_between_keys(runs: Runs, keys: U64) -> I64:
    """Return where each run is cut (keys x runs): before the first row that is not below a key."""
    return bounds_of_keys(runs, keys)[0]


@dataclass(frozen=True, slots=True)
class _KeysAt:
    """Gives the keys at places of a run, the highest of all keys behind its end."""

    n_words: int
    cuts: I64

    def __call__(self, block: Block) -> U64:
        places = self.cuts[:, block.index]
        words = np.full((self.n_words, len(places)), np.iinfo(np.uint64).max, dtype=np.uint64)
        inside = places < block.n_rows
        for out, word in zip(words, key_words(block, self.n_words), strict=True):
            out[inside] = word[places[inside]]
        return words


def keys_after(runs: Runs, cuts: I64) -> U64:
    """Return the lowest key (words x cuts) behind each cut of the runs."""
    found = np.stack(current_engine().collect(runs.blocks, _KeysAt(runs.n_words, cuts)), axis=2)
    order = np.lexsort(found[::-1], axis=1)[:, :1]
    lowest: U64 = np.take_along_axis(found, order[None], axis=2)[:, :, 0]
    return lowest
