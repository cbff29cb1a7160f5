"""H2OFrame: joining, choosing, changing and rearranging rows and columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from dh2o.errors import RapidsError
from dh2o.rapids.columns import Table
from dh2o.rapids.h2oframe_base import FrameBase
from dh2o.rapids.lambdas import traced
from dh2o.rapids.missing import ImputeCall, impute_table
from dh2o.rapids.tree import Apply

__all__ = ["FrameMunging"]


class FrameMunging(FrameBase):
    """What changes rows and columns. Methods return new frames unless they say otherwise."""

    __slots__ = ()

    # ---- side by side, one below the other

    def cbind(self, data: Any) -> Self:
        """Return the columns of the frames (or numbers) side by side."""
        return self._apply("cbind", *_several(data))

    def rbind(self, data: Any) -> Self:
        """Return the rows of the frames, one frame below the other."""
        return self._apply("rbind", *_several(data))

    def concat(self, frames: Sequence[FrameBase], axis: int = 1) -> Self:
        """Return the frames side by side (axis 1) or one below the other."""
        if not frames:
            raise RapidsError("Input list of frames is empty! Nothing to concat.")
        return self.cbind(list(frames)) if axis == 1 else self.rbind(list(frames))

    def merge(
        self,
        other: FrameBase,
        all_x: bool = False,
        all_y: bool = False,
        by_x: Any = None,
        by_y: Any = None,
        method: str = "auto",
    ) -> Self:
        """Return the rows of both frames that agree in the key columns, sorted by them."""
        if by_x is None and by_y is None:
            common = [n for n in self.names if n in other.names]
            if not common:
                raise RapidsError("No columns in common to merge on! Give by_x and by_y.")
            by_x = by_y = common
        if by_x is None or by_y is None:
            raise RapidsError("Give both by_x and by_y, or neither.")
        keys = (self._positions(by_x), other._positions(by_y))
        return self._apply("merge", other, all_x, all_y, *keys, method)

    def split_frame(
        self,
        ratios: Sequence[float] | None = None,
        destination_frames: Sequence[str] | None = None,
        seed: int | None = None,
    ) -> list[Self]:
        """Return the rows split at random in these shares, the last frame having the rest."""
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

    # ---- names

    def set_names(self, names: Sequence[str]) -> Self:
        """Rename all columns of this frame and return it."""
        self.names = list(names)
        return self

    def set_name(self, col: int | str | None = None, name: str | None = None) -> None:
        """Rename one column of this frame; the only one if none is given."""
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
        """Rename columns of this frame and return it; unknown ones are left out."""
        names = self.names
        for col, name in (columns or {}).items():
            if isinstance(col, int) or col in self.names:
                names[self._position(col)] = name
        return self.set_names(names)

    def drop(self, index: Any, axis: int = 1) -> Self:
        """Return the frame without these columns, or without these rows (axis 0)."""
        if axis == 0:
            rows = [index] if isinstance(index, int) else list(index)
            if any(row < 0 or row >= self.nrows for row in rows):
                raise RapidsError(f"Row index selected to drop is not part of the frame: {rows!r}")
            return self._apply("rows", [-(row + 1) for row in rows])
        gone = self._positions(index)
        return self._apply("cols", [-(i + 1) for i in gone]) if gone else self._of(self._node)

    def pop(self, i: int | str) -> Self:
        """Take a column out of this frame and return it."""
        at = self._position(i)
        column = self._apply("cols", at)
        self._become(Apply.call("cols", self._node, -(at + 1)))
        return column

    # ---- types

    def asfactor(self) -> Self:
        """Return the columns as categorical."""
        return self._apply("as.factor")

    def asnumeric(self) -> Self:
        """Return the columns as numbers."""
        return self._apply("as.numeric")

    def ascharacter(self) -> Self:
        """Return the columns as strings."""
        return self._apply("as.character")

    def relevel(self, y: str) -> Self:
        """Return the categorical column with one level in front."""
        return self._apply("relevel", y)

    def relevel_by_frequency(self, weights_column: str | None = None, top_n: int = -1) -> Self:
        """Return the categorical columns with levels by falling frequency."""
        return self._apply("relevel.by.freq", weights_column or "_", top_n)

    def set_level(self, level: str) -> Self:
        """Return a constant column of one level."""
        return self._apply("setLevel", level)

    def set_levels(self, levels: Sequence[str]) -> Self:
        """Return the categorical column with other levels."""
        return self._apply("setDomain", False, list(levels))

    def append_levels(self, levels: Sequence[str]) -> Self:
        """Return the categorical column with more levels."""
        return self._apply("appendLevels", False, list(levels))

    def columns_by_type(self, coltype: str = "numeric") -> list[float]:
        """Return the positions of the columns of a type."""
        return self._numbers("columnsByType", coltype)

    def filter_na_cols(self, frac: float = 0.2) -> list[float]:
        """Return the positions of the columns with a small enough share of NA."""
        return self._numbers("filterNACols", frac)

    # ---- NA

    def na_omit(self) -> Self:
        """Return the rows without any NA."""
        return self._apply("na.omit")

    def fillna(self, method: str = "forward", axis: int = 0, maxlen: int = 1) -> Self:
        """Return the frame with NA filled from the values before or after them."""
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
        """Replace NA of this frame (-1: all columns) and return the values, or groups, used."""
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
        return float(value)

    def insert_missing_values(self, fraction: float = 0.1, seed: int | None = None) -> Self:
        """Set a random share of the values of this frame to NA and return it."""
        from dh2o.rapids.makers import insert_missing

        changed = insert_missing(self.frame, fraction, -1 if seed is None else seed)
        self._node = self._of_table(Table.of(changed))._node
        return self

    # ---- random

    def runif(self, seed: int | None = None) -> Self:
        """Return a column of uniform random numbers."""
        return self._apply("h2o.runif", -1 if seed is None else seed)

    def stratified_split(self, test_frac: float = 0.2, seed: int = -1) -> Self:
        """Return a column of train and test with the same share of every class."""
        return self._apply("h2o.random_stratified_split", test_frac, seed)

    def kfold_column(self, n_folds: int = 3, seed: int = -1) -> Self:
        """Return a random fold for each row."""
        return self._apply("kfold_column", n_folds, seed)

    def modulo_kfold_column(self, n_folds: int = 3) -> Self:
        """Return the row number modulo the number of folds."""
        return self._apply("modulo_kfold_column", n_folds)

    def stratified_kfold_column(self, n_folds: int = 3, seed: int = -1) -> Self:
        """Return a fold for each row that spreads every class evenly."""
        return self._apply("stratified_kfold_column", n_folds, seed)

    def save(self, path: str | Path, force: bool = True) -> str:
        """Write the frame into the folder `path` for ``dh2o.load_frame``; return its key."""
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
        """Return crossed categorical columns: a level joins one level of each."""
        from dh2o.rapids.makers import interaction

        names = [self.names[i] for i in self._positions(factors)]
        frame = interaction(self.frame, names, pairwise, max_factors, min_occurrence)
        made = self._of_table(Table.of(frame))
        if destination_frame is not None:
            made.frame_id = destination_frame
        return made

    # ---- order and shape

    def sort(self, by: Any, ascending: Any = ()) -> Self:
        """Return the rows sorted by columns; NA first."""
        cols = self._positions(by)
        given = [ascending] if isinstance(ascending, bool | int) else list(ascending)
        if given and len(given) != len(cols):
            raise RapidsError(f"{len(given)} sort directions for {len(cols)} columns.")
        up = [1 if a in (True, 1) else -1 for a in given] or [1] * len(cols)
        return self._apply("sort", cols, up)

    def group_by(self, by: Any) -> Any:
        """Return the grouping by columns, whose methods add aggregates."""
        from dh2o.rapids.group_by import GroupBy

        return GroupBy(self, self._positions(by))

    def drop_duplicates(self, columns: Any, keep: str = "first") -> Self:
        """Return one row of those that agree in the columns."""
        return self._apply("dropdup", self._positions(columns), keep)

    def pivot(self, index: str, column: str, value: str) -> Self:
        """Return one row for each value of `index` and one column for each of `column`."""
        return self._apply("pivot", index, column, value)

    def melt(
        self,
        id_vars: Sequence[str],
        value_vars: Sequence[str] | None = None,
        var_name: str = "variable",
        value_name: str = "value",
        skipna: bool = False,
    ) -> Self:
        """Return one row for each row and value column."""
        values = [] if value_vars is None else list(value_vars)
        return self._apply("melt", list(id_vars), values, var_name, value_name, skipna)

    def rank_within_group_by(
        self,
        group_by_cols: Any,
        sort_cols: Any,
        ascending: Sequence[bool] = (),
        new_col_name: str = "New_Rank_column",
        sort_cols_sorted: bool = False,
    ) -> Self:
        """Return the frame with the rank of each row in its group."""
        keys = self._positions(sort_cols)
        up = [1 if a in (True, 1) else -1 for a in ascending] or [1] * len(keys)
        groups = self._positions(group_by_cols)
        sorted_too = 1 if sort_cols_sorted else 0
        return self._apply("rank_within_groupby", groups, keys, up, new_col_name, sorted_too)

    def rep_len(self, length_out: int) -> Self:
        """Return the rows repeated to a length."""
        return self._apply("rep_len", length_out)

    def apply(self, fun: Callable[..., Any] | None = None, axis: int = 0) -> Self:
        """Return a function's value for each column (axis 0) or each row (axis 1).

        A function that only combines and reduces its argument, as ``lambda row: row["a"] - 1``,
        becomes an expression and is fast. Any other Python function, and every numba function, runs
        on the workers: by rows it is given a `Row` (numba: an array of numbers), by columns the
        whole column as an array. It returns a value, or several as a tuple, list, dict or array.

        Raises
        ------
        FrameError
            The function failed; the message names the block and the row, or the column.
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
        """
        from dh2o.frame import mapped

        seen: Any = form or ("arrays" if mapped.is_numba(fn) else "pandas")
        made = mapped.map_blocks(self.frame, fn, args, kwargs, form=seen, names=names)
        out: Any = self._of_table(Table.of(made))
        if types is not None:
            out._convert(types)
        return out

    def match(self, table: Any, nomatch: float = math.nan, start_index: int = 1) -> Self:
        """Return the position of each value in a list."""
        wanted = list(table) if isinstance(table, list | tuple | set) else table
        return self._apply("match", wanted, nomatch, start_index)

    def isin(self, item: Any) -> Self:
        """Return 1 where a value is in a list, else 0."""
        if not isinstance(item, list | tuple | set):
            return self._apply("==", item)
        found: Self | None = None
        for one in item:
            hit = self._apply("==", one)
            found = hit if found is None else found._apply("|", hit)
        return self._apply("*", 0) if found is None else found


def _several(data: Any) -> list[Any]:
    return list(data) if isinstance(data, list | tuple) else [data]
