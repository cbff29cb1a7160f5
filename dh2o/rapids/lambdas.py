"""A Python function of a column or row, as a function of the language: traced, never disassembled.

The function is called once with a stand-in whose operators and methods build a tree.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Self

from dh2o.errors import RapidsError
from dh2o.rapids.h2oframe_base import FrameBase
from dh2o.rapids.h2oframe_math import FrameMath
from dh2o.rapids.tree import Id, Lambda, Node, to_node

__all__ = ["lambda_node", "traced"]


class Traced(FrameMath):
    """Stands for the column or row that the function will be given."""

    __slots__ = ()

    @classmethod
    def _of(cls, node: Node) -> Self:
        frame = cls.__new__(cls)
        frame._start(node)
        return frame

    def _table(self) -> Any:
        raise RapidsError(
            "The function given to apply can only combine and reduce its argument; it cannot look "
            "at values, names or sizes, since it runs once for all columns or rows."
        )

    def __getitem__(self, item: Any) -> Self:
        return self._apply("cols", item)

    def mean(self, skipna: bool = True) -> Self:
        return self._apply("mean", skipna, 0)

    def sum(self, skipna: bool = True) -> Self:
        return self._apply("sumaxis", skipna, 0)

    def min(self) -> Self:
        return self._apply("min")

    def max(self) -> Self:
        return self._apply("max")

    def prod(self) -> Self:
        return self._apply("prod")

    def sd(self, na_rm: bool = False) -> Self:
        return self._apply("sd", na_rm)

    def median(self, na_rm: bool = False) -> Self:
        return self._apply("median", na_rm)

    def nacnt(self) -> Self:
        return self._apply("naCnt")


def lambda_node(function: Callable[..., Any]) -> Lambda:
    """Return the function as a Lambda node."""
    names = tuple(inspect.signature(function).parameters)
    made = function(*(Traced._of(Id(name)) for name in names))
    if isinstance(made, FrameBase):
        return Lambda(names, made._node)
    if isinstance(made, int | float):
        return Lambda(names, to_node(made))
    raise RapidsError(
        f"The function given to apply returned a {type(made).__name__}; it must return something "
        "computed from its argument."
    )


def traced(function: Callable[..., Any]) -> Lambda | None:
    """Return the function as a Lambda node, None for one that is more than an expression."""
    if hasattr(function, "py_func"):  # compiled by numba
        return None
    try:
        return lambda_node(function)
    except Exception:  # noqa: BLE001 - the user's function met a stand-in it cannot work with
        return None
