from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dh2o.frame.layout import (
    MAX_BLOCK_NBYTES,
    MIN_BLOCK_NBYTES,
    block_nbytes,
    blocks_of_rows,
    layout_for,
    row_starts,
)


@given(n_rows=st.integers(0, 10**9), nbytes=st.integers(0, 10**13))
def test_layouts_add_up_and_are_even(n_rows: int, nbytes: int) -> None:
    if nbytes / MAX_BLOCK_NBYTES > 5000:
        nbytes %= 5000 * MAX_BLOCK_NBYTES
    layout = layout_for(n_rows, nbytes)
    assert sum(layout) == n_rows
    assert max(layout) - min(layout) <= 1
    assert len(layout) <= max(64, nbytes // MAX_BLOCK_NBYTES + 1)


def test_block_sizes() -> None:
    assert block_nbytes(0) == MIN_BLOCK_NBYTES
    assert block_nbytes(640 << 20) == 10 << 20
    assert block_nbytes(10**12) == MAX_BLOCK_NBYTES
    assert block_nbytes(10**8, 20_000) == 20_000 << 10
    assert block_nbytes(10**8, 10**6) == MAX_BLOCK_NBYTES
    assert layout_for(10, 1000) == (10,)
    assert layout_for(0, 0) == (0,)


@given(
    layout=st.lists(st.integers(0, 5), max_size=8), start=st.integers(0, 40), n=st.integers(0, 40)
)
def test_blocks_of_rows_are_just_those_rows(layout: list[int], start: int, n: int) -> None:
    starts = row_starts(layout)
    rows = [
        starts[idx] + i
        for idx, lo, hi in blocks_of_rows(layout, start, start + n)
        for i in range(lo, hi)
    ]
    assert rows == [row for row in range(start, start + n) if row < sum(layout)]
