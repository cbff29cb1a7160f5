"""Vec: what is known of one column besides its values, which lie in blocks."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dh2o.chunks.bounds import GridBounds
    from dh2o.frame.histogram import Histogram
    from dh2o.frame.rollups import Rollups
    from dh2o.mrtask import ColumnRef


class VecType(StrEnum):
    """What the values of a column mean; int and real are both NUMERIC, told apart by rollups."""

    NUMERIC = "numeric"
    ENUM = "enum"
    STRING = "string"
    TIME = "time"
    UUID = "uuid"


class RollupsCell:
    """A place for the statistics of one immutable column, filled once and shared by all its Vecs.

    It lives and dies with the Vecs that point at it (so nothing leaks) and is pickled with them (so
    a frame stored in the DKV carries its rollups to every client). Histograms, and the bounds that
    keys are packed by, stay in the process.
    """

    __slots__ = ("bounds", "histogram", "rollups")

    def __init__(self, rollups: Rollups | None = None) -> None:
        self.rollups = rollups
        self.histogram: Histogram | None = None
        self.bounds: GridBounds | None = None

    def __reduce__(self) -> tuple[type[RollupsCell], tuple[Rollups | None]]:
        return RollupsCell, (self.rollups,)


@dataclass(frozen=True, slots=True)
class Source:
    """The type a column had where it came from, so that it goes back exactly as it was.

    `arrow`, `pandas` and `polars` are type names (``"timestamp[ns, tz=UTC]"``, ``"Int64"``,
    ``"Enum"``). `na_is_nan` says that the NA of a float column were NaN, not null. `is_real` says
    that the user wants a column of whole numbers shown as real.
    """

    arrow: str | None = None
    pandas: str | None = None
    polars: str | None = None
    na_is_nan: bool = False
    is_real: bool = False


@dataclass(frozen=True, slots=True)
class Vec:
    """One column: its type, where its values lie, its domain and the type it came from.

    TIME counts milliseconds since 1970 in UTC for every operation. What a source had below the
    millisecond lies in a second column, `sub_ms` (nanoseconds 0..999999), carried along by
    selections of rows and columns and used only for the way back.

    Parameters
    ----------
    type : VecType
        What the values mean.
    ref : ColumnRef
        Where the values lie: blocks, and the number of a column in them.
    domain : tuple of str, optional
        The levels of an enum, in the order of their codes.
    source : Source, optional
        The type the column had where it came from.
    sub_ms : ColumnRef, optional
        Nanoseconds below the millisecond, of times that have such.
    cell : RollupsCell
        Where statistics are kept once they are known; a new, empty one by default.
    """

    type: VecType
    ref: ColumnRef
    domain: tuple[str, ...] | None = None
    source: Source | None = None
    sub_ms: ColumnRef | None = None
    cell: RollupsCell = field(default_factory=RollupsCell, repr=False, compare=False)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle in a third of what dataclasses take: frames may have 100,000 of these."""
        return Vec, (self.type, self.ref, self.domain, self.source, self.sub_ms, self.cell)

    @property
    def arrow_type(self) -> str | None:
        """Name of the Arrow type that the column came with, None if it was made here."""
        return self.source.arrow if self.source else None

    @property
    def is_numeric(self) -> bool:
        """True for int and real columns."""
        return self.type is VecType.NUMERIC

    @property
    def is_enum(self) -> bool:
        """True for categorical columns."""
        return self.type is VecType.ENUM

    @property
    def n_levels(self) -> int:
        """Number of levels of an enum, 0 for other types."""
        return len(self.domain) if self.domain is not None else 0

    def moved(self, ref: ColumnRef, sub_ms: ColumnRef | None = None) -> Vec:
        """Return the same kind of column with other values, so with rollups of its own.

        Parameters
        ----------
        ref : ColumnRef
            Where the values lie.
        sub_ms : ColumnRef, optional
            Where what is below the millisecond lies.
        """
        return replace(self, ref=ref, sub_ms=sub_ms, cell=RollupsCell())

    def relocated(self, ref: ColumnRef, sub_ms: ColumnRef | None = None) -> Vec:
        """Return the same column, its values now lying elsewhere: rollups stay valid.

        Parameters
        ----------
        ref : ColumnRef
            Where the values lie now.
        sub_ms : ColumnRef, optional
            Where what is below the millisecond lies now.
        """
        return replace(self, ref=ref, sub_ms=sub_ms)
