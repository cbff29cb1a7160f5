"""H2OFrame: joining, choosing, changing and rearranging rows and columns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from dh2o.errors import RapidsError
from dh2o.rapids.columns import Table
from dh2o.rapids.h2oframe_base import FrameBase
from dh2o.rapids.missing import ImputeCall, impute_table
from dh2o.rapids.tree import Apply

__all__ = ["FrameMunging"]


class FrameMunging(FrameBase):
    """What changes rows and columns. Methods return new frames unless they say otherwise."""

    __slots__ = ()

    # ---- side by side, one below the other

    def cbind(self, data: Any) -> Self:
        """Return the columns of the frames (or numbers) side by side.

        Parameters
        ----------
        data : H2OFrame, number, or list of them
            What stands on the right. A number becomes a column of it, called as the number ("5.0").

        Returns
        -------
        H2OFrame
            As many rows as this frame. A name that is there already gets a number: ``x``, ``x0``.

        Raises
        ------
        RapidsError
            The frames have different numbers of rows.
        """
        return self._apply("cbind", *_several(data))

    def rbind(self, data: Any) -> Self:
        """Return the rows of the frames, one frame below the other.

        Parameters
        ----------
        data : H2OFrame or list of H2OFrame
            The frames below, with the same column names in the same order. Levels of categorical
            columns are put together by their text.

        Raises
        ------
        RapidsError
            The frames differ in number or names of their columns.
        FrameError
            A column has types that do not go together.
        """
        return self._apply("rbind", *_several(data))

    def concat(self, frames: Any, axis: int = 1) -> Self:
        """Return the frames side by side (axis 1) or one below the other.

        Parameters
        ----------
        frames : H2OFrame or list of them
            What follows this frame.
        axis : {1, 0}
            1 as `cbind`, 0 as `rbind`.

        Raises
        ------
        RapidsError
            The list is empty, or `axis` is another.
        """
        if axis not in (0, 1):
            raise RapidsError(f"axis must be 1 (side by side) or 0 (below), got {axis!r}.")
        below = _several(frames)
        if not below:
            raise RapidsError("Input list of frames is empty! Nothing to concat.")
        return self.cbind(below) if axis == 1 else self.rbind(below)

    def merge(
        self,
        other: FrameBase,
        all_x: bool = False,
        all_y: bool = False,
        by_x: Any = None,
        by_y: Any = None,
        method: str = "auto",
    ) -> Self:
        """Return the rows of both frames that agree in the key columns, sorted by them.

        Parameters
        ----------
        other : H2OFrame
            The right frame.
        all_x, all_y : bool
            Keep the rows of this frame (of `other`) that find no partner too; the columns of the
            other side are NA there. Both: a full outer join.
        by_x, by_y : str, int or list of them, optional
            The key columns of this frame and of `other`. Default: all names that both frames have.
        method : {"auto", "radix", "hash"}
            For H2O's signature: every value gives the same rows in the same order.

        Returns
        -------
        H2OFrame
            The keys first, then the other columns of this frame, then those of `other`; a name
            that is there already gets a number (``x0``).

        Raises
        ------
        RapidsError
            No common column, an unknown one, or keys of different types.

        Notes
        -----
        Categorical keys are matched by text. An NA in a key matches nothing, not even another NA.
        Rows are sorted by the keys in ascending order (categorical ones as their levels stand), NA
        first; equal keys keep their order.

        Examples
        --------
        >>> left = dh2o.H2OFrame({"k": ["b", "a", "a", "d"], "x": [1, 2, 3, 4]})
        >>> right = dh2o.H2OFrame({"k": ["a", "b", "b", "a"], "y": [10, 20, 30, 40]})
        >>> left.merge(right)
        k  x   y
        -  -  --
        a  2  10
        a  2  40
        a  3  10
        a  3  40
        b  1  20
        b  1  30
        >>> left.merge(right, all_x=True).nrows
        7
        """
        if by_x is None and by_y is None:
            common = [n for n in self.names if n in other.names]
            if not common:
                raise RapidsError("No columns in common to merge on! Give by_x and by_y.")
            by_x = by_y = common
        if by_x is None or by_y is None:
            raise RapidsError("Give both by_x and by_y, or neither.")
        keys = (self._positions(by_x), other._positions(by_y))
        return self._apply("merge", other, all_x, all_y, *keys, method)

    # ---- names

    def set_names(self, names: Sequence[str]) -> Self:
        """Rename all columns of this frame and return it.

        Parameters
        ----------
        names : list of str
            One name for each column.
        """
        self.names = list(names)
        return self

    def set_name(self, col: int | str | None = None, name: str | None = None) -> None:
        """Rename one column of this frame; the only one if none is given.

        Parameters
        ----------
        col : str or int, optional
            The column, by name or position. May be left out where the frame has one column only.
        name : str
            The new name.

        Raises
        ------
        RapidsError
            No name is given, another column has it, or the column is not told.
        """
        if name is None:
            raise RapidsError("Give the new name.")
        if col is None and self.ncols != 1:
            raise RapidsError(
                f"The frame has {self.ncols} columns; please specify which one to rename"
            )
        at = self._position(0 if col is None else col)
        names = self.names
        if name != names[at] and name in names:
            raise RapidsError(f"Column '{name}' already exists in the frame")
        names[at] = name
        self.set_names(names)

    def rename(self, columns: Mapping[str | int, str] | None = None) -> Self:
        """Rename columns of this frame and return it; unknown ones are left out.

        Parameters
        ----------
        columns : dict
            Old name or position to new name.
        """
        names = self.names
        for col, name in (columns or {}).items():
            if isinstance(col, int) or col in self.names:
                names[self._position(col)] = name
        return self.set_names(names)

    def drop(self, index: Any, axis: int = 1) -> Self:
        """Return the frame without these columns, or without these rows (axis 0).

        Parameters
        ----------
        index : str, int or list of them
            Columns by name or position; with axis 0 row numbers from 0.
        axis : {1, 0}
            1 drops columns, 0 drops rows.

        Raises
        ------
        RapidsError
            There is no such column or row.
        """
        if axis == 0:
            rows = [index] if isinstance(index, int) else list(index)
            if not all(isinstance(row, int | np.integer) for row in rows):
                raise RapidsError(f"Rows (axis 0) are dropped by number, got {index!r}.")
            if any(row < 0 or row >= self.nrows for row in rows):
                raise RapidsError(f"Row index selected to drop is not part of the frame: {rows!r}")
            return self._apply("rows", [-(row + 1) for row in rows])
        gone = self._positions(index)
        return self._apply("cols", [-(i + 1) for i in gone]) if gone else self._of(self._node)

    def pop(self, i: int | str) -> Self:
        """Take a column out of this frame and return it.

        Parameters
        ----------
        i : str or int
            The column, by name or position.
        """
        at = self._position(i)
        column = self._apply("cols", at)
        self._become(Apply.call("cols", self._node, -(at + 1)))
        return column

    # ---- types

    def asfactor(self) -> Self:
        """Return the columns as categorical.

        Levels of a number column are its distinct values, ascending; those of a string column its
        texts, sorted. Categorical columns stay as they are.

        Examples
        --------
        >>> fr = dh2o.H2OFrame({"x": [10, 5, 7, 5]})
        >>> fr.asfactor().levels()
        [['5', '7', '10']]
        """
        return self._apply("as.factor")

    def asnumeric(self) -> Self:
        """Return the columns as numbers.

        Texts that are no numbers are NA. A categorical column gives the numbers that its levels
        spell; if a level is no number, the codes of the levels (from 0).
        """
        return self._apply("as.numeric")

    def ascharacter(self) -> Self:
        """Return the columns as strings."""
        return self._apply("as.character")

    def relevel(self, y: str) -> Self:
        """Return the categorical column with one level in front.

        Parameters
        ----------
        y : str
            The level that becomes the first, and so the reference of a GLM.

        Raises
        ------
        RapidsError
            The column is not categorical, or has no such level.
        """
        return self._apply("relevel", y)

    def relevel_by_frequency(self, weights_column: str | None = None, top_n: int = -1) -> Self:
        """Return the categorical columns with levels by falling frequency.

        Parameters
        ----------
        weights_column : str, optional
            A column whose sum, not the number of rows, is the frequency of a level.
        top_n : int
            Move only so many levels to the front, the others keep their order; -1 moves all.
        """
        return self._apply("relevel.by.freq", weights_column or "_", top_n)

    def set_level(self, level: str) -> Self:
        """Return a constant column of one level.

        Parameters
        ----------
        level : str
            One of the levels of this categorical column.
        """
        return self._apply("setLevel", level)

    def set_levels(self, levels: Sequence[str]) -> Self:
        """Return the categorical column with other levels.

        Parameters
        ----------
        levels : list of str
            The new texts of the levels, in their order, as many as there are. Levels that are given
            the same text become one.

        Raises
        ------
        RapidsError
            The number of levels is another.
        """
        return self._apply("setDomain", False, list(levels))

    def append_levels(self, levels: Sequence[str]) -> Self:
        """Return the categorical column with more levels.

        Parameters
        ----------
        levels : list of str
            Levels to put after those there are; one that is there already is not repeated.
        """
        return self._apply("appendLevels", False, list(levels))

    def columns_by_type(self, coltype: str = "numeric") -> list[float]:
        """Return the positions of the columns of a type.

        Parameters
        ----------
        coltype : {"numeric", "categorical", "string", "time", "uuid", "bad"}
            The type; "bad" are columns of NA only.
        """
        return self._numbers("columnsByType", coltype)

    def filter_na_cols(self, frac: float = 0.2) -> list[float]:
        """Return the positions of the columns with a small enough share of NA.

        Parameters
        ----------
        frac : float
            The share of NA from which on a column is left out.
        """
        return self._numbers("filterNACols", frac)

    # ---- NA

    def na_omit(self) -> Self:
        """Return the rows without any NA."""
        return self._apply("na.omit")

    def fillna(self, method: str = "forward", axis: int = 0, maxlen: int = 1) -> Self:
        """Return the frame with NA filled from the values before or after them.

        Parameters
        ----------
        method : {"forward", "backward"}
            Take the value before the gap, or the one after it.
        axis : {0, 1}
            0 fills down each column, 1 along each row, from the columns beside.
        maxlen : int
            How many NA in a row are filled; 0 leaves the frame as it is.

        Returns
        -------
        H2OFrame
            The columns are called C1, C2, … as H2O's are.

        Raises
        ------
        RapidsError
            The method or the axis is unknown, or a column holds strings.

        See Also
        --------
        impute : a mean, median or mode in place of NA

        Examples
        --------
        >>> fr = dh2o.H2OFrame({"x": [1, None, None, 4]})
        >>> fr.fillna("forward", maxlen=1)
        C1
        --
         1
         1
        NA
         4
        """
        return self._apply("h2o.fillna", method, axis, maxlen)

    def impute(
        self,
        column: int | str = -1,
        method: str = "mean",
        combine_method: str = "interpolate",
        by: Any = None,
        group_by_frame: FrameBase | None = None,
        values: Sequence[Any] | None = None,
    ) -> Any:
        """Replace NA of this frame (-1: all columns) and return the values, or groups, used.

        Parameters
        ----------
        column : int or str
            The column to fill; -1 all of them.
        method : {"mean", "median", "mode"}
            What stands in for NA. Categorical columns take "mode" only; among all columns they are
            filled by their mode, and string columns are passed over.
        combine_method : {"interpolate", "average", "low", "high"}
            How two middle values make a median.
        by : str, int or list of them, optional
            Columns whose groups get values of their own.
        group_by_frame : H2OFrame, optional
            The values by group, keys first, as this method returned them for another frame.
        values : list, optional
            Values of one's own, one for each column (levels by text), instead of `method`; NaN
            or None leaves a column alone, and `column` is not looked at.

        Returns
        -------
        list of float or H2OFrame
            The value used for each column, a level by its code, NaN where none was used; with
            groups a frame of keys and values.

        Raises
        ------
        RapidsError
            The method is unknown or does not fit the column, or the number of values is another.

        Notes
        -----
        This frame itself is changed.

        Examples
        --------
        >>> fr = dh2o.H2OFrame({"x": [1, None, 4], "y": [1, 2, None]})
        >>> fr.impute("x", method="mean")
        [2.5, nan]
        >>> fr
          x   y
        ---  --
          1   1
        2.5   2
          4  NA
        """
        at = -1 if column == -1 else self._position(column)
        groups = [] if by is None else self._positions(by)
        given = None if values is None else [self._code_of(i, v) for i, v in enumerate(values)]
        other = None if group_by_frame is None else group_by_frame._table()
        call = ImputeCall(at, method, combine_method, groups, other, given)
        changed, used = impute_table(self._table(), call)
        self._node = self._of_table(changed)._node
        return self._of_table(used) if isinstance(used, Table) else used

    def _code_of(self, column: int, value: Any) -> float:
        domain = self._table().columns[column].domain
        if isinstance(value, str):
            if domain is None or value not in domain:
                raise RapidsError(
                    f"Impute value {value!r} is no level of column {self.names[column]!r}."
                )
            return float(domain.index(value))
        return math.nan if value is None else float(value)

    def insert_missing_values(self, fraction: float = 0.1, seed: int | None = None) -> Self:
        """Set a random share of the values of this frame to NA and return it.

        Parameters
        ----------
        fraction : float
            The share, 0 to 1.
        seed : int, optional
            The same seed sets the same values; default: another choice each time.
        """
        from dh2o.rapids.makers import insert_missing

        changed = insert_missing(self.frame, fraction, -1 if seed is None else seed)
        self._node = self._of_table(Table.of(changed))._node
        return self


def _several(data: Any) -> list[Any]:
    return list(data) if isinstance(data, list | tuple) else [data]
