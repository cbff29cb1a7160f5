"""K-means under least sizes of clusters: rows are dealt out at the least total distance.

Each iteration starts from the nearest centres. While a cluster is too small, one row moves along
the cheapest path of clusters from one that can spare a row (successive shortest paths, as for a
flow of least cost); so the sum of squared distances is the least that the sizes allow.
"""

from __future__ import annotations

import heapq
import itertools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks import Block
from dh2o.errors import ModelError
from dh2o.estimators.kmeans.lloyd import Event, Progress
from dh2o.estimators.kmeans.plan import F64, Plan
from dh2o.estimators.kmeans.seeding import first_centers
from dh2o.estimators.kmeans.steps import ClusterSums, Label
from dh2o.models.columns import Columns
from dh2o.models.kmeans import Space
from dh2o.mrtask import MRTask

if TYPE_CHECKING:
    from dh2o.estimators.kmeans.session import Session
    from dh2o.estimators.spec import TrainSpec

I32 = NDArray[np.int32]

_MOST_DISTANCES = 1 << 26  # that the driver holds: rows times clusters
_TOLERANCE = 1e-4


@dataclass(frozen=True, eq=False)
class Distances(MRTask[list[F64], F64]):
    """Squared distances of each row to each centre, shape (n_rows, k); NaN if it does not count."""

    space: Space
    centers: F64
    weights: str | None

    def map(self, block: Block) -> list[F64]:
        names = self.space.names
        found = self.space.distances(
            self.space.prepared(Columns({n: block.floats(n) for n in names}, block.n_rows)),
            self.centers,
        ).T
        if self.weights is not None:
            found[~(block.floats(self.weights) > 0)] = np.nan
        return [found]

    def combine(self, a: list[F64], b: list[F64]) -> list[F64]:
        return a + b

    def finish(self, total: list[F64] | None) -> F64:
        return np.concatenate(total or [np.zeros((0, len(self.centers)))])


def fit_constrained(session: Session, spec: TrainSpec) -> Progress:
    """Return the finished training."""
    plan, params = session.plan, spec.params
    k, least = int(params["k"]), tuple(params["cluster_size_constraints"])
    if spec.train.n_rows * k > _MOST_DISTANCES:
        raise ModelError(
            f"cluster_size_constraints: {spec.train.n_rows} rows times {k} clusters are more than "
            f"{_MOST_DISTANCES} distances. Train on a sample of the rows."
        )
    start = Event(int(time.time() * 1000), 0, np.nan, np.nan)
    at = Progress(k, first_centers(session, spec, k), ClusterSums.empty(k, plan), [start])
    while not _iteration(session, spec, at, least):
        session.ctx.update(at.n_iterations / params["max_iterations"], "iterations")
    return at


def _iteration(session: Session, spec: TrainSpec, at: Progress, least: tuple[int, ...]) -> bool:
    plan: Plan = session.plan
    task = Distances(plan.space, at.centers, spec.weights)
    found = task.do_all(spec.train)
    counts = ~np.isnan(found[:, 0])
    d = found[counts]
    if sum(least) > len(d):
        raise ModelError(
            f"cluster_size_constraints: the sum of constraints ({sum(least)}) is higher than the "
            f"number of data rows with non zero weights ({len(d)})."
        )
    labels = deal_out(d, least)
    of_rows = np.full(len(found), -1, np.int32)
    of_rows[counts] = labels
    moved = session.run(Label(of_rows, at.k))
    at.sums = at.sums + moved
    at.within = np.bincount(labels, d[np.arange(len(d)), labels], at.k).astype(np.float64)
    at.centers = at.sums.centers(plan)
    at.n_iterations += 1
    total = float(at.within.sum())
    at.events.append(Event(int(time.time() * 1000), at.k, float(moved.n_moved), total))
    return (
        moved.n_moved < max(1.0, spec.train.n_rows * _TOLERANCE)
        or at.n_iterations >= spec.params["max_iterations"]
        or spec.out_of_time()
    )


def deal_out(d: F64, least: tuple[int, ...]) -> I32:
    """Return each row's cluster such that cluster j has at least ``least[j]`` rows.

    The sum of the chosen ``d[row, cluster]`` is the smallest possible.
    """
    labels: I32 = np.argmin(d, axis=1).astype(np.int32)
    sizes = np.bincount(labels, minlength=len(least))
    if (sizes >= least).all():
        return labels
    offers = _Offers(d, labels)
    while (sizes < least).any():
        path = _cheapest_path(offers.costs(), sizes - np.array(least))
        moves = [(offers.best(a, b), a, b) for a, b in itertools.pairwise(path)]
        for row, a, b in moves:
            offers.move(row, b)
            sizes[a] -= 1
            sizes[b] += 1
    return labels


class _Offers:
    """For each pair of clusters, the row of the first that moves to the second most cheaply."""

    def __init__(self, d: F64, labels: I32) -> None:
        self.d = d
        self.labels = labels
        k = d.shape[1]
        self.heaps: list[list[list[tuple[float, int]]]] = [[[] for _ in range(k)] for _ in range(k)]
        for a in range(k):
            rows = np.flatnonzero(labels == a)
            for b in range(k):
                prices = d[rows, b] - d[rows, a]
                self.heaps[a][b] = list(zip(prices.tolist(), rows.tolist(), strict=True))
                heapq.heapify(self.heaps[a][b])

    def best(self, a: int, b: int) -> int:
        """Return the row of cluster `a` that moves to `b` most cheaply, -1 if it is empty."""
        heap = self.heaps[a][b]
        while heap and self.labels[heap[0][1]] != a:
            heapq.heappop(heap)
        return heap[0][1] if heap else -1

    def costs(self) -> F64:
        """Return the least price of a move between each pair of clusters."""
        k = len(self.heaps)
        found = np.full((k, k), np.inf)
        for a in range(k):
            for b in range(k):
                if a != b and self.best(a, b) >= 0:
                    found[a, b] = self.heaps[a][b][0][0]
        return found

    def move(self, row: int, to: int) -> None:
        """Put a row into another cluster."""
        self.labels[row] = to
        for b in range(len(self.heaps)):
            price = float(self.d[row, b] - self.d[row, to])
            heapq.heappush(self.heaps[to][b], (price, int(row)))


def _cheapest_path(costs: F64, spare: NDArray[np.int64]) -> list[int]:
    """Return the clusters on the cheapest way from one with rows to spare to one that lacks some.

    Bellman and Ford's rule: prices may be below 0, but no circle is.
    """
    k = len(costs)
    reach = np.where(spare > 0, 0.0, np.inf)
    before = np.full(k, -1)
    for _ in range(k):
        through = reach[:, None] + costs
        via = np.argmin(through, axis=0)
        found = through[via, np.arange(k)]
        slack = 1e-12 * np.abs(np.where(np.isfinite(found), found, 0.0))
        better = found + slack < reach  # rounding must not make a circle seem to pay
        if not better.any():
            break
        reach[better] = found[better]
        before[better] = via[better]
    end = int(np.argmin(np.where(spare < 0, reach, np.inf)))
    path = [end]
    while before[path[-1]] >= 0:
        path.append(int(before[path[-1]]))
    return path[::-1]
