"""Kernels beside their naive twins."""

from __future__ import annotations

import numpy as np
import pytest

from dh2o.chunks import Block, encode_floats
from dh2o.estimators.pca import kernels
from dh2o.estimators.pca.moments import tiles
from dh2o.models.expansion import Expansion


@pytest.mark.parametrize("p", [1, 3, 4, 6, 13])
@pytest.mark.parametrize("n", [0, 1, 7, 8, 513, 1100])
def test_products_are_those_of_all_pairs(p: int, n: int) -> None:
    x = np.random.default_rng(p + n).normal(size=(p, n))
    found = kernels.products(x)
    np.testing.assert_allclose(found, x @ x.T, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(found, found.T)


def test_tiles_are_shifted_and_scaled_wherever_columns_lie() -> None:
    rng, n = np.random.default_rng(0), 20_000
    columns = [rng.normal(size=n), np.arange(n) % 100.0, rng.normal(size=n), np.full(n, 3.0)]
    names = ("a", "b", "c", "d")
    block = Block.of([encode_floats(column) for column in columns], names)
    lies = [chunk.plain_floats() is not None for chunk in block.chunks]
    assert lies == [True, False, True, False]
    shift, scale = rng.normal(size=4), rng.uniform(1, 2, 4)
    order = ("c", "b", "d", "a")
    expansion = Expansion((), (), order, (), np.zeros(4), shift, scale, True, False)
    found = [tile.numbers.copy() for tile in tiles(block, expansion, is_complete=True)]
    assert len(found) > 1
    wanted = (np.array([columns[names.index(name)] for name in order]).T - shift) * scale
    np.testing.assert_array_equal(np.concatenate(found, axis=1).T, wanted)
