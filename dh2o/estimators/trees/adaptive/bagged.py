"""Workers' states of forests that are grown over values, by H2O's histogram types."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from dh2o.estimators.trees.adaptive.state import ValueSpec, ValueState, fill_values
from dh2o.estimators.trees.arrays import I32
from dh2o.estimators.trees.ballot import Bag, BallotState

if TYPE_CHECKING:
    from dh2o.chunks import Block
    from dh2o.mrtask import WorkerContext

__all__ = ["BagOfValues", "BaggedValues", "build_bagged_values"]

_TILE = 16_384


@dataclass(frozen=True, slots=True)
class BagOfValues(ValueSpec):
    """What a worker needs besides the blocks; the trees so far are in the bag."""

    bag: Bag = field(default_factory=lambda: Bag(np.zeros(0, np.int64), np.ones(1)))


class BaggedValues(BallotState, ValueState):
    """One worker's rows, with the sum and the number of the trees that count for each."""

    def __init__(self, n_rows: int, spec: BagOfValues, worker: WorkerContext) -> None:
        super().__init__(n_rows, spec, worker)
        self.bag = spec.bag
        self.votes: I32 = np.zeros(n_rows, np.int32)


def build_bagged_values(
    blocks: list[Block], spec: BagOfValues, worker: WorkerContext
) -> BaggedValues:
    """Return the state of the rows of `blocks`, with the votes of the trees so far."""
    state = BaggedValues(sum(block.n_rows for block in blocks), spec, worker)
    fill_values(state, blocks)
    before = spec.bag.before
    if before is not None:
        x = state.x[: state.n_rows * state.width].reshape(state.n_rows, state.width)
        for at in range(0, state.n_rows, _TILE):
            to = slice(at, min(at + _TILE, state.n_rows))
            padded = np.concatenate([x[to], np.zeros((to.stop - at, 1))], axis=1)
            state.start_from(before, padded, to)
    state.replay_all()
    return state
