"""Trees as flat arrays, and the kernel that scores rows with them.

The two children of a node are neighbours, left then right.  A value goes right when it is not
below the node's float32 threshold, or when its level's bit is set; NA goes where `na_side` says.
"""

from __future__ import annotations

import uuid
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from dh2o.compiled import njit
from dh2o.errors import ModelError
from dh2o.models.forest_codes import CodedForest

__all__ = ["NA_LEFT", "NA_RIGHT", "NA_VS_REST", "UNSEEN_LEFT", "UNSEEN_RIGHT", "Forest"]

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int8]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]

# Where NAs go; the numbers are those of H2O's tree format.
NA_VS_REST, NA_LEFT, NA_RIGHT, UNSEEN_LEFT, UNSEEN_RIGHT = 1, 2, 3, 4, 5

_CODED, _NA_LEFT_FLAG = 1, 2
_ROWS_WORTH_CODES = 4_096  # fewer are scored before codes are made
_TILE = 256  # rows walked together: their values and places stay in the nearest caches

# Forests that were packed or unpacked here and still are: tasks for many blocks unpack the same
# one, and what it is scored with is prepared once.
_LIVE: weakref.WeakValueDictionary[str, Forest] = weakref.WeakValueDictionary()

_ARRAYS: dict[str, type] = {
    "starts": np.int64,
    "features": np.int32,
    "thresholds": np.float32,
    "left": np.int32,
    "na_sides": np.int8,
    "values": np.float32,
    "weights": np.float32,
    "gains": np.float32,
    "bit_starts": np.int64,
    "n_bits": np.int32,
    "bits": np.uint8,
}


@njit(nogil=True, cache=True)
def _add_trees(  # noqa: PLR0913, PLR0917
    x: F64,
    width: int,
    n_rows: int,
    roots: I64,
    n_classes: int,
    nodes: I32,
    thresholds: F32,
    values: F32,
    bit_starts: I64,
    n_bits: I32,
    bits: U8,
    places: I32,
    out: F64,
) -> None:
    """out[i * n_classes + t % n_classes] += value of row i's leaf in tree t, for all trees t.

    nodes[k] = (feature << 2 | NA goes left << 1 | is coded, left child); a leaf is its own left
    child and asks the last column of x, which is 0, whether it is at least 1.  All rows take a
    step before any takes the next, so that their cache misses overlap.
    """
    for t in range(roots.size):
        for i in range(n_rows):
            places[i] = roots[t]
        moved = np.int64(1)
        while moved != 0:
            moved = np.int64(0)
            for i in range(n_rows):
                k = np.int64(places[i])
                what = np.int64(nodes[k, 0])
                value = x[i * width + (what >> 2)]
                threshold = np.float64(thresholds[k])
                right = np.int64(value >= threshold)
                if what & 2 == 0:
                    right = np.int64(1) - np.int64(value < threshold)
                if what & 1 == 1:
                    right = np.int64(1) - ((what >> 1) & 1)
                    if value == value and bit_starts[k] < 0:  # noqa: PLR0124
                        right = np.int64(0)
                    elif value >= 0.0 and value < n_bits[k]:
                        code = np.int64(value)
                        right = np.int64((bits[bit_starts[k] + (code >> 3)] >> (code & 7)) & 1)
                to = np.int64(nodes[k, 1]) + right
                moved |= to ^ k
                places[i] = to
        klass = t % n_classes
        for i in range(n_rows):
            out[i * n_classes + klass] += np.float64(values[places[i]])


@dataclass(frozen=True, eq=False)
class Forest:
    """All trees of a model, tree ``t`` of class ``k`` at number ``t * n_classes + k``.

    Node arrays run over all trees; tree i has nodes ``starts[i]:starts[i + 1]``, its root first.
    ``features`` is -1 in leaves; ``left`` counts from the tree's first node; ``bit_starts`` is -1
    for splits by number, else the byte of ``bits`` where the set of levels that go right begins.
    """

    n_classes: int
    n_features: int
    starts: I64
    features: I32
    thresholds: F32
    left: I32
    na_sides: I8
    values: F32
    weights: F32
    gains: F32
    bit_starts: I64
    n_bits: I32
    bits: U8

    def then(self, other: Forest) -> Forest:
        """Return the trees of both, these first."""
        mine, more = self.to_arrays(), other.to_arrays()
        joined = {name: np.concatenate([mine[name], more[name]]) for name in _ARRAYS}
        joined["starts"] = np.concatenate([self.starts, other.starts[1:] + len(self.features)])
        moved = np.where(other.bit_starts >= 0, other.bit_starts + len(self.bits), -1)
        joined["bit_starts"] = np.concatenate([self.bit_starts, moved])
        return Forest(self.n_classes, self.n_features, **joined)

    @property
    def n_trees(self) -> int:
        """Number of trees of one class."""
        return (len(self.starts) - 1) // self.n_classes

    @property
    def is_leaf(self) -> npt.NDArray[np.bool_]:
        """Which nodes are leaves."""
        return self.features < 0

    @cached_property
    def depths(self) -> I32:
        """Depth of each node."""
        depths = np.zeros(len(self.features), np.int32)
        frontier = self.starts[:-1]
        level = 0
        while len(frontier):
            depths[frontier] = level
            inner = frontier[self.features[frontier] >= 0]
            children = self._tree_start[inner] + self.left[inner]
            frontier = np.concatenate([children, children + 1])
            level += 1
        return depths

    @cached_property
    def _tree_start(self) -> I64:
        return np.repeat(self.starts[:-1], np.diff(self.starts))

    @cached_property
    def _walk(self) -> tuple[I32, F32]:
        """The arrays that the kernel walks on: (feature and flags, left child), thresholds."""
        n = len(self.features)
        leaf, coded, na_left = self.is_leaf, self.coded_nodes, self.na_goes_left
        flags = np.where(leaf, _NA_LEFT_FLAG, na_left * _NA_LEFT_FLAG + coded * _CODED)
        nodes = np.empty((n, 2), np.int32)
        nodes[:, 0] = np.where(leaf, self.n_features, self.features) * 4 + flags
        nodes[:, 1] = self.left_or_self
        thresholds = np.where(leaf, np.float32(1), self.thresholds).astype(np.float32)
        return nodes, thresholds

    @cached_property
    def coded_nodes(self) -> npt.NDArray[np.bool_]:
        """Which nodes ask for a set of levels, or for NA alone."""
        return (self.bit_starts >= 0) | (self.na_sides == NA_VS_REST)

    @property
    def na_goes_left(self) -> npt.NDArray[np.bool_]:
        """At which nodes NA goes left."""
        return np.isin(self.na_sides, (NA_LEFT, UNSEEN_LEFT))

    @property
    def left_or_self(self) -> I64:
        """The left child's number among all nodes; of a leaf its own."""
        numbers = np.arange(len(self.features))
        return np.where(self.is_leaf, numbers, self._tree_start + self.left)

    @cached_property
    def _codes(self) -> CodedForest | None:
        return CodedForest.of(self)

    def sums(self, x: F64, first: int = 0, stop: int | None = None) -> F64:
        """Return the sum over trees of each class, shape (n_rows, n_classes).

        IN: `x` of shape (n_rows, n_features + 1), C-contiguous, last column 0; enums as codes.
        Trees `first` to `stop` of each class are counted.
        """
        stop = self.n_trees if stop is None else stop
        trees = first * self.n_classes, stop * self.n_classes
        found = self._coded_sums(x.T, len(x), trees)
        return self._walked_sums(x, trees) if found is None else found

    def column_sums(self, columns: Sequence[F64], n_rows: int) -> F64:
        """Return the sum over all trees of each class; IN: the features' columns."""
        trees = 0, len(self.starts) - 1
        found = self._coded_sums(columns, n_rows, trees)
        if found is not None:
            return found
        x = np.zeros((n_rows, len(columns) + 1))
        for idx, column in enumerate(columns):
            x[:, idx] = column
        return self._walked_sums(x, trees)

    def _coded_sums(
        self, columns: Sequence[F64] | F64, n_rows: int, trees: tuple[int, int]
    ) -> F64 | None:
        """Return the sums by codes, None if there are none or the rows are too few for them."""
        if n_rows < _ROWS_WORTH_CODES or self._codes is None:
            return None
        out = np.zeros((n_rows, self.n_classes))
        self._codes.add_to(out, columns, trees, self.values)
        return out

    def _walked_sums(self, x: F64, trees: tuple[int, int]) -> F64:
        n, width = x.shape
        out = np.zeros((n, self.n_classes))
        roots = self.starts[trees[0] : trees[1]]
        nodes, thresholds = self._walk
        places = np.empty(_TILE, np.int32)
        flat, sums = x.reshape(-1), out.reshape(-1)
        for at in range(0, n, _TILE):
            rows = min(_TILE, n - at)
            _add_trees(
                flat[at * width : (at + rows) * width], width, rows, roots, self.n_classes, nodes,
                thresholds, self.values, self.bit_starts, self.n_bits, self.bits, places,
                sums[at * self.n_classes : (at + rows) * self.n_classes],
            )  # fmt: skip
        return out

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays by name."""
        return {name: getattr(self, name) for name in _ARRAYS}

    @classmethod
    def from_arrays(
        cls, n_classes: int, n_features: int, arrays: Mapping[str, npt.NDArray[Any]]
    ) -> Forest:
        """Return the forest of these arrays; they are copied if they cannot be written to."""
        own = {}
        for name, dtype in _ARRAYS.items():
            if name not in arrays or arrays[name].ndim != 1 or arrays[name].dtype.kind not in "iuf":
                raise ModelError(f"The trees have no one-dimensional array {name!r} of numbers.")
            own[name] = np.require(arrays[name], dtype, ["C", "W"])
        forest = cls(n_classes, n_features, **own)
        forest.check()
        return forest

    def check(self) -> None:
        """Raise `ModelError` if a node points to where there is nothing, or walks in a circle."""
        n, starts = len(self.features), self.starts
        if self.n_classes < 1 or self.n_features < 0 or (len(starts) - 1) % self.n_classes:
            raise ModelError(f"{len(starts) - 1} trees do not fit {self.n_classes} classes.")
        by_node = [a for name, a in self.to_arrays().items() if name not in ("starts", "bits")]
        if any(len(a) != n for a in by_node):
            raise ModelError("The arrays of the trees' nodes differ in length.")
        if starts[0] != 0 or starts[-1] != n or (np.diff(starts) < 1).any():
            raise ModelError("The trees do not lie one after the other.")
        inner = np.flatnonzero(~self.is_leaf)
        here, left = inner - self._tree_start[inner], self.left[inner]
        size = np.repeat(np.diff(starts), np.diff(starts))[inner]
        if (
            (self.features >= self.n_features).any()
            or (left <= here).any()
            or (left.astype(np.int64) + 1 >= size).any()
        ):
            raise ModelError("A node of the trees has no such feature or children.")
        coded = np.flatnonzero(self.bit_starts >= 0)
        last = self.bit_starts[coded] + (self.n_bits[coded].astype(np.int64) + 7) // 8
        if (self.n_bits < 0).any() or (last > len(self.bits)).any():
            raise ModelError("A split on levels points outside the sets of levels.")

    @cached_property
    def _identity(self) -> str:
        """What copies of this forest know each other by."""
        return uuid.uuid4().hex

    def __reduce__(self) -> tuple[Any, ...]:
        _LIVE[self._identity] = self
        return _revived, (self._identity, self.n_classes, self.n_features, self.to_arrays())

    def summary(self) -> dict[str, float]:
        """Return the numbers of H2O's model summary: sizes, depths and leaves of the trees."""
        n_trees = len(self.starts) - 1
        tree = np.repeat(np.arange(n_trees), np.diff(self.starts))
        deepest = np.zeros(n_trees, np.int64)
        np.maximum.at(deepest, tree, self.depths)
        leaves = np.bincount(tree, weights=self.is_leaf, minlength=n_trees)
        some = n_trees > 0
        return {
            "number_of_trees": self.n_trees,
            "number_of_internal_trees": n_trees,
            "model_size_in_bytes": self.scoring_nbytes,
            "min_depth": int(deepest.min()) if some else 0,
            "max_depth": int(deepest.max()) if some else 0,
            "mean_depth": float(deepest.mean()) if some else 0.0,
            "min_leaves": int(leaves.min()) if some else 0,
            "max_leaves": int(leaves.max()) if some else 0,
            "mean_leaves": float(leaves.mean()) if some else 0.0,
        }

    @property
    def scoring_nbytes(self) -> int:
        """Bytes of the trees in the scoring format: 8 an inner node, 4 a leaf, and level sets."""
        inner = int((~self.is_leaf).sum())
        return inner * 10 + int(self.is_leaf.sum()) * 4 + len(self.bits)

    def importance(self) -> F64:
        """Return the summed gain of each feature."""
        inner = ~self.is_leaf
        gains = np.zeros(self.n_features)
        np.add.at(gains, self.features[inner], self.gains[inner].astype(np.float64))
        return gains


def _revived(
    identity: str, n_classes: int, n_features: int, arrays: Mapping[str, npt.NDArray[Any]]
) -> Forest:
    """Return the forest of this identity if it lives in this process, else a new one."""
    forest = _LIVE.get(identity)
    if forest is None:
        forest = Forest.from_arrays(n_classes, n_features, arrays)
        forest.__dict__["_identity"] = identity
        _LIVE[identity] = forest
    return forest
