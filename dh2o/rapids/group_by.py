"""H2OFrame.group_by: aggregates are added one by one and computed together."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self

from dh2o.errors import RapidsError
from dh2o.rapids.tree import Apply, Id, NumList, Str, to_node

if TYPE_CHECKING:
    from dh2o.rapids.h2oframe_base import FrameBase

__all__ = ["GroupBy"]

_NA = ("all", "ignore", "rm")


def _aggregate(name: str, symbol: str, what: str) -> Callable[..., Any]:
    def method(self: GroupBy, col: Any = None, na: str = "all") -> GroupBy:
        return self._add(symbol, col, na)

    method.__name__ = name
    method.__doc__ = f"""Add {what} of each column.

        Parameters
        ----------
        col : str, int or list of them, optional
            The columns; default: all suitable ones that are no key. Strings have no aggregates.
        na : {{"all", "ignore", "rm"}}
            What NA do: make the aggregate NA; are left out, but their rows count; are left out.
        """
    return method


class GroupBy:
    """The groups of a frame by some columns. ``get_frame()`` computes what was added.

    ``H2OFrame.group_by`` makes it; its methods return it, so that they can be chained.

    Parameters
    ----------
    frame : H2OFrame
        The rows.
    by : list of int
        Positions of the key columns.

    Notes
    -----
    `na` of the methods says what NA do: "all" makes the aggregate NA, "rm" leaves them out,
    "ignore" leaves them out but counts their rows.

    Examples
    --------
    >>> fr = dh2o.H2OFrame({"k": ["a", "b", "a"], "x": [1, 2, None], "y": [5, 6, 7]})
    >>> fr.group_by("k").sum("x", na="rm").max(["y"]).get_frame()
    k  sum_x  max_y
    -  -----  -----
    a      1      7
    b      2      6
    """

    def __init__(self, frame: FrameBase, by: Sequence[int]) -> None:
        self._frame = frame
        self._by = list(by)
        self._aggregates: list[tuple[str, int, str]] = []
        self._result: Any = None

    min = _aggregate("min", "min", "the smallest value")
    max = _aggregate("max", "max", "the largest value")
    mean = _aggregate("mean", "mean", "the mean")
    sum = _aggregate("sum", "sum", "the sum")
    sd = _aggregate("sd", "sdev", "the sample standard deviation")
    var = _aggregate("var", "var", "the sample variance")
    ss = _aggregate("ss", "sumSquares", "the sum of squares")
    mode = _aggregate("mode", "mode", "the most frequent level")
    median = _aggregate("median", "median", "the median")

    def count(self, na: str = "all") -> Self:
        """Add the number of rows of each group.

        Parameters
        ----------
        na : {"all", "ignore", "rm"}
            For H2O's signature: all rows are counted.
        """
        self._check(na)
        self._append("nrow", self._by[0] if self._by else 0, na)
        return self

    def _check(self, na: str) -> None:
        if na not in _NA:
            raise RapidsError(f"na must be one of {', '.join(_NA)}, got {na!r}.")
        if self._result is not None:
            raise RapidsError("The groups are computed already; make a new group_by to add more.")

    def _append(self, symbol: str, column: int, na: str) -> None:
        self._aggregates.append((symbol, column, na))

    def _add(self, symbol: str, col: Any, na: str) -> Self:
        self._check(na)
        table = self._frame._table()
        if col is None:
            wanted = [
                i
                for i, column in enumerate(table.columns)
                if i not in self._by
                and not column.is_string
                and (column.is_enum if symbol == "mode" else column.is_numberlike)
            ]
        else:
            wanted = self._frame._positions(col)
        for i in wanted:
            if table.columns[i].is_string:
                name = self._frame.names[i]
                text = f"Column {name!r} holds strings and is left out of the groups' {symbol}."
                warnings.warn(text, RuntimeWarning, stacklevel=3)
                continue
            self._append(symbol, i, na)
        return self

    def get_frame(self) -> Any:
        """Return one row for each group: its keys and the aggregates.

        Groups are sorted by their keys, NA first. Aggregates are called ``sum_x``, ``mean_x``, … in
        the order in which they were added (``sdev_x``, ``sumSquares_x`` for `sd` and `ss`, ``nrow``
        for `count`); one that is there twice gets a number. ``mode_x`` is the code of a level.
        """
        if self._result is None:
            args: list[Any] = [NumList.of(self._by)]
            for symbol, column, na in self._aggregates:
                args += [Id(symbol), to_node(column), Str(na)]
            node = Apply(Id("GB"), (self._frame._node, *args))
            self._result = type(self._frame)._of(node)
            self._result._table()
        return self._result

    @property
    def frame(self) -> Any:
        """The same as ``get_frame()``."""
        return self.get_frame()

    def __repr__(self) -> str:
        by = ", ".join(self._frame.names[i] for i in self._by)
        return f"GroupBy({by}; {len(self._aggregates)} aggregates; get_frame() computes them)"
