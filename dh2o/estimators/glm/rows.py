"""Rows of a block as arrays for the passes of a linear model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks import Block, Chunk
from dh2o.chunks.many import floats_of_chunks, worth_batching
from dh2o.estimators.glm.slopes import SlopedNumbers, Slopes
from dh2o.models.glm_design import Design

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
Mask = NDArray[np.bool_]

#: Doubles of a tile: it stays in a core's cache between the operations.
_TILE_DOUBLES = 1 << 18
#: Rows of a tile at most, and at least: for many columns the cost of calls counts, not the cache.
_MOST_ROWS, _LEAST_ROWS = 1 << 14, 1 << 12
#: Doubles of a tile of very many columns.
_WIDE_DOUBLES = 1 << 22


@dataclass(frozen=True, slots=True)
class Roles:
    """Names of the special columns."""

    response: str
    weights: str | None = None
    offset: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """Usable rows: level codes, numbers column by column (the last is 1), y, w, offset.

    ``rows`` says which rows of the block they are. Numbers that are slopes of levels are in
    ``sloped``, by slot and factor, if they were asked for so; ``plain`` are then those in
    ``numbers``.
    """

    codes: list[I32]
    numbers: F64
    y: F64
    w: F64
    offset: F64 | None
    rows: slice | NDArray[np.int64]
    sloped: list[tuple[Slopes, I32, F64]] = field(default_factory=list)
    plain: NDArray[np.int64] | slice = field(default_factory=lambda: slice(None))

    @property
    def n_rows(self) -> int:
        """How many rows there are."""
        return len(self.y)

    @property
    def classes(self) -> I32:
        """The response as class numbers."""
        return self.y.astype(np.int32)


def tile_rows(design: Design) -> int:
    """Return how many rows a tile has."""
    width = len(design.numerics) + 1
    wanted = int(np.clip(_TILE_DOUBLES // width, _LEAST_ROWS, _MOST_ROWS))
    return max(min(wanted, _WIDE_DOUBLES // width), 256)


def tiles(
    block: Block,
    design: Design,
    roles: Roles,
    *,
    standardise: bool,
    every: int = 1,
    sloped: SlopedNumbers | None = None,
) -> Iterator[Tile]:
    """Yield the usable rows of `block`: response and weight known, weight above 0.

    A tile and its arrays are valid until the next one is asked for. With `every` above 1 only the
    first of so many rows are read, of as many tiles at once as make a tile of them: a sample. With
    `sloped` the slopes of levels are read as such.
    """
    step = tile_rows(design) * every
    most = (min(step, block.n_rows) + every - 1) // every
    width = len(sloped.plain) if sloped else len(design.numerics) + 1
    buffer = np.empty(width * most)
    reader = _Reader.of(block, design, roles, standardise, buffer, sloped)
    for start in range(0, block.n_rows, step):
        stop = min(start + step, block.n_rows)
        yield reader.tile(start, start + (stop - start + every - 1) // every)


@dataclass(frozen=True, slots=True, eq=False)
class _Reader:
    """Reads tiles of a block; ``chunks`` are those of its columns by name."""

    chunks: dict[str, Chunk]
    design: Design
    roles: Roles
    standardise: bool
    buffer: F64
    sloped: SlopedNumbers | None
    #: Columns of this tile that others are made of: many may be made of one.
    bases: dict[str, F64] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        block: Block,
        design: Design,
        roles: Roles,
        standardise: bool,
        buffer: F64,
        sloped: SlopedNumbers | None,
    ) -> _Reader:
        chunks = dict(zip(block.names, block.chunks, strict=True))
        return cls(chunks, design, roles, standardise, buffer, sloped)

    def _read(self, name: str, start: int, stop: int) -> F64:
        return self.chunks[name].floats(start=start, stop=stop)

    def _base(self, name: str, start: int, stop: int) -> F64:
        if name not in self.bases:
            self.bases[name] = self._read(name, start, stop)
        return self.bases[name]

    def _derived(self, name: str, start: int, stop: int) -> F64:
        return self.design.values(name, lambda of: self._base(of, start, stop))

    def tile(self, start: int, stop: int) -> Tile:
        design, roles, n = self.design, self.roles, stop - start
        self.bases.clear()
        y = self._read(roles.response, start, stop)
        w = self._read(roles.weights, start, stop) if roles.weights else np.ones(n)
        offset = self._read(roles.offset, start, stop) if roles.offset else None
        usable = ~np.isnan(y)
        if roles.weights:
            usable &= w > 0
        if offset is not None:
            usable &= ~np.isnan(offset)
        codes = [self._codes(i, start, stop, usable) for i in range(len(design.categoricals))]
        plain = self.sloped.plain if self.sloped else np.arange(len(design.numerics) + 1)
        numbers = self.buffer[: len(plain) * n].reshape(len(plain), n)
        numbers[-1] = 1.0
        if worth_batching(len(plain) - 1, n) and not design.derived:
            self._numbers(plain[:-1], start, numbers[:-1], usable)
        else:
            for out, idx in zip(numbers, plain[:-1].tolist(), strict=False):
                self._number(idx, start, stop, out, usable)
        sloped = [
            (s, *s.read(self._base(s.first, start, stop), self._base(s.second, start, stop)))
            for s in (self.sloped.slopes if self.sloped else ())
        ]
        at = plain if sloped else slice(None)
        if usable.all():
            return Tile(codes, numbers, y, w, offset, slice(start, stop), sloped, at)
        kept = np.flatnonzero(usable)
        return Tile(
            [code[kept] for code in codes],
            np.ascontiguousarray(numbers[:, kept]),
            y[kept],
            w[kept],
            None if offset is None else offset[kept],
            start + kept,
            [(s, slots[kept], factor[kept]) for s, slots, factor in sloped],
            at,
        )

    def _codes(self, idx: int, start: int, stop: int, usable: Mask) -> I32:
        """Return the level of each row, NA filled in.   OUT: usable, where NA rows are skipped."""
        design, name = self.design, self.design.categoricals[idx]
        if name in design.derived:
            made = self._derived(name, start, stop)
            codes = np.where(np.isnan(made), -1.0, made).astype(np.int32)
        else:
            codes = self.chunks[name].codes(start=start, stop=stop)
        if len(codes) and codes.min() < 0:
            na = codes < 0
            codes = np.where(na, np.int32(design.modes[idx]), codes)
            if design.skip_na:
                usable &= ~na
        return codes

    def _numbers(self, which: I64, start: int, out: F64, usable: Mask) -> None:
        """Read many columns of few rows as `_number` reads one."""
        design = self.design
        floats_of_chunks([self.chunks[design.numerics[i]] for i in which.tolist()], out, start)
        na = np.isnan(out)
        if na.any():
            np.copyto(out, design.fills[which][:, None], where=na)
            if design.skip_na:
                usable &= ~na.any(axis=0)
        if self.standardise:
            out -= design.shift[which][:, None]
            out *= design.scale[which][:, None]

    def _number(self, idx: int, start: int, stop: int, out: F64, usable: Mask) -> None:
        """Read one column into `out`, NA filled in.   OUT: usable, where NA rows are skipped."""
        design, name = self.design, self.design.numerics[idx]
        if name in design.derived:
            out[:] = self._derived(name, start, stop)
        else:
            self.chunks[name].floats(out, start, stop)
        if np.isnan(np.add.reduce(out)):
            na = np.isnan(out)
            out[na] = design.fills[idx]
            if design.skip_na:
                usable &= ~na
        if self.standardise:
            out -= design.shift[idx]
            out *= design.scale[idx]
