"""X b and X'v of a tile: numbers go through BLAS, levels pick and count by code."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dh2o.estimators.glm.gram_tables import add_level_pairs, add_level_sums
from dh2o.estimators.glm.rows import I32, Tile
from dh2o.estimators.glm.slopes import add_predictors, add_products
from dh2o.models.glm_design import Design

F64 = NDArray[np.float64]


def linear_predictor(design: Design, tile: Tile, beta: F64) -> F64:
    """Return X beta of the rows of a tile, without the offset.   IN: beta at all places."""
    b = beta[design.starts[-1] :]
    eta: F64 = b[tile.plain] @ tile.numbers
    add_predictors(tile, b, eta)
    for first, codes in zip(design.starts, tile.codes, strict=False):
        eta += beta[first:].take(codes)
    return eta


def add_gradient(design: Design, tile: Tile, v: F64, out: F64) -> None:
    """Out += X'v over all places."""
    starts = design.starts
    out[starts[-1] :][tile.plain] += tile.numbers @ v
    add_products(tile, v, out[starts[-1] :])
    for i, codes in enumerate(tile.codes):
        out[starts[i] : starts[i + 1]] += np.bincount(codes, v, len(design.levels[i]))


def add_class_sums(design: Design, tile: Tile, classes: I32, weight: F64, out: F64) -> None:
    """out[k, place] += sum of weight * x[place] over the rows of class k."""
    starts = design.starts
    if tile.sloped:
        for k, row in enumerate(out):
            add_gradient(design, tile, np.where(classes == k, weight, 0.0), row)
        return
    add_level_sums(classes, tile.numbers, weight, out[:, starts[-1] :])
    for i, codes in enumerate(tile.codes):
        add_level_pairs(classes, codes, weight, out[:, starts[i] : starts[i + 1]])
