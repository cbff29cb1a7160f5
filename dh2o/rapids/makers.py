"""Makers: NA punched into a frame, categorical columns crossed."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks import Block, Chunk, encode_codes, encode_floats, encode_ints, encode_strings
from dh2o.errors import FrameError, ParameterError
from dh2o.frame import Frame, VecType
from dh2o.frame.random_words import seeds_of_rows, uniforms, wrapped
from dh2o.mrtask import MRTask

__all__ = ["insert_missing", "interaction", "struck_rows"]

I64 = NDArray[np.int64]
Counts = tuple[I64, I64, I64]


def struck_rows(
    seed: int, column: int, start: int, n_rows: int, fraction: float
) -> NDArray[np.bool_]:
    """Return which rows of a column H2O replaces by NA: a function of seed, column and row."""
    seeds = seeds_of_rows(0, 1723, start, n_rows) ^ wrapped(seed + 1234 * column)
    return uniforms(seeds) < fraction


def insert_missing(frame: Frame, fraction: float, seed: int) -> Frame:
    """Return `frame` with each value replaced by NA with probability `fraction`."""
    if not 0 <= fraction <= 1:
        raise ParameterError(f"fraction: expected 0 to 1, got {fraction}.")
    drawn = secrets.randbits(63) if seed == -1 else seed
    types = [vec.type for vec in frame.vecs]
    domains = [vec.domain for vec in frame.vecs]
    return _InsertMissing(fraction, drawn).new_frame(frame, frame.names, types, domains=domains)


class _InsertMissing(MRTask[tuple[Chunk, ...], Any]):
    """Replaces values by NA."""

    __slots__ = ("fraction", "seed")

    def __init__(self, fraction: float, seed: int) -> None:
        self.fraction = fraction
        self.seed = seed

    def map(self, block: Block) -> tuple[Chunk, ...]:
        chunks = []
        for column, chunk in enumerate(block.chunks):
            struck = struck_rows(self.seed, column, block.row_start, block.n_rows, self.fraction)
            chunks.append(_with_na(chunk, struck))
        return tuple(chunks)


def _with_na(chunk: Chunk, is_na: NDArray[np.bool_]) -> Chunk:
    if chunk.kind == "code":
        return encode_codes(np.where(is_na, -1, chunk.codes()).astype(np.int32))
    if chunk.kind == "number":
        if chunk.is_integer:
            return encode_ints(chunk.ints(), is_na | chunk.na_mask())
        return encode_floats(np.where(is_na, np.nan, chunk.floats()))
    if chunk.kind == "string":
        texts = chunk.strings().to_pylist()
        return encode_strings([None if na else t for t, na in zip(texts, is_na, strict=True)])
    raise FrameError("NA cannot be put into a uuid column.")


def interaction(
    frame: Frame, columns: Sequence[str], pairwise: bool, max_factors: int, min_occurrence: int
) -> Frame:
    """Return a frame of crossed categorical columns.

    A level of the new column joins one level of each; levels go by falling count, equal ones by
    the exclusive or of their codes, as in H2O's hash map, then by their first row. Beyond
    `max_factors`, and below `min_occurrence`, they become ``other``.
    """
    if not columns:
        raise ParameterError("factor_columns: the columns to cross are needed.")
    if max_factors < 1:
        raise ParameterError(f"max_factors: expected 1 or more, got {max_factors}.")
    for name in columns:
        if name not in frame.names:
            raise ParameterError(f"Column {name} not found.")
        if frame.vec(name).type is not VecType.ENUM:
            raise ParameterError(f"Column {name} is not categorical. Use asfactor() first.")
    crossed = list(combinations(columns, 2)) if pairwise and len(columns) > 2 else [tuple(columns)]
    parts = [_cross(frame, group, max_factors, min_occurrence) for group in crossed]
    return parts[0].cbind(*parts[1:]) if len(parts) > 1 else parts[0]


def _cross(frame: Frame, names: Sequence[str], max_factors: int, min_occurrence: int) -> Frame:
    part = frame.select(list(names))
    domains = [tuple(vec.domain or ()) for vec in part.vecs]
    sizes = tuple(len(domain) + 1 for domain in domains)  # one more for NA
    if float(np.prod([float(s) for s in sizes])) > 2**62:
        raise FrameError(f"Crossing {', '.join(names)} gives more than 2^62 combinations.")
    cells, counts, first_rows = _CountCells(sizes).do_all(part)
    order = np.lexsort((first_rows, _hashes(cells, sizes), -counts))
    cells, counts = cells[order], counts[order]
    kept = cells[:max_factors][counts[:max_factors] >= min_occurrence]
    levels = [_cell_name(int(cell), sizes, domains) for cell in kept]
    if len(kept) < len(cells):
        levels.append("other")
    task = _CodeCells(sizes, kept)
    return task.new_frame(part, ["_".join(names)], [VecType.ENUM], domains=[levels])


def _cells(block: Block, sizes: tuple[int, ...]) -> I64:
    cells = np.zeros(block.n_rows, np.int64)
    for chunk, size in zip(block.chunks, sizes, strict=True):
        codes = chunk.codes().astype(np.int64)
        cells = cells * size + np.where(codes < 0, size - 1, codes)
    return cells


def _hashes(cells: I64, sizes: tuple[int, ...]) -> I64:
    hashes, rest = np.zeros(len(cells), np.int64), cells
    for size in reversed(sizes):
        rest, codes = rest // size, rest % size
        hashes ^= codes
    return hashes


def _cell_name(cell: int, sizes: tuple[int, ...], domains: Sequence[Sequence[str]]) -> str:
    words = []
    for size, domain in zip(reversed(sizes), reversed(domains), strict=True):
        cell, code = divmod(cell, size)
        words.append(domain[code] if code < len(domain) else "NA")
    return "_".join(reversed(words))


class _CountCells(MRTask[Counts, Counts]):
    """Counts the rows of each combination of levels, and finds its first row."""

    __slots__ = ("sizes",)

    def __init__(self, sizes: tuple[int, ...]) -> None:
        self.sizes = sizes

    def map(self, block: Block) -> Counts:
        cells, first, counts = np.unique(
            _cells(block, self.sizes), return_index=True, return_counts=True
        )
        return cells, counts.astype(np.int64), first.astype(np.int64) + block.row_start

    def combine(self, a: Counts, b: Counts) -> Counts:
        cells, where = np.unique(np.concatenate([a[0], b[0]]), return_inverse=True)
        counts = np.zeros(len(cells), np.int64)
        np.add.at(counts, where, np.concatenate([a[1], b[1]]))
        first = np.full(len(cells), np.iinfo(np.int64).max)
        np.minimum.at(first, where, np.concatenate([a[2], b[2]]))
        return cells, counts, first

    def finish(self, total: Counts | None) -> Counts:
        nothing = np.zeros(0, np.int64)
        return total if total is not None else (nothing, nothing, nothing)


class _CodeCells(MRTask[tuple[Chunk, ...], Any]):
    """Replaces combinations by their new codes; all that are not kept get the last one."""

    __slots__ = ("kept", "sizes")

    def __init__(self, sizes: tuple[int, ...], kept: I64) -> None:
        self.sizes = sizes
        self.kept = kept

    def map(self, block: Block) -> tuple[Chunk, ...]:
        if not len(self.kept):
            return (encode_codes(np.zeros(block.n_rows, np.int32)),)
        order = np.argsort(self.kept)
        ranked = self.kept[order]
        cells = _cells(block, self.sizes)
        at = np.minimum(np.searchsorted(ranked, cells), len(ranked) - 1)
        codes = np.where(ranked[at] == cells, order[at], len(self.kept))
        return (encode_codes(codes.astype(np.int32)),)
