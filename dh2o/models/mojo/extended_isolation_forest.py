"""MOJOs of extended isolation forests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from dh2o.models.extended_isolation_forest import ExtendedIsolationForestModel
from dh2o.models.model import Model
from dh2o.models.mojo.draft import MojoDraft
from dh2o.models.mojo.errors import MojoError
from dh2o.models.mojo.kinds import MojoKind, register_kind
from dh2o.models.mojo.source import MojoSource
from dh2o.models.oblique_forest import ObliqueForest

__all__ = ["ExtendedIsolationForestMojo"]

_MOST_TREES = 100_000
_MOST_ROWS = 1 << 31
_DEEPEST = 30  # a node's number, 2 n + 1 or 2 n + 2 below n, is 31 bits
_NODE, _LEAF = ord("N"), ord("L")


@register_kind
class ExtendedIsolationForestMojo(MojoKind):
    """One entry a tree: nodes by number, each with normal and point over all columns."""

    algorithm: ClassVar[str] = ExtendedIsolationForestModel.algo_full_name
    algo: ClassVar[str] = ExtendedIsolationForestModel.algo
    version: ClassVar[str] = "1.00"

    def check(self, model: Model) -> None:
        """Raise `MojoError` where H2O writes no MOJO either."""
        if model.output.encoding is not None:
            raise MojoError("Only default categorical encoding scheme is supported for MOJO")

    def write(self, model: Model, draft: MojoDraft) -> None:
        """Add the trees."""
        assert isinstance(model, ExtendedIsolationForestModel)
        draft.put("ntrees", model.forest.n_trees)
        draft.put("sample_size", model.sample_size)
        for t in range(model.forest.n_trees):
            draft.blob(f"trees/t{t:02d}.bin", _tree_bytes(model.forest, t))

    def read(self, source: MojoSource) -> Model:
        """Return the model."""
        n_trees = source.ini.count("ntrees", _MOST_TREES)
        sample_size = source.ini.count("sample_size", _MOST_ROWS)
        if n_trees < 1 or sample_size < 2:
            raise MojoError("model.ini: ntrees must be at least 1, sample_size at least 2.")
        n = len(source.features)
        names = [f"trees/t{t:02d}.bin" for t in range(n_trees)]
        forest = _forest([_read_tree(source.archive.read(name), n, name) for name in names], n)
        return ExtendedIsolationForestModel(
            source.key, source.params(), source.output(), forest, sample_size
        )


def _node_type(n: int) -> np.dtype[np.void]:
    return np.dtype(
        [("number", "<i4"), ("kind", "u1"), ("normal", "<f8", (n,)), ("point", "<f8", (n,))]
    )


_LEAF_TYPE = np.dtype([("number", "<i4"), ("kind", "u1"), ("rows", "<i4")])


def _tree_bytes(forest: ObliqueForest, t: int) -> bytes:
    """Return tree `t`: its width, then the nodes in the order of their numbers."""
    root, n = int(forest.starts[t]), forest.n_features
    stop = int(forest.starts[t + 1])
    left = forest.left[root:stop]
    numbers = np.zeros(len(left), np.int64)
    for node in np.flatnonzero(left >= 0):  # children come behind their parents
        numbers[left[node]] = 2 * numbers[node] + 1
        numbers[left[node] + 1] = 2 * numbers[node] + 2
    parts = [np.int32(n).tobytes()]
    node_type = _node_type(n)
    for node in np.argsort(numbers):
        inner = left[node] >= 0
        record = np.zeros(1, node_type if inner else _LEAF_TYPE)
        record["number"], record["kind"] = numbers[node], _NODE if inner else _LEAF
        if inner:
            s = forest.splits[root + node]
            record["normal"][0, forest.columns[s]] = forest.normals[s]
            record["point"][0, forest.columns[s]] = forest.points[s]
        else:
            record["rows"] = forest.counts[root + node]
        parts.append(record.tobytes())
    return b"".join(parts)


#: Of one tree: left children, split numbers, rows of leaves; then normals and points of splits.
_Tree = tuple[list[int], list[int], list[int], list[NDArray[np.void]]]


def _records(data: bytes, n: int, name: str) -> Iterator[NDArray[np.void]]:
    """Yield the nodes in `data`, each an array of one record."""
    if len(data) < 4 or int(np.frombuffer(data, "<i4", 1)[0]) != n:
        raise MojoError(f"{name} of the MOJO is not a tree over {n} columns.")
    types, at = {_NODE: _node_type(n), _LEAF: _LEAF_TYPE}, 4
    while at < len(data):
        kind = types.get(data[at + 4]) if at + 5 <= len(data) else None
        if kind is None or at + kind.itemsize > len(data):
            # H2O's buffers may be longer than what is in them; a tree ends where no node begins
            if any(data[at:]):
                raise MojoError(f"{name} of the MOJO ends in the middle of a node.")
            return
        yield np.frombuffer(data, kind, 1, at)
        at += kind.itemsize


def _read_tree(data: bytes, n: int, name: str) -> _Tree:
    """Return the tree in `data`, in the order of the numbers of its nodes."""
    found: dict[int, NDArray[np.void]] = {}
    for one in _records(data, n, name):
        found.setdefault(int(one["number"][0]), one)  # the scorer takes the first as well
    left, splits, counts = [-1], [-1], [0]
    inner: list[NDArray[np.void]] = []
    queue = [(0, 0)]
    while queue:
        number, node = queue.pop()
        record = found.get(number)
        if record is None or number >= 1 << _DEEPEST:
            raise MojoError(f"{name} of the MOJO lacks node {number}.")
        if record["kind"][0] == _LEAF:
            counts[node] = max(int(record["rows"][0]), 0)
            continue
        if not np.isfinite(record["normal"]).all() or not np.isfinite(record["point"]).all():
            raise MojoError(f"{name} of the MOJO has a hyperplane that is not finite.")
        left[node], splits[node] = len(left), len(inner)
        inner.append(record)
        queue += [(2 * number + 1, len(left)), (2 * number + 2, len(left) + 1)]
        left += [-1, -1]
        splits += [-1, -1]
        counts += [0, 0]
    return left, splits, counts, inner


def _forest(trees: Sequence[_Tree], n: int) -> ObliqueForest:
    """Return the trees as one forest, without the columns that a node does not look at."""
    starts = np.cumsum([0, *(len(left) for left, *_ in trees)])
    shift = np.cumsum([0, *(len(inner) for *_, inner in trees)])
    splits = [np.where(np.array(s) >= 0, np.array(s) + k, -1) for (_, s, _, _), k in zip(
        trees, shift, strict=False)]  # fmt: skip
    records = [record for *_, inner in trees for record in inner]
    normals = np.array([r["normal"][0] for r in records], np.float64).reshape(len(records), n)
    points = np.array([r["point"][0] for r in records], np.float64).reshape(len(records), n)
    width = int((normals != 0).sum(axis=1).max(initial=0))
    # columns of weight first, each group in the order of the columns; then the order restored
    columns = np.argsort(normals == 0, axis=1, kind="stable")[:, :width]
    columns = np.sort(columns, axis=1)
    return ObliqueForest(
        n_features=n,
        starts=starts.astype(np.int64),
        left=np.concatenate([left for left, *_ in trees]).astype(np.int32),
        splits=np.concatenate(splits).astype(np.int32),
        counts=np.concatenate([counts for _, _, counts, _ in trees]).astype(np.int32),
        columns=columns.astype(np.int32),
        points=np.take_along_axis(points, columns, axis=1),
        normals=np.take_along_axis(normals, columns, axis=1),
    )
