"""The steps of clustering, as passes over the workers' rows; all sums are of integers."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dh2o.estimators.kmeans import kernels
from dh2o.estimators.kmeans.plan import Plan
from dh2o.estimators.kmeans.random_rows import farther
from dh2o.estimators.kmeans.rows import F32, F64, I32, I64, Points, RowState, Tile
from dh2o.mrtask import LocalTask, WorkerContext

_LARGEST = 1e15  # coordinates beyond which float32 products might overflow
_SUM_BITS = 62


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """Centres as kernels read them: products by float32 with bounds of their errors.

    The squared distance less the row's squared norm is ``-2 c x + |c|^2``; with p numbers its
    error in float32 is at most (p + 8) 2^-23 |c| |x| + 2^-20 |c|^2. ``doubled`` is -2 c, with
    zeros for centres that there are not, up to a multiple of four.
    """

    coordinates: F64
    codes: I32
    doubled: F32
    constants: F32
    low: F32
    slope: F32
    unit: float
    is_wild: bool

    @classmethod
    def of(cls, plan: Plan, centers: F64) -> Targets:
        """Return what points of the space are to kernels."""
        numbers, codes = plan.to_points(centers)
        tame = np.abs(numbers) <= _LARGEST  # False for NaN and infinity
        squares = np.square(np.where(tame, numbers, 0.0)).sum(axis=1)
        slope = (numbers.shape[1] + 8) * 2.0**-23 * np.sqrt(squares)
        doubled = np.zeros((-(-len(numbers) // 4) * 4, numbers.shape[1]), np.float32)
        doubled[: len(numbers)] = -2.0 * np.where(tame, numbers, 0.0)
        return cls(
            numbers,
            np.ascontiguousarray(codes),
            doubled,
            squares.astype(np.float32),
            (squares * 2.0**-20).astype(np.float32),
            slope.astype(np.float32),
            plan.unit**2,
            not bool(tame.all()),
        )


@dataclass(slots=True, eq=False)
class ClusterSums:
    """By cluster: rows, sums of scaled coordinates and squared norms, rows by level; and moves."""

    sums: I64
    squares: I64
    sizes: I64
    counts: I64
    n_moved: int = 0

    @classmethod
    def empty(cls, k: int, plan: Plan) -> ClusterSums:
        """Return the sums of no rows."""
        return cls(
            np.zeros((len(plan.numbers), k), np.int64),
            np.zeros(k, np.int64),
            np.zeros(k, np.int64),
            np.zeros((int(plan.starts[-1]), k), np.int64),
        )

    def __add__(self, other: ClusterSums) -> ClusterSums:
        return ClusterSums(
            self.sums + other.sums,
            self.squares + other.squares,
            self.sizes + other.sizes,
            self.counts + other.counts,
            self.n_moved + other.n_moved,
        )

    def grown(self, k: int, plan: Plan) -> ClusterSums:
        """Return the sums with room for `k` clusters."""
        more = ClusterSums.empty(k - len(self.sizes), plan)
        return ClusterSums(
            np.concatenate([self.sums, more.sums], axis=-1),
            np.concatenate([self.squares, more.squares]),
            np.concatenate([self.sizes, more.sizes]),
            np.concatenate([self.counts, more.counts], axis=-1),
            self.n_moved,
        )

    def _numbers(self, plan: Plan) -> F64:
        """Return the sums of coordinates, one row for each cluster."""
        return np.asarray((self.sums / plan.scales[:-1, None]).T)

    def centers(self, plan: Plan) -> F64:
        """Return means and commonest levels of the clusters; of an empty one the grand mean."""
        sizes = np.maximum(self.sizes, 1)
        numbers = self._numbers(plan) / sizes[:, None]
        starts = plan.starts
        codes = np.zeros((len(sizes), len(plan.categoricals)), np.int64)
        for q in range(len(plan.categoricals)):
            codes[:, q] = np.argmax(self.counts[starts[q] : starts[q + 1]], axis=0)
        return plan.to_space(numbers, codes)

    def mean_codes(self, plan: Plan) -> F64:
        """Return the mean level code of each cluster and categorical column."""
        starts, sizes = plan.starts, np.maximum(self.sizes, 1)
        found = np.zeros((len(sizes), len(plan.categoricals)))
        for q, (start, stop) in enumerate(itertools.pairwise(starts)):
            found[:, q] = np.arange(stop - start) @ self.counts[start:stop] / sizes
        return found

    def within(self, plan: Plan, centers: F64) -> F64:
        """Return each cluster's sum of squared distances to its own of `centers`."""
        numbers, codes = plan.to_points(centers)
        sums, squares = self._numbers(plan), self.squares / plan.scales[-1]
        with np.errstate(invalid="ignore", over="ignore"):
            own = squares - 2.0 * (numbers * sums).sum(axis=1)
            own += self.sizes * np.square(numbers).sum(axis=1)
        own = np.where(self.sizes > 0, np.maximum(own, 0.0), 0.0) / plan.unit**2
        for q, start in enumerate(plan.starts[:-1]):
            same = self.counts[start + codes[:, q], np.arange(len(own))]
            own += self.sizes - np.where(codes[:, q] >= 0, same, 0)
        return np.asarray(own)

    def total(self, plan: Plan) -> float:
        """Return the sum of squared distances of all rows to their mean and commonest levels."""
        n = max(int(self.sizes.sum()), 1)
        sums = self.sums.sum(axis=1) / plan.scales[:-1]
        numbers = float(self.squares.sum() / plan.scales[-1] - (np.square(sums) / n).sum())
        modes = plan.space.modes[plan.space.is_level]
        counts = self.counts.sum(axis=1)
        others = sum(n - int(counts[s + m]) for s, m in zip(plan.starts, modes, strict=False))
        return max(numbers, 0.0) / plan.unit**2 + others


def _add_up(parts: list[ClusterSums], k: int, plan: Plan) -> ClusterSums:
    total = ClusterSums.empty(k, plan)
    for part in parts:
        total = total + part
    return total


@dataclass(frozen=True, slots=True, eq=False)
class Assign(LocalTask[ClusterSums, ClusterSums]):
    """Give every row to its nearest centre; the result says what changed by that."""

    centers: F64

    def map(self, state: RowState, _worker: WorkerContext) -> ClusterSums:
        plan, k = state.plan, len(self.centers)
        targets = Targets.of(plan, self.centers)

        def run(tiles: Sequence[Tile]) -> ClusterSums:
            moved = ClusterSums.empty(k, plan)
            for tile in tiles:
                self._tile(plan, targets, tile, moved)
            return moved

        return _add_up(state.each(run), k, plan)

    def _tile(self, plan: Plan, targets: Targets, tile: Tile, moved: ClusterSums) -> None:
        points = tile.points(plan)
        label = nearest(targets, points)
        moved.n_moved += kernels.move(
            points.hi, points.lo, points.codes, plan.scales, plan.starts, tile.labels, label,
            moved.sums, moved.squares, moved.sizes, moved.counts,
        )  # fmt: skip

    def combine(self, a: ClusterSums, b: ClusterSums) -> ClusterSums:
        return a + b


def nearest(targets: Targets, points: Points) -> I32:
    """Return the first of the nearest centres of each row."""
    n, t = len(points.norms), targets
    label, rivals = np.zeros(n, np.int32), np.full(n, 2, np.int32)
    if not t.is_wild:
        kernels.choose(
            points.hi, points.codes, points.norms, t.doubled, t.codes, np.float32(t.unit),
            t.constants, t.low, t.slope, label, rivals,
        )  # fmt: skip
    kernels.settle(
        points.hi, points.lo, points.codes, t.coordinates, t.codes, t.unit, rivals, label
    )
    return label


@dataclass(frozen=True, slots=True, eq=False)
class Relabel(LocalTask[ClusterSums, ClusterSums]):
    """Move the rows of one cluster that lie beyond a coordinate of one column to a new cluster."""

    cluster: int
    column: int
    beyond: float
    new: int

    def map(self, state: RowState, _worker: WorkerContext) -> ClusterSums:
        plan = state.plan

        def run(tiles: Sequence[Tile]) -> ClusterSums:
            moved = ClusterSums.empty(self.new + 1, plan)
            for tile in tiles:
                points = tile.points(plan)
                x = points.hi[self.column].astype(np.float64) + points.lo[self.column]
                goes = (tile.labels == self.cluster) & (x > self.beyond)
                label = np.where(goes, np.int32(self.new), tile.labels)
                kernels.move(
                    points.hi, points.lo, points.codes, plan.scales, plan.starts, tile.labels,
                    label, moved.sums, moved.squares, moved.sizes, moved.counts,
                )  # fmt: skip
            return moved

        return _add_up(state.each(run), self.new + 1, plan)

    def combine(self, a: ClusterSums, b: ClusterSums) -> ClusterSums:
        return a + b


@dataclass(frozen=True, slots=True, eq=False)
class Label(LocalTask[ClusterSums, ClusterSums]):
    """Give every row the label that the driver chose, by its number in the frame."""

    labels: I32
    k: int

    def map(self, state: RowState, _worker: WorkerContext) -> ClusterSums:
        plan = state.plan

        def run(tiles: Sequence[Tile]) -> ClusterSums:
            moved = ClusterSums.empty(self.k, plan)
            for tile in tiles:
                points = tile.points(plan)
                first = tile.first_row
                rows = tile.rows if len(tile.rows) else slice(first, first + len(tile.labels))
                label = np.array(self.labels[rows])
                moved.n_moved += kernels.move(
                    points.hi, points.lo, points.codes, plan.scales, plan.starts, tile.labels,
                    label, moved.sums, moved.squares, moved.sizes, moved.counts,
                )  # fmt: skip
            return moved

        return _add_up(state.each(run), self.k, plan)

    def combine(self, a: ClusterSums, b: ClusterSums) -> ClusterSums:
        return a + b


@dataclass(frozen=True, slots=True, eq=False)
class Boxes(LocalTask[F64, F64]):
    """Smallest and largest coordinate of each cluster, shape (2, n_numbers, k)."""

    k: int

    def map(self, state: RowState, _worker: WorkerContext) -> F64:
        plan = state.plan
        shape = (len(plan.numbers), self.k)

        def run(tiles: Sequence[Tile]) -> F64:
            box = np.array([np.full(shape, np.inf), np.full(shape, -np.inf)])
            for tile in tiles:
                points = tile.points(plan)
                kernels.boxes(points.hi, points.lo, tile.labels, box[0], box[1])
            return box

        found = [np.array([np.full(shape, np.inf), np.full(shape, -np.inf)]), *state.each(run)]
        total = found[0]
        for box in found[1:]:
            total = self.combine(total, box)
        return total

    def combine(self, a: F64, b: F64) -> F64:
        return np.array([np.minimum(a[0], b[0]), np.maximum(a[1], b[1])])


@dataclass(slots=True, eq=False)
class Within:
    """Sums of squared distances by cluster, scaled to integers, and the farthest row."""

    sums: I64
    sizes: I64
    distance: float = 0.0
    row: int = -1

    def __add__(self, other: Within) -> Within:
        mine = (self.distance, -self.row) >= (other.distance, -other.row)
        first = self if (mine and self.row >= 0) or other.row < 0 else other
        return Within(self.sums + other.sums, self.sizes + other.sizes, first.distance, first.row)


@dataclass(frozen=True, slots=True, eq=False)
class Measure(LocalTask[Within, Within]):
    """Squared distances of rows to the centre of their label, each tile's sum rounded to integers.

    `scale` makes integers of sums. With ``labels_too`` rows are given to the nearest of `centers`
    for this step; their labels stay.
    """

    centers: F64
    scale: float
    labels_too: bool = False

    def map(self, state: RowState, _worker: WorkerContext) -> Within:
        plan, k = state.plan, len(self.centers)
        targets = Targets.of(plan, self.centers)

        def run(tiles: Sequence[Tile]) -> Within:
            total = Within(np.zeros(k, np.int64), np.zeros(k, np.int64))
            for tile in tiles:
                total = total + self._tile(plan, targets, tile)
            return total

        total = Within(np.zeros(k, np.int64), np.zeros(k, np.int64))
        for part in state.each(run):
            total = total + part
        return total

    def _tile(self, plan: Plan, targets: Targets, tile: Tile) -> Within:
        points, sums = tile.points(plan), np.zeros(len(self.centers))
        label = nearest(targets, points) if self.labels_too else tile.labels
        at, most = kernels.within(
            points.hi, points.lo, points.codes, np.ascontiguousarray(targets.coordinates.T),
            np.ascontiguousarray(targets.codes.T), targets.unit, label, sums,
        )  # fmt: skip
        words = np.rint(sums * self.scale).astype(np.int64)
        sizes = np.bincount(label, minlength=len(sums))
        return Within(words, sizes, most, tile.row_number(at) if at >= 0 else -1)

    def combine(self, a: Within, b: Within) -> Within:
        return a + b


@dataclass(frozen=True, slots=True, eq=False)
class ComeCloser(LocalTask[int, int]):
    """Let rows know new candidates; returns the scaled sum of squared distances to the nearest."""

    candidates: F64
    scale: float

    def map(self, state: RowState, _worker: WorkerContext) -> int:
        plan = state.plan
        targets = Targets.of(plan, self.candidates)

        def run(tiles: Sequence[Tile]) -> int:
            total = 0
            for tile in tiles:
                points = tile.points(plan)
                found = kernels.come_closer(
                    points.hi, points.lo, points.codes, points.norms, targets.doubled,
                    targets.coordinates, targets.codes, targets.unit, targets.constants,
                    tile.least,
                )  # fmt: skip
                total += round(found * self.scale)
            return total

        return sum(state.each(run))

    def combine(self, a: int, b: int) -> int:
        return a + b


@dataclass(slots=True, eq=False)
class Sampled:
    """Rows by number: coordinates and codes."""

    rows: list[I64] = field(default_factory=list)
    numbers: list[F64] = field(default_factory=list)
    codes: list[I32] = field(default_factory=list)

    def points(self, plan: Plan) -> F64:
        """Return the rows as points of the space, in the order of the frame."""
        if not self.rows:
            return np.zeros((0, len(plan.space.names)))
        order = np.argsort(np.concatenate(self.rows))
        numbers, codes = np.concatenate(self.numbers), np.concatenate(self.codes)
        return plan.to_space(numbers[order], codes[order])


@dataclass(frozen=True, slots=True, eq=False)
class Sample(LocalTask[Sampled, Sampled]):
    """Rows drawn with probability `factor` times squared distance over the sum of all."""

    factor: float
    total: float
    seed: int

    def map(self, state: RowState, _worker: WorkerContext) -> Sampled:
        plan = state.plan

        def run(tiles: Sequence[Tile]) -> Sampled:
            found = Sampled()
            for tile in tiles:
                goes: NDArray[np.bool_] = np.zeros(len(tile.least), np.bool_)
                if farther(
                    tile.least, tile.first_row, tile.rows, self.seed, self.factor, self.total, goes
                ):
                    at = np.flatnonzero(goes)
                    numbers, codes = tile.points(plan).take(at)
                    found.rows.append(tile.rows[at] if len(tile.rows) else tile.first_row + at)
                    found.numbers.append(numbers)
                    found.codes.append(codes)
            return found

        total = Sampled()
        for part in state.each(run):
            total = self.combine(total, part)
        return total

    def combine(self, a: Sampled, b: Sampled) -> Sampled:
        return Sampled(a.rows + b.rows, a.numbers + b.numbers, a.codes + b.codes)
