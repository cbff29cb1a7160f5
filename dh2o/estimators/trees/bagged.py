"""Workers' states of forests that are grown over bins made once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from dh2o.estimators.trees.arrays import F64, I32, I64, U8, writable
from dh2o.estimators.trees.ballot import Bag, BallotState
from dh2o.estimators.trees.raw_tree import RawTree
from dh2o.estimators.trees.state import StateSpec, TreeState, fill_state
from dh2o.estimators.trees.steps import LevelSums, start_root
from dh2o.estimators.trees.votes import fill_targets
from dh2o.mrtask import LocalTask, WorkerContext

if TYPE_CHECKING:
    from dh2o.chunks import Block

__all__ = ["BagSpec", "BaggedState", "StartBag", "build_bagged_state"]


@dataclass(frozen=True, slots=True)
class BagSpec(StateSpec):
    """What a worker needs besides the blocks; the trees so far are in the bag."""

    bag: Bag = field(default_factory=lambda: Bag(np.zeros(0, np.int64), np.ones(1)))


class BaggedState(BallotState, TreeState):
    """One worker's rows, with the sum and the number of the trees that count for each."""

    def __init__(self, n_rows: int, spec: BagSpec, worker: WorkerContext) -> None:
        super().__init__(n_rows, spec, worker)
        self.bag = spec.bag
        self.votes: I32 = np.zeros(n_rows, np.int32)


def build_bagged_state(blocks: list[Block], spec: BagSpec, worker: WorkerContext) -> BaggedState:
    """Return the state of the rows of `blocks`, with the votes of the trees so far."""
    state = BaggedState(sum(block.n_rows for block in blocks), spec, worker)
    fill_state(state, blocks)
    state.replay_all()
    state.put_weightless_last()
    return state


@dataclass(frozen=True, slots=True)
class StartBag(LocalTask[LevelSums, LevelSums]):
    """Count the votes of the trees before, draw the rows, and build the root's histogram.

    `pending`: (class, tree) grown last and not yet counted.  Sums as of `start_root`.
    """

    pending: tuple[tuple[int, RawTree], ...]
    klass: int
    center: float
    scales: F64
    shift: int
    keys: I64
    rates: F64
    features: U8

    def map(self, state: BaggedState, _worker: WorkerContext) -> LevelSums:
        scales, keys, rates = writable(self.scales), writable(self.keys), writable(self.rates)
        records, facts = state.records, state.facts.reshape(-1)

        def fill(lo: int, hi: int, _leaves: I64, _values: F64, out: I64) -> None:
            fill_targets(
                self.klass, self.center, facts, state.facts.shape[1], state.weights, state.row_ids,
                lo, hi, scales, self.shift, keys, rates, records.layout.place, records.bytes,
                state.tags, out,
            )  # fmt: skip

        return start_root(state, self.pending, self.features, fill)

    def combine(self, a: LevelSums, b: LevelSums) -> LevelSums:
        a += b
        return a
