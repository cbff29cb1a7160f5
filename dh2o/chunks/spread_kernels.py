"""Compiled loops of `spread`: rows of a part of a table put in order by key, all columns at once.

Columns have numbers of 1, 2, 4 or 8 bytes, and any number of each; a kernel is compiled for the
types of its arguments. So columns come as addresses, and numbers as integers, which are only moved.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray, types
from numba.extending import intrinsic

from dh2o.compiled import njit

__all__ = ["spread_rows"]


def _pointer_to(dtype: Any) -> Any:
    """Return a function of compiled code that makes a pointer to such numbers of an address."""

    @intrinsic
    def pointer(_context: Any, address: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.inttoptr(args[0], context.get_value_type(signature.return_type))

        return types.CPointer(dtype)(address), codegen

    return pointer


_bytes_at = _pointer_to(types.uint8)
_shorts_at = _pointer_to(types.uint16)
_words_at = _pointer_to(types.uint32)
_longs_at = _pointer_to(types.uint64)


@njit(nogil=True, cache=True)
def spread_rows(
    keys: Any, kept: Any, next_place: Any, rows: Any, n_places: int, columns: Any
) -> None:
    """out[next_place[key]] = value, in all columns, for the rows whose key is kept, in turn.

    OUT: next_place, where each key goes next after these rows. ``columns[c]`` are the addresses of
    a column's numbers (one a row) and of where they go (`n_places`), and the bytes of one. `rows`
    is memory: as many rows as it has room for, a tile, are ordered at a time, so that they, and
    what each column has of them, are read from the cache, and numbers are written side by side.
    """
    n_keys, tile_rows = len(kept), len(rows)
    starts = np.empty(n_keys + 1, dtype=np.uint32)
    at = np.empty(n_keys, dtype=np.uint32)
    for first in range(0, len(keys), tile_rows):
        n_rows = min(tile_rows, len(keys) - first)
        _order(keys[first : first + n_rows], starts, at, rows)
        for c in range(len(columns)):
            source, out, width = columns[c]
            here = source + np.uint64(first) * width
            if width == 1:
                values = carray(_bytes_at(here), n_rows)
                _move(values, rows, starts, kept, next_place, carray(_bytes_at(out), n_places))
            elif width == 2:
                shorts = carray(_shorts_at(here), n_rows)
                _move(shorts, rows, starts, kept, next_place, carray(_shorts_at(out), n_places))
            elif width == 4:
                words = carray(_words_at(here), n_rows)
                _move(words, rows, starts, kept, next_place, carray(_words_at(out), n_places))
            else:
                longs = carray(_longs_at(here), n_rows)
                _move(longs, rows, starts, kept, next_place, carray(_longs_at(out), n_places))
        for k in range(n_keys):
            next_place[k] += starts[k + 1] - starts[k]


@njit(nogil=True, cache=True)
def _order(keys: Any, starts: Any, at: Any, rows: Any) -> None:
    """OUT: rows by key, those of key k from starts[k] to starts[k + 1]; `at` is memory."""
    one = np.uint32(1)
    starts[:] = 0
    for i in range(len(keys)):
        starts[np.uint64(keys[i]) + np.uint64(1)] += one
    for k in range(len(at)):
        starts[k + 1] += starts[k]
        at[k] = starts[k]
    for i in range(len(keys)):
        key = keys[i]
        rows[at[key]] = i
        at[key] += one


@njit(nogil=True, cache=True)
def _move(values: Any, rows: Any, starts: Any, kept: Any, next_place: Any, out: Any) -> None:
    """out[next_place[k] + j] = values[row] for row j of each key k that is kept."""
    for k in range(len(kept)):
        first, place = starts[k], next_place[k]
        n = starts[k + 1] - first
        if kept[k]:
            for j in range(n):
                out[place + j] = values[rows[first + j]]
