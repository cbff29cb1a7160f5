"""Domains: one sorted list of levels for a column from the local ones of all its ranges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import ParseError

MAX_LEVELS = 10_000_000
_NA = np.array([-1], np.int32)

Lookup = NDArray[np.int32]


def no_levels() -> Any:
    """Return the levels of a column without any."""
    import pyarrow as pa

    return pa.array([], pa.large_string())


def merge_levels(
    name: str, local: Sequence[Any], given: Sequence[str] | None = None
) -> tuple[tuple[str, ...], list[Lookup]]:
    """Return the domain and, for each range, global code by local code (entry 0 is NA: -1).

    `local` holds each range's levels, an Arrow array of text. The domain is sorted by the bytes of
    UTF-8, which is the order of Python's str. A `given` domain keeps its order; levels that it
    lacks, also without spaces around them, become NA.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    together = pa.concat_arrays([*local, no_levels()])
    if given is not None:
        known = pa.array(given, pa.large_string())
        bare = pc.utf8_trim(together, " \t")
        places = pc.coalesce(pc.index_in(together, known), pc.index_in(bare, known))
        return tuple(given), _lookups(places.fill_null(-1).to_numpy(), local)
    coded = together.dictionary_encode()
    distinct = coded.dictionary
    if len(distinct) > MAX_LEVELS:
        raise ParseError(
            f"Column {name!r} has {len(distinct)} levels; a categorical column may have "
            f"{MAX_LEVELS}. Parse it as type String."
        )
    order = pc.sort_indices(distinct)
    rank = np.empty(len(distinct), np.int32)
    rank[order.to_numpy()] = np.arange(len(distinct), dtype=np.int32)
    return tuple(distinct.take(order).to_pylist()), _lookups(rank[coded.indices.to_numpy()], local)


def _lookups(codes: NDArray[np.int32], local: Sequence[Any]) -> list[Lookup]:
    """Return each range's part of the codes, after the one of NA."""
    ends = np.cumsum([len(levels) for levels in local])
    return [np.concatenate([_NA, part]) for part in np.split(codes, ends[:-1])] if local else []
