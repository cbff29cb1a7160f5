"""Assemblies: a row of steps that select columns of a frame, and change or add some.

A step is written ``name__kind__expression__in place__new names``; in its expression the name
``dummy`` stands for the frame as the steps before have left it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dh2o.errors import RapidsError
from dh2o.rapids.columns import Table, unique_names
from dh2o.rapids.grammar import parse
from dh2o.rapids.session import Session
from dh2o.rapids.tree import Apply, Id, Node, Str
from dh2o.rapids.values import ValFrame

if TYPE_CHECKING:
    from dh2o.frame import Frame
    from dh2o.mrtask import Engine

__all__ = ["AssemblyStep", "fit_assembly"]

_STEP = re.compile(
    r"(?P<name>.*?)__(?P<kind>H2OColSelect|H2OColOp|H2OBinaryOp)__(?P<ast>.*)"
    r"__(?P<in_place>[Tt]rue|[Ff]alse)__(?P<names>.*)",
    re.DOTALL,
)
_FRAME = "dummy"


@dataclass(frozen=True, slots=True)
class AssemblyStep:
    """One step: a selection of columns, or an operation on the column `old_name`.

    What an operation gives takes the place of that column or is added behind the others, under
    `new_names` or a name made of the old one.
    """

    name: str
    selects: bool
    expression: Node
    in_place: bool
    new_names: tuple[str, ...]
    old_name: str

    @classmethod
    def of(cls, text: str) -> AssemblyStep:
        """Return the step that `text` describes."""
        found = _STEP.fullmatch(text)
        if found is None:
            raise RapidsError(
                f"Step {text[:80]!r} of the assembly cannot be read: expected "
                "name__kind__expression__in place__new names, kind one of H2OColSelect, "
                "H2OColOp, H2OBinaryOp."
            )
        expression = parse(found["ast"])
        selects = found["kind"] == "H2OColSelect"
        old_name = "" if selects else next(_columns(expression), None)
        if old_name is None:
            raise RapidsError(f"Step {found['name']!r} of the assembly names no column.")
        names = tuple(name for name in found["names"].split("|") if name)
        in_place = found["in_place"].lower() == "true"
        return cls(found["name"], selects, expression, in_place, names, old_name)

    def applied(self, session: Session, frame: Frame) -> Frame:
        """Return the frame after this step."""
        if frame.key is None:
            raise RapidsError("An assembly starts from a stored frame.")
        value = session.execute(_about(self.expression, frame.key))
        if not isinstance(value, ValFrame):
            raise RapidsError(f"Step {self.name!r} of the assembly gives no columns.")
        made = value.frame
        if self.selects:
            return made
        names = self._names(frame, made)
        if self.in_place and made.n_cols == 1:
            return frame.with_columns({self.old_name: made})
        columns = {name: made.select([old]) for name, old in zip(names, made.names, strict=True)}
        grown = frame.with_columns(columns)
        return grown.drop([self.old_name]) if self.in_place else grown

    def _names(self, frame: Frame, made: Frame) -> list[str]:
        if self.in_place and made.n_cols == 1:
            return [self.old_name]
        if self.new_names and len(self.new_names) != made.n_cols:
            raise RapidsError(
                f"Step {self.name!r} of the assembly makes {made.n_cols} columns, but has "
                f"{len(self.new_names)} names for them."
            )
        wanted = self.new_names or (self.old_name,) * made.n_cols
        return unique_names([*frame.names, *wanted])[frame.n_cols :]


def fit_assembly(engine: Engine, frame: Frame, steps: Sequence[str], key: str) -> Frame:
    """Return the frame after all steps, stored under `key`; `frame` stays as it is."""
    read = [AssemblyStep.of(text) for text in steps]
    with Session(engine) as session:
        for number, step in enumerate(read):
            frame = step.applied(session, frame)
            if number < len(read) - 1:
                kept = session.set_temp(f"{key}_{number}", Table.of(frame.with_key(None)))
                frame = ValFrame(kept).frame
    return frame.with_key(None).put(key)


def _columns(node: Node) -> Iterator[str]:
    """Yield the names of the frame's columns that an expression takes, outermost first."""
    if not isinstance(node, Apply):
        return
    is_column = isinstance(node.function, Id) and node.function.name == "cols_py"
    if is_column and len(node.args) == 2 and node.args[0] == Id(_FRAME):
        if isinstance(node.args[1], Str):
            yield node.args[1].value
        return
    for arg in node.args:
        yield from _columns(arg)


def _about(node: Node, key: str) -> Node:
    """Return the expression with the frame `key` in place of ``dummy``."""
    if node == Id(_FRAME):
        return Id(key)
    if isinstance(node, Apply):
        return replace(node, args=tuple(_about(arg, key) for arg in node.args))
    return node
