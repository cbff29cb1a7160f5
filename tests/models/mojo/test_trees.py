"""Trees to H2O's bytes and back."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from dh2o.models.forest import NA_LEFT, NA_RIGHT, Forest
from dh2o.models.mojo.archive import ArchiveWriter, MojoArchive
from dh2o.models.mojo.forest_io import read_forest, tree_blobs
from tests.models.mojo.made import DOMAINS, MANY, random_forest


def archive(forest: Forest) -> MojoArchive:
    writer = ArchiveWriter()
    for tree in tree_blobs(forest, DOMAINS):
        writer.add(f"{tree.name}.bin", tree.data)
        writer.add(f"{tree.name}_aux.bin", tree.aux)
    return MojoArchive.of(writer.finish())


def rows(rng: np.random.Generator, n: int = 60) -> np.ndarray:
    x = np.zeros((n, len(DOMAINS) + 1))
    x[:, 0], x[:, 3] = rng.normal(size=n), rng.integers(-3, 4, n)
    x[:, 1], x[:, 2] = rng.integers(0, 3, n), rng.integers(0, len(MANY), n)
    x[:, :-1][rng.random((n, len(DOMAINS))) < 0.15] = np.nan
    return x


@pytest.mark.parametrize("n_classes", [1, 2, 3])
def test_a_forest_comes_back_with_the_same_scores(rng, n_classes):
    forest = random_forest(rng, 5, n_classes)
    again = read_forest(archive(forest), 5, n_classes, 4, DOMAINS, 1.4)
    x = rows(rng)
    np.testing.assert_array_equal(again.sums(x), forest.sums(x))


def test_nodes_keep_place_weight_value_and_gain(rng):
    forest = random_forest(rng, 1, max_depth=6)
    again = read_forest(archive(forest), 1, 1, 4, DOMAINS, 1.4)
    leaf = forest.is_leaf
    for name in ("features", "left", "na_sides", "weights"):
        np.testing.assert_array_equal(getattr(again, name), getattr(forest, name))
    np.testing.assert_array_equal(again.values[leaf], forest.values[leaf])
    inner = np.flatnonzero(~leaf)[1:]  # what the root gained is not in the file
    np.testing.assert_allclose(again.gains[inner], forest.gains[inner], rtol=1e-5, atol=1e-6)


def score_bytes(data: bytes, row: np.ndarray, domains) -> float:
    """The naive twin: a tree's bytes walked as H2O's description of the format says."""
    at = 0
    while True:
        kind, column = data[at], struct.unpack_from("<H", data, at + 1)[0]
        if column == 65535:
            return struct.unpack_from("<f", data, at + 3)[0]
        side, at = data[at + 3], at + 4
        value, split, known = row[column], kind & 12, True
        go_right = False
        if side != 1:
            if split == 0:
                go_right = value >= struct.unpack_from("<f", data, at)[0]
                at += 4
            else:
                first, n = (0, 32) if split == 8 else struct.unpack_from("<Hi", data, at)
                at += 0 if split == 8 else 6
                code = -1 if np.isnan(value) else int(value) - first
                known = 0 <= code < n
                go_right = known and bool(data[at + (code >> 3)] >> (code & 7) & 1)
                at += (n + 7) // 8
        beyond = domains[column] is not None and value >= len(domains[column])
        if np.isnan(value) or not known or beyond:
            go_right = side not in (2, 4)
        left_is_leaf, right_is_leaf = kind & 48 == 48, bool(kind & 192)
        size = 4
        if not left_is_leaf:
            width = (kind & 3) + 1
            size = int.from_bytes(data[at : at + width], "little")
            at += width
        if go_right:
            at += size
        if right_is_leaf if go_right else left_is_leaf:
            return struct.unpack_from("<f", data, at)[0]


def test_bytes_score_as_the_naive_walk(rng):
    forest = random_forest(rng, 4, max_depth=7)
    blobs = list(tree_blobs(forest, DOMAINS))
    for row in rows(rng, 40):
        naive = sum(score_bytes(blob.data, row, DOMAINS) for blob in blobs)
        assert naive == pytest.approx(forest.sums(row[None])[0, 0], abs=1e-12)


def test_a_tree_of_one_leaf_has_seven_bytes(rng):
    forest = random_forest(rng, 1, max_depth=0)
    (blob,) = tree_blobs(forest, DOMAINS)
    assert blob.data == b"\x00\xff\xff" + struct.pack("<f", forest.values[0])
    assert blob.aux == b""


def test_values_of_leaves_that_are_zero_stay_zero(rng):
    forest = random_forest(rng, 3)
    forest.values[forest.is_leaf] = 0
    forest.left[forest.is_leaf] = 7  # what a leaf has here is nobody's business
    again = read_forest(archive(forest), 3, 1, 4, DOMAINS, 1.4)
    assert not again.values.any()


def test_deep_trees_need_wide_sizes(rng):
    forest = random_forest(rng, 1, max_depth=13, stop=0.02)
    assert len(next(tree_blobs(forest, DOMAINS)).data) > 70_000
    again = read_forest(archive(forest), 1, 1, 4, DOMAINS, 1.4)
    x = rows(rng, 200)
    np.testing.assert_array_equal(again.sums(x), forest.sums(x))


# ---- older formats, written by hand: one split on levels 8..23, two leaves


def old_tree(first: int, levels: bytes, na_side: int) -> bytes:
    head = struct.pack("<BHB", 12 | 48 | 192, 2, na_side)
    return head + struct.pack("<HH", first, len(levels)) + levels + struct.pack("<ff", -1.0, 1.0)


@pytest.mark.parametrize(("version", "outside"), [(1.0, -1.0), (1.1, 1.0)])
def test_levels_outside_an_old_set(version, outside):
    writer = ArchiveWriter()
    writer.add("trees/t00_000.bin", old_tree(8, b"\x01\x80", NA_RIGHT))
    forest = read_forest(MojoArchive.of(writer.finish()), 1, 1, 4, DOMAINS, version)
    x = np.zeros((6, 5))
    x[:, 2] = [8, 9, 23, 3, 40, np.nan]
    assert forest.sums(x)[:, 0].tolist() == [1.0, -1.0, 1.0, outside, outside, 1.0]


def test_a_set_that_starts_late_sends_earlier_levels_where_na_goes():
    head = struct.pack("<BHB", 12 | 48 | 192, 2, NA_LEFT)
    data = head + struct.pack("<Hi", 8, 4) + b"\x05" + struct.pack("<ff", -1.0, 1.0)
    writer = ArchiveWriter()
    writer.add("trees/t00_000.bin", data)
    forest = read_forest(MojoArchive.of(writer.finish()), 1, 1, 4, DOMAINS, 1.4)
    x = np.zeros((5, 5))
    x[:, 2] = [8, 9, 10, 0, 12]
    assert forest.sums(x)[:, 0].tolist() == [1.0, -1.0, 1.0, -1.0, -1.0]
