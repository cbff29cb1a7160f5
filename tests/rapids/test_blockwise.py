"""Functions of whole blocks give what they give in one process, however the rows lie."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers import close, run

from dh2o.chunks import Block
from dh2o.errors import RapidsError
from dh2o.frame import Frame
from dh2o.mrtask import Engine, use_engine
from dh2o.rapids import Session, blockwise, prim_apply, prim_reshape
from dh2o.rapids.filling import fill_gaps
from dh2o.rapids.group_places import GroupPlaces
from tests.killing import killing, leave_mark

N = 60
DRAW = np.random.default_rng(5)
CELLS = np.where(DRAW.random((N, 4)) < 0.4, np.nan, DRAW.integers(0, 50, (N, 4)))
CELLS[20:45, 1] = np.nan  # blocks without any value
BLOCKS = [7, 0, 13, 20, 1, 19]

EXPRESSIONS = [
    '(melt bw [0 1] [2 5 3] "name" "value" False)',
    '(melt bw [1] [3 4] "name" "value" True)',
    '(melt bw [] [2 3] "name" "value" True)',
    '(h2o.fillna (cols bw [1 2 3 4 5]) "forward" 0 3)',
    '(h2o.fillna (cols bw [2 3 4 5]) "backward" 0 100)',
    '(h2o.fillna (cols bw [2 3 4 5]) "forward" 0 30)',
    '(h2o.fillna (cols bw [2 3 4 5]) "backward" 1 2)',
    "(t (cols bw [2 3 4 5]))",
    "(x (cols bw [2 3 5]) (t (cols (rows bw [0:9]) [2 3 5])))",
    '(pivot bw "r" "k" "v2")',
    '(pivot bw "v0" "k" "v2")',
    "(ddply bw [1] { x . (mean (cols x [2 3]) 1 0) })",
    "(ddply bw [1 2] { x . (nrow x) })",
]
EXPRESSIONS += [
    f'(distance (ifelse (is.na (cols bw [2 5])) 7 (cols bw [2 5])) near "{how}")'
    for how in ("l1", "l2", "cosine", "cosine_sq")
]


@pytest.fixture
def in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be small enough for one process."""
    monkeypatch.setattr(blockwise, "SMALL_CELLS", 0)
    monkeypatch.setattr(prim_apply, "MAX_GATHERED_CELLS", 0)
    monkeypatch.setattr(prim_reshape, "MAX_GATHERED_CELLS", 0)


def put(layout: list[int]) -> None:
    frame = Frame.from_pandas(
        pd.DataFrame(
            {
                "id": [f"r{i}" if i % 7 else None for i in range(N)],
                "k": pd.Categorical([["c", "a", "b"][(i * i) % 3] for i in range(N)]),
                **{f"v{j}": CELLS[:, j].tolist() for j in range(4)},
                "r": [i // 5 for i in range(N)],
            }
        ),
    )
    frame.rebalance(layout).put("bw")
    Frame.from_python({"a": [3.0, 1.5, 8.0], "b": [-2.0, 0.5, 1.0]}).put("near")


def answers(engine: Engine, layout: list[int]) -> list[Any]:
    with use_engine(engine), Session(engine) as session:
        put(layout)
        return [run(session, text) for text in EXPRESSIONS]


def test_blocks_give_what_one_process_gives(
    engine: Engine, in_blocks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = answers(engine, BLOCKS)
    monkeypatch.undo()
    for text, blocks, together in zip(EXPRESSIONS, found, answers(engine, [N]), strict=True):
        assert close(blocks, together), text


@pytest.mark.cluster
def test_workers_give_what_one_process_gives_though_one_is_killed(
    engine: Engine,
    cluster3: Engine,
    in_blocks: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    folder = str(tmp_path)

    class Marked(blockwise._MapBlock):
        def __call__(self, block: Block) -> Block:
            leave_mark(folder)
            return super().__call__(block)

    expected = answers(engine, BLOCKS)
    monkeypatch.setattr(blockwise, "_MapBlock", Marked)
    with killing(tmp_path, after_marks=15) as recovery:  # of some sixty
        found = answers(cluster3, BLOCKS)
    assert found == expected
    recovery.report("functions of blocks")


def test_long_and_wide_again(session: Session, in_blocks: None) -> None:
    put(BLOCKS)
    text = '(pivot (melt (cols bw [6 2]) [0] [1] "name" "value" True) "r" "name" "value")'
    firsts = {}
    for i in np.flatnonzero(~np.isnan(CELLS[:, 0])):
        firsts.setdefault(i // 5, CELLS[i, 0])
    assert run(session, text) == {"r": list(map(float, firsts)), "v0": list(firsts.values())}


def test_gaps_are_filled_as_far_as_the_limit(session: Session, in_blocks: None) -> None:
    put(BLOCKS)
    for limit in (1, 4, 26):
        for way in ("forward", "backward"):
            found = run(session, f'(h2o.fillna (cols bw [3]) "{way}" 0 {limit})')["C1"]
            wanted = fill_gaps(CELLS[:, 1], limit, backward=way == "backward")
            assert found == [None if math.isnan(v) else v for v in wanted]


def test_groups_are_found_by_their_keys() -> None:
    keys = [np.array([2.0, np.nan, 2.0, 0.5]), np.array([1.0, 1.0, np.nan, 3.0])]
    places = GroupPlaces.of(keys)
    assert places.numbers(keys, 4).tolist() == [0, 1, 2, 3]
    rows = [np.array([2.0, 0.5, 9.0, np.nan, np.nan]), np.array([np.nan, 1.0, 3.0, 3.0, 1.0])]
    assert np.array_equal(
        places.numbers(rows, 5), [2.0, np.nan, np.nan, np.nan, 1.0], equal_nan=True
    )
    assert np.isnan(GroupPlaces.of([np.empty(0)]).numbers([np.array([1.0])], 1)).all()


def test_what_is_too_wide_is_refused(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    put([N])
    monkeypatch.setattr(prim_reshape, "MAX_COLUMNS", 5)
    with pytest.raises(RapidsError, match="pivot would make 12 columns; at most 5"):
        run(session, '(pivot bw "k" "r" "v0")')
