"""H2OFrame: numbers of columns and rows, tables, quantiles, correlations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from dh2o.errors import RapidsError
from dh2o.rapids.h2oframe_base import FrameBase
from dh2o.rapids.values import ValFrame

__all__ = ["FrameStats"]

_PROBS = (0.01, 0.1, 0.25, 0.333, 0.5, 0.667, 0.75, 0.9, 0.99)
_RULES = ("sturges", "rice", "sqrt", "doane", "scott", "fd")


class FrameStats(FrameBase):
    """Statistics; those of one number a column come as lists."""

    __slots__ = ()

    def min(self) -> float:
        """Return the smallest value; NaN with any NA."""
        return self._number("min")

    def max(self) -> float:
        """Return the largest value; NaN with any NA."""
        return self._number("max")

    def prod(self, na_rm: bool = False) -> float:
        """Return the product of all values.

        Parameters
        ----------
        na_rm : bool
            Leave NA out; otherwise one NA makes the product NaN.

        Raises
        ------
        RapidsError
            A column does not hold numbers.
        """
        return self._number("prod.na" if na_rm else "prod")

    def sum(self, skipna: bool = True, axis: int = 0, *, return_frame: bool = False) -> Any:
        """Return the sum of all values, one number as in H2O's client.

        With `return_frame` the sum of each column, with axis 1 that of each row, as frames.

        Parameters
        ----------
        skipna : bool
            Leave NA out; otherwise one NA makes the sum NaN.
        axis : {0, 1}
            0 sums down the columns, 1 along the rows.
        return_frame : bool
            A frame of one row, the sum of each column, instead of one number.

        Returns
        -------
        float or H2OFrame
            Categorical columns count by their codes (from 0). Sums of rows are a column called
            "sum".
        """
        if axis == 0 and not return_frame:
            return self._number("sumNA" if skipna else "sum")
        return self._along("sumaxis", skipna, axis, return_frame)

    def mean(self, skipna: bool = True, axis: int = 0, *, return_frame: bool = False) -> Any:
        """Return the mean of each column as a list, or of each row as a frame (axis 1).

        Parameters
        ----------
        skipna : bool
            Leave NA out; otherwise one NA makes the mean NaN.
        axis : {0, 1}
            0: of each column, 1: of each row.
        return_frame : bool
            The means of the columns as a frame of one row.

        Returns
        -------
        list of float or H2OFrame
            Categorical columns count by their codes (from 0). Means of rows are a column called
            "mean".
        """
        return self._along("mean", skipna, axis, return_frame)

    def _along(self, symbol: str, skipna: bool, axis: int, return_frame: bool) -> Any:
        if axis not in (0, 1):
            raise RapidsError(f"axis must be 0 or 1, got {axis!r}.")
        made = self._apply(symbol, skipna, axis)
        return made if axis == 1 or return_frame else made.getrow()  # type: ignore[attr-defined]

    def sd(self, na_rm: bool = False) -> list[float]:
        """Return the sample standard deviation of each column.

        Parameters
        ----------
        na_rm : bool
            Leave NA out; otherwise a column with NA gives NaN, as one without numbers does.
        """
        return self._numbers("sd", na_rm)

    def median(self, na_rm: bool = False) -> list[float]:
        """Return the median of each column.

        Parameters
        ----------
        na_rm : bool
            Leave NA out; otherwise a column with NA gives NaN, as one without numbers does.
        """
        return self._numbers("median", na_rm)

    def skewness(self, na_rm: bool = False) -> list[float]:
        """Return the skewness of each column.

        Parameters
        ----------
        na_rm : bool
            Leave NA out; otherwise a column with NA gives NaN, as one without numbers does.
        """
        return self._numbers("skewness", na_rm)

    def kurtosis(self, na_rm: bool = False) -> list[float]:
        """Return the kurtosis of each column (3 for a normal one).

        Parameters
        ----------
        na_rm : bool
            Leave NA out; otherwise a column with NA gives NaN, as one without numbers does.
        """
        return self._numbers("kurtosis", na_rm)

    def nacnt(self) -> list[float]:
        """Return the number of NA in each column."""
        return self._numbers("naCnt")

    def var(self, y: FrameBase | None = None, na_rm: bool = False, use: str | None = None) -> Any:
        """Return the covariance of two columns, or the matrix for all columns.

        Parameters
        ----------
        y : H2OFrame, optional
            The other columns; default: this frame's own.
        na_rm : bool
            Leave out rows with NA, as `use` "complete.obs".
        use : {"everything", "all.obs", "complete.obs"}, optional
            What NA do: make the result NA, are an error, or take their row out.

        Returns
        -------
        float or H2OFrame
            A number for one column by one column, else a frame: a row and a column for each column.

        Raises
        ------
        RapidsError
            `use` is unknown, or "all.obs" and there are NA.
        """
        how = use or ("complete.obs" if na_rm else "everything")
        return self._matrix(self._value("var", self if y is None else y, how, y is None))

    def cor(
        self,
        y: FrameBase | None = None,
        na_rm: bool = False,
        use: str | None = None,
        method: str = "Pearson",
    ) -> Any:
        """Return the correlation of two columns, or the matrix for all columns.

        Parameters
        ----------
        y : H2OFrame, optional
            The other columns; default: this frame's own.
        na_rm : bool
            Leave out rows with NA, as `use` "complete.obs".
        use : {"everything", "all.obs", "complete.obs"}, optional
            What NA do: make the result NA, are an error, or take their row out.
        method : {"Pearson", "Spearman"}
            Correlation of values, or of their ranks.

        Returns
        -------
        float or H2OFrame
            A number for one column by one column, else a frame: a row and a column for each column.

        Raises
        ------
        RapidsError
            `use` or `method` is unknown, or "all.obs" and there are NA.
        """
        how = use or ("complete.obs" if na_rm else "everything")
        return self._matrix(self._value("cor", self if y is None else y, how, method))

    def _matrix(self, value: Any) -> Any:
        return self._of_table(value.table) if isinstance(value, ValFrame) else value.value

    def isax(self, num_words: int, max_cardinality: int, optimize_card: bool = False) -> Self:
        """Return each row, a time series, in symbols: iSax_index and one column a word.

        Parameters
        ----------
        num_words : int
            Into how many pieces the columns of a row are cut.
        max_cardinality : int
            How many symbols there are for the mean of a piece.
        optimize_card : bool
            As few symbols for each word as tell its values apart.

        Returns
        -------
        H2OFrame
            ``iSax_index`` as ``0^4_3^4`` (symbol ^ cardinality), then ``c0``, ``c1``, … the
            symbols.
        """
        return self._apply("isax", num_words, max_cardinality, optimize_card)

    def distance(self, y: FrameBase, measure: str | None = None) -> Self:
        """Return the distances between the rows of two frames.

        Parameters
        ----------
        y : H2OFrame
            The other rows, of as many number columns.
        measure : {"l2", "l1", "cosine", "cosine_sq"}, optional
            Euclid's distance (default), the sum of differences, the cosine, or its square.

        Returns
        -------
        H2OFrame
            A row for each row of this frame, a column for each of `y`.

        Raises
        ------
        RapidsError
            The measure is unknown, a column is not numeric, or holds NA.
        """
        return self._apply("distance", y, measure or "l2")

    def any(self) -> bool:
        """Return True when some value is not 0; NA count, as in H2O."""
        return bool(self._number("any"))

    def all(self) -> bool:
        """Return True when no value is 0."""
        return bool(self._number("all"))

    def any_na_rm(self) -> bool:
        """Return True when some value is neither 0 nor NA."""
        return bool(self._number("any.na"))

    def isfactor(self) -> list[bool]:
        """Return which columns are categorical."""
        return [bool(v) for v in self._numbers("is.factor")]

    def isnumeric(self) -> list[bool]:
        """Return which columns are numbers."""
        return [bool(v) for v in self._numbers("is.numeric")]

    def isstring(self) -> list[bool]:
        """Return which columns are strings."""
        return [bool(v) for v in self._numbers("is.character")]

    ischaracter = isstring

    def anyfactor(self) -> bool:
        """Return True when some column is categorical."""
        return bool(self._number("any.factor"))

    def levels(self) -> list[list[str]]:
        """Return the levels of each column."""
        return [list(c.domain or ()) for c in self._table().columns]

    def nlevels(self) -> list[int]:
        """Return the number of levels of each column."""
        return [len(levels) for levels in self.levels()]

    def categories(self) -> list[str]:
        """Return the levels of the only column."""
        if self.ncols != 1:
            raise RapidsError("This operation only applies to a single factor column")
        return self.levels()[0]

    def unique(self, include_nas: bool = False) -> Self:
        """Return the distinct values of a column.

        Parameters
        ----------
        include_nas : bool
            Whether NA is one of them. Among numbers it is listed in any case, as in H2O.

        Returns
        -------
        H2OFrame
            One column C1, ascending, NA last. Of several columns only the first is looked at.
        """
        return self._apply("unique", include_nas)

    def table(self, data2: FrameBase | None = None, dense: bool = True) -> Self:
        """Return the counts of the values of one column, or of the pairs of two.

        Parameters
        ----------
        data2 : H2OFrame, optional
            A second column. (A frame of two columns counts its pairs as well.)
        dense : bool
            A row for each pair that occurs; False gives a column for each value of the second
            column and 0 for pairs that do not occur.

        Returns
        -------
        H2OFrame
            The values, ascending, and "Count"; of two columns "Counts". NA are not counted.

        Raises
        ------
        RapidsError
            More than two columns, or one of strings (`asfactor` first).

        Examples
        --------
        >>> fr = dh2o.H2OFrame({"k": ["b", "a", "b"], "x": [1, 1, 2]})
        >>> fr["k"].table()
        k  Count
        -  -----
        a      1
        b      2
        >>> fr["k"].table(fr["x"], dense=False)
        k  1.0  2.0
        -  ---  ---
        a    1    0
        b    1    1
        """
        return (
            self._apply("table", data2, dense) if data2 is not None else self._apply("table", dense)
        )

    def quantile(
        self,
        prob: float | Sequence[float] | None = None,
        combine_method: str = "interpolate",
        weights_column: str | FrameBase | None = None,
    ) -> Self:
        """Return the quantiles of each column.

        Parameters
        ----------
        prob : float or list of float, optional
            Probabilities, 0 to 1. Default: 0.01, 0.1, 0.25, 0.333, 0.5, 0.667, 0.75, 0.9, 0.99.
        combine_method : {"interpolate", "average", "low", "high"}
            What is taken between two values.
        weights_column : str or H2OFrame, optional
            Weights of the rows: the name of a column, which is then left out, or a frame of one.

        Returns
        -------
        H2OFrame
            "Probs" and a column ``<name>Quantiles`` for each column, NA for those that hold no
            numbers. Quantiles are exact; NA do not count.

        Raises
        ------
        RapidsError
            A probability or the method is out of range.

        Examples
        --------
        >>> fr = dh2o.H2OFrame({"x": [1, 2, 3, 4]})
        >>> fr.quantile([0.25, 0.5])
        Probs  xQuantiles
        -----  ----------
         0.25        1.75
          0.5         2.5
        """
        wanted = _PROBS if prob is None else prob
        probs = [float(wanted)] if isinstance(wanted, int | float) else list(wanted)
        if isinstance(weights_column, FrameBase):
            merged = self._apply("cbind", weights_column)
            return merged._apply("quantile", probs, combine_method, merged.names[-1])
        return self._apply("quantile", probs, combine_method, weights_column or "_")

    def hist(
        self, breaks: Any = "sturges", plot: bool = False, save_plot_path: str | None = None
    ) -> Any:
        """Return the frame of breaks, counts and mids of a histogram, or with `plot` its figure.

        The figure is written to `save_plot_path` if that is given.

        Parameters
        ----------
        breaks : str, int or list of float
            A rule ("sturges", "rice", "sqrt", "doane", "scott", "fd"), the number of breaks, or
            the breaks themselves.
        plot : bool
            Return a figure of matplotlib instead of the frame.
        save_plot_path : str, optional
            Where the figure is written; its ending names the format. Makes a figure without `plot`
            too.

        Returns
        -------
        H2OFrame or matplotlib.figure.Figure
            Columns breaks, counts, mids_true and mids. A row is the bin that ends at its break; the
            first row has no counts. Breaks that are not given follow H2O: n evenly spaced ones, the
            first a step above the smallest value, which is counted in the first bin all the same.

        Raises
        ------
        RapidsError
            This frame has more than one column, no numbers, or but one value; the rule is unknown.
        MissingExtraError
            A figure is wanted and matplotlib is not there.

        Examples
        --------
        >>> fr = dh2o.H2OFrame({"x": [1, 2, 3, 4]})
        >>> fr.hist(breaks=[0, 2, 4])
        breaks  counts  mids_true  mids
        ------  ------  ---------  ----
             0      NA         NA    NA
             2       2        1.5     1
             4       2        3.5     3
        """
        if isinstance(breaks, str) and breaks.lower() not in _RULES:
            raise RapidsError(
                f"breaks: unknown rule {breaks!r}. Expected one of: {', '.join(_RULES)}; "
                "or a number, or a list of breaks."
            )
        made = self._apply("hist", breaks)
        if not plot and save_plot_path is None:
            return made
        figure = _figure(made)
        if save_plot_path is not None:
            figure.savefig(save_plot_path)
        return figure

    def cut(
        self,
        breaks: Sequence[float] | float,
        labels: Sequence[str] | None = None,
        include_lowest: bool = False,
        right: bool = True,
        dig_lab: int = 3,
    ) -> Self:
        """Return the interval of each value as a category.

        Parameters
        ----------
        breaks : list of float or int
            The ends of the intervals, or a number of ends, as in H2O: one interval fewer.
        labels : list of str, optional
            Names of the intervals; default: their ends, such as ``(0.0,2.0]``. With a number of
            breaks H2O wants as many labels, the last of which stays without rows.
        include_lowest : bool
            The first interval holds the lowest break too (with ``right=False`` the last the
            highest).
        right : bool
            Intervals hold their right end; False: their left end.
        dig_lab : int
            Digits of the ends in default labels.

        Returns
        -------
        H2OFrame
            A categorical column; NA where a value is NA or in no interval.

        Raises
        ------
        RapidsError
            This is not one column of numbers, or the number of labels does not fit.

        Examples
        --------
        >>> fr = dh2o.H2OFrame({"x": [0, 1, 2, 3]})
        >>> fr.cut([0, 2, 3], labels=["low", "high"])
        x
        ----
        NA
        low
        low
        high
        """
        cuts = [float(b) for b in breaks] if isinstance(breaks, Sequence) else breaks
        return self._apply("cut", cuts, labels, include_lowest, right, dig_lab)

    def which(self) -> Self:
        """Return the numbers of the rows that are not 0 and not NA."""
        return self._apply("which")

    def idxmax(self, skipna: bool = True, axis: int = 0) -> Self:
        """Return where the largest value of each column or row is.

        Parameters
        ----------
        skipna : bool
            Leave NA out; otherwise a column or row with NA gives NA.
        axis : {0, 1}
            0: the row of each column's largest value, a frame of one row; 1: the position of each
            row's, a column ``which.max``.
        """
        return self._apply("which.max", skipna, axis)

    def idxmin(self, skipna: bool = True, axis: int = 0) -> Self:
        """Return where the smallest value of each column or row is.

        Parameters
        ----------
        skipna : bool
            Leave NA out; otherwise a column or row with NA gives NA.
        axis : {0, 1}
            0: the row of each column's smallest value, a frame of one row; 1: the position of each
            row's, a column ``which.min``.
        """
        return self._apply("which.min", skipna, axis)

    def topNBottomN(  # noqa: N802 - H2O's name
        self,
        column: int | str = 0,
        nPercent: float = 10,
        grabTopN: int = -1,
    ) -> Self:
        """Return the top (1) or bottom (-1) share of a column with the row numbers.

        Parameters
        ----------
        column : int or str
            A column of numbers.
        nPercent : float
            The share of the rows, 0 to 100.
        grabTopN : {-1, 1}
            -1 the smallest values, ascending; 1 the largest, descending.

        Returns
        -------
        H2OFrame
            ``Original_Row_Indices``, from 0, and the values; equal ones by row number.
        """
        return self._apply("topn", self._position(column), nPercent, grabTopN)

    def topN(self, column: int | str = 0, nPercent: float = 10) -> Self:  # noqa: N802
        """Return the largest share of a column with the row numbers.

        Parameters
        ----------
        column : int or str
            A column of numbers.
        nPercent : float
            The share of the rows, 0 to 100.

        Returns
        -------
        H2OFrame
            ``Original_Row_Indices``, from 0, and the values, descending.
        """
        return self.topNBottomN(column, nPercent, 1)

    def bottomN(self, column: int | str = 0, nPercent: float = 10) -> Self:  # noqa: N802
        """Return the smallest share of a column with the row numbers.

        Parameters
        ----------
        column : int or str
            A column of numbers.
        nPercent : float
            The share of the rows, 0 to 100.

        Returns
        -------
        H2OFrame
            ``Original_Row_Indices``, from 0, and the values, ascending.
        """
        return self.topNBottomN(column, nPercent, -1)


def _figure(made: FrameBase) -> Any:
    from dh2o.errors import MissingExtraError

    try:
        from matplotlib import pyplot as plt
    except ImportError:
        raise MissingExtraError.of("matplotlib", "plot", "Drawing a histogram") from None
    rows = made.frame.to_numpy()
    figure, axes = plt.subplots()
    widths = rows[1:, 0] - rows[:-1, 0]
    axes.bar(rows[:-1, 0], rows[1:, 1], width=widths, align="edge", edgecolor="white")
    return figure
