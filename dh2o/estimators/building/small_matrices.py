"""Linear algebra of a driver between passes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dh2o.mrtask.threads import one_blas_thread

__all__ = ["blas_threads_for"]

#: Matrices up to this width are solved by one thread.
_SMALL_MATRIX = 1200


@contextmanager
def blas_threads_for(width: int) -> Iterator[None]:
    """Keep BLAS on one thread throughout if the driver's matrices are small.

    Passes need it so in any case, and to wake and stop its threads between two of them costs more
    than they gain.
    """
    if width > _SMALL_MATRIX:
        yield
        return
    import scipy.linalg  # noqa: F401  (its BLAS must be loaded to be held)

    with one_blas_thread():
        yield
