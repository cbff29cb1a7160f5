"""Domains: one sorted list of levels for a column from the local ones of all its ranges."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import ParseError

MAX_LEVELS = 10_000_000
_FEW_LEVELS = 50_000

Lookup = NDArray[np.int32]


def merge_levels(
    name: str, local: Sequence[tuple[str, ...]], given: Sequence[str] | None = None
) -> tuple[tuple[str, ...], list[Lookup]]:
    """Return the domain and, for each range, global code by local code (entry 0 is NA: -1).

    The domain is sorted by the bytes of UTF-8, which is the order of Python's str. A `given` domain
    keeps its order; levels that it lacks become NA.
    """
    if given is not None:
        place = {level: code for code, level in enumerate(given)}
        return tuple(given), [_lookup([place.get(x, -1) for x in levels]) for levels in local]
    if sum(map(len, local)) <= _FEW_LEVELS:
        domain = sorted(set().union(*local))
        place = {level: code for code, level in enumerate(domain)}
        return tuple(domain), [_lookup([place[x] for x in levels]) for levels in local]
    return _merge_many(name, local)


def _lookup(codes: Sequence[int] | NDArray[np.int32]) -> Lookup:
    lookup = np.empty(len(codes) + 1, np.int32)
    lookup[0] = -1
    lookup[1:] = codes
    return lookup


def _merge_many(
    name: str, local: Sequence[tuple[str, ...]]
) -> tuple[tuple[str, ...], list[Lookup]]:
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = [pa.array(levels, pa.large_string()) for levels in local]
    distinct = pc.unique(pa.chunked_array(columns))
    if len(distinct) > MAX_LEVELS:
        raise ParseError(
            f"Column {name!r} has {len(distinct)} levels; a categorical column may have "
            f"{MAX_LEVELS}. Parse it as type String."
        )
    domain = distinct.take(pc.sort_indices(distinct))
    codes = [np.asarray(pc.index_in(levels, domain)) for levels in columns]
    return tuple(domain.to_pylist()), [_lookup(c) for c in codes]
