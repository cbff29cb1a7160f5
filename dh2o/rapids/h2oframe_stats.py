"""H2OFrame: numbers of columns and rows, tables, quantiles, correlations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from dh2o.errors import RapidsError
from dh2o.rapids.h2oframe_base import FrameBase
from dh2o.rapids.values import ValFrame

__all__ = ["FrameStats"]

_PROBS = (0.01, 0.1, 0.25, 0.333, 0.5, 0.667, 0.75, 0.9, 0.99)


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
        """Return the product of all values."""
        return self._number("prod.na" if na_rm else "prod")

    def sum(self, skipna: bool = True, axis: int = 0, *, return_frame: bool = False) -> Any:
        """Return the sum of all values, one number as in H2O's client.

        With `return_frame` the sum of each column, with axis 1 that of each row, as frames.
        """
        if axis == 0 and not return_frame:
            return self._number("sumNA" if skipna else "sum")
        return self._along("sumaxis", skipna, axis, return_frame)

    def mean(self, skipna: bool = True, axis: int = 0, *, return_frame: bool = False) -> Any:
        """Return the mean of each column as a list, or of each row as a frame (axis 1)."""
        return self._along("mean", skipna, axis, return_frame)

    def _along(self, symbol: str, skipna: bool, axis: int, return_frame: bool) -> Any:
        if axis not in (0, 1):
            raise RapidsError(f"axis must be 0 or 1, got {axis!r}.")
        made = self._apply(symbol, skipna, axis)
        return made if axis == 1 or return_frame else made.getrow()  # type: ignore[attr-defined]

    def sd(self, na_rm: bool = False) -> list[float]:
        """Return the sample standard deviation of each column."""
        return self._numbers("sd", na_rm)

    def median(self, na_rm: bool = False) -> list[float]:
        """Return the median of each column."""
        return self._numbers("median", na_rm)

    def skewness(self, na_rm: bool = False) -> list[float]:
        """Return the skewness of each column."""
        return self._numbers("skewness", na_rm)

    def kurtosis(self, na_rm: bool = False) -> list[float]:
        """Return the kurtosis of each column (3 for a normal one)."""
        return self._numbers("kurtosis", na_rm)

    def nacnt(self) -> list[float]:
        """Return the number of NA in each column."""
        return self._numbers("naCnt")

    def var(self, y: FrameBase | None = None, na_rm: bool = False, use: str | None = None) -> Any:
        """Return the covariance of two columns, or the matrix for all columns."""
        how = use or ("complete.obs" if na_rm else "everything")
        return self._matrix(self._value("var", self if y is None else y, how, y is None))

    def cor(
        self,
        y: FrameBase | None = None,
        na_rm: bool = False,
        use: str | None = None,
        method: str = "Pearson",
    ) -> Any:
        """Return the correlation of two columns, or the matrix for all columns."""
        how = use or ("complete.obs" if na_rm else "everything")
        return self._matrix(self._value("cor", self if y is None else y, how, method))

    def _matrix(self, value: Any) -> Any:
        return self._of_table(value.table) if isinstance(value, ValFrame) else value.value

    def isax(self, num_words: int, max_cardinality: int, optimize_card: bool = False) -> Self:
        """Return each row, a time series, in symbols: iSax_index and one column a word."""
        return self._apply("isax", num_words, max_cardinality, optimize_card)

    def distance(self, y: FrameBase, measure: str | None = None) -> Self:
        """Return the distances between the rows of two frames."""
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
        """Return the distinct values of a column."""
        return self._apply("unique", include_nas)

    def table(self, data2: FrameBase | None = None, dense: bool = True) -> Self:
        """Return the counts of the values of one column, or of the pairs of two."""
        return (
            self._apply("table", data2, dense) if data2 is not None else self._apply("table", dense)
        )

    def quantile(
        self,
        prob: Sequence[float] | None = None,
        combine_method: str = "interpolate",
        weights_column: str | FrameBase | None = None,
    ) -> Self:
        """Return the quantiles of each column."""
        probs = list(_PROBS if prob is None else prob)
        if isinstance(weights_column, FrameBase):
            merged = self._apply("cbind", weights_column)
            return merged._apply("quantile", probs, combine_method, merged.names[-1])
        return self._apply("quantile", probs, combine_method, weights_column or "_")

    def hist(
        self, breaks: Any = "sturges", plot: bool = False, save_plot_path: str | None = None
    ) -> Any:
        """Return the frame of breaks, counts and mids of a histogram, or with `plot` its figure.

        The figure is written to `save_plot_path` if that is given.
        """
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
        """Return the interval of each value as a category."""
        cuts = [float(b) for b in breaks] if isinstance(breaks, Sequence) else breaks
        return self._apply("cut", cuts, labels, include_lowest, right, dig_lab)

    def which(self) -> Self:
        """Return the numbers of the rows that are not 0 and not NA."""
        return self._apply("which")

    def idxmax(self, skipna: bool = True, axis: int = 0) -> Self:
        """Return where the largest value of each column or row is."""
        return self._apply("which.max", skipna, axis)

    def idxmin(self, skipna: bool = True, axis: int = 0) -> Self:
        """Return where the smallest value of each column or row is."""
        return self._apply("which.min", skipna, axis)

    def topNBottomN(  # noqa: N802 - H2O's name
        self,
        column: int | str = 0,
        nPercent: float = 10,
        grabTopN: int = -1,
    ) -> Self:
        """Return the top (1) or bottom (-1) share of a column with the row numbers."""
        return self._apply("topn", self._position(column), nPercent, grabTopN)

    def topN(self, column: int | str = 0, nPercent: float = 10) -> Self:  # noqa: N802
        """Return the largest share of a column with the row numbers."""
        return self.topNBottomN(column, nPercent, 1)

    def bottomN(self, column: int | str = 0, nPercent: float = 10) -> Self:  # noqa: N802
        """Return the smallest share of a column with the row numbers."""
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
