"""Schemas of Rapids and of the frame makers."""
# ruff: noqa: RUF009 (the calls make fields)

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .base import Key, Request, Schema, both, gives, takes


@dataclass(kw_only=True)
class RapidsSchemaV3(Request):
    """A Rapids expression."""

    ast: str | None = takes("string", None, "Rapids expression.", required=True)
    session_id: str | None = takes("string", None, "Key of the session.")
    id: str | None = takes("string")


@dataclass(kw_only=True)
class AssemblyV99(Request):
    """Steps that change a frame, and the frame that they give."""

    schema_version: ClassVar[int] = 99
    schema_type: ClassVar[str] = "Assembly"

    steps: list[str] | None = takes("string[]", None, "The steps, in order.", required=True)
    frame: Key | None = takes("Key<Frame>", None, "Key of the frame.", required=True)
    result: Key | None = gives("Key<Frame>", None, "Key of the changed frame.")
    assembly: Key | None = gives("Key<Assembly>", None, "Name of the assembly.")


@dataclass(kw_only=True)
class RapidsFrameV3(RapidsSchemaV3):
    """A frame as result."""

    key: Key | None = gives("Key<Frame>", None, "Key in the store.")
    num_rows: int = gives("long", 0)
    num_cols: int = gives("int", 0)


@dataclass(kw_only=True)
class RapidsMapFrameV3(RapidsSchemaV3):
    """Several frames as result."""

    frames: list[Any] | None = gives("RapidsFrameV3[]")
    map_keys: Any = gives("RapidsStringsV3")


@dataclass(kw_only=True)
class RapidsNumberV3(RapidsSchemaV3):
    """A number as result."""

    scalar: float = gives("double", 0.0)


@dataclass(kw_only=True)
class RapidsNumbersV3(RapidsSchemaV3):
    """Numbers as result."""

    scalar: list[Any] | None = gives("double[]")


@dataclass(kw_only=True)
class RapidsStringV3(RapidsSchemaV3):
    """A text as result."""

    string: str | None = gives("string")


@dataclass(kw_only=True)
class RapidsStringsV3(RapidsSchemaV3):
    """Texts as result."""

    string: list[Any] | None = gives("string[]")


@dataclass(kw_only=True)
class RapidsFunctionV3(RapidsSchemaV3):
    """A function as result."""

    funstr: str | None = gives("string")


@dataclass(kw_only=True)
class CreateFrameV3(Request):
    """Request to make a frame of random values."""

    schema_type: ClassVar[str] = "CreateFrame"

    dest: Key | None = both("Key<Frame>", None, "Key of the result.")
    rows: int = both("long", 10000, "How many rows.")
    cols: int = both("int", 10, "How many columns.")
    seed: int = both("long", -1, "Seed of the random numbers.")
    seed_for_column_types: int = both("long", -1)
    randomize: bool = both("boolean", True)
    value: int = both("long", 0)
    real_range: int = both("long", 100)
    categorical_fraction: float = both("double", 0.2, "Fraction of categorical columns.")
    factors: int = both("int", 100, "Levels of each categorical column.")
    integer_fraction: float = both("double", 0.2, "Fraction of integer columns.")
    integer_range: int = both("long", 100)
    binary_fraction: float = both("double", 0.1, "Fraction of binary columns.")
    binary_ones_fraction: float = both("double", 0.02)
    time_fraction: float = both("double", 0.0, "Fraction of time columns.")
    string_fraction: float = both("double", 0.0, "Fraction of string columns.")
    missing_fraction: float = both("double", 0.01, "Fraction of NA.")
    has_response: bool = both("boolean", False)
    response_factors: int = both("int", 2)
    positive_response: bool = both("boolean", False)
    key: Key | None = gives("Key<Job>", None, "Key in the store.")


@dataclass(kw_only=True)
class SplitFrameV3(Schema):
    """Request to split a frame by ratios."""

    schema_type: ClassVar[str] = "SplitFrame"

    key: Key | None = takes("Key<Job>", None, "Key in the store.")
    dataset: Key | None = takes("Key<Frame>", None, "Key of the frame.")
    ratios: list[Any] | None = takes("double[]", None, "Fractions of the parts.")
    destination_frames: list[Any] | None = both(
        "Key<Frame>[]", None, "Keys under which the files can be parsed."
    )


@dataclass(kw_only=True)
class InteractionV3(Request):
    """Request to cross categorical columns."""

    schema_type: ClassVar[str] = "Interaction"

    dest: Key | None = both("Key<Frame>", None, "Key of the result.")
    source_frame: Key | None = both("Key<Frame>", None, "Key of the frame.")
    factor_columns: list[Any] | None = both("string[]", None, "Columns to cross.")
    pairwise: bool = both("boolean", False, "Cross each pair rather than all at once.")
    max_factors: int = both(
        "int", 100, "At most so many levels; the rest become one.", required=True
    )
    min_occurrence: int = both("int", 1, "Levels that occur less often are merged.")


@dataclass(kw_only=True)
class MissingInserterV3(Request):
    """Request to put NA into a frame."""

    schema_type: ClassVar[str] = "MissingInserter"

    dataset: Key | None = takes("Key<Frame>", None, "Key of the frame.", required=True)
    fraction: float = takes(
        "double", 0.0, "Fraction of the values to replace by NA.", required=True
    )
    seed: int = takes("long", -366087529376458279, "Seed of the random numbers.")
