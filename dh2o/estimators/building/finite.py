"""Columns of numbers whose squared deviations can be added up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dh2o.errors import ModelError

if TYPE_CHECKING:
    from dh2o.frame import Frame
    from dh2o.frame.rollups import Rollups

__all__ = ["finite_rollups"]

#: Squares of smaller deviations have few digits left, or none.
_NARROWEST = 1e-150


def finite_rollups(frame: Frame, names: Sequence[str], lack: str) -> list[Rollups]:
    """Return the statistics of numeric columns, or raise `ModelError` where they are out of range.

    `lack` says what infinite values do not have, e.g. "no distance to a centre".
    """
    found = frame.select(list(names)).rollups() if names else []
    for name, stats in zip(names, found, strict=True):
        if stats.n_pinf + stats.n_ninf:
            raise ModelError(
                f"Column {name!r} holds infinite values, which have {lack}. "
                "Replace them or leave the column out."
            )
        if math.isinf(stats.sigma) or math.isinf(stats.mean):
            raise ModelError(
                f"Column {name!r} is too spread out, from {stats.min:g} to {stats.max:g}: its "
                "squares do not fit into doubles. Scale it down."
            )
        if stats.min < stats.max and stats.sigma < _NARROWEST:
            raise ModelError(
                f"Column {name!r} is too narrow, from {stats.min:g} to {stats.max:g}: squares of "
                "its deviations vanish in doubles. Scale it up."
            )
    return found
