"""Rows that a network learns from, on one worker: units, targets, weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks import Block
from dh2o.models.deeplearning import Inputs

if TYPE_CHECKING:
    from dh2o.mrtask import WorkerContext

__all__ = ["Roles", "RowSpec", "Rows", "build_rows", "usable_rows"]

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]

_TILE = 1 << 13
# Many columns of few rows are read by one thread: several would only wait for the interpreter.
_SHORT, _WIDE = 1 << 12, 64


@dataclass(frozen=True, slots=True)
class Roles:
    """Names of the special columns, and of the predictors whose NA make a row unusable."""

    response: str | None
    weights: str | None = None
    offset: str | None = None
    needed: tuple[str, ...] = ()


def usable_rows(block: Block, roles: Roles, start: int = 0, stop: int | None = None) -> F64:
    """Return the weight of each row; 0 where response or weight is missing."""
    stop = block.n_rows if stop is None else stop
    w = np.ones(stop - start)
    if roles.weights is not None:
        w = block.chunk(roles.weights).floats(start=start, stop=stop)
        w = np.where(w > 0, w, 0.0)
    for name in (roles.response, roles.offset, *roles.needed):
        if name is not None:
            w[block.chunk(name).na_mask(start, stop)] = 0.0
    return w


@dataclass(frozen=True, slots=True, eq=False)
class RowSpec:
    """What is read of each block.  Responses are kept as (y - shift) * scale."""

    inputs: Inputs
    roles: Roles
    shift: float = 0.0
    scale: float = 1.0


@dataclass(slots=True, eq=False)
class Rows:
    """Usable rows in the order of the frame; ``row`` is the row number there.

    ``weights`` is None if all are 1; they say how often a row is drawn.
    """

    places: I32
    numbers: F32
    y: F32 | None
    offset: F32 | None
    weights: F64 | None
    row: I64

    @property
    def n(self) -> int:
        """How many rows there are."""
        return len(self.numbers)

    def drawn(self, seed: int, first: int, n: int) -> I64:
        """Return n row positions: entries first, first + 1, … of shuffled rounds over all rows.

        With weights a round visits each row about as often as its share of the weight asks for.
        """
        if self.n == 0:
            return np.zeros(0, np.int64)
        found = []
        epoch, at = divmod(first, self.n)
        while n > 0:
            key = [seed & (2**64 - 1), epoch]
            rng = np.random.Generator(np.random.Philox(key=key))
            some = self._round(rng)[at : at + n]
            found.append(some)
            n -= len(some)
            epoch, at = epoch + 1, 0
        return np.concatenate([*found, np.zeros(0, np.int64)])

    def _round(self, rng: np.random.Generator) -> I64:
        if self.weights is None:
            return rng.permutation(self.n)
        ends = np.cumsum(self.weights)
        wanted = (np.arange(self.n) + rng.random()) * (ends[-1] / self.n)
        chosen = np.minimum(np.searchsorted(ends, wanted, side="right"), self.n - 1)
        return rng.permutation(chosen)

    def sample(self, one_in: int) -> Rows:
        """Return about every `one_in`-th row, chosen by row number alone."""
        if one_in <= 1:
            return self
        mixed = (self.row.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(33)
        return self.take(np.flatnonzero(mixed % np.uint64(one_in) == 0))

    def take(self, chosen: I64 | slice) -> Rows:
        """Return the rows at these positions."""
        return Rows(
            self.places[chosen],
            self.numbers[chosen],
            None if self.y is None else self.y[chosen],
            None if self.offset is None else self.offset[chosen],
            None if self.weights is None else self.weights[chosen],
            self.row[chosen],
        )

    @classmethod
    def joined(cls, parts: list[Rows]) -> Rows:
        """Return the rows of all parts, one after the other."""

        def all_of(name: str) -> Any:
            arrays = [getattr(part, name) for part in parts]
            return None if arrays[0] is None else np.concatenate(arrays)

        weights = [np.ones(p.n) if p.weights is None else p.weights for p in parts]
        joined = np.concatenate(weights)
        return cls(
            all_of("places"),
            all_of("numbers"),
            all_of("y"),
            all_of("offset"),
            None if (joined == 1.0).all() else joined,
            all_of("row"),
        )


def build_rows(
    blocks: list[Block],
    spec: RowSpec,
    worker: WorkerContext | None = None,
) -> Rows:
    """Return the usable rows of `blocks`."""
    tiles = [
        (block, start, min(start + _TILE, block.n_rows))
        for block in blocks
        for start in range(0, max(block.n_rows, 1), _TILE)
    ]
    is_short = sum(block.n_rows for block in blocks) < _SHORT * len(tiles)
    if worker is None or (is_short and len(spec.inputs.numerics) > _WIDE):
        return Rows.joined([_read(spec, *tile) for tile in tiles])
    return Rows.joined(worker.map(lambda tile: _read(spec, *tile), tiles))


def _read(spec: RowSpec, block: Block, start: int, stop: int) -> Rows:
    inputs, roles = spec.inputs, spec.roles
    w = usable_rows(block, roles, start, stop)
    kept = np.flatnonzero(w > 0)

    buffer = np.empty(stop - start)
    number = {name: k for k, name in enumerate(block.names)}

    def floats(name: str) -> F64:
        return block.chunks[number[name]].floats(buffer, start, stop)

    places, numbers = inputs.rows(floats, stop - start, np.float32)
    y = offset = None
    if roles.response is not None:
        y = ((floats(roles.response) - spec.shift) * spec.scale)[kept].astype(np.float32)
    if roles.offset is not None:
        offset = (floats(roles.offset) * spec.scale)[kept].astype(np.float32)
    if len(kept) < len(w):
        places, numbers = places[kept], numbers[kept]
    return Rows(
        places,
        numbers,
        y,
        offset,
        w[kept],
        (block.row_start + start + kept).astype(np.int64),
    )
