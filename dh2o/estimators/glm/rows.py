"""Rows of a block as arrays for the passes of a linear model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks import Block
from dh2o.models.glm_design import Design

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Mask = NDArray[np.bool_]

#: Doubles of a tile: it stays in a core's cache between the operations.
_TILE_DOUBLES = 1 << 18


@dataclass(frozen=True, slots=True)
class Roles:
    """Names of the special columns."""

    response: str
    weights: str | None = None
    offset: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """Usable rows: level codes, numbers column by column (the last is 1), y, w, offset."""

    codes: list[I64]
    numbers: F64
    y: F64
    w: F64
    offset: F64 | None


def tile_rows(design: Design) -> int:
    """Return how many rows a tile has."""
    return int(np.clip(_TILE_DOUBLES // (len(design.numerics) + 1), 1024, 1 << 16))


def tiles(block: Block, design: Design, roles: Roles, *, standardise: bool) -> Iterator[Tile]:
    """Yield the usable rows of `block`: response and weight known, weight above 0."""
    step = tile_rows(design)
    for start in range(0, block.n_rows, step):
        yield _tile(block, design, roles, (start, min(start + step, block.n_rows)), standardise)


def _tile(
    block: Block, design: Design, roles: Roles, rows: tuple[int, int], standardise: bool
) -> Tile:
    def read(name: str) -> F64:
        return block.chunk(name).floats(start=rows[0], stop=rows[1])

    y = read(roles.response)
    w = read(roles.weights) if roles.weights else np.ones(len(y))
    offset = read(roles.offset) if roles.offset else None
    usable = ~np.isnan(y) & (w > 0)
    if offset is not None:
        usable &= ~np.isnan(offset)
    codes = []
    for idx, name in enumerate(design.categoricals):
        filled, na = design.codes(idx, read(name))
        codes.append(filled)
        if design.skip_na:
            usable &= ~na
    numbers = np.empty((len(design.numerics) + 1, len(y)))
    numbers[-1] = 1.0
    for idx, name in enumerate(design.numerics):
        usable = _read_number(block, name, rows, design, idx, numbers[idx], usable, standardise)
    if usable.all():
        return Tile(codes, numbers, y, w, offset)
    kept = np.flatnonzero(usable)
    return Tile(
        [code[kept] for code in codes],
        np.ascontiguousarray(numbers[:, kept]),
        y[kept],
        w[kept],
        None if offset is None else offset[kept],
    )


def _read_number(
    block: Block,
    name: str,
    rows: tuple[int, int],
    design: Design,
    idx: int,
    out: F64,
    usable: Mask,
    standardise: bool,
) -> Mask:
    block.chunk(name).floats(out, rows[0], rows[1])
    na = np.isnan(out)
    if na.any():
        out[na] = design.fills[idx]
        if design.skip_na:
            usable = usable & ~na
    if standardise:
        out -= design.shift[idx]
        out *= design.scale[idx]
    return usable
