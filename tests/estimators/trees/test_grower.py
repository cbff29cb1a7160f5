"""Growing in process: a frontier cut in halves, columns drawn at random."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dh2o.chunks import Block, encode_codes, encode_floats
from dh2o.estimators.trees import grower as grower_module
from dh2o.estimators.trees import levels
from dh2o.estimators.trees.binning import BinMap, code_features, number_features, quantile_cuts
from dh2o.estimators.trees.fixed_point import FixedPoint, WeightFacts
from dh2o.estimators.trees.gradients import Loss
from dh2o.estimators.trees.grower import Columns, Grower, TreeParams
from dh2o.estimators.trees.raw_tree import RawTree
from dh2o.estimators.trees.records import ROW_MASK
from dh2o.estimators.trees.state import StateSpec, TreeState, build_state
from dh2o.estimators.trees.steps import StartTree

N = 2000


class OneThread:
    """A worker as far as states need one."""

    n_threads = 1

    def map(self, fn: Any, items: Any) -> list[Any]:
        return [fn(item) for item in items]


@pytest.fixture(scope="module")
def parts() -> tuple[BinMap, Block]:
    return made(N)


def made(n: int) -> tuple[BinMap, Block]:
    rng = np.random.default_rng(0)
    x, c = rng.normal(size=n), rng.integers(0, 300, n).astype(np.int32)
    y = np.sin(3 * x) + rng.normal(size=300)[c]
    features = (number_features("x", quantile_cuts(x, 255)), code_features("c", 300, 1024))
    chunks = (encode_floats(x), encode_codes(c), encode_floats(y))
    return BinMap(features), Block.of(chunks, ("x", "c", "y"))


def start(fixed: FixedPoint, features: Any) -> StartTree:
    """Return the first step of a tree of squared error."""
    return StartTree(
        (), int(Loss.GAUSSIAN), 0.0, -1, True, fixed.scales(10.0, 1.0), fixed.shift,
        np.array([1, 0]), np.ones(1), features,
    )  # fmt: skip


def grow(parts: tuple[BinMap, Block], params: TreeParams, **draw: Any) -> tuple[RawTree, TreeState]:
    bin_map, block = parts
    n = block.n_rows
    worker: Any = OneThread()
    fixed = FixedPoint.of(WeightFacts(n, n, 1.0, True))
    spec = StateSpec(bin_map, "y", None, None, (0.0,), fixed=fixed)
    state = build_state([block], spec, worker)

    def run(step: Any) -> Any:
        return step.map(state, worker)

    columns = Columns.draw(2, params, 9, **draw)
    root = run(start(fixed, columns.of_tree))
    return Grower(bin_map, params, fixed).grow(root, columns, run), state


def leaf_rows(tree: RawTree, state: TreeState) -> list[tuple[int, ...]]:
    """Return the rows of each leaf, in an order that does not depend on node numbers."""
    found = []
    for start, stop in state.leaf_table(0, tree):
        found.append(tuple(sorted((state.tags[start:stop] & ROW_MASK).tolist())))
    return sorted(found)


def test_leaves_hold_every_row_once_and_their_sums(parts: Any) -> None:
    tree, state = grow(parts, TreeParams(max_depth=7, min_rows=5))
    rows = leaf_rows(tree, state)
    assert sorted(r for leaf in rows for r in leaf) == list(range(N))
    assert min(len(leaf) for leaf in rows) >= 5
    inner = np.flatnonzero(tree.nodes[:, 2] >= 0)
    children = tree.sums[tree.nodes[inner, 2]] + tree.sums[tree.nodes[inner, 3]]
    np.testing.assert_array_equal(tree.sums[inner], children)


def test_walking_bins_reaches_the_same_leaves(parts: Any) -> None:
    tree, state = grow(parts, TreeParams(max_depth=7, min_rows=5))
    tree.values[tree.leaves] = np.arange(len(tree.leaves)) + 1.0
    state.apply(0, tree)
    grown = state.f[0].copy()
    state.f[:] = 0
    state.walk(0, tree)
    np.testing.assert_array_equal(state.f[0], grown)


def shape(tree: RawTree) -> list[tuple[Any, ...]]:
    """Return all that a tree says, depth first: node numbers depend on the order of work."""
    found, stack = [], [0]
    while stack:
        k = stack.pop()
        column, cut, left, right, first, na_bin = tree.nodes[k].tolist()
        sets = tree.bits[first : first + (na_bin + 7) // 8].tobytes() if first >= 0 else b""
        facts = (tree.sums[k], tree.counts[k], tree.gains[k], tree.na_sides[k], tree.depths[k])
        found.append((column, cut, sets, *facts))
        stack += [right, left] if left >= 0 else []
    return found


def test_a_large_frontier_is_grown_in_halves(parts: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(grower_module, "_SMALL", (0, 0))
    params = TreeParams(max_depth=9, min_rows=3)
    whole = leaf_rows(*grow(parts, params))
    monkeypatch.setattr(levels, "_MAX_POOL_NBYTES", 16 * 2 * parts[0].n_slots)
    assert leaf_rows(*grow(parts, params)) == whole


@pytest.mark.parametrize("rate", [1.0, 0.5])
@pytest.mark.parametrize("limits", [(20, 20), (300, 300), (10_000, 10_000)])
@pytest.mark.parametrize("shifts", [False, True])
def test_small_nodes_are_finished_as_large_ones(
    parts: Any, monkeypatch: Any, limits: tuple[int, int], rate: float, shifts: bool
) -> None:
    cells = {"nbins": 20, "nbins_top_level": 64, "shifts_cells": shifts}
    params = TreeParams(max_depth=14, min_rows=1, col_sample_rate=rate, **cells)
    monkeypatch.setattr(grower_module, "_SMALL", (0, 0))
    tree, state = grow(parts, params)
    monkeypatch.setattr(grower_module, "_SMALL", limits)
    again, finished = grow(parts, params)
    assert shape(again) == shape(tree)
    assert leaf_rows(again, finished) == leaf_rows(tree, state)


def test_records_of_gradients_alone_give_the_same_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    many = made(40_000)
    params = TreeParams(max_depth=9, min_rows=5)
    tree, state = grow(many, params)
    assert state.records.layout.word_nbytes == 4
    monkeypatch.setattr("dh2o.estimators.trees.fixed_point._NARROW_BITS", 0)
    again, whole = grow(many, params)
    assert whole.records.layout.word_nbytes == 8
    assert shape(again) == shape(tree)
    np.testing.assert_array_equal(again.sums, tree.sums)
    assert leaf_rows(again, whole) == leaf_rows(tree, state)


def test_rows_of_small_nodes_may_come_from_several_workers(parts: Any) -> None:
    bin_map, block = parts
    params = TreeParams(max_depth=14, min_rows=2)
    tree, _ = grow(parts, params)
    worker: Any = OneThread()
    blocks = [block.slice(0, 700), block.slice(700, N)]
    fixed = FixedPoint.of(WeightFacts(N, N, 1.0, True))
    spec = StateSpec(bin_map, "y", None, None, (0.0,), fixed=fixed)
    states = [build_state([part], spec, worker) for part in blocks]

    def run(step: Any) -> Any:
        return step.combine(*(step.map(state, worker) for state in states))

    columns = Columns.draw(2, params, 9)
    again = Grower(bin_map, params, fixed).grow(run(start(fixed, columns.of_tree)), columns, run)
    assert shape(again) == shape(tree)
    rows = [sum(map(len, leaf_rows(again, state))) for state in states]
    assert rows == [700, N - 700]


def test_columns_are_drawn_by_h2os_counts() -> None:
    params = TreeParams(col_sample_rate=0.5, col_sample_rate_per_tree=0.8)
    columns = Columns.draw(10, params, 4)
    assert columns.of_tree.sum() == 8
    assert columns.tries(3).tolist() == [4, 4, 4]
    nodes = np.zeros(3, np.int64)
    assert columns.allowed(RawTree(), nodes).tolist() == [columns.of_tree.tolist()]
    assert Columns.draw(10, TreeParams(), 4).allowed(RawTree(), nodes).tolist() == [[1] * 10]
