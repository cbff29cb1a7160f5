"""The first centres: k-means|| (Bahmani et al. 2012), random rows, or points of the user."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dh2o.chunks import Block
from dh2o.estimators.kmeans.plan import F64
from dh2o.estimators.kmeans.random_rows import seeded, uniform
from dh2o.estimators.kmeans.session import Session
from dh2o.estimators.kmeans.steps import ComeCloser, Sample
from dh2o.frame import Frame
from dh2o.models.columns import Columns
from dh2o.models.kmeans import Space
from dh2o.models.kmeans_kernels import distances

if TYPE_CHECKING:
    from dh2o.estimators.spec import TrainSpec

_ROUNDS = 5
_CANDIDATES_A_CENTER = 3
_LONG = 1 << 64


class Dice:
    """Random numbers as H2O's driver draws them."""

    def __init__(self, seed: int) -> None:
        self._state = seeded(_signed(seed))

    def uniform(self) -> float:
        """Return a number in 0…1."""
        value, self._state = uniform(np.uint64(self._state))
        return float(value)

    def row(self, n_rows: int) -> int:
        """Return the number of a row."""
        return max(0, int(self.uniform() * n_rows) - 1)


def _signed(seed: int) -> np.int64:
    wrapped = seed % _LONG
    return np.int64(wrapped - _LONG if wrapped >= _LONG // 2 else wrapped)


def first_centers(session: Session, spec: TrainSpec, k: int) -> F64:
    """Return the centres that Lloyd's iterations start from, as points of the space."""
    params, space = spec.params, session.plan.space
    if params["user_points"] is not None:
        points = Frame.get(params["user_points"])
        return points_of_rows(points.rows(0, points.n_rows), space, points)
    dice = Dice(spec.seed - 1)
    if params["init"] == "Random":
        return np.concatenate([_random_row(spec, space, dice) for _ in range(k)])
    candidates = _candidates(session, spec, _random_row(spec, space, dice), k)
    session.forget_candidates()
    if params["init"] == "PlusPlus":
        return _plus_plus(candidates, space, k, dice)
    return _furthest(candidates, space, k)


def points_of_rows(block: Block, space: Space, frame: Frame) -> F64:
    """Return rows, by the position of their columns, as points of the space; NA filled in."""
    values = {
        name: block.floats(idx)
        if frame.vecs[idx].is_enum or frame.vecs[idx].is_numeric
        else np.full(block.n_rows, np.nan)
        for idx, name in enumerate(space.names)
    }
    numbers, codes = space.prepared(Columns(values, block.n_rows))
    points = np.empty((block.n_rows, len(space.names)))
    points[:, ~space.is_level], points[:, space.is_level] = numbers.T, codes.T
    return points


def _random_row(spec: TrainSpec, space: Space, dice: Dice) -> F64:
    row = dice.row(spec.train.n_rows)
    frame = spec.train.select(space.names)
    return points_of_rows(frame.rows(row, row + 1), space, frame)


def _candidates(session: Session, spec: TrainSpec, first: F64, k: int) -> F64:
    """Return rows that are likely to lie far from each other: about 3 k more in each round."""
    scale = session.distance_scale(np.zeros((1, len(session.plan.space.names)))) / 4.0
    rounds = [first]
    for _ in range(_ROUNDS):
        if spec.out_of_time():
            break
        if len(rounds[-1]):
            total = session.run(ComeCloser(rounds[-1], scale)) / scale
        step = Sample(float(_CANDIDATES_A_CENTER * k), total, int(_signed(spec.seed)))
        rounds.append(session.run(step).points(session.plan))
    return np.concatenate(rounds)


def _distances(points: F64, space: Space, center: F64) -> F64:
    level = space.is_level
    out = np.empty((1, len(points)))
    numbers, codes = points[:, ~level].T, points[:, level].T
    centers = center[None, ~level], center[None, level]
    distances(
        np.ascontiguousarray(numbers), np.ascontiguousarray(codes),
        *map(np.ascontiguousarray, centers), out,
    )  # fmt: skip
    return out[0]


def _furthest(points: F64, space: Space, k: int) -> F64:
    """Return k of the points, each the farthest from those before it."""
    chosen, least = [0], _distances(points, space, points[0])
    while len(chosen) < k:
        chosen.append(int(np.argmax(least)))
        least = np.minimum(least, _distances(points, space, points[chosen[-1]]))
    return points[chosen]


def _plus_plus(points: F64, space: Space, k: int, dice: Dice) -> F64:
    """Return k of the points: the first in order whose distance passes a random threshold."""
    chosen, least = [0], _distances(points, space, points[0])
    while len(chosen) < k:
        total = float(least.sum())
        found = (i for i in range(len(points)) if least[i] >= dice.uniform() * total)
        idx = next(found, None)
        if idx is None:  # all were passed over: go round again, as H2O does
            continue
        chosen.append(idx)
        least = np.minimum(least, _distances(points, space, points[idx]))
    return points[chosen]
