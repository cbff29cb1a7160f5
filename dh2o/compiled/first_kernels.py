"""What helpers compile on a new machine: the loops that nearly everybody needs, and for what types.

Made by ``python tests/test_compiled.py``: what parsing needs, then the rest, what takes longest
first. A loop that is missing here is compiled when it is first called; one too many costs its time
once.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from numba import types
from numba.types import boolean, float32, float64, int8, int32, int64, uint8, uint16, uint32, uint64

__all__ = ["FIRST_KERNELS"]


def _array(dtype: Any, ndim: int = 1, layout: str = "C", *, readonly: bool = False) -> Any:
    return types.Array(dtype, ndim, layout, readonly=readonly)


def _named(cls: str, *items: Any) -> Any:
    module, _, name = cls.partition(":")
    return types.NamedTuple(items, getattr(import_module(module), name))


def _tuple(dtype: Any, n: int) -> Any:
    return types.UniTuple(dtype, n)


# fmt: off
FIRST_KERNELS: tuple[tuple[str, str, tuple[Any, ...]], ...] = (
    ("dh2o.parse.times", "read_times", (
        _array(uint8), _array(int32, 3), int64, int64, _array(int64), _array(boolean), int64,
        _array(int64), boolean,)),
    ("dh2o.parse.numbers", "find_kinds", (
        _array(uint8), _array(int32, 3), int64, int64, _array(uint8, 2), _array(int64, 2),)),
    ("dh2o.parse.number_columns", "_read_floats", (
        _array(uint8), _array(int32, 3), int64, _array(int64), _array(int64), _array(float64, 2),
        int64, _array(int64, 2), _array(int64, 2), _array(int64),)),
    ("dh2o.parse.plain_rows", "tokenise_plain", (
        _array(uint8), int64, int64, int64,
        _named("dh2o.parse.tokenise:Dialect", int64, int64, int64, _array(uint8)), _array(int32),
        _array(int32, 3), _array(int32),)),
    ("dh2o.parse.tokenise", "tokenise", (
        _array(uint8), int64, int64, int64, boolean,
        _named("dh2o.parse.tokenise:Dialect", int64, int64, int64, _array(uint8)), _array(int32),
        _array(int32, 3), int64, _array(int64),)),
    ("dh2o.parse.levels", "read_levels", (
        _array(uint8), _array(int32, 3), _tuple(int64, 2), int64, _tuple(int64, 2), _array(int32),
        int64, _array(int32), _array(int64), _array(int64), _array(uint8), int64,)),
    ("dh2o.parse.number_columns", "_read_ints", (
        _array(uint8), _array(int32, 3), int64, _array(int64), _array(int64), _array(int32, 2),
        int64, _array(int64, 2), _array(int64),)),
    ("dh2o.parse.levels", "_refill", (
        _array(int32), _array(int64), int64,)),
    ("dh2o.estimators.trees.splitting", "scan_pairs", (
        int64, int64, _array(int64), _array(int64), _array(int64), int64, _array(int32, 2),
        _array(int64, 2), _array(float64, 3), _array(int64, 2), _array(int32, 2), _array(uint8, 2),
        int64, int64, boolean, _array(float64), int64, _array(int32), _array(int64, 2),
        _array(float64), _array(float64, 2), _array(int32, 3), _array(int64, 2),)),
    ("dh2o.estimators.trees.gradients", "fill_words", (
        int64, float64, int64, _array(float64), int64, _array(float64), _array(float32),
        _array(uint32), int64, int64, _array(float64), int64, _array(int64), _array(float64),
        _array(int64), _array(uint8), _array(int64), _array(int64), _array(float64),
        _array(int64),)),
    ("dh2o.estimators.trees.level_kernels", "choose_splits", (
        _array(int64, 2), _array(int32, 2), _array(int64, 2), _array(float64, 3),
        _array(float64, 2), _array(int32, 3), _array(int64, 2), _array(int64), _array(int32),
        _array(int64, 2), _array(int64, 2), _array(int64), int64, _array(int32, 2), _array(int32),
        _array(float64), int64, boolean, _array(int64, 2),)),
    ("dh2o.estimators.trees.subtrees", "grow_subtrees", (
        int64, _array(int64), _array(int64, 2), _array(uint8), int64, _array(uint16), int64,
        _array(int64), _array(int32), _array(int64), _array(int32), _array(int32, 2),
        _array(uint8), _array(int64), _array(int64), boolean, _array(float64), _array(float64),
        int64, int64, _array(int32), _array(int64), _array(uint64), _array(int64, 2),
        _array(float64), _array(uint8), _array(int32, 2), _array(int64, 2), _array(float64),
        _array(uint8), _array(int64),)),
    ("dh2o.estimators.trees.partition", "route_and_add", (
        _array(uint8), _array(int64), _array(int64), _array(int64), _array(int32),
        _array(int64, 2), _array(int64), int64, int64, int64, _array(int32), _array(uint8),
        _array(int64), _array(int8), _array(int32), int64, _array(int64, 2), int64, int64,
        _array(int64), _array(int64),)),
    ("dh2o.estimators.trees.level_kernels", "note_level", (
        _array(int64, 2), _array(int32, 2), _array(float64), _array(int32), _array(int8),
        _array(int64), _array(int64), int64, int64, int64, boolean, _array(int32, 2),
        _array(float64), int64, int64, _array(int32, 2), _array(int32), _array(int8), _array(int8),
        _array(float64), _array(int64), _array(int64), _array(int8), _array(int32),)),
    ("dh2o.models.forest_ranks", "_write", (
        _array(float64, 2), int64, _array(float32), _array(int64), _array(int64), int64,
        _array(uint16),)),
    ("dh2o.estimators.trees.subtrees", "settle_rows", (
        _array(uint8), _array(uint16), int64, _array(int64), _array(int64, 2), _array(int32, 2),
        _array(uint8), _array(int8), _array(uint8), _array(int64), _array(int32),
        _array(int64, 2),)),
    ("dh2o.estimators.trees.subtrees", "copy_segments", (
        _array(uint32), int64, _array(int64, 2), _array(uint32),)),
    ("dh2o.estimators.trees.level_kernels", "pair_facts", (
        _array(int64, 2), _array(int32, 2), _array(int64, 2), _array(int64), _array(int64),
        _array(float64), int64, int64, _array(int64, 2), _array(float64, 3),)),
    ("dh2o.estimators.trees.histogram", "add_rows", (
        _array(uint8), _array(int64), _array(int64), int64, int64, int64, _array(int64),)),
    ("dh2o.chunks.kernels", "dictionary_kernel", (
        _array(int64, readonly=True), _array(int64), _array(uint8),)),
    ("dh2o.models.forest_codes", "_add_any_trees", (
        _array(uint16), int64, int64, _array(int64), _array(int64), _array(int64), _array(uint8),
        _array(float32), int64, int64, _array(float64),)),
    ("dh2o.models.metrics.score_histogram", "_merged", (
        _array(uint64), _array(int64, 2), _array(uint64), _array(int64, 2), uint64, _array(uint64),
        _array(int64, 2),)),
    ("dh2o.chunks.kernels", "scan_floats_kernel", (
        _array(float64, readonly=True), _array(float64, readonly=True),)),
    ("dh2o.chunks.kernels", "pack_bits_kernel", (
        _array(uint8, readonly=True), int64, _array(uint8),)),
    ("dh2o.estimators.glm.kernels", "sweeps_kernel", (
        _array(float64, 2), _array(float64), _array(float64), _array(float64), _array(float64, 2),
        _array(float64), int64, float64,)),
    ("dh2o.models.forest", "_add_trees", (
        _array(float64), int64, int64, _array(int64), int64, _array(int32, 2), _array(float32),
        _array(float32), _array(int64), _array(int32), _array(uint8), _array(int32),
        _array(float64),)),
    ("dh2o.models.metrics.exact_sum", "_add_all", (
        _array(int64), _array(int64),)),
    ("dh2o.estimators.trees.leaves", "walk_bins", (
        _array(uint8), int64, _array(uint16), int64, _array(int32), _array(int64), int64, int64,
        _array(int32, 2), _array(uint8), _array(int8), _array(float32), _array(float64, 1, "A"),)),
    ("dh2o.rapids.key_kernels", "pack_grid", (
        _array(float64, readonly=True), float64, int64, int64, boolean, int64, _array(uint16),)),
    ("dh2o.estimators.trees.binning", "bin_codes", (
        _array(int32), _array(uint8), int64, _array(uint8), int64, int64,)),
    ("dh2o.estimators.trees.leaves", "add_leaf_values", (
        _array(int64), _array(int64, 2), _array(float32), _array(float64, 1, "A"),)),
    ("dh2o.estimators.trees.binning", "bin_numbers", (
        _array(float64), _array(float64), int64, _array(uint8), int64, int64,)),
    ("dh2o.rapids.key_kernels", "unpack_grid", (
        _array(uint64, readonly=True), int64, uint64, int64, int64, float64, _array(float64),)),
    ("dh2o.estimators.glm.kernels", "add_level_sums", (
        _array(int32), _array(float64, 2), _array(float64), _array(float64, 2),)),
    ("dh2o.chunks.kernels", "gather_kernel", (
        _array(int32, readonly=True), _array(uint32, readonly=True), int32, _array(int32),)),
    ("dh2o.estimators.trees.leaves", "sum_leaf_terms", (
        _array(int64), _array(int64, 2), _array(int64),)),
    ("dh2o.rapids.group_kernels", "add_sizes", (
        _array(uint16, readonly=True), _array(int64),)),
    ("dh2o.estimators.glm.kernels", "add_level_pairs", (
        _array(int32), _array(int32), _array(float64), _array(float64, 2),)),
)
# fmt: on
