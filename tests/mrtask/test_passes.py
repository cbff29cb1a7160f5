"""Passes give the same bits on every carrier and cluster, and fail as they should."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from dh2o.chunks import Block, encode_floats
from dh2o.errors import DH2OError, FrameError, KeyNotFoundError, ParameterError
from dh2o.mrtask import Blocks, Engine, MRTask
from dh2o.mrtask.plan import Plan
from tests.killing import leave_mark, marks
from tests.mrtask.tables import (
    Concat,
    CountUp,
    FloatSum,
    Scaled,
    View,
    counters,
    floats_of,
    random_block,
    table,
)

LAYOUT = (50, 0, 70, 1, 30, 30, 40)


def tree_sum(values: list[float]) -> float:
    """The fold that DESIGN.md fixes, written naively."""
    while len(values) > 1:
        pairs = [values[i : i + 2] for i in range(0, len(values), 2)]
        values = [sum(pair[1:], pair[0]) for pair in pairs]
    return values[0]


def test_both_carriers_fold_along_the_fixed_tree(any_engine: Engine) -> None:
    blocks = table(any_engine, LAYOUT)
    expected = tree_sum([float(v.sum()) for v in floats_of(LAYOUT)])
    assert FloatSum().do_all(blocks) == expected
    assert FloatSum().do_all(blocks, carrier="graph") == expected


@pytest.mark.parametrize("carrier", ["lane", "graph"])
def test_tree_of_seven_blocks(any_engine: Engine, carrier: str) -> None:
    blocks = table(any_engine, LAYOUT)
    assert Concat().do_all(blocks, carrier=carrier) == "(((0 1) (2 3)) ((4 5) 6))"


@pytest.mark.parametrize("carrier", ["lane", "graph"])
def test_frame_without_blocks(any_engine: Engine, carrier: str) -> None:
    assert FloatSum().do_all(table(any_engine, ()), carrier=carrier) is None


def test_unknown_carriers_are_refused(engine: Engine) -> None:
    with pytest.raises(ParameterError, match="carrier: expected 'lane' or 'graph', got 'train'"):
        FloatSum().do_all(table(engine, LAYOUT), carrier="train")


def test_frame_of_one_row(any_engine: Engine) -> None:
    assert FloatSum().do_all(table(any_engine, (1,))) == floats_of((1,))[0][0]


def test_columns_of_several_blocks_make_one(any_engine: Engine) -> None:
    first = table(any_engine, LAYOUT)
    second = Scaled(2.0).new_blocks(first, 1)
    view = View(("twice", "value"), ((second, 0), (first, 0)), LAYOUT)
    starts = any_engine.collect(view, lambda b: (b.row_start, b.index, b.names))
    assert starts[2] == (50, 2, ("twice", "value"))
    differ = any_engine.collect(view, lambda b: float(np.abs(b["twice"] - 2 * b["value"]).sum()))
    assert differ == [0.0] * len(LAYOUT)


def test_columns_of_other_layout_are_refused(any_engine: Engine) -> None:
    view = View(("a",), ((table(any_engine, (3, 4)), 0),), (7,))
    with pytest.raises(FrameError, match="Align them"):
        FloatSum().do_all(view)


def test_new_blocks_lie_where_their_parents_lie(any_engine: Engine) -> None:
    blocks = table(any_engine, LAYOUT)
    derived = Scaled(2.0).new_blocks(blocks, 1)
    assert derived.layout == LAYOUT
    assert any_engine.places(derived) == any_engine.places(blocks)


@pytest.mark.cluster
def test_blocks_lie_in_contiguous_ranges(cluster3: Engine) -> None:
    places = cluster3.places(table(cluster3, (10,) * 9))
    assert len(set(places)) == 3
    assert [places[i] for i in (0, 3, 6) for _ in range(3)] == places


class Shorter(MRTask[Any, Any]):
    def map(self, block: Block) -> Any:
        return (encode_floats(block.floats(0)[1:]),)


def test_map_that_changes_the_row_count_is_refused(any_engine: Engine) -> None:
    with pytest.raises(FrameError, match=r"Shorter gave (49|19) rows for a block of"):
        any_engine.wait(Shorter().new_blocks(table(any_engine, (50, 20)), 1))


def test_map_blocks_asks_row_counts(any_engine: Engine) -> None:
    halves = any_engine.map_blocks(lambda b, n: b.slice(0, b.n_rows // n), table(any_engine), 2)
    assert halves.layout == (25, 0, 35, 0, 15, 15, 20)


class Failing(MRTask[Any, Any]):
    def __init__(self, folder: str) -> None:
        self.folder = folder

    def map(self, block: Block) -> Any:
        if block.index == 2:
            leave_mark(self.folder)
            raise ZeroDivisionError("the user's own mistake")
        return 0

    def combine(self, a: Any, b: Any) -> Any:
        return a + b


@pytest.mark.parametrize("carrier", ["lane", "graph"])
def test_user_errors_arrive_once_as_they_are(
    any_engine: Engine, tmp_path: Any, carrier: str
) -> None:
    with pytest.raises(ZeroDivisionError, match="own mistake") as caught:
        Failing(str(tmp_path)).do_all(table(any_engine), carrier=carrier)
    frames = str(caught.value.__cause__) + "".join(str(entry) for entry in caught.traceback)
    assert "in map" in frames
    assert len(marks(tmp_path)) == 1


def test_blocks_that_failed_raise_when_used(any_engine: Engine, tmp_path: Any) -> None:
    def fail(block: Block) -> Any:
        raise ZeroDivisionError("bad row")

    with pytest.raises(ZeroDivisionError, match="bad row"):
        any_engine.wait(any_engine.map_blocks(fail, table(any_engine), layout=LAYOUT))


def test_tasks_with_inputs(any_engine: Engine) -> None:
    blocks = table(any_engine, (4, 3, 2))
    parts = any_engine.submit(
        lambda i, inputs: inputs[0].n_rows * 10 + i,
        [(i,) for i in range(3)],
        deps=[[(blocks, i)] for i in range(3)],
    )
    assert any_engine.gather(parts) == [40, 31, 22]
    merged = any_engine.submit_blocks(
        lambda inputs: Block.concat([x for x in inputs if isinstance(x, Block)]),
        [()],
        deps=[[(blocks, 0), parts[0], (blocks, 2)]],
    )
    assert merged.layout == (6,)


def test_large_arguments_travel(any_engine: Engine) -> None:
    big = np.arange(100_000.0)
    blocks = any_engine.map_blocks(
        lambda b, a: (encode_floats(b.floats(0) + a[99_999]),), table(any_engine), big
    )
    assert FloatSum().do_all(blocks) > 99_999 * sum(LAYOUT)


def test_gather_gives_blocks_in_order(any_engine: Engine) -> None:
    got = any_engine.gather(table(any_engine, (3, 5)))
    assert [(b.n_rows, b.index, b.row_start) for b in got] == [(3, 0, 0), (5, 1, 3)]
    np.testing.assert_array_equal(got[1].floats(0), floats_of((3, 5))[1])


def test_select_takes_blocks_without_a_task(any_engine: Engine) -> None:
    some = table(any_engine, (3, 5, 7)).select([2, 0])
    assert some.layout == (7, 3)
    assert Concat().do_all(some) == "(0 1)"
    restored = pickle.loads(pickle.dumps(some))
    assert any_engine.collect(restored, lambda b: b.n_rows) == [7, 3]


def test_input_blocks_are_unchanged(any_engine: Engine) -> None:
    blocks = table(any_engine, (5,))
    before = any_engine.gather(blocks)[0].floats(0)
    Scaled(3.0).new_blocks(blocks, 1)
    np.testing.assert_array_equal(any_engine.gather(blocks)[0].floats(0), before)


def test_deleted_data_give_a_typed_error(any_engine: Engine) -> None:
    with pytest.raises(KeyNotFoundError, match="are gone"):
        FloatSum().do_all(Blocks("never-made", (3, 4)))


def test_blocks_without_result_are_refused(any_engine: Engine) -> None:
    with pytest.raises(DH2OError, match="returns a Block"):
        any_engine.submit_blocks(lambda: 5, [()] * 9)


@pytest.mark.cluster
def test_parts_on_different_workers_are_brought_together(cluster3: Engine) -> None:
    addresses = [address for address, _ in cluster3.workers()]
    one, two = (
        Blocks(name, (6,), homes=(home,), claim=None)
        for name, home in zip(("a", "b"), addresses, strict=False)
    )
    made = []
    for blocks in (one, two):
        future = cluster3.client.submit(
            _whole, 1, 6, workers=list(blocks.homes), key=(blocks.name, 0), pure=False
        )
        made.append(future)
    cluster3.client.gather(made)
    view = View(("x", "y"), ((one, 0), (two, 0)), (6,))
    assert cluster3.collect(view, lambda b: float((b["x"] - b["y"]).sum())) == [0.0]


class InPlace(MRTask[Any, Any]):
    """Adds into its left argument, which may have come over the wire."""

    def map(self, block: Block) -> Any:
        return np.full(3, float(block.n_rows))

    def combine(self, a: Any, b: Any) -> Any:
        a += b
        return a


class LocalInPlace(CountUp):
    def map(self, state: Any, worker: Any) -> Any:
        return np.array(super().map(state, worker))

    def combine(self, a: Any, b: Any) -> Any:
        a += [b[0], 0]
        return a


@pytest.mark.cluster
def test_any_worker_may_be_on_top(cluster3: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = table(cluster3, LAYOUT)
    tree = Plan.tree
    expected = None
    for address in sorted(set(cluster3.places(blocks))):
        monkeypatch.setattr(
            Plan, "tree", lambda plan, _root, top=address, **how: tree(plan, top, **how)
        )
        np.testing.assert_array_equal(InPlace().do_all(blocks), [sum(LAYOUT)] * 3)
        with cluster3.local(blocks, counters, 0) as state:
            result = state.run(LocalInPlace()).tolist()
        expected = expected or result
        assert result == expected


@pytest.mark.cluster
def test_client_that_reaches_only_the_scheduler(cluster3: Engine) -> None:
    blocks = table(cluster3, LAYOUT)
    expected = FloatSum().do_all(blocks)
    cluster3.lane.peers.relayed = True
    try:
        assert FloatSum().do_all(blocks) == expected
        assert cluster3.collect(blocks, lambda b: b.n_rows) == list(LAYOUT)
        with cluster3.local(blocks, counters, 0) as state:
            assert state.run(CountUp())[1] == 1
    finally:
        cluster3.lane.peers.relayed = False


def _whole(i: int, n_rows: int) -> Block:
    return Block.of(random_block(i, n_rows))
