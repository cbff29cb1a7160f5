"""Which rows are drawn: a function of the seed and the row's number, as in H2O."""

from __future__ import annotations

from dh2o.compiled import njit
from dh2o.estimators.pcg import seeded, uniform

__all__ = ["farther", "seeded", "uniform"]


@njit(nogil=True, cache=True)
def farther(least, first_row, rows, seed, factor, total, out):  # type: ignore[no-untyped-def]
    """out[r] = factor * least[r] > u(row) * total, u drawn from the row's own number.

    IN: rows are row numbers, or empty when they run on from `first_row`.  Returns the count.
    """
    n = 0
    for r in range(len(least)):
        row = rows[r] if len(rows) else first_row + r
        u, _ = uniform(seeded(seed + row))
        out[r] = factor * least[r] > u * total
        n += out[r]
    return n
