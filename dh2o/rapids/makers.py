"""Makers: frames of random values, NA punched into a frame, categorical columns crossed.

Everything random is drawn from (seed, column, block), so results do not depend on the cluster.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks import Block, Chunk, encode_codes, encode_floats, encode_ints, encode_strings
from dh2o.errors import FrameError, ParameterError
from dh2o.frame import Frame, VecType, layout_for
from dh2o.mrtask import MRTask, current_engine

__all__ = ["CreateFrameSpec", "create_frame", "insert_missing", "interaction", "type_fractions"]

_FIFTY_YEARS_MS = 50 * 365 * 24 * 3600 * 1000
_STRING_LENGTH = 8
_MAX_FACTORS = 10_000_000
_MAX_RESPONSE_FACTORS = 1000
_ALPHABET = np.frombuffer(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", np.uint8
)

I64 = NDArray[np.int64]
Counts = tuple[I64, I64, I64]


@dataclass(frozen=True)
class CreateFrameSpec:
    """What a frame of random values is to be like; names and defaults as in H2O."""

    rows: int = 10_000
    cols: int = 10
    seed: int = -1
    seed_for_column_types: int = -1
    randomize: bool = True
    value: float = 0
    real_range: float = 100
    categorical_fraction: float = 0.2
    factors: int = 100
    integer_fraction: float = 0.2
    integer_range: int = 100
    binary_fraction: float = 0.1
    binary_ones_fraction: float = 0.02
    time_fraction: float = 0.0
    string_fraction: float = 0.0
    missing_fraction: float = 0.01
    has_response: bool = False
    response_factors: int = 2
    positive_response: bool = False

    def check(self) -> None:
        """Raise ParameterError when the spec contradicts itself."""
        for name in (
            *("categorical", "integer", "binary", "time", "string", "missing", "binary_ones"),
        ):
            fraction = getattr(self, f"{name}_fraction")
            if not 0 <= fraction <= 1:
                raise ParameterError(f"{name}_fraction: expected 0 to 1, got {fraction}.")
        if self._fixed_fraction > 1.00000001:
            raise ParameterError(
                "Integer, binary, categorical, time and string fractions must add up to at most 1."
            )
        if self.rows <= 0 or self.cols <= 0:
            raise ParameterError("rows and cols: expected numbers above 0.")
        if self.categorical_fraction > 0 and not 1 < self.factors <= _MAX_FACTORS:
            raise ParameterError(f"factors: expected 2 to {_MAX_FACTORS}, got {self.factors}.")
        if not 1 <= self.response_factors <= _MAX_RESPONSE_FACTORS:
            raise ParameterError(f"response_factors: expected 1 to {_MAX_RESPONSE_FACTORS}.")
        if self.randomize and self.value != 0:
            raise ParameterError("value: a constant value needs randomize=False.")
        if not self.randomize and self._fixed_fraction > 0:
            raise ParameterError("Fractions of column types need randomize=True.")

    @property
    def _fixed_fraction(self) -> float:
        return (
            self.categorical_fraction
            + self.integer_fraction
            + self.binary_fraction
            + self.time_fraction
            + self.string_fraction
        )

    def kinds(self, seed: int) -> list[str]:
        """Return the kind of each predictor column, in an order drawn from the seed."""
        counts = {
            kind: int(getattr(self, f"{kind}_fraction") * self.cols + 0.1)
            for kind in ("categorical", "integer", "binary", "time", "string")
        }
        kinds = [kind for kind, count in counts.items() for _ in range(count)][: self.cols]
        kinds += ["real"] * (self.cols - len(kinds))
        order = np.random.default_rng(_entropy(seed, -1, 0)).permutation(self.cols)
        return [kinds[i] for i in order]


_SHARES = {
    "real": 0.5,
    "categorical": 0.2,
    "integer": 0.2,
    "binary": 0.1,
    "time": 0.0,
    "string": 0.0,
}


def type_fractions(given: Mapping[str, float | None]) -> dict[str, float]:
    """Return the share of columns of every type: those given, and the rest by H2O's weights.

    Raises
    ------
    ParameterError
        The given shares add up to more than 1, or all are given and add up to less.
    """
    known = {kind: share for kind, share in given.items() if share is not None}
    rest = 1.0 - sum(known.values())
    free = [kind for kind in _SHARES if kind not in known]
    if rest < -1e-10 or (rest > 1e-10 and not free):
        raise ParameterError(
            "The fractions of real, categorical, integer, binary, time and string columns must "
            f"add up to 1; those given add up to {1.0 - rest:g}."
        )
    if rest <= 1e-10:
        return {kind: known.get(kind, 0.0) for kind in _SHARES}
    weight = sum(_SHARES[kind] for kind in free)
    for kind in free:
        known[kind] = rest * _SHARES[kind] / weight if weight else rest / len(free)
    return known


def create_frame(spec: CreateFrameSpec) -> Frame:
    """Return a frame of random values (not stored): the response first, then C1 and on."""
    spec.check()
    seed = secrets.randbits(63) if spec.seed == -1 else spec.seed
    seed_of_kinds = seed if spec.seed_for_column_types == -1 else spec.seed_for_column_types
    kinds = spec.kinds(seed_of_kinds)
    names = [f"C{i + 1}" for i in range(spec.cols)]
    if spec.has_response:
        names.insert(0, "response")
        kinds.insert(0, "response" if spec.response_factors > 1 else "real_response")
    layout = layout_for(spec.rows, spec.rows * len(names) * 8)
    tasks = [(spec, tuple(kinds), seed, block, n) for block, n in enumerate(layout)]
    blocks = current_engine().submit_blocks(_random_block, tasks, layout=layout)
    types = [_TYPES.get(kind, VecType.NUMERIC) for kind in kinds]
    domains = [_domain(spec, kind, i) for i, kind in enumerate(kinds)]
    return Frame.of(names, blocks, types, domains)


_TYPES = {
    "categorical": VecType.ENUM,
    "response": VecType.ENUM,
    "time": VecType.TIME,
    "string": VecType.STRING,
}


def _domain(spec: CreateFrameSpec, kind: str, column: int) -> list[str] | None:
    if kind == "response":
        return [f"resp.{i}" for i in range(spec.response_factors)]
    if kind == "categorical":
        return [f"c{column}.l{i}" for i in range(spec.factors)]
    return None


def _random_block(
    spec: CreateFrameSpec, kinds: tuple[str, ...], seed: int, block: int, n_rows: int
) -> Block:
    chunks = []
    for column, kind in enumerate(kinds):
        rng = np.random.default_rng(_entropy(seed, column, block))
        is_na = rng.random(n_rows) < spec.missing_fraction
        if kind.endswith("response"):
            is_na[:] = False
        chunks.append(_random_chunk(spec, kind, rng, is_na))
    return Block.of(chunks)


def _random_chunk(
    spec: CreateFrameSpec, kind: str, rng: np.random.Generator, is_na: NDArray[np.bool_]
) -> Chunk:
    n = len(is_na)
    if kind in ("categorical", "response"):
        levels = spec.factors if kind == "categorical" else spec.response_factors
        return encode_codes(np.where(is_na, -1, rng.integers(0, levels, n)).astype(np.int32))
    if kind == "integer":
        bound = int(spec.integer_range)
        return encode_ints(rng.integers(-bound, bound, n, endpoint=True), is_na)
    if kind == "binary":
        return encode_ints((rng.random(n) < spec.binary_ones_fraction).astype(np.int64), is_na)
    if kind == "time":
        return encode_ints(rng.integers(0, _FIFTY_YEARS_MS, n), is_na)
    if kind == "string":
        letters = _ALPHABET[rng.integers(0, len(_ALPHABET), (n, _STRING_LENGTH))]
        texts = letters.view(f"S{_STRING_LENGTH}").ravel().astype(str)
        return encode_strings([None if na else str(t) for t, na in zip(texts, is_na, strict=True)])
    if not spec.randomize:
        return encode_floats(np.where(is_na, np.nan, float(spec.value)))
    low = 0.0 if kind == "real_response" and spec.positive_response else -float(spec.real_range)
    values = rng.uniform(low, float(spec.real_range), n)
    return encode_floats(np.where(is_na, np.nan, values))


def _entropy(seed: int, *counters: int) -> np.random.SeedSequence:
    words = [seed & (2**64 - 1), *(counter + 2 for counter in counters)]
    return np.random.SeedSequence(words)


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
            rng = np.random.default_rng(_entropy(self.seed, column, block.index))
            chunks.append(_with_na(chunk, rng.random(block.n_rows) < self.fraction))
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
