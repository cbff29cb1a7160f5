"""Importing this module fills the table of primitives."""

from __future__ import annotations

from dh2o.rapids import (  # noqa: F401
    prim_apply,
    prim_assign,
    prim_columns,
    prim_groups,
    prim_isotonic,
    prim_matrix,
    prim_operators,
    prim_random,
    prim_reduce,
    prim_reshape,
    prim_search,
    prim_series,
    prim_stats,
    prim_strings,
    prim_tables,
    prim_times,
    prim_types,
)
