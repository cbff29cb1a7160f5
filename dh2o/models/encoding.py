"""Categorical columns as the numbers (or fewer levels) that a model was trained on.

The encodings, their column names and their order are H2O's ``categorical_encoding``. An encoding
is a look-up by level, so one step serves a block, a table and a single row alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dh2o.errors import ModelError
from dh2o.models.columns import F64

__all__ = ["Encoding", "EncodingStep"]

_SCHEMES = ("one_hot", "binary", "map")
Domain = tuple[str, ...] | None


@dataclass(frozen=True, eq=False)
class EncodingStep:
    """How one categorical column becomes columns of the model.

    ``one_hot``: a 0/1 column for each level, and one for NA. ``binary``: the bits, lowest first, of
    1 + the level's position, all 0 for NA. ``map``: one column that holds ``values[level]``, NA for
    NA; it is categorical with `domain`, or a number. Levels that are not in `levels` are NA.
    """

    source: str
    levels: tuple[str, ...]
    scheme: str
    names: tuple[str, ...]
    values: F64 | None = None
    domain: Domain = None

    def __post_init__(self) -> None:
        """Check what came from a file."""
        wrong = self.scheme not in _SCHEMES or (self.scheme == "map") != (self.values is not None)
        if wrong or (self.values is not None and len(self.values) != len(self.levels)):
            raise ModelError(f"The encoding of column {self.source!r} is damaged.")

    @classmethod
    def one_hot(cls, source: str, levels: tuple[str, ...]) -> EncodingStep:
        """Return the step to one column for each level and one for NA."""
        names = tuple(f"{source}.{level}" for level in (*levels, "missing(NA)"))
        return cls(source, levels, "one_hot", names)

    @classmethod
    def binary(cls, source: str, levels: tuple[str, ...]) -> EncodingStep:
        """Return the step to the bits of the level's number."""
        n_bits = len(levels).bit_length()
        return cls(source, levels, "binary", tuple(f"{source}:{k}" for k in range(n_bits)))

    def columns(self, codes: F64) -> dict[str, F64]:
        """Return the model's columns of rows whose levels have these codes (NaN for NA)."""
        if self.values is not None:
            return {self.names[0]: _looked_up(self.values, codes)}
        if self.scheme == "one_hot":
            whole = np.where(np.isnan(codes), len(self.levels), codes)
            return {name: (whole == k).astype(np.float64) for k, name in enumerate(self.names)}
        numbers = np.where(np.isnan(codes), 0, codes + 1).astype(np.int64)
        return {n: (numbers >> k & 1).astype(np.float64) for k, n in enumerate(self.names)}


def _looked_up(values: F64, codes: F64) -> F64:
    known = ~np.isnan(codes)
    found = np.full(len(codes), np.nan)
    found[known] = values[codes[known].astype(np.int64)]
    return found


@dataclass(frozen=True, eq=False)
class Encoding:
    """What was done to the training frame: its columns before, and the steps.

    ``names`` and ``domains`` are those of the frame before encoding, special columns included.
    """

    scheme: str
    names: tuple[str, ...]
    domains: tuple[Domain, ...]
    steps: tuple[EncodingStep, ...]

    def encoded_names(self, special: tuple[str, ...]) -> tuple[str, ...]:
        """Return the names after encoding; `special` columns stay at the end.

        One column for one stays in its place; where there are several, they follow the others.
        """
        by_source = {step.source: step for step in self.steps}
        stays = [name for name in self.names if name not in special]
        if all(len(step.names) == 1 and step.values is not None for step in self.steps):
            in_place = (by_source[n].names[0] if n in by_source else n for n in stays)
            return (*in_place, *special)
        numbers = (name for name in stays if name not in by_source)
        made = (name for step in self.steps for name in step.names)
        return (*numbers, *made, *special)

    def domain_of(self, name: str) -> Domain:
        """Return the levels of a column after encoding."""
        for step in self.steps:
            if name in step.names:
                return step.domain
        return self.domains[self.names.index(name)]

    def needed_for(self, offered: dict[str, bool]) -> tuple[EncodingStep, ...]:
        """Return the steps that a frame needs; `offered` says of each column if it is a number.

        A frame may come as the user has it or already encoded. A column that is neither there
        nor encoded counts as one that is missing before encoding.
        """

        def is_encoded(step: EncodingStep) -> bool:
            if step.source in offered and step.source not in step.names:
                return False
            if step.names == (step.source,):
                return offered.get(step.source, False)
            return any(name in offered for name in step.names)

        return tuple(step for step in self.steps if not is_encoded(step))
