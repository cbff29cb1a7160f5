"""Loops that numba compiles: kept on disk, each compiled by one process of a machine only.

Code that is not there yet costs a second a loop. Whoever compiles first starts helpers, which
compile ahead of it what nearly everybody needs; no two processes compile the same loop.
"""

from __future__ import annotations

from dh2o.compiled.cache import njit

__all__ = ["njit"]
