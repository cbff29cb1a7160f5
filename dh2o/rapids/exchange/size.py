"""Which work is too large for one process: by the bytes of the rows, unpacked, and of their keys.

Only how the work is done depends on it; what comes out is the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from dh2o.mrtask import current_engine
from dh2o.rapids.columns import Table

__all__ = ["NBYTES_A_RANGE", "exceeds_one_process", "n_ranges_of"]

NBYTES_A_CELL = 8
NBYTES_A_KEY = 40  # a key's word, the row's number, and what sorting them takes
ALWAYS_SMALL_NBYTES = 64 << 20
SHARE_OF_WORKER = 0.25  # of a worker's memory: what it holds besides, and what it makes, are more
SHARE_OF_PROCESS = 0.3  # of the memory that is free where the keys would be sorted
NBYTES_A_RANGE = 24 << 20


def exceeds_one_process(tables: Sequence[Table]) -> bool:
    """Return whether rows of these tables are better exchanged between workers by their keys."""
    if all(table.is_local for table in tables):
        return False
    n_bytes = sum(rows_nbytes(table) for table in tables)
    if n_bytes <= ALWAYS_SMALL_NBYTES:
        return False
    import psutil

    memory = psutil.virtual_memory()
    limits = [limit or memory.total for limit in current_engine().memory_limits()]
    keys = NBYTES_A_KEY * sum(table.n_rows for table in tables)
    return bool(
        n_bytes > SHARE_OF_WORKER * min(limits, default=memory.total)
        or keys > SHARE_OF_PROCESS * memory.available
    )


def rows_nbytes(table: Table) -> int:
    """Return about how many bytes the rows take unpacked."""
    return table.n_rows * table.n_cols * NBYTES_A_CELL


def n_ranges_of(n_bytes: int) -> int:
    """Return how many ranges of keys rows of so many bytes are cut into: by the data alone."""
    return max(1, -(-n_bytes // NBYTES_A_RANGE))
