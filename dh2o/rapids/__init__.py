"""Rapids: one expression tree with two front ends, H2O's text and the operators of an H2OFrame.

Expressions are lazy. Element-wise runs become one formula that a pass evaluates tile by tile;
reducers fold it without storing it; only what must be kept is computed into blocks.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from dh2o.rapids.evaluator import Env
from dh2o.rapids.grammar import RapidsSyntaxError, parse
from dh2o.rapids.h2oframe import H2OFrame
from dh2o.rapids.session import Session
from dh2o.rapids.table import PRIMITIVES, Primitive, reference_page, register
from dh2o.rapids.values import (
    Val,
    ValFrame,
    ValFun,
    ValKeyed,
    ValMapFrame,
    ValNum,
    ValNums,
    ValStr,
    ValStrs,
)

__all__ = [
    "PRIMITIVES",
    "Env",
    "H2OFrame",
    "Primitive",
    "RapidsSyntaxError",
    "Session",
    "Val",
    "ValFrame",
    "ValFun",
    "ValKeyed",
    "ValMapFrame",
    "ValNum",
    "ValNums",
    "ValStr",
    "ValStrs",
    "parse",
    "reference_page",
    "register",
]


class _Rapids(ModuleType):
    """The package can be called: ``dh2o.rapids("(+ 1 2)")``, as in H2O's client."""

    def __call__(self, expr: str) -> Any:
        """Return the value of an expression in text: a frame, a number, a text or a list.

        Parameters
        ----------
        expr : str
            The expression, in H2O's grammar; frames stand in it by their keys.

        Raises
        ------
        RapidsError
            It cannot be read, or an operator does not take what it is given.
        """
        from dh2o.rapids.h2oframe_base import python_session

        value = python_session().execute(expr)
        if isinstance(value, ValFrame):
            return H2OFrame._of_table(value.table)
        return H2OFrame._plain(value)


sys.modules[__name__].__class__ = _Rapids


def __dir__() -> list[str]:
    return __all__
