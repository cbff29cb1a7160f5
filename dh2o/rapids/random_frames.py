"""Frames of random values, the ones that real H2O makes of the same seed.

Every cell is drawn from (seed, column, row), so results do not depend on blocks or the cluster.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks import Block, Chunk, encode_codes, encode_floats, encode_ints, encode_strings
from dh2o.errors import ParameterError
from dh2o.frame import Frame, VecType, layout_for
from dh2o.frame.layout import row_starts
from dh2o.frame.random_words import random_words, seeds_of_rows, uniforms, wrapped
from dh2o.mrtask import current_engine
from dh2o.rapids.makers import struck_rows

__all__ = ["CreateFrameSpec", "create_frame", "type_fractions"]

_FIFTY_YEARS_MS = 50 * 365 * 24 * 3600 * 1000
_STRING_LENGTH = 8
_MAX_FACTORS = 10_000_000
_MAX_RESPONSE_FACTORS = 1000

F64 = NDArray[np.float64]
Mask = NDArray[np.bool_]


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
        if self.categorical_fraction > 0 and self.factors <= 1:
            raise ParameterError(f"factors: expected 2 or more, got {self.factors}.")
        if self.factors > _MAX_FACTORS:
            raise ParameterError(
                f"factors: Number of factors must be <= {_MAX_FACTORS:,}, got {self.factors:,}."
            )
        if not 1 <= self.response_factors <= _MAX_RESPONSE_FACTORS:
            raise ParameterError(f"response_factors: expected 1 to {_MAX_RESPONSE_FACTORS}.")
        if self.randomize and self.value != 0:
            raise ParameterError("value: a constant value needs randomize=False.")
        if not self.randomize and self._fixed_fraction > self.binary_fraction:
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
        """Return the kind of each predictor column, dealt by the seed."""
        counts = {
            kind: int(getattr(self, f"{kind}_fraction") * self.cols + 0.1) for kind in _COUNTED
        }
        for kind in _COUNTED:  # tenths added to each may have given one column too many
            if sum(counts.values()) > self.cols and counts[kind]:
                counts[kind] -= 1
        counts["real"] = self.cols - sum(counts.values())
        kinds = [""] * self.cols
        dealt = iter(_dealt(self.cols, seed))
        for kind in _DEALT:
            for _ in range(counts[kind]):
                kinds[next(dealt)] = kind
        return kinds


_COUNTED = ("categorical", "integer", "binary", "time", "string")
_DEALT = ("categorical", "integer", "real", "binary", "time", "string")


def _dealt(n: int, seed: int) -> list[int]:
    """Return 0 … n - 1 shuffled from the inside out, as H2O's seed does it."""
    words = iter(random_words(np.array([wrapped(seed)]), 2 * n)[0].tolist())
    out = [0] * n
    for i in range(1, n):
        bound = i + 1
        at = next(words) % bound  # H2O's threshold against bias is 0 for every bound
        out[i] = out[at]
        out[at] = i
    return out


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
    if not spec.randomize:
        kinds = ["constant"] * len(kinds)
    layout = layout_for(spec.rows, spec.rows * len(names) * 8)
    tasks = [
        (spec, tuple(kinds), seed, start, n)
        for start, n in zip(row_starts(layout), layout, strict=False)
    ]
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
        return [str(i) for i in range(spec.response_factors)]
    if kind == "categorical":
        return [f"c{column}.l{i}" for i in range(spec.factors)]
    return None


def _random_block(
    spec: CreateFrameSpec, kinds: tuple[str, ...], seed: int, start: int, n_rows: int
) -> Block:
    chunks = []
    for column, kind in enumerate(kinds):
        seeds = seeds_of_rows(seed + column, spec.cols, start, n_rows)
        is_na = np.zeros(n_rows, dtype=bool)
        if spec.missing_fraction > 0:
            is_na = struck_rows(seed, column, start, n_rows, spec.missing_fraction)
        chunks.append(_random_chunk(spec, kind, seeds, is_na))
    return Block.of(chunks)


def _random_chunk(
    spec: CreateFrameSpec, kind: str, seeds: NDArray[np.uint64], is_na: Mask
) -> Chunk:
    if kind == "constant":
        return encode_floats(np.where(is_na, np.nan, float(spec.value)))
    if kind == "binary":
        bits = random_words(seeds, 2, again=True)[:, 1] & np.uint32((1 << 24) - 1)
        return encode_ints((bits / (1 << 24) <= spec.binary_ones_fraction).astype(np.int64), is_na)
    if kind == "time":
        words = random_words(seeds, 2, again=True).astype(np.uint64)
        moments = ((words[:, 0] << np.uint64(32)) | words[:, 1]).view(np.int64)
        return encode_ints(np.abs(np.fmod(moments, _FIFTY_YEARS_MS)), is_na)
    if kind == "string":
        letters = random_words(seeds, _STRING_LENGTH, again=True) % np.uint32(25) + np.uint32(65)
        texts = letters.astype(np.uint8).view(f"S{_STRING_LENGTH}").ravel().astype(str)
        return encode_strings([None if na else str(t) for t, na in zip(texts, is_na, strict=True)])
    return _uniform_chunk(spec, kind, uniforms(seeds, again=True), is_na)


def _uniform_chunk(spec: CreateFrameSpec, kind: str, drawn: F64, is_na: Mask) -> Chunk:
    if kind in ("categorical", "response"):
        levels = spec.factors if kind == "categorical" else spec.response_factors
        return encode_codes(np.where(is_na, -1, drawn * levels).astype(np.int32))
    if kind == "integer":
        bound = int(spec.integer_range)
        return encode_ints((drawn * (2 * bound + 1)).astype(np.int64) - bound, is_na)
    if kind == "real_response" and spec.positive_response:
        return encode_floats(np.where(is_na, np.nan, spec.real_range * drawn))
    return encode_floats(np.where(is_na, np.nan, spec.real_range * (1 - 2 * drawn)))
