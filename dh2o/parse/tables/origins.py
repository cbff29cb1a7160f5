"""Origins: what a column keeps of the type it had in its file, and number types that are forced."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from dh2o.errors import FrameError
from dh2o.frame import Frame
from dh2o.frame.exchange.arrow_types import type_from_name
from dh2o.frame.vec import Source
from dh2o.parse.setup import ENUM, NUMERIC, TIME, ParseSetup

_INT_NAMES = frozenset(("int", "long"))
_REAL_NAMES = frozenset(("float", "real", "double"))


def forced_numbers(setup: ParseSetup, kind: str) -> Iterator[int]:
    """Give the places in the frame of columns that must be "int" or "real" whatever they hold.

    Only with ``force_col_types``: by the types that the user named, or a file of typed columns
    declares.
    """
    if not setup.force_col_types:
        return
    types = setup.types()
    for slot, column in enumerate(setup.kept_columns):
        if types[column] == NUMERIC and _forced(setup, column) == kind:
            yield slot


def _forced(setup: ParseSetup, column: int) -> str | None:
    import pyarrow.types as t

    declared = setup.declared_types or ()
    if column < len(declared):
        own = _kept_type(declared[column])
        if own is None:
            return None
        return "int" if t.is_integer(own) else "real" if t.is_floating(own) else None
    asked = (setup.asked_types or ())[column : column + 1]
    name = (asked[0] or "").lower() if asked else ""
    return "int" if name in _INT_NAMES else "real" if name in _REAL_NAMES else None


def with_origins(frame: Frame, setup: ParseSetup) -> Frame:
    """Return the frame whose columns know the Arrow type that they were declared with."""
    declared = setup.declared_types or ()
    real = set(forced_numbers(setup, "real"))
    vecs = list(frame.vecs)
    for slot, column in enumerate(setup.kept_columns):
        if slot in real:
            origin: Source | None = Source(arrow="double", na_is_nan=True, is_real=True)
        elif column < len(declared):
            origin = _origin_of(declared[column], setup.types()[column])
        else:
            origin = None
        if origin is not None:
            vecs[slot] = replace(vecs[slot], source=origin)
    return replace(frame, vecs=tuple(vecs))


def _origin_of(declared: str, kind: str) -> Source | None:
    """Return what is kept of a declared type: that of numbers, times and truths, if still one."""
    import pyarrow.types as t

    own: Any = _kept_type(declared)
    if own is None:
        return None
    fits = {
        NUMERIC: t.is_integer(own) or t.is_floating(own),
        TIME: t.is_timestamp(own) or t.is_date(own),
        ENUM: t.is_dictionary(own) and t.is_string(own.value_type),
    }
    return Source(arrow=declared) if fits.get(kind) else None


def _kept_type(declared: str) -> Any:
    """Return the Arrow type of that name, None for one that no frame column keeps."""
    try:
        return type_from_name(declared)
    except FrameError:
        return None
