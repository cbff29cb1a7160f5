"""H2OFrame: rows drawn, sorted, grouped, reshaped, and given to functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from dh2o.errors import RapidsError
from dh2o.rapids.columns import Table
from dh2o.rapids.h2oframe_base import FrameBase
from dh2o.rapids.lambdas import traced

__all__ = ["FrameRows"]


class FrameRows(FrameBase):
    """What draws, orders, groups and maps rows. Methods return new frames."""

    __slots__ = ()

    # ---- random

    def runif(self, seed: int | None = None) -> Self:
        """Return a column of uniform random numbers.

        Parameters
        ----------
        seed : int, optional
            The same seed gives the same numbers on any cluster; default: others each time.

        Returns
        -------
        H2OFrame
            One column ``rnd``, a number in [0, 1) for each row.
        """
        return self._apply("h2o.runif", -1 if seed is None else seed)

    def split_frame(
        self,
        ratios: Sequence[float] | None = None,
        destination_frames: Sequence[str] | None = None,
        seed: int | None = None,
    ) -> list[Self]:
        """Return the rows split at random in these shares, the last frame having the rest.

        Parameters
        ----------
        ratios : list of float, optional
            Shares of all frames but the last, each above 0, below 1 together. Default: ``[0.75]``.
        destination_frames : list of str, optional
            Keys to store the frames under, one more than ratios.
        seed : int, optional
            The same seed gives the same rows on any cluster. Default: another split each time.

        Returns
        -------
        list of H2OFrame
            One more than ratios; rows keep their order. Each row is drawn by itself, so the shares
            hold about, not exactly.

        Raises
        ------
        RapidsError
            The shares do not fit, or the number of keys.

        Examples
        --------
        >>> fr = dh2o.H2OFrame({"x": list(range(1000))})
        >>> train, valid, test = fr.split_frame([0.7, 0.15], seed=42)
        >>> train.nrows + valid.nrows + test.nrows
        1000
        """
        shares = [0.75] if ratios is None else [float(r) for r in ratios]
        if not shares or min(shares) <= 0 or math.fsum(shares) >= 1.0:
            raise RapidsError(f"Ratios must be positive and add up to less than 1, got {shares}.")
        if destination_frames is not None and len(destination_frames) != len(shares) + 1:
            raise RapidsError(
                "The number of provided destination_frames must be one more than the number of "
                f"provided ratios: {len(destination_frames)} and {len(shares)}."
            )
        draws = self.runif(seed)
        edges = [math.fsum(shares[:i]) for i in range(len(shares) + 1)]
        parts = []
        for i, low in enumerate(edges):
            high = edges[i + 1] if i + 1 < len(edges) else math.inf
            chosen = draws._apply("<=", high)
            if i > 0:
                chosen = draws._apply(">", low)._apply("&", chosen)
            part = self._apply("rows", chosen)
            if destination_frames is not None:
                part.frame_id = destination_frames[i]
            part.refresh()
            parts.append(part)
        return parts

    def stratified_split(self, test_frac: float = 0.2, seed: int = -1) -> Self:
        """Return a column of train and test with the same share of every class.

        Parameters
        ----------
        test_frac : float
            The share of "test" in each class.
        seed : int
            -1: another split each time.

        Returns
        -------
        H2OFrame
            One categorical column ``test_train_split``.

        Raises
        ------
        RapidsError
            This frame has more than one column.
        """
        return self._apply("h2o.random_stratified_split", test_frac, seed)

    def kfold_column(self, n_folds: int = 3, seed: int = -1) -> Self:
        """Return a random fold for each row.

        Parameters
        ----------
        n_folds : int
            Folds are numbered 0 to n_folds - 1.
        seed : int
            -1: other folds each time.
        """
        return self._apply("kfold_column", n_folds, seed)

    def modulo_kfold_column(self, n_folds: int = 3) -> Self:
        """Return the row number modulo the number of folds.

        Parameters
        ----------
        n_folds : int
            Folds are numbered 0 to n_folds - 1.
        """
        return self._apply("modulo_kfold_column", n_folds)

    def stratified_kfold_column(self, n_folds: int = 3, seed: int = -1) -> Self:
        """Return a fold for each row that spreads every class evenly.

        Parameters
        ----------
        n_folds : int
            Folds are numbered 0 to n_folds - 1.
        seed : int
            -1: other folds each time.

        Raises
        ------
        RapidsError
            This frame has more than one column.
        """
        return self._apply("stratified_kfold_column", n_folds, seed)

    def save(self, path: str | Path, force: bool = True) -> str:
        """Write the frame into the folder `path` for ``dh2o.load_frame``; return its key.

        Parameters
        ----------
        path : str or Path
            A folder that this process writes, made where it is not there; the file is named by the
            key.
        force : bool
            Replace a file that is there.

        Raises
        ------
        FrameError
            The file is there and `force` is not set.
        """
        from dh2o.frame.saved import save

        key = self.frame_id
        save(self.frame, path, key, force=force)
        return key

    def interaction(
        self,
        factors: Any,
        pairwise: bool,
        max_factors: int,
        min_occurrence: int,
        destination_frame: str | None = None,
    ) -> Self:
        """Return crossed categorical columns: a level joins one level of each.

        Parameters
        ----------
        factors : list of str or int
            The categorical columns to cross.
        pairwise : bool
            True crosses every pair, a column each (``a_b``, ``a_c``, ``b_c``); False crosses all
            factors into one column (``a_b_c``).
        max_factors : int
            How many levels a column keeps, the most frequent; the rest become the level "other".
        min_occurrence : int
            Levels of fewer rows become "other" too.
        destination_frame : str, optional
            Key to store the frame under.

        Returns
        -------
        H2OFrame
            Levels are texts such as ``x_u``; NA stands as "NA" in them.
        """
        from dh2o.rapids.makers import interaction

        names = [self.names[i] for i in self._positions(factors)]
        frame = interaction(self.frame, names, pairwise, max_factors, min_occurrence)
        made = self._of_table(Table.of(frame))
        if destination_frame is not None:
            made.frame_id = destination_frame
        return made

    # ---- order and shape

    def sort(self, by: Any, ascending: Any = ()) -> Self:
        """Return the rows sorted by columns; NA first.

        Parameters
        ----------
        by : str, int or list of them
            The columns, the most important first.
        ascending : bool or list of bool
            The direction of each column; default: all ascending.

        Raises
        ------
        RapidsError
            A column is unknown, or there are more or fewer directions than columns.

        Notes
        -----
        Categorical columns are sorted as their levels stand, string columns by text. The sort is
        stable. NA come first in ascending order, in descending order as well.

        Examples
        --------
        >>> fr = dh2o.H2OFrame({"k": ["b", "a", "b", "a"], "x": [1, 2, 3, 4]})
        >>> fr.sort(["k", "x"], ascending=[True, False])
        k  x
        -  -
        a  4
        a  2
        b  3
        b  1
        """
        cols = self._positions(by)
        given = [ascending] if isinstance(ascending, bool | int) else list(ascending)
        if given and len(given) != len(cols):
            raise RapidsError(f"{len(given)} sort directions for {len(cols)} columns.")
        up = [1 if a in (True, 1) else -1 for a in given] or [1] * len(cols)
        return self._apply("sort", cols, up)

    def group_by(self, by: Any) -> Any:
        """Return the grouping by columns, whose methods add aggregates.

        Parameters
        ----------
        by : str, int or list of them
            The key columns. NA is a group of its own.

        Returns
        -------
        GroupBy
            Its methods ``count``, ``sum``, ``mean``, ``min``, ``max``, ``sd``, ``var``, ``ss``,
            ``median`` and ``mode`` can be chained; ``get_frame()`` computes all of them at once.

        Examples
        --------
        >>> fr = dh2o.H2OFrame({"k": ["b", "a", "b", "a"], "x": [1, 2, 3, None]})
        >>> fr.group_by("k").count().mean("x", na="rm").get_frame()
        k  nrow  mean_x
        -  ----  ------
        a     2       2
        b     2       2
        """
        from dh2o.rapids.group_by import GroupBy

        return GroupBy(self, self._positions(by))

    def drop_duplicates(self, columns: Any, keep: str = "first") -> Self:
        """Return one row of those that agree in the columns.

        Parameters
        ----------
        columns : str, int or list of them
            The columns to compare; NA equals NA.
        keep : {"first", "last"}
            Which of the rows stays.
        """
        return self._apply("dropdup", self._positions(columns), keep)

    def pivot(self, index: str, column: str, value: str) -> Self:
        """Return one row for each value of `index` and one column for each of `column`.

        Parameters
        ----------
        index : str
            The column whose values become rows; it stays the first column, sorted, NA first.
        column : str
            The column whose values become columns, named by them; it may hold no NA.
        value : str
            The column whose values fill the cells; NA where a pair does not occur.

        Raises
        ------
        RapidsError
            A column is unknown, or `column` holds NA.

        Notes
        -----
        Where a pair occurs several times, the first row counts.

        Examples
        --------
        >>> fr = dh2o.H2OFrame({"day": [1, 1, 2], "kind": ["a", "b", "a"], "n": [10, 20, 30]})
        >>> fr.pivot("day", "kind", "n")
        day   a   b
        ---  --  --
          1  10  20
          2  30  NA
        """
        return self._apply("pivot", index, column, value)

    def melt(
        self,
        id_vars: str | Sequence[str | int],
        value_vars: str | Sequence[str | int] | None = None,
        var_name: str = "variable",
        value_name: str = "value",
        skipna: bool = False,
    ) -> Self:
        """Return one row for each row and value column.

        Parameters
        ----------
        id_vars : str or list of str or int
            Columns that stay, their values repeated.
        value_vars : str or list of str or int, optional
            Number columns whose values go below each other. Default: all that are no id columns.
        var_name, value_name : str
            Names of the new columns: the name of the value column, and the value.
        skipna : bool
            Leave out rows whose value is NA.

        Raises
        ------
        RapidsError
            A value column does not hold numbers.

        Examples
        --------
        >>> fr = dh2o.H2OFrame({"id": [1, 2], "a": [5, 6], "b": [7, 8]})
        >>> fr.melt(["id"])
        id  variable  value
        --  --------  -----
         1  a             5
         1  b             7
         2  a             6
         2  b             8
        """
        ids = [id_vars] if isinstance(id_vars, str) else list(id_vars)
        values = [value_vars] if isinstance(value_vars, str) else list(value_vars or ())
        return self._apply("melt", ids, values, var_name, value_name, skipna)

    def rank_within_group_by(
        self,
        group_by_cols: Any,
        sort_cols: Any,
        ascending: Sequence[bool] = (),
        new_col_name: str = "New_Rank_column",
        sort_cols_sorted: bool = False,
    ) -> Self:
        """Return the frame with the rank of each row in its group.

        Parameters
        ----------
        group_by_cols : str, int or list of them
            The columns that make the groups.
        sort_cols : str, int or list of them
            The columns by which rows are ranked, from 1.
        ascending : list of bool
            The direction of each of `sort_cols`; default: all ascending.
        new_col_name : str
            Name of the rank, the last column.
        sort_cols_sorted : bool
            Return the rows sorted by `sort_cols` alone; default: by the groups, then by
            `sort_cols`.

        Returns
        -------
        H2OFrame
            A row with NA in `sort_cols` has no rank: NA.
        """
        keys = self._positions(sort_cols)
        up = [1 if a in (True, 1) else -1 for a in ascending] or [1] * len(keys)
        groups = self._positions(group_by_cols)
        sorted_too = 1 if sort_cols_sorted else 0
        return self._apply("rank_within_groupby", groups, keys, up, new_col_name, sorted_too)

    def rep_len(self, length_out: int) -> Self:
        """Return the column repeated to a length; of several columns, the columns repeated.

        Parameters
        ----------
        length_out : int
            The number of rows; of a frame of several columns the number of columns (C1, C2, …).
        """
        return self._apply("rep_len", length_out)

    def apply(self, fun: Callable[..., Any] | None = None, axis: int = 0) -> Self:
        """Return a function's value for each column (axis 0) or each row (axis 1).

        A function that only combines and reduces its argument, as ``lambda row: row["a"] - 1``,
        becomes an expression and is fast. Any other Python function, and every numba function, runs
        on the workers: by rows it is given a `Row` (numba: an array of numbers), by columns the
        whole column as an array. It returns a value, or several as a tuple, list, dict or array.

        Parameters
        ----------
        fun : function
            Takes a column (axis 0) or a row (axis 1).
        axis : {0, 1}
            0: by column, 1: by row.

        Returns
        -------
        H2OFrame
            By column one row with the frame's names; by row one column C1, or the names of a dict
            that the function returns.

        Raises
        ------
        FrameError
            The function failed; the message names the block and the row, or the column.
        RapidsError
            No function, or an unknown axis.

        Examples
        --------
        >>> fr = dh2o.H2OFrame({"a": [1, 2], "b": [30, 40]})
        >>> fr.apply(lambda col: col.mean())
          a   b
        ---  --
        1.5  35
        >>> fr.apply(lambda row: row["a"] + row["b"], axis=1)
        C1
        --
        31
        42
        """
        if axis not in (0, 1):
            raise RapidsError("axis must be either 0 (column-wise) or 1 (row-wise).")
        if fun is None:
            raise RapidsError("Give the function to apply, e.g. lambda col: col.mean().")
        node = traced(fun)
        if node is not None:
            return self._apply("apply", 2 - axis, node)
        from dh2o.rapids import functions

        run = functions.apply_to_rows if axis == 1 else functions.apply_to_columns
        return self._of_table(Table.of(run(self.frame, fun)))

    def map_blocks(
        self,
        fn: Callable[..., Any],
        *args: Any,
        form: str | None = None,
        names: Sequence[str] | None = None,
        types: Sequence[str] | Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Return the frame of what a Python or numba function gives for each block of rows.

        The function runs on the workers, where the blocks lie; blocks hold some ten thousand to
        some million rows. It may return fewer or more rows than it was given.

        Parameters
        ----------
        fn : function
            Called as ``fn(table, *args, **kwargs)``; with `form` "arrays" with one float64 array
            for each column instead of a table. It returns a table, an array, a tuple or dict of
            arrays, a matrix, or a number. Numba functions run without the interpreter's lock.
        *args, **kwargs
            What the function is given besides.
        form : {"pandas", "polars", "arrow", "arrays"}, optional
            What the function is given; default: arrays for a numba function, else pandas.
        names : list of str, optional
            Names of the columns that come back.
        types : list or dict, optional
            H2O's types of (some of) them; default: inferred from the values of all blocks.

        Raises
        ------
        FrameError
            The function failed, or results of blocks do not go together; the message names the
            block and its rows.

        Examples
        --------
        >>> fr = dh2o.H2OFrame({"a": [1, 2, 3]})
        >>> fr.map_blocks(lambda table: table[table["a"] > 1].assign(b=table["a"] * 10))
        a   b
        -  --
        2  20
        3  30
        """
        from dh2o.frame import mapped

        seen: Any = form or ("arrays" if mapped.is_numba(fn) else "pandas")
        made = mapped.map_blocks(self.frame, fn, args, kwargs, form=seen, names=names)
        out: Any = self._of_table(Table.of(made))
        if types is not None:
            out._convert(types)
        return out

    def match(self, table: Any, nomatch: float = math.nan, start_index: int = 1) -> Self:
        """Return the position of each value in a list.

        Parameters
        ----------
        table : list, str or number
            The values to look for; texts for a categorical or string column.
        nomatch : float
            What stands where a value is not in the list; default: NA.
        start_index : int
            The position of the first value.

        Raises
        ------
        RapidsError
            This frame has more than one column.
        """
        wanted = list(table) if isinstance(table, list | tuple | set) else table
        return self._apply("match", wanted, nomatch, start_index)

    def isin(self, item: Any) -> Self:
        """Return 1 where a value is in a list, else 0.

        Parameters
        ----------
        item : str, number, or list of them
            The values to look for, in every column.
        """
        if not isinstance(item, list | tuple | set):
            return self._apply("==", item)
        found: Self | None = None
        for one in item:
            hit = self._apply("==", one)
            found = hit if found is None else found._apply("|", hit)
        return self._apply("*", 0) if found is None else found
