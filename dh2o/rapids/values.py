"""What an expression gives: numbers, strings, lists of them, frames, functions, models."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dh2o.frame import Frame
from dh2o.rapids.columns import Table
from dh2o.rapids.tree import Lambda, NumList

__all__ = [
    "Val",
    "ValFrame",
    "ValFun",
    "ValKeyed",
    "ValMapFrame",
    "ValNum",
    "ValNums",
    "ValRow",
    "ValStr",
    "ValStrs",
]


@dataclass(frozen=True, slots=True)
class ValNum:
    """A number; booleans are 0 and 1, NA is NaN."""

    value: float
    kind = "number"


@dataclass(frozen=True, slots=True)
class ValNums:
    """A list of numbers; spans are expanded when somebody needs all of them."""

    node: NumList
    kind = "list of numbers"

    @classmethod
    def of(cls, values: Iterable[float]) -> ValNums:
        """Return the list of these numbers."""
        return cls(NumList.of(values))

    @property
    def values(self) -> NDArray[np.float64]:
        """All numbers."""
        return self.node.expand()

    def __len__(self) -> int:
        return len(self.node)


@dataclass(frozen=True, slots=True)
class ValStr:
    """A string."""

    value: str
    kind = "string"


@dataclass(frozen=True, slots=True)
class ValStrs:
    """A list of strings."""

    values: tuple[str, ...]
    kind = "list of strings"


@dataclass(slots=True)
class ValFrame:
    """A table, lazy until `frame` is asked for."""

    table: Table
    kind = "frame"

    @property
    def frame(self) -> Frame:
        """The evaluated frame; its blocks are computed at most once."""
        from dh2o.rapids.passes import store

        self.table = store(self.table)
        if self.table.frame is None:  # pragma: no cover - store always sets it
            raise AssertionError
        return self.table.frame

    @property
    def key(self) -> str | None:
        """The key under which the frame is stored, None for an unnamed one."""
        return self.table.key

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.table.n_rows

    @property
    def n_cols(self) -> int:
        """Number of columns."""
        return self.table.n_cols


@dataclass(frozen=True, slots=True)
class ValRow:
    """Each row of a frame by itself, in a function that is applied row-wise.

    All rows are computed side by side: an operation on a row is one on the columns of `table`.
    """

    table: Table
    kind = "row"


@dataclass(frozen=True, slots=True)
class ValFun:
    """A function: a primitive, or a lambda with the arguments that were visible where it stands."""

    name: str
    body: Lambda | None = None
    scope: Any = None
    kind = "function"


@dataclass(frozen=True, slots=True)
class ValKeyed:
    """Something else that is stored under a key: a model, a grid."""

    key: str
    value: Any
    kind = "model"


@dataclass(frozen=True, slots=True)
class ValMapFrame:
    """Named frames."""

    frames: dict[str, ValFrame] = field(default_factory=dict)
    kind = "map of frames"


Val: TypeAlias = (
    ValNum | ValNums | ValStr | ValStrs | ValFrame | ValRow | ValFun | ValKeyed | ValMapFrame
)
PrimitiveFunction: TypeAlias = Callable[..., Val]
