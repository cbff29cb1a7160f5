"""The fold is one tree over block numbers, however the blocks are dealt out."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from dh2o.mrtask.folding import Fold


def naive(n: int) -> str:
    values = [str(i) for i in range(n)]
    while len(values) > 1:
        pairs = [values[i : i + 2] for i in range(0, len(values), 2)]
        values = [f"({p[0]} {p[1]})" if len(p) == 2 else p[0] for p in pairs]
    return values[0]


def brackets(a: str, b: str) -> str:
    return f"({a} {b})"


@given(st.data())
def test_any_dealing_gives_the_same_tree(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 40))
    workers = data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
    order = data.draw(st.permutations(range(n)))
    folds = [Fold(brackets, n) for _ in range(4)]
    for idx in order:
        folds[workers[idx]].add(0, idx, str(idx))
    total = Fold(brackets, n)
    for fold in folds:
        total.extend(fold.nodes())
    assert total.total() == naive(n)


@given(st.integers(1, 200), st.data())
def test_a_contiguous_range_leaves_few_nodes(n: int, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, n - 1))
    stop = data.draw(st.integers(start + 1, n))
    fold = Fold(brackets, n)
    for idx in range(start, stop):
        fold.add(0, idx, str(idx))
    assert len(fold.nodes()) <= max(2 * (n - 1).bit_length(), 1)


def test_no_blocks_give_none() -> None:
    assert Fold(brackets, 0).total() is None


def test_threads_add_at_once() -> None:
    fold = Fold(brackets, 64)
    threads = [
        threading.Thread(target=lambda k=k: [fold.add(0, i, str(i)) for i in range(k, 64, 4)])
        for k in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fold.total() == naive(64)
