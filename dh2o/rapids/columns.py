"""Lazy columns and tables: what an expression is while nothing has been computed yet.

A Column is a type and an element-wise formula over stored columns, values in this process, and
constants. A Table is named Columns of one length. Making, selecting, renaming and combining
Tables costs no task; a pass (see `passes`) turns formulas into numbers or blocks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from dh2o.errors import RapidsError
from dh2o.frame import Frame, Vec, VecType

if TYPE_CHECKING:
    from dh2o.mrtask import ColumnRef
    from dh2o.rapids.kernels import F64

__all__ = ["Column", "Const", "Expr", "Local", "Op", "Stored", "Table", "constant", "local_table"]

MAX_OPS = 256  # operations in one formula; a longer one is computed before it grows further


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """A column that lies in blocks. `kind` is how a tile reads it: number, string, uuid, row, na.

    The tile of "na" has 1 where the column is NA, and 0 elsewhere.
    """

    ref: ColumnRef
    kind: str
    n_ops: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Local:
    """A column with its values here: float64 (enum codes too, NA is NaN) or Arrow strings."""

    values: Any
    n_ops: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Const:
    """One number for all rows (NaN for NA)."""

    value: float
    n_ops: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Op:
    """A tile operation by name, on formulas, with parameters that are the same for all rows."""

    name: str
    args: tuple[Expr, ...]
    params: tuple[Any, ...] = ()
    n_ops: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_ops", 1 + sum(arg.n_ops for arg in self.args))


Expr: TypeAlias = Stored | Local | Const | Op


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """A type and a formula. `vec` is set while the column is exactly a stored one."""

    type: VecType
    expr: Expr
    domain: tuple[str, ...] | None = None
    vec: Vec | None = None

    @property
    def is_enum(self) -> bool:
        return self.type is VecType.ENUM

    @property
    def is_string(self) -> bool:
        return self.type is VecType.STRING

    @property
    def is_number(self) -> bool:
        """True for numbers only: no time, no enum."""
        return self.type is VecType.NUMERIC

    @property
    def is_numberlike(self) -> bool:
        """True for numbers and times."""
        return self.type in (VecType.NUMERIC, VecType.TIME)

    def with_domain(self, domain: Iterable[str] | None) -> Column:
        """Return the same codes under other levels."""
        levels = None if domain is None else tuple(domain)
        vec = None if self.vec is None else replace(self.vec, domain=levels, source=None)
        return replace(self, domain=levels, vec=vec)

    def then(self, name: str, *params: Any, type: VecType = VecType.NUMERIC) -> Column:  # noqa: A002
        """Return the column of an operation applied to this one."""
        return Column(type, Op(name, (self.expr,), params))


def na_flag(column: Column) -> Expr:
    """Return the formula that is 1 where a column is NA, 0 elsewhere; stored values stay packed."""
    expr = column.expr
    if isinstance(expr, Stored) and expr.kind != "row":
        return Stored(expr.ref, "na")
    return Op("isna" if column.is_numberlike or column.is_enum else "is_na", (expr,))


def numeric(expr: Expr) -> Column:
    """Return the number column of a formula."""
    return Column(VecType.NUMERIC, expr)


def constant(value: float | str | None) -> Column:
    """Return a column with one value: a number, a text (an enum of one level), or NA."""
    if isinstance(value, str):
        return Column(VecType.ENUM, Const(0.0), (value,))
    return numeric(Const(math.nan if value is None else float(value)))


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Named columns of one length. `layout` is None when all values are in this process."""

    names: tuple[str, ...]
    columns: tuple[Column, ...]
    n_rows: int
    layout: tuple[int, ...] | None
    key: str | None = None
    frame: Frame | None = None  # set when the table is exactly this stored frame

    @classmethod
    def of(cls, frame: Frame) -> Table:
        """Return the table of a stored frame."""
        columns = tuple(_stored(vec) for vec in frame.vecs)
        return cls(frame.names, columns, frame.n_rows, tuple(frame.layout), frame.key, frame)

    @property
    def n_cols(self) -> int:
        return len(self.columns)

    @property
    def is_local(self) -> bool:
        return self.layout is None

    @property
    def n_ops(self) -> int:
        return max((column.expr.n_ops for column in self.columns), default=0)

    def like(self, names: Sequence[str], columns: Sequence[Column]) -> Table:
        """Return a table of other columns with this one's rows."""
        return Table(tuple(names), tuple(columns), self.n_rows, self.layout)

    def select(self, indices: Iterable[int]) -> Table:
        """Return these columns, in this order."""
        idx = list(indices)
        return self.like(unique_names([self.names[i] for i in idx]), [self.columns[i] for i in idx])

    def index(self, name: str) -> int:
        """Return the position of a column."""
        if name not in self.names:
            some = ", ".join(map(repr, self.names[:8]))
            raise RapidsError(f"Column {name!r} not found. Columns: {some}.")
        return self.names.index(name)

    def only(self, what: str) -> Column:
        """Return the column of a table that has to have exactly one."""
        if self.n_cols != 1:
            raise RapidsError(f"{what} needs a frame of one column, found {self.n_cols}.")
        return self.columns[0]


def _stored(vec: Vec) -> Column:
    kind = {VecType.STRING: "string", VecType.UUID: "uuid"}.get(vec.type, "number")
    return Column(vec.type, Stored(vec.ref, kind), vec.domain, vec)


def local_table(
    names: Sequence[str],
    values: Sequence[F64 | Any],
    types: Sequence[VecType] | None = None,
    domains: Sequence[Iterable[str] | None] | None = None,
) -> Table:
    """Return the table of values in this process."""
    n_rows = len(values[0]) if len(values) else 0
    kinds = types or [VecType.NUMERIC] * len(names)
    levels = domains or [None] * len(names)
    columns = []
    for kind, data, domain in zip(kinds, values, levels, strict=True):
        held = data if kind in (VecType.STRING, VecType.UUID) else np.asarray(data, np.float64)
        columns.append(Column(kind, Local(held), None if domain is None else tuple(domain)))
    return Table(tuple(names), tuple(columns), n_rows, None)


def unique_names(names: Sequence[str]) -> list[str]:
    """Return the names, a repeated one with a number behind it, as H2O does (a, a0, a1)."""
    taken: set[str] = set()
    out = []
    for name in names:
        new, n = name, 0
        while new in taken:
            new, n = f"{name}{n}", n + 1
        taken.add(new)
        out.append(new)
    return out


def default_names(n_cols: int) -> list[str]:
    """Return C1, C2, ..."""
    return [f"C{i + 1}" for i in range(n_cols)]
