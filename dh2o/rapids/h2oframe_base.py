"""What every part of H2OFrame builds on: a lazy tree, and ways to evaluate it."""

from __future__ import annotations

import itertools
import threading
import weakref
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from dh2o.errors import KeyNotFoundError, RapidsError
from dh2o.frame import Frame
from dh2o.mrtask import current_engine
from dh2o.rapids.columns import Table
from dh2o.rapids.program import may_fail
from dh2o.rapids.session import Session
from dh2o.rapids.tree import Apply, Literal, Node, to_node
from dh2o.rapids.values import Val, ValFrame, ValNum, ValNums, ValStr, ValStrs

if TYPE_CHECKING:
    from dh2o.mrtask import Engine

__all__ = ["FrameBase", "python_session"]

MAX_DEPTH = 48  # operations that wait in a tree before it is evaluated (as formulas, mostly)

_SESSIONS: weakref.WeakKeyDictionary[Engine, Session] = weakref.WeakKeyDictionary()
_SESSIONS_LOCK = threading.Lock()
_NUMBERS = itertools.count(1)


def python_session() -> Session:
    """Return the session of this process's Python frames on the current engine."""
    engine = current_engine()
    with _SESSIONS_LOCK:
        session = _SESSIONS.get(engine)
        if session is None:
            session = _SESSIONS[engine] = Session(engine)
        return session


def _forget(engine: Engine, key: str) -> None:
    """Remove the key of a frame whose Python object is gone, if the cluster still is there."""
    try:
        engine.dkv.remove(key)
    except (KeyNotFoundError, RuntimeError, OSError):
        return


class FrameBase:
    """A lazy frame: a tree, evaluated when somebody needs names, numbers or blocks."""

    __slots__ = ("__weakref__", "_finalizer", "_node")

    _node: Node
    _finalizer: Any

    def _start(self, node: Node) -> None:
        self._node = node
        self._finalizer = None

    @classmethod
    def _of(cls, node: Node) -> Self:
        """Return the lazy frame of a tree."""
        frame = cls.__new__(cls)
        frame._start(node)
        if getattr(node, "depth", 0) > MAX_DEPTH:
            frame._table()
        return frame

    @classmethod
    def _of_table(cls, table: Table) -> Self:
        return cls._of(Literal(table))

    # ---- trees

    @staticmethod
    def _arg(value: Any) -> Node:
        if isinstance(value, FrameBase):
            return value._node
        if isinstance(value, slice):
            raise RapidsError("A slice needs the length of the frame.")
        return to_node(value)

    def _apply(self, symbol: str, *args: Any) -> Self:
        """Return the lazy frame ``(symbol self args...)``."""
        return self._of(Apply.call(symbol, self._node, *(self._arg(a) for a in args)))

    @classmethod
    def _call(cls, symbol: str, *args: Any) -> Self:
        """Return the lazy frame ``(symbol args...)``."""
        return cls._of(Apply.call(symbol, *(cls._arg(a) for a in args)))

    # ---- evaluation

    def _table(self) -> Table:
        """Return the table, evaluating the tree at most once."""
        node = self._node
        if isinstance(node, Literal):
            return node.value
        value = python_session().execute(node)
        if not isinstance(value, ValFrame):
            raise RapidsError(f"Expected a frame, the expression gave a {value.kind}.")
        self._node = Literal(value.table)
        return value.table

    def _become(self, node: Node) -> None:
        """Take the value of another tree; where that fails, the frame stays what it was."""
        made = self._of(node)
        if any(may_fail(column.expr) for column in made._table().columns):
            made.refresh()
        self._node = made._node

    def _value(self, symbol: str, *args: Any) -> Val:
        """Return the value of ``(symbol self args...)``."""
        self._table()
        return python_session().execute(
            Apply.call(symbol, self._node, *(self._arg(a) for a in args))
        )

    def _number(self, symbol: str, *args: Any) -> float:
        value = self._value(symbol, *args)
        if not isinstance(value, ValNum):
            raise RapidsError(f"Expected a number from {symbol}, got a {value.kind}.")
        return value.value

    def _numbers(self, symbol: str, *args: Any) -> list[float]:
        value = self._value(symbol, *args)
        if isinstance(value, ValNum):
            return [value.value]
        if not isinstance(value, ValNums):
            raise RapidsError(f"Expected numbers from {symbol}, got a {value.kind}.")
        return [float(v) for v in value.values]

    @staticmethod
    def _plain(value: Val) -> Any:
        """Return a value as Python's own number, string or list."""
        if isinstance(value, ValNum | ValStr):
            return value.value
        if isinstance(value, ValNums):
            return [float(v) for v in np.asarray(value.values)]
        if isinstance(value, ValStrs):
            return list(value.values)
        raise RapidsError(f"A {value.kind} is no plain value.")

    @property
    def frame(self) -> Frame:
        """The evaluated frame; its blocks are computed at most once."""
        value = ValFrame(self._table())
        frame = value.frame
        self._node = Literal(value.table)
        return frame

    def refresh(self) -> Self:
        """Evaluate the frame now and return it."""
        _ = self.frame
        return self

    # ---- the key

    @property
    def key(self) -> str | None:
        """The key under which the frame is stored, None while it has none."""
        return self._table().key

    @property
    def frame_id(self) -> str:
        """The key of the frame; one without a key is stored under a new one until it is dropped."""
        key = self._table().key
        if key is None:
            session = python_session()
            key = f"py_{next(_NUMBERS)}{session.id}"
            self._store_as(key)
            self._finalizer = weakref.finalize(self, _forget, session.engine, key)
            self._finalizer.atexit = False
        return key

    @frame_id.setter
    def frame_id(self, key: str) -> None:
        self._store_as(key)

    def _store_as(self, key: str) -> None:
        stored = self.frame.with_key(None).put(key)
        self._node = Literal(Table.of(stored))

    def detach(self) -> None:
        """Keep the stored frame when this object is dropped."""
        if self._finalizer is not None:
            self._finalizer.detach()
            self._finalizer = None

    # ---- shape

    @property
    def names(self) -> list[str]:
        """The column names."""
        return list(self._table().names)

    @names.setter
    def names(self, names: list[str]) -> None:
        if len(names) != self.ncols:
            raise RapidsError(f"{len(names)} names for {self.ncols} columns.")
        self._become(Apply.call("colnames=", self._node, range(len(names)), list(names)))

    columns = names
    col_names = names

    @property
    def nrows(self) -> int:
        """Number of rows."""
        return self._table().n_rows

    @property
    def ncols(self) -> int:
        """Number of columns."""
        return self._table().n_cols

    nrow = nrows
    ncol = ncols

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.nrows, self.ncols

    @property
    def dim(self) -> list[int]:
        """Rows and columns, as a list."""
        return [self.nrows, self.ncols]

    @property
    def types(self) -> dict[str, str]:
        """H2O's type of each column: int, real, enum, string, time or uuid."""
        return self.frame.types

    @property
    def dtype(self) -> np.dtype[Any]:
        """The NumPy type of the only column: float64, int32 or text."""
        if self.ncols != 1:
            raise RapidsError(f"dtype is that of one column; the frame has {self.ncols}.")
        kind = next(iter(self.types.values()))
        return np.dtype({"int": np.int32, "real": np.float64}.get(kind, np.str_))

    def type(self, col: int | str) -> str:
        """Return the type of one column.

        Parameters
        ----------
        col : str or int
            The column, by name or position.

        Returns
        -------
        str
            "int", "real", "enum", "string", "time" or "uuid".
        """
        return self.types[self.names[self._position(col)]]

    def _position(self, col: int | str) -> int:
        """Return the position of a column given by name or (possibly negative) number."""
        table = self._table()
        if isinstance(col, str):
            return table.index(col)
        if not -table.n_cols <= col < table.n_cols:
            raise RapidsError(
                f"Column {col} is out of range: the frame has {table.n_cols} columns."
            )
        return int(col) % table.n_cols

    def _positions(self, cols: Any) -> list[int]:
        many = [cols] if isinstance(cols, str | int) else list(cols)
        return [self._position(col) for col in many]
