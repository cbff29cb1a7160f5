"""Key columns packed into integers: one compare, one sort, one table slot for a whole key.

Each key column becomes a field of bits: the level of a category, the place of a number on the
decimal grid from its smallest value to its largest, or the 64 bits of a double in an integer of the
same order. 0 is NA, so NA come first in either direction. Fields fill 64-bit words from the left
column to the right one; the words compare as the keys do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce as folded
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks import Block, Chunk, Kind, encode_floats, encode_ints
from dh2o.chunks.bits import unpack_into
from dh2o.chunks.bounds import GridBounds, bounds_of_floats, grid_bounds
from dh2o.chunks.codec import read_only
from dh2o.chunks.places import few_values, places_chunk, plain_grid
from dh2o.rapids.columns import Column, Table
from dh2o.rapids.kernels import F64
from dh2o.rapids.passes import BlockTiles, TileTask, reduce
from dh2o.rapids.program import Program

__all__ = ["KeyLayout", "KeyTiles", "Stretch", "bounds_of", "key_layout"]

I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]

WORD_BITS = 64


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows of a chunk, undecoded."""

    chunk: Chunk
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    def floats(self, out: F64 | None = None) -> F64:
        """Return the rows as doubles, in `out` if that is given."""
        return self.chunk.floats(out, self.start, self.stop)


class KeyTiles(BlockTiles):
    """The tiles of a block, of which stored columns that are only outputs stay packed.

    They are looked for among the first `n_outputs`.
    """

    __slots__ = ("_packed",)

    def __init__(self, block: Block, program: Program, n_outputs: int) -> None:
        super().__init__(block)
        self._packed = _only_outputs(program, n_outputs)

    def read(self, source: int, kind: str, start: int, stop: int, out: F64) -> Any:
        """Return rows of a source as `BlockTiles` does, or a stretch of a chunk."""
        if source in self._packed:
            return Stretch(self.chunk(source), start, stop)
        return super().read(source, kind, start, stop, out)


def _only_outputs(program: Program, n_outputs: int) -> set[int]:
    """Return the stored columns that are among the first outputs, and nothing else."""
    used = {arg for step in program.steps for arg in step.args} | set(program.outputs[n_outputs:])
    numbers = {i for i, kind in enumerate(program.kinds) if kind == "number"}
    first = {output for output in program.outputs[:n_outputs] if isinstance(output, int)}
    return (first & numbers) - used


_TOP = np.uint64(1 << 63)


@dataclass(frozen=True, slots=True)
class KeyField:
    """Where the bits of a key column lie. `n_codes` is 0 for doubles, which fill a word."""

    word: int
    shift: int
    n_bits: int
    lowest: int
    n_codes: int
    decimals: int
    down: bool

    def pack(self, values: F64 | Stretch, words: Any) -> None:
        """Write the codes of `values` into `words` (words x rows), which have the bits for them."""
        out = words[self.word]
        if isinstance(values, Stretch):
            self._pack_stretch(values, out)
        else:
            self._pack_floats(values, out)

    def _pack_floats(self, values: F64, out: Any) -> None:
        from dh2o.rapids import key_kernels

        held = read_only(np.ascontiguousarray(values))
        if not self.n_codes:
            key_kernels.pack_real(held, self.down, out)
            return
        power = 10.0**self.decimals
        shape = (self.lowest, self.n_codes, self.down, self.shift)
        key_kernels.pack_grid(held, power, *shape, out)

    def _pack_stretch(self, stretch: Stretch, out: Any) -> None:
        """Write the codes of a chunk's rows, from its own codes where that is possible."""
        from dh2o.rapids import key_kernels

        chunk, start, stop = stretch.chunk, stretch.start, stretch.stop
        grid = plain_grid(chunk)
        if grid is not None and self.n_codes and grid.decimals == self.decimals:
            raw = chunk.stored.buffers[0][start:stop]
            na_code = grid.na_code if grid.has_na else -1
            shape = (grid.bias - self.lowest + 1, self.n_codes, self.down, self.shift)
            key_kernels.pack_codes(raw, na_code, *shape, out)
            return
        few = few_values(chunk)
        if few is None:
            self._pack_floats(stretch.floats(), out)
            return
        table = np.zeros(len(few.values), dtype=out.dtype)
        self._pack_floats(few.values, table)
        if not few.width:
            out |= table
            return
        found = np.empty(stop - start, dtype=out.dtype)
        unpack_into(few.codes, few.width, table, start, found)
        out |= found

    def codes(self, words: U64) -> U64:
        """Return the codes that lie in `words`: 0 is NA."""
        if self.n_bits == WORD_BITS:
            return words[self.word]
        return (words[self.word] >> np.uint64(self.shift)) & np.uint64((1 << self.n_bits) - 1)

    def chunk(self, words: U64, kind: Kind) -> Chunk:
        """Return the values whose codes lie in `words`, encoded."""
        if not self.n_codes or self.down:
            return encode_floats(self.unpack(words))
        codes = self.codes(words)
        made = places_chunk(codes, self.lowest, self.decimals, kind)
        if made is not None:
            return made
        if self.decimals:
            return encode_floats(self.unpack(words))
        return Chunk.retype(encode_ints(codes.view(np.int64) + (self.lowest - 1), codes == 0), kind)

    def unpack(self, words: U64) -> F64:
        """Return the values whose codes lie in `words`."""
        if not self.n_codes:
            return self._unpack_real(words[self.word])
        from dh2o.rapids import key_kernels

        last = self.lowest + self.n_codes  # the one after the largest
        add, sign = (last, -1) if self.down else (self.lowest - 1, 1)
        word = read_only(np.ascontiguousarray(words[self.word]))
        shape = (self.shift, np.uint64((1 << self.n_bits) - 1), add, sign, 10.0**self.decimals)
        values = np.empty(len(word))
        key_kernels.unpack_grid(word, *shape, values)
        return values

    def _unpack_real(self, word: U64) -> F64:
        bits = np.where(word & _TOP, word ^ _TOP, ~word)
        values = bits.view(np.float64).copy()
        if self.down:
            values = 0.0 - values
        values[word == 0] = np.nan
        return values


@dataclass(frozen=True, slots=True)
class KeyLayout:
    """How key columns become words."""

    fields: tuple[KeyField, ...]
    word_bits: tuple[int, ...]

    @classmethod
    def of(cls, bounds: Sequence[GridBounds], down: Sequence[bool]) -> KeyLayout:
        """Return the layout of columns within `bounds`; those on no grid take a word each."""
        bits = [64 if b.decimals < 0 else max(1, b.n_codes).bit_length() for b in bounds]
        word_of: list[int] = []
        word_bits: list[int] = []
        for n_bits in bits:
            if not word_bits or word_bits[-1] + n_bits > WORD_BITS:
                word_bits.append(0)
            word_bits[-1] += n_bits
            word_of.append(len(word_bits) - 1)
        fields = []
        left = list(word_bits)
        for n_bits, word, b, is_down in zip(bits, word_of, bounds, down, strict=True):
            left[word] -= n_bits
            on_grid = b.decimals >= 0
            shape = (b.low, max(1, b.n_codes), b.decimals) if on_grid else (0, 0, 0)
            fields.append(KeyField(word, left[word], n_bits, *shape, is_down))
        return cls(tuple(fields), tuple(word_bits))

    @property
    def n_words(self) -> int:
        return len(self.word_bits)

    def pack(self, columns: Sequence[F64 | Stretch], words: Any) -> None:
        """Write the keys of rows into `words`, which come zeroed (words x rows)."""
        for field, values in zip(self.fields, columns, strict=True):
            field.pack(values, words)

    def packed(self, columns: Sequence[F64], n_rows: int) -> U64:
        """Return the keys of rows (words x rows)."""
        words = np.zeros((self.n_words, n_rows), dtype=np.uint64)
        self.pack(columns, words)
        return words

    def unpack(self, words: U64) -> list[F64]:
        """Return the key columns of packed keys."""
        return [field.unpack(words) for field in self.fields]

    def unknown(self, words: U64) -> NDArray[np.bool_]:
        """Return True for keys of which some column is NA."""
        out = np.zeros(words.shape[1], dtype=np.bool_)
        for field in self.fields:
            out |= field.codes(words) == 0
        return out


@dataclass(frozen=True)
class BoundsTask(TileTask[tuple[GridBounds, ...], tuple[GridBounds, ...]]):
    """The bounds of every output; of stored columns by what their chunks say of themselves."""

    def map(self, block: Block) -> tuple[GridBounds, ...]:
        if self.program.steps or any(isinstance(o, tuple) for o in self.program.outputs):
            return self.fold_tiles(BlockTiles(block))
        return tuple(
            grid_bounds(block.chunks[o]) for o in self.program.outputs if isinstance(o, int)
        )

    def begin(self) -> tuple[GridBounds, ...]:
        return (GridBounds(),) * len(self.program.outputs)

    def add(self, partial: tuple[GridBounds, ...], values: list[Any]) -> tuple[GridBounds, ...]:
        found = (bounds_of_floats(v) for v in values)
        return tuple(a | b for a, b in zip(partial, found, strict=True))

    def combine(
        self, a: tuple[GridBounds, ...], b: tuple[GridBounds, ...]
    ) -> tuple[GridBounds, ...]:
        return tuple(x | y for x, y in zip(a, b, strict=True))

    def finish(self, total: tuple[GridBounds, ...] | None) -> tuple[GridBounds, ...]:
        return self.begin() if total is None else total


def bounds_of(table: Table, columns: Sequence[Column]) -> list[GridBounds]:
    """Return the bounds of columns: of categories from their levels, of numbers from a pass.

    A stored column of numbers keeps them.
    """
    known = [_known_bounds(c) for c in columns]
    unknown = [i for i, one in enumerate(known) if one is None]
    if unknown:
        passed = reduce(table, [columns[i].expr for i in unknown], BoundsTask)
        for i, one in zip(unknown, passed, strict=True):
            known[i] = one
            if (vec := columns[i].vec) is not None:
                vec.cell.bounds = one
    return [one for one in known if one is not None]


def _known_bounds(column: Column) -> GridBounds | None:
    if column.is_enum:
        return GridBounds(0, len(column.domain or ()) - 1)
    return None if column.vec is None else column.vec.cell.bounds


def key_layout(
    sides: Sequence[tuple[Table, Sequence[Column]]], down: Sequence[bool] | None = None
) -> KeyLayout:
    """Return the one layout for the key columns of one table, or of several to be compared."""
    of_sides = [bounds_of(table, columns) for table, columns in sides]
    bounds = [folded(GridBounds.__or__, of_column) for of_column in zip(*of_sides, strict=True)]
    return KeyLayout.of(bounds, down or [False] * len(bounds))
