"""A forest as the blobs of a MOJO, one pair a tree, and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dh2o.compiled import njit
from dh2o.models.forest import NA_LEFT, NA_RIGHT, NA_VS_REST, UNSEEN_LEFT, Forest
from dh2o.models.mojo.archive import MojoArchive
from dh2o.models.mojo.errors import MojoError
from dh2o.models.mojo.tree_bytes import (
    AUX_NBYTES,
    BAD_TREE,
    NA_ALONE,
    SET_OF_32,
    SET_OF_MANY,
    aux_order,
    decode_tree,
    encode_tree,
    part_sizes,
)

__all__ = ["TreeBlobs", "read_forest", "tree_blobs"]

_MAX_COLUMN = 65534
_MAX_TREE_NBYTES = 1 << 28
_MAX_SETS_NBYTES = 256 << 20
_MAX_SETS_RATIO = 64
Domains = Sequence[tuple[str, ...] | None]

_AUX = np.dtype(
    [
        ("node", "<i4"),
        ("n_left", "<i4"),
        ("weight", "<f4", 2),
        ("value", "<f4", 2),
        ("error", "<f4", 2),
        ("child", "<i4", 2),
    ]
)


@dataclass(frozen=True, slots=True)
class TreeBlobs:
    """One tree: which, its bytes, and what is known of its nodes besides."""

    tree: int
    klass: int
    data: bytes
    aux: bytes

    @property
    def name(self) -> str:
        """The name of its entry, without its ending."""
        return entry_name(self.klass, self.tree)


def entry_name(klass: int, tree: int) -> str:
    """Return the name of a tree's entry, without its ending."""
    return f"trees/t{klass:02d}_{tree:03d}"


@njit(nogil=True, cache=True)
def _roll_up(starts: Any, left: Any, gains: Any, weights: Any, values: Any, errors: Any) -> None:
    """errors[k] = gains of node k and below it; fills in unknown values of inner nodes.

    IN: starts, left (0 in leaves), gains, weights.   OUT: errors, and values where they are 0 or
    NaN: the mean of the two children's by weight.
    """
    for t in range(len(starts) - 1):
        first = starts[t]
        for k in range(starts[t + 1] - 1, first - 1, -1):
            if left[k] == 0:
                continue
            a = first + left[k]
            gain = max(np.float64(gains[k]), 0.0)
            errors[k] = gain + errors[a] + errors[a + 1]
            if values[k] == 0 or values[k] != values[k]:
                wa, wb = np.float64(weights[a]), np.float64(weights[a + 1])
                if wa + wb > 0:
                    values[k] = (wa * values[a] + wb * values[a + 1]) / (wa + wb)
                else:
                    values[k] = (values[a] + values[a + 1]) / 2


def tree_blobs(forest: Forest, domains: Domains) -> Iterator[TreeBlobs]:
    """Yield the trees of `forest`, tree after tree, class after class.

    A node's error is what the splits below it removed, so that differences are gains, as H2O's
    tools take them. Node numbers are places in the tree.
    """
    if forest.n_features > _MAX_COLUMN:
        raise MojoError(
            f"A MOJO's trees can name {_MAX_COLUMN} columns; this model has {forest.n_features}."
        )
    values = forest.values.astype(np.float32)
    errors = np.zeros(len(values))
    left = np.where(forest.is_leaf, 0, forest.left).astype(np.int32)
    _roll_up(forest.starts, left, forest.gains, forest.weights, values, errors)
    kinds = _kinds(forest, domains)
    as_bits = [
        np.ascontiguousarray(a, np.float32).view(np.uint32)
        for a in (forest.thresholds, values, forest.weights, errors)
    ]
    for number in range(len(forest.starts) - 1):
        part = slice(int(forest.starts[number]), int(forest.starts[number + 1]))
        data, aux = _encoded(forest, part, left[part], kinds[part], [a[part] for a in as_bits])
        tree, klass = divmod(number, forest.n_classes)
        yield TreeBlobs(tree, klass, data, aux)


def _kinds(forest: Forest, domains: Domains) -> npt.NDArray[np.int8]:
    """Return how each split is written. 32 levels are enough only if none beyond them is seen.

    H2O takes the 32 bits of the small form for known levels, so it serves sets of just 32 bits,
    and those that hold all levels of their column.
    """
    n_levels = np.array([0 if d is None else len(d) for d in domains] or [0], np.int64)
    of_column = n_levels[np.maximum(forest.features, 0)]
    small = (forest.n_bits == 32) | (
        (forest.n_bits < 32) & (of_column > 0) & (forest.n_bits >= of_column)
    )
    coded = forest.bit_starts >= 0
    kinds = np.where(coded, np.where(small, SET_OF_32, SET_OF_MANY), 0)
    return np.where(forest.na_sides == NA_VS_REST, NA_ALONE, kinds).astype(np.int8)


def _encoded(
    forest: Forest,
    part: slice,
    left: npt.NDArray[np.int32],
    kinds: npt.NDArray[np.int8],
    as_bits: list[Any],
) -> tuple[bytes, bytes]:
    n_bits = forest.n_bits[part]
    if left[0] == 0:
        return b"\x00\xff\xff" + as_bits[1][:1].tobytes(), b""
    sizes = np.empty(len(left), np.int64)
    n_inner = np.empty(len(left), np.int32)
    part_sizes(left, kinds, n_bits, sizes, n_inner)
    data = np.zeros(sizes[0], np.uint8)
    aux = np.zeros(n_inner[0] * AUX_NBYTES, np.uint8)
    encode_tree(
        forest.features[part], left, forest.na_sides[part], kinds, *as_bits,
        forest.bit_starts[part], n_bits, forest.bits, sizes, n_inner, data, aux,
    )  # fmt: skip
    return data.tobytes(), aux.tobytes()


def read_forest(
    archive: MojoArchive,
    n_trees: int,
    n_classes: int,
    n_features: int,
    domains: Domains,
    version: float,
) -> Forest:
    """Return the trees in `archive`; a tree that is not there adds nothing."""
    parts: list[dict[str, npt.NDArray[Any]]] = []
    n_bytes = 0
    for number in range(n_trees * n_classes):
        tree, klass = divmod(number, n_classes)
        name = entry_name(klass, tree)
        if f"{name}.bin" not in archive:
            parts.append(_no_tree())
            continue
        data = archive.read(f"{name}.bin")
        aux = archive.read(f"{name}_aux.bin") if f"{name}_aux.bin" in archive else b""
        n_bytes += len(data)
        parts.append(_decoded(name, data, aux, domains, version))
        sets = sum(len(part["bits"]) for part in parts[-1:])
        if sets > _MAX_SETS_NBYTES + _MAX_SETS_RATIO * n_bytes:
            raise MojoError(f"{name} of the MOJO has sets of levels of {sets} bytes.")
    return _joined(parts, n_classes, n_features)


def _no_tree() -> dict[str, npt.NDArray[Any]]:
    return _node_arrays(1)


def _node_arrays(n: int) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of `n` nodes, leaves of value 0."""
    return {
        "features": np.full(n, -1, np.int32),
        "thresholds": np.zeros(n, np.float32),
        "left": np.zeros(n, np.int32),
        "na_sides": np.zeros(n, np.int8),
        "values": np.zeros(n, np.float32),
        "weights": np.zeros(n, np.float32),
        "gains": np.zeros(n, np.float32),
        "bit_starts": np.full(n, -1, np.int64),
        "n_bits": np.zeros(n, np.int32),
        "bits": np.zeros(0, np.uint8),
    }


def _decoded(
    name: str, blob: bytes, aux: bytes, domains: Domains, version: float
) -> dict[str, npt.NDArray[Any]]:
    """Return the node arrays of one tree."""
    if len(blob) > _MAX_TREE_NBYTES:
        raise MojoError(f"{name} of the MOJO has {len(blob)} bytes; it is refused.")
    room = len(blob) // 4 + 2
    nodes = _node_arrays(room)
    data = np.frombuffer(blob, np.uint8)
    numbers, set_at = np.zeros(room, np.uint32), np.zeros(room, np.int64)
    set_first, ends = np.zeros(room, np.int32), np.zeros(room, np.int64)
    n = decode_tree(
        data, version < 1.2, nodes["features"], nodes["left"], nodes["na_sides"], numbers,
        set_at, set_first, nodes["n_bits"], ends,
    )  # fmt: skip
    if n == BAD_TREE:
        raise MojoError(f"{name} of the MOJO is damaged: a node lies outside its tree.")
    nodes = {key: array[:n] if key != "bits" else array for key, array in nodes.items()}
    as_float = numbers[:n].view(np.float32)
    leaf = nodes["features"] < 0
    nodes["values"][leaf] = as_float[leaf]
    nodes["thresholds"][~leaf] = as_float[~leaf]
    _fill_sets(nodes, data, set_at[:n], set_first[:n], domains, version)
    if aux:
        _fill_aux(name, nodes, aux)
    return nodes


def _fill_sets(
    nodes: dict[str, npt.NDArray[Any]],
    data: npt.NDArray[np.uint8],
    set_at: npt.NDArray[np.int64],
    set_first: npt.NDArray[np.int32],
    domains: Domains,
    version: float,
) -> None:
    """Write the sets of levels that go right, each from level 0 on."""
    coded = np.flatnonzero(set_at >= 0)
    if not len(coded):
        return
    n_levels = np.array([-1 if d is None else len(d) for d in domains] or [-1], np.int64)
    column = nodes["features"][coded]
    if (column >= len(n_levels)).any():
        raise MojoError("A tree of the MOJO asks for a column that the model has not.")
    most = n_levels[column]
    wanted = set_first[coded].astype(np.int64) + nodes["n_bits"][coded]
    wanted = np.where(most >= 0, np.minimum(wanted, most), wanted)
    if version == 1.0:  # then a level outside the set went left, not where NA goes
        wanted = np.where(most >= 0, most, wanted)
    sizes = (wanted + 7) // 8
    starts = np.concatenate([[0], np.cumsum(sizes)])
    if starts[-1] > _MAX_SETS_NBYTES + _MAX_SETS_RATIO * len(data):
        raise MojoError(f"A tree of the MOJO has sets of levels of {starts[-1]} bytes.")
    bits = np.zeros(int(starts[-1]), np.uint8)
    outside = ~np.isin(nodes["na_sides"][coded], (NA_LEFT, UNSEEN_LEFT)) & (version != 1.0)
    _copy_sets(
        data, set_at[coded], set_first[coded].astype(np.int64), nodes["n_bits"][coded], wanted,
        outside, starts, bits,
    )  # fmt: skip
    nodes["bits"] = bits
    nodes["bit_starts"][coded] = starts[:-1]
    nodes["n_bits"][coded] = wanted


@njit(nogil=True, cache=True)
def _copy_sets(
    data: Any,
    set_at: Any,
    first: Any,
    n_bits: Any,
    wanted: Any,
    outside: Any,
    starts: Any,
    bits: Any,
) -> None:
    """Bit l of set i = bit l - first[i] of data from set_at[i]; outside[i] elsewhere."""
    for i in range(len(set_at)):
        for level in range(wanted[i]):
            at = level - first[i]
            right = outside[i]
            if 0 <= at < n_bits[i]:
                right = (data[set_at[i] + (at >> 3)] >> (at & 7)) & 1 == 1
            if right:
                bits[starts[i] + (level >> 3)] |= np.uint8(1 << (level & 7))


def _fill_aux(name: str, nodes: dict[str, npt.NDArray[Any]], blob: bytes) -> None:
    """Add weights, predictions of inner nodes and gains."""
    left = nodes["left"]
    order = np.empty(len(left), np.int32)
    aux_order(left, np.empty(len(left), np.int32), order)
    inner = np.flatnonzero(order >= 0)
    if len(blob) != len(inner) * AUX_NBYTES:
        raise MojoError(f"{name}_aux of the MOJO has {len(blob)} bytes for {len(inner)} splits.")
    if not len(inner):
        return
    facts = np.frombuffer(blob, _AUX)[order[inner]]
    leaf = nodes["features"] < 0
    errors = np.zeros(len(left), np.float64)
    values = nodes["values"].copy()
    for side in range(2):
        child = left[inner] + side
        nodes["weights"][child] = facts["weight"][:, side]
        values[child] = facts["value"][:, side]
        errors[child] = facts["error"][:, side]
    nodes["weights"][0] = facts["weight"][0].sum()
    nodes["values"][~leaf] = values[~leaf]
    below = errors[left[inner]] + errors[left[inner] + 1]
    errors[0] = below[0]  # the file does not say what the root had
    with np.errstate(invalid="ignore", over="ignore"):
        nodes["gains"][inner] = np.maximum(errors[inner] - below, 0)


def _joined(parts: list[dict[str, npt.NDArray[Any]]], n_classes: int, n_features: int) -> Forest:
    sizes = [len(part["features"]) for part in parts]
    arrays = {
        key: np.concatenate([part[key] for part in parts]) if parts else array
        for key, array in _node_arrays(0).items()
    }
    arrays["starts"] = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    first_bits = np.concatenate([[0], np.cumsum([len(part["bits"]) for part in parts])])
    shift = np.repeat(first_bits[:-1], sizes).astype(np.int64)
    starts = arrays["bit_starts"]
    arrays["bit_starts"] = np.where(starts >= 0, starts + shift, -1)
    odd = (arrays["features"] >= 0) & (arrays["na_sides"] == 0)
    arrays["na_sides"] = np.where(odd, NA_RIGHT, arrays["na_sides"])
    return Forest.from_arrays(n_classes, n_features, arrays)
