"""H2OFrame: operators and element-wise mathematics."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Self

from dh2o.errors import RapidsError
from dh2o.rapids.h2oframe_base import FrameBase

__all__ = ["FrameMath"]


def _operator(symbol: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def forward(self: FrameBase, other: Any) -> Any:
        return self._apply(symbol, math.nan if other is None else other)

    def reflected(self: FrameBase, other: Any) -> Any:
        return self._call(symbol, other, self)

    return forward, reflected


def _function(symbol: str, name: str) -> Callable[..., Any]:
    def method(self: FrameBase) -> Any:
        return self._apply(symbol)

    method.__name__ = name
    method.__doc__ = f"Return {symbol} of every value; columns are called {symbol}(name)."
    return method


class FrameMath(FrameBase):
    """Arithmetic, comparison, logic and elementary functions; all lazy."""

    __slots__ = ()

    __add__, __radd__ = _operator("+")
    __sub__, __rsub__ = _operator("-")
    __mul__, __rmul__ = _operator("*")
    __truediv__, __rtruediv__ = _operator("/")
    __floordiv__, __rfloordiv__ = _operator("intDiv")
    __mod__, __rmod__ = _operator("%")
    __pow__, __rpow__ = _operator("^")
    __and__, __rand__ = _operator("&")
    __or__, __ror__ = _operator("|")
    __lt__, _ = _operator("<")
    __le__, _ = _operator("<=")
    __gt__, _ = _operator(">")
    __ge__, _ = _operator(">=")
    __eq__, _ = _operator("==")
    __ne__, _ = _operator("!=")
    __hash__ = object.__hash__
    del _

    def __neg__(self) -> Self:
        return self._call("-", 0, self)

    def __pos__(self) -> Self:
        return self

    def __abs__(self) -> Self:
        return self._apply("abs")

    def __invert__(self) -> Self:
        return self._apply("!!")

    def logical_negation(self) -> Self:
        """Return 1 where a value is 0, and 0 elsewhere."""
        return self._apply("not")

    def __bool__(self) -> bool:
        if self.nrows > 1 or self.ncols > 1:
            raise RapidsError(
                "The truth of a whole frame is not defined. Did you mean & (logical and), "
                "| (logical or), or ~ (logical not)? They need parentheses around comparisons."
            )
        return self.nrows > 0

    def __int__(self) -> int:
        return int(self.flatten())

    def __float__(self) -> float:
        return float(self.flatten())

    def __contains__(self, item: Any) -> bool:
        wanted = item if isinstance(item, list | tuple | set) else [item]
        return all((self == one)._apply("any")._truth() for one in wanted)

    def _truth(self) -> bool:
        from dh2o.rapids.h2oframe_base import python_session

        return bool(self._plain(python_session().execute(self._node)))

    def flatten(self) -> Any:
        """Return the value of a frame of one row and one column."""
        if self.shape != (1, 1):
            raise RapidsError(
                f"Not a 1x1 Frame: it has {self.nrows} rows and {self.ncols} columns."
            )
        return self._plain(self._value("flatten"))

    def getrow(self) -> list[float]:
        """Return the numbers of a frame of one row."""
        return self._numbers("getrow")

    abs = _function("abs", "abs")
    acos = _function("acos", "acos")
    acosh = _function("acosh", "acosh")
    asin = _function("asin", "asin")
    asinh = _function("asinh", "asinh")
    atan = _function("atan", "atan")
    atanh = _function("atanh", "atanh")
    ceil = _function("ceiling", "ceil")
    cos = _function("cos", "cos")
    cosh = _function("cosh", "cosh")
    cospi = _function("cospi", "cospi")
    digamma = _function("digamma", "digamma")
    exp = _function("exp", "exp")
    expm1 = _function("expm1", "expm1")
    floor = _function("floor", "floor")
    gamma = _function("gamma", "gamma")
    lgamma = _function("lgamma", "lgamma")
    log = _function("log", "log")
    log10 = _function("log10", "log10")
    log1p = _function("log1p", "log1p")
    log2 = _function("log2", "log2")
    sign = _function("sign", "sign")
    sin = _function("sin", "sin")
    sinh = _function("sinh", "sinh")
    sinpi = _function("sinpi", "sinpi")
    sqrt = _function("sqrt", "sqrt")
    tan = _function("tan", "tan")
    tanh = _function("tanh", "tanh")
    tanpi = _function("tanpi", "tanpi")
    trigamma = _function("trigamma", "trigamma")
    trunc = _function("trunc", "trunc")

    def round(self, digits: int = 0) -> Self:
        """Return the values rounded; without digits half to even.

        Parameters
        ----------
        digits : int
            Digits behind the point, half away from zero; negative ones round to tens, hundreds, …
        """
        return self._apply("round", digits)

    def signif(self, digits: int = 6) -> Self:
        """Return the values rounded to significant digits.

        Parameters
        ----------
        digits : int
            How many; less than 1 counts as 1.
        """
        return self._apply("signif", digits)

    def mult(self, matrix: FrameBase) -> Self:
        """Return the matrix product of two frames.

        Parameters
        ----------
        matrix : H2OFrame
            The right matrix: as many rows as this frame has columns, at most 50 million cells.

        Returns
        -------
        H2OFrame
            As many rows as this frame; columns C1, C2, …
        """
        return self._apply("x", matrix)

    def transpose(self) -> Self:
        """Return the frame with rows and columns exchanged."""
        return self._apply("t")

    def cumsum(self, axis: int = 0) -> Self:
        """Return running sums down the columns (axis 0) or along the rows.

        Parameters
        ----------
        axis : {0, 1}
            0 down, 1 along. From an NA on all is NA.
        """
        return self._apply("cumsum", axis)

    def cumprod(self, axis: int = 0) -> Self:
        """Return running products down the columns (axis 0) or along the rows.

        Parameters
        ----------
        axis : {0, 1}
            0 down, 1 along. From an NA on all is NA.
        """
        return self._apply("cumprod", axis)

    def cummin(self, axis: int = 0) -> Self:
        """Return running minima down the columns (axis 0) or along the rows.

        Parameters
        ----------
        axis : {0, 1}
            0 down, 1 along. From an NA on all is NA.
        """
        return self._apply("cummin", axis)

    def cummax(self, axis: int = 0) -> Self:
        """Return running maxima down the columns (axis 0) or along the rows.

        Parameters
        ----------
        axis : {0, 1}
            0 down, 1 along. From an NA on all is NA.
        """
        return self._apply("cummax", axis)

    def difflag1(self) -> Self:
        """Return each value minus the one in the row before."""
        return self._apply("difflag1")

    def scale(self, center: Any = True, scale: Any = True) -> Self:
        """Return number columns centred and divided by their deviation, or by numbers given.

        Parameters
        ----------
        center : bool or list of float
            What is subtracted: the mean (True), nothing (False), or a number for each column.
        scale : bool or list of float
            What is divided by: the sample standard deviation (True), nothing, or a number for each
            column.

        Returns
        -------
        H2OFrame
            Categorical and string columns stay as they are.
        """
        return self._apply("scale", center, scale)

    def isna(self) -> Self:
        """Return 1 where a value is NA, else 0."""
        return self._apply("is.na")

    def ifelse(self, yes: Any, no: Any) -> Self:
        """Return `yes` where this is not 0, `no` where it is 0, NA where it is NA.

        Parameters
        ----------
        yes, no : H2OFrame, number, str or None
            What stands there: a column of as many rows, or one value (None is NA).

        Returns
        -------
        H2OFrame
            Texts give a categorical column.

        Notes
        -----
        NA compared with a number is 0, as in H2O: ``(fr["x"] > 2).ifelse(...)`` chooses `no` for
        NA.

        Examples
        --------
        >>> fr = dh2o.H2OFrame({"x": [1, 2, 3]})
        >>> (fr["x"] > 2).ifelse("big", "small")
        C1
        -----
        small
        small
        big
        """
        given = (math.nan if value is None else value for value in (yes, no))
        return self._apply("ifelse", *given)
