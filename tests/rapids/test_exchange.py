"""Rows exchanged by ranges of keys: what one process would give, in the same blocks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dh2o.chunks import Block
from dh2o.frame import Frame
from dh2o.mrtask import Engine
from dh2o.rapids import H2OFrame, rearrange
from dh2o.rapids.columns import Table
from dh2o.rapids.exchange import grouping, size, sorting
from dh2o.rapids.exchange.runs import key_words, make_runs
from dh2o.rapids.exchange.splits import cuts_at_ranks, cuts_between_keys, splitting_keys
from dh2o.rapids.keys import key_layout
from dh2o.rapids.passes import store
from tests.killing import killing, leave_mark, wait_until

LAYOUT = (900, 1, 0, 600, 7, 1492)
N_ROWS = sum(LAYOUT)
Both = Callable[[Callable[[], H2OFrame]], tuple[Frame, Frame]]


def rows(n_rows: int = N_ROWS, seed: int = 0) -> pd.DataFrame:
    """Columns of every type, with NA and many equal values."""
    rng = np.random.default_rng(seed)
    hours = pd.to_timedelta(rng.integers(0, 9, n_rows), "h")
    table = pd.DataFrame(
        {
            "few": rng.integers(0, 9, n_rows).astype(float),
            "real": np.round(rng.normal(size=n_rows), 2) / 3,
            "level": pd.Categorical(rng.choice(list("xyzw"), n_rows)),
            "text": [f"t{i}" for i in rng.integers(0, 99, n_rows)],
            "many": rng.integers(0, max(1, n_rows), n_rows),
            "row": np.arange(n_rows),
            "when": pd.Timestamp("2020-01-01") + hours,
        }
    )
    for name in ("few", "real", "level"):
        table.loc[rng.random(n_rows) < 0.1, name] = None
    return table


def frame_of(table: pd.DataFrame, layout: tuple[int, ...] = LAYOUT) -> H2OFrame:
    return H2OFrame._of_table(Table.of(Frame.from_pandas(table).rebalance(layout)))


def stored(made: H2OFrame) -> Frame:
    frame = store(made._table()).frame
    assert frame is not None
    return frame


@pytest.fixture(autouse=True)
def _no_files_are_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Wait until the files of all pieces are gone."""
    here = "engine" in request.fixturenames
    engine: Engine | None = request.getfixturevalue("engine") if here else None
    yield
    if engine is not None:
        shards = engine.here().shards
        wait_until(lambda: not len(shards), "files of pieces to go")


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch) -> Both:
    """Gives what an operation makes in one process, and what it makes by exchange."""

    def run(operation: Callable[[], H2OFrame]) -> tuple[Frame, Frame]:
        with monkeypatch.context() as patch:
            patch.setattr(rearrange, "SMALL_CELLS", 0)
            one = stored(operation())
        with monkeypatch.context() as patch:
            exchange_all(patch)
            return one, stored(operation())

    return run


def exchange_all(patch: pytest.MonkeyPatch) -> None:
    """Make every stored frame too large for one process, and ranges small."""
    patch.setattr(size, "ALWAYS_SMALL_NBYTES", -1)
    patch.setattr(size, "SHARE_OF_WORKER", 0.0)
    patch.setattr(size, "NBYTES_A_RANGE", 8000)


def assert_same(one: Frame, other: Frame) -> None:
    assert tuple(one.layout) == tuple(other.layout)
    pd.testing.assert_frame_equal(one.to_pandas(), other.to_pandas(), check_exact=True)


SORTS: list[tuple[list[str], list[bool]]] = [
    (["few"], [True]),
    (["real", "few"], [False, True]),
    (["level", "text", "row"], [True, True, False]),
    (["when"], [False]),
]


@pytest.mark.parametrize(("by", "ups"), SORTS)
def test_sorts(engine: Engine, both: Both, by: list[str], ups: list[bool]) -> None:
    frame = frame_of(rows())
    assert_same(*both(lambda: frame.sort(by, ascending=ups)))


@pytest.mark.parametrize("keep", ["first", "last"])
@pytest.mark.parametrize("by", [["few"], ["many", "level"], ["real", "text"]])
def test_duplicates(engine: Engine, both: Both, by: list[str], keep: str) -> None:
    frame = frame_of(rows())
    assert_same(*both(lambda: frame.drop_duplicates(by, keep=keep)))


def all_aggregates(frame: H2OFrame, by: list[str]) -> H2OFrame:
    groups = frame.group_by(by).count()
    for na in ("all", "rm", "ignore"):
        for name in ("sum", "mean", "var", "min", "max", "median"):
            groups = getattr(groups, name)("real", na=na)
    made: H2OFrame = groups.mode("level").sum("many").ss("few", na="rm").get_frame()
    return made


@pytest.mark.parametrize("by", [["few"], ["many", "level"], ["text", "when"], ["real"]])
def test_groups(engine: Engine, both: Both, by: list[str]) -> None:
    frame = frame_of(rows())
    assert_same(*both(lambda: all_aggregates(frame, by)))
    assert_same(*both(lambda: frame.group_by(by).mean("few", na="rm").max("row").get_frame()))


def test_many_groups_merge_range_by_range(
    engine: Engine, both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grouping, "FEW_NBYTES", 0)
    frame = frame_of(rows())
    grouped = both(lambda: frame.group_by(["many"]).var("real", na="rm").sum("few").get_frame())
    assert len(grouped[1].layout) == 1
    assert_same(*grouped)


@pytest.mark.parametrize("sorted_too", [False, True])
@pytest.mark.parametrize(
    ("groups", "sorts", "ups"),
    [(["level"], ["real", "few"], [False, True]), (["few", "text"], ["many"], [True])],
)
def test_ranks(
    engine: Engine,
    both: Both,
    groups: list[str],
    sorts: list[str],
    ups: list[bool],
    sorted_too: bool,
) -> None:
    frame = frame_of(rows())
    one, other = both(lambda: frame.rank_within_group_by(groups, sorts, ups, "rank", sorted_too))
    assert_same(one, other)


@pytest.mark.parametrize("layout", [(0,), (1,), (0, 2, 0, 3, 4)])
def test_ranks_go_on_in_the_next_block(engine: Engine, both: Both, layout: tuple[int, ...]) -> None:
    table = rows(sum(layout))
    table["few"] = 1.0
    frame = frame_of(table, layout)
    one, other = both(lambda: frame.rank_within_group_by(["few"], ["row"], [True], "rank"))
    assert_same(one, other)
    assert one.to_pandas()["rank"].tolist() == list(range(1, sum(layout) + 1))


JOINS = [(False, False), (True, False), (False, True), (True, True)]


@pytest.mark.parametrize("keep", JOINS)
@pytest.mark.parametrize("by", [["few", "level"], ["many"], ["text", "real"]])
def test_joins(engine: Engine, both: Both, by: list[str], keep: tuple[bool, bool]) -> None:
    left = frame_of(rows())[[*by, "row", "when"]]
    right = frame_of(rows(600, seed=1), (200, 0, 400))[[*by, "row"]]
    one, other = both(lambda: left.merge(right, keep[0], keep[1], by_x=by, by_y=by))
    assert len(one) > 0
    assert_same(one, other)


@pytest.mark.parametrize("keep", JOINS)
def test_joins_by_a_key_that_most_rows_have(
    engine: Engine, both: Both, keep: tuple[bool, bool]
) -> None:
    table = rows()
    table["many"] = np.where(table["row"] % 50, 5, table["many"])
    left, right = frame_of(table), frame_of(rows(60, seed=1), (20, 0, 40))[["many", "text"]]
    assert_same(*both(lambda: left.merge(right, keep[0], keep[1], by_x=["many"], by_y=["many"])))


def test_joins_with_few_rows_of_this_process_or_none(engine: Engine, both: Both) -> None:
    left = frame_of(rows())
    small = H2OFrame({"few": [1.0, 3.0], "level": ["x", "new"], "z": [7.0, 8.0]})
    assert_same(*both(lambda: left.merge(small, True, by_x=["few"], by_y=["few"])))
    assert_same(*both(lambda: left.merge(small[:2], by_x=["level"], by_y=["level"])))
    none = frame_of(rows(0), (0,))
    assert_same(*both(lambda: left.merge(none, True, by_x=["few"], by_y=["few"])))
    assert_same(*both(lambda: none[["few"]].merge(left[["few"]], False, True)))


@pytest.mark.parametrize("layout", [(1,), (0,), (0, 0, 3)])
def test_hardly_any_rows(engine: Engine, both: Both, layout: tuple[int, ...]) -> None:
    frame = frame_of(rows(sum(layout)), layout)
    assert_same(*both(lambda: frame.sort(["few", "real"])))
    assert_same(*both(lambda: frame.drop_duplicates(["level"])))
    assert_same(*both(lambda: all_aggregates(frame, ["few", "text"])))


def test_keys_that_are_all_equal_or_na(engine: Engine, both: Both) -> None:
    table = rows()
    table["few"], table["real"] = 4.0, np.nan
    frame = frame_of(table)
    assert_same(*both(lambda: frame.sort(["few"])))
    assert_same(*both(lambda: frame.sort(["real", "few"], ascending=[False, False])))
    assert_same(*both(lambda: frame.drop_duplicates(["real"], keep="last")))


def test_runs_are_cut_at_exact_ranks(engine: Engine) -> None:
    """Against the whole order, for few distinct keys and for many, with hardly any samples."""
    table = Table.of(Frame.from_pandas(rows()).rebalance(LAYOUT))
    rng = np.random.default_rng(1)
    for names, sample in ((["few"], 60), (["many"], 60), (["real", "row", "text"], 1 << 18)):
        columns = [table.columns[table.index(n)] for n in names if n != "text"]
        layout = key_layout([(table, columns)])
        runs = make_runs(table, columns, layout)
        ranks = sorted(rng.integers(0, N_ROWS, 9).tolist())
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("dh2o.rapids.exchange.splits.SAMPLE_KEYS", sample)
            cuts = cuts_at_ranks(runs, [0, *ranks, N_ROWS])
        np.testing.assert_array_equal(cuts.sum(axis=1), [0, *ranks, N_ROWS])
        words = [key_words(b, runs.n_words) for b in engine.gather(runs.blocks)]
        flat = np.concatenate([np.stack(w) for w in words], axis=1)
        of_run = np.repeat(np.arange(len(LAYOUT)), LAYOUT)
        order = np.lexsort((np.arange(N_ROWS), *flat[::-1]))
        for rank, cut in zip([0, *ranks, N_ROWS], cuts, strict=True):
            expected = np.bincount(of_run[order[:rank]], minlength=len(LAYOUT))
            np.testing.assert_array_equal(cut, expected)
        between = cuts_between_keys(runs, splitting_keys([runs], 5))
        assert (np.diff(between, axis=0) >= 0).all()


def test_what_fails_is_told_and_leaves_no_files(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fixture above looks for files."""

    def failing(*_: Any) -> Block:
        raise ValueError("no order")

    exchange_all(monkeypatch)
    monkeypatch.setattr(sorting, "_merged", failing)
    frame = frame_of(rows())
    with pytest.raises(ValueError, match="no order"):
        stored(frame.sort(["few"]))


@pytest.mark.cluster
def test_on_three_workers(cluster3: Engine, both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "FEW_NBYTES", 0)
    frame, right = frame_of(rows()), frame_of(rows(60, seed=1), (20, 0, 40))[["many", "text"]]
    assert_same(*both(lambda: frame.sort(["real", "few"], ascending=[False, True])))
    assert_same(*both(lambda: frame.drop_duplicates(["few", "level"], keep="last")))
    assert_same(*both(lambda: frame.group_by(["few"]).var("real").median("row").get_frame()))
    assert_same(*both(lambda: frame.merge(right, True, by_x=["many"], by_y=["many"])))


@pytest.mark.cluster
def test_a_worker_lost_while_ranges_are_merged(
    cluster3: Engine, both: Both, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = frame_of(rows())
    merge = sorting._merged

    def marked(word_bits: Any, empty: Block, pieces: list[Block]) -> Block:
        leave_mark(tmp_path)
        time.sleep(0.3)  # the work goes on while it is killed
        return merge(word_bits, empty, pieces)

    monkeypatch.setattr(sorting, "_merged", marked)
    with killing(tmp_path) as recovery:
        one, other = both(lambda: frame.sort(["real", "few"]))
        assert_same(one, other)
    recovery.report("sort by exchange")
