"""A frame twice as large as a worker's memory is sorted, grouped and joined by spilling.

No worker is lost on the way. The frame is made where it lies; its numbers cannot be made smaller.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from dh2o.chunks import Block, encode_floats, encode_ints
from dh2o.frame import Frame, Vec, VecType
from dh2o.mrtask import Engine, use_engine
from dh2o.mrtask.start import start_cluster
from dh2o.rapids import H2OFrame
from dh2o.rapids.columns import Table
from dh2o.rapids.passes import store

pytestmark = [pytest.mark.slow, pytest.mark.cluster]
LIMIT_NBYTES = 400_000_000
N_COLUMNS, BLOCK_ROWS, N_BLOCKS = 40, 40_000, 64
N_ROWS = BLOCK_ROWS * N_BLOCKS
N_KEYS = N_ROWS // 2


def block(i: int) -> tuple[Any, ...]:
    """Return a key of two rows each, the row's number, and doubles."""
    rng = np.random.default_rng(i)
    rows = np.arange(i * BLOCK_ROWS, (i + 1) * BLOCK_ROWS)
    keys = (rows * 7919) % N_KEYS  # a prime: every key comes twice
    return encode_ints(keys), encode_ints(rows), *(
        encode_floats(rng.normal(size=BLOCK_ROWS)) for _ in range(N_COLUMNS)
    )  # fmt: skip


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    made = start_cluster(
        n_workers=2, threads_per_worker=1, processes=True, memory_limit=LIMIT_NBYTES
    )
    with made, use_engine(made):
        yield made


@pytest.fixture(scope="module")
def frame(engine: Engine) -> H2OFrame:
    blocks = engine.submit_blocks(block, [(i,) for i in range(N_BLOCKS)])
    names = ("key", "row", *(f"x{i}" for i in range(N_COLUMNS)))
    vecs = tuple(Vec(VecType.NUMERIC, (blocks, i)) for i in range(len(names)))
    made = Frame(names, vecs, blocks.layout)
    nbytes = sum(engine.collect(made, lambda b: b.nbytes))
    assert nbytes > 2 * LIMIT_NBYTES
    return H2OFrame._of_table(Table.of(made))


@pytest.fixture(autouse=True)
def _no_worker_is_lost(engine: Engine) -> Iterator[None]:
    before = {facts["pid"] for facts in engine.worker_facts()}
    yield
    assert {facts["pid"] for facts in engine.worker_facts()} == before


def lying(made: H2OFrame) -> Frame:
    found = store(made._table()).frame
    assert found is not None
    return found


def is_sorted(b: Block) -> tuple[float, float, bool, float]:
    keys, rows = b.floats("key"), b.floats("row")
    steps = np.diff(keys)
    good = (steps >= 0).all() and (np.diff(rows)[steps == 0] > 0).all()
    return keys[0], keys[-1], bool(good), float(b.floats("x0").sum())


def test_sort(engine: Engine, frame: H2OFrame) -> None:
    made = lying(frame.sort("key"))
    found = engine.collect(made, is_sorted)
    assert all(good for _, _, good, _ in found)
    assert all(a[1] <= b[0] for a, b in pairwise(found))
    assert made.n_rows == N_ROWS
    before = sum(engine.collect(lying(frame), lambda b: float(b.floats("x0").sum())))
    assert sum(s for *_, s in found) == pytest.approx(before, abs=1e-6)


def test_groups(engine: Engine, frame: H2OFrame) -> None:
    made = lying(frame.group_by("key").count().max("row").mean("x0").sd("x1").get_frame())
    assert made.n_rows == N_KEYS
    rows = engine.collect(made, lambda b: (b.floats("nrow"), b.floats("max_row"), b.floats("key")))
    counts, last, keys = (np.concatenate(part) for part in zip(*rows, strict=True))
    np.testing.assert_array_equal(keys, np.arange(N_KEYS))
    np.testing.assert_array_equal(counts, 2)
    np.testing.assert_array_equal((last * 7919) % N_KEYS, keys)


def test_join(engine: Engine, frame: H2OFrame) -> None:
    right = frame[["key", "row", "x5"]]
    made = lying(frame[[*range(22)]].merge(right[: N_ROWS // 2, :], by_x=["key"], by_y=["key"]))
    assert made.n_rows == N_ROWS  # every key is once in the first half

    def right_key(b: Block) -> bool:
        return bool(((b.floats("row0") * 7919) % N_KEYS == b.floats("key")).all())

    assert all(engine.collect(made, right_key))


def test_duplicates(engine: Engine, frame: H2OFrame) -> None:
    made = lying(frame.drop_duplicates(["key"], keep="last"))
    rows = np.concatenate(engine.collect(made, lambda b: b.floats("row")))
    np.testing.assert_array_equal(rows, np.arange(N_ROWS // 2, N_ROWS))
