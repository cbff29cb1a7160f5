"""Small tables and passes for these tests."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dh2o.chunks import Block, encode_floats, encode_ints
from dh2o.mrtask import Blocks, Engine, LocalTask, MRTask
from tests.killing import leave_mark


def random_block(i: int, n_rows: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(i)
    return encode_floats(rng.random(n_rows)), encode_ints(rng.integers(0, 100, n_rows))


def table(engine: Engine, layout: Sequence[int] = (50, 0, 70, 1, 30, 30, 40)) -> Blocks:
    """Blocks of a column of doubles and one of small integers."""
    return engine.submit_blocks(random_block, list(enumerate(layout)), layout=layout)


def floats_of(layout: Sequence[int]) -> list[np.ndarray]:
    return [np.random.default_rng(i).random(n) for i, n in enumerate(layout)]


@dataclass(frozen=True)
class View:
    """The least that a pass takes for a frame."""

    names: tuple[str, ...]
    columns: tuple[tuple[Blocks, int], ...]
    layout: tuple[int, ...]


class FloatSum(MRTask[float, float]):
    """Sum of the first column: depends on the order of additions in its last bits."""

    def map(self, block: Block) -> float:
        return float(block.floats(0).sum())

    def combine(self, a: float, b: float) -> float:
        return a + b


class Concat(MRTask[str, str]):
    """Writes down the tree of combinations."""

    def map(self, block: Block) -> str:
        return str(block.index)

    def combine(self, a: str, b: str) -> str:
        return f"({a} {b})"


@dataclass(frozen=True)
class Scaled(MRTask[Any, Any]):
    """A new column: the first one times a factor."""

    factor: float

    def map(self, block: Block) -> Any:
        return (encode_floats(block.floats(0) * self.factor),)


@dataclass(frozen=True)
class SlowSum(FloatSum):
    """Leaves a mark for each block that it starts, and takes its time."""

    folder: str
    seconds: float = 0.1

    def map(self, block: Block) -> float:
        leave_mark(self.folder, str(block.index))
        time.sleep(self.seconds)  # the work that a kill interrupts
        return super().map(block)


@dataclass(frozen=True)
class SlowScaled(Scaled):
    folder: str = ""

    def map(self, block: Block) -> Any:
        leave_mark(self.folder, str(block.index))
        time.sleep(0.1)
        return super().map(block)


def counters(blocks: list[Block], start: int, worker: Any) -> dict[str, Any]:
    """A local state: a counter, and the integers of this worker's blocks."""
    return {"count": start, "values": [block.ints(1) for block in blocks]}


class CountUp(LocalTask[tuple[int, int], tuple[int, int]]):
    """Adds one to every worker's counter; returns the sum of the integers and the counter."""

    def map(self, state: Any, worker: Any) -> tuple[int, int]:
        state["count"] += 1
        return sum(worker.map(lambda v: int(v.sum()), state["values"])), state["count"]

    def combine(self, a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
        assert a[1] == b[1], "workers at different steps"
        return a[0] + b[0], a[1]
