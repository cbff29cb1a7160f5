"""Declared parameters: one table per algorithm.

Validation, REST metadata, Python signatures, documentation and error messages are made from it.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from dh2o.estimators.building import coerce
from dh2o.estimators.building.coerce import CoercionError
from dh2o.estimators.messages import BuilderError, Message
from dh2o.models.params import ModelParameter, ModelParameters

Level = Literal["critical", "secondary", "expert"]
DOUBLE_MAX = 1.7976931348623157e308

_READERS: dict[str, Callable[[Any], Any]] = {
    "boolean": coerce.to_boolean,
    "int": coerce.to_integer,
    "long": lambda value: coerce.to_integer(value, coerce.LONG_MAX),
    "float": coerce.to_number,
    "double": coerce.to_number,
    "string": coerce.to_text,
    "Key<Frame>": coerce.to_text,
    "Key<Model>": coerce.to_text,
    "VecSpecifier": coerce.to_text,
    "string[]": lambda value: coerce.to_list(value, coerce.to_text),
    "int[]": lambda value: coerce.to_list(value, coerce.to_integer),
    "long[]": lambda value: coerce.to_list(value, lambda v: coerce.to_integer(v, coerce.LONG_MAX)),
    "float[]": lambda value: coerce.to_list(value, coerce.to_number),
    "double[]": lambda value: coerce.to_list(value, coerce.to_number),
    "Key<Frame>[]": lambda value: coerce.to_list(value, coerce.to_text),
    "Key<Model>[]": lambda value: coerce.to_list(value, coerce.to_text),
    "string[][]": coerce.to_nested_list,
    "KeyValue[]": coerce.to_number_map,
    "StringPair[]": coerce.to_pairs,
}


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter as an algorithm declares it.

    ``type`` is H2O's REST type. ``low``/``high`` bound numbers (and each item of a list),
    inclusive unless ``open_low``/``open_high``. ``implemented=False`` marks a parameter that
    H2O accepts and dh2o does not act on: only its default passes. ``supported`` narrows an enum
    to the values that are implemented, the others being known and refused by name.
    """

    name: str
    type: str
    default: Any = None
    doc: str = ""
    values: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    open_low: bool = False
    open_high: bool = False
    level: Level = "secondary"
    gridable: bool = False
    required: bool = False
    implemented: bool = True
    supported: tuple[str, ...] | None = None
    python_default: Any = field(default=...)
    mutually_exclusive_with: tuple[str, ...] = ()
    member_of_frames: tuple[str, ...] = ()

    @property
    def python_name(self) -> str:
        """The keyword under which Python takes it (``lambda`` is taken by the language)."""
        return "lambda_" if self.name == "lambda" else self.name

    @property
    def signature_default(self) -> Any:
        """The default that the Python signature shows."""
        if self.python_default is not ...:
            return self.python_default
        return self.default

    def read(self, value: Any) -> Any:
        """Return `value` as this parameter's type, or raise `CoercionError` with the reason."""
        if coerce.is_absent(value):
            return self.default
        typed = self._typed(value)
        items = typed if isinstance(typed, tuple) else (typed,)
        for item in items:
            if isinstance(item, (int, float)) and not isinstance(item, bool):
                self._check_range(item)
        self._check_implemented(typed)
        return typed

    def _typed(self, value: Any) -> Any:
        if self.type == "enum":
            return coerce.to_enum(value, self.values)
        if self.type == "enum[]":
            return coerce.to_list(value, lambda item: coerce.to_enum(item, self.values))
        return _READERS[self.type](value)

    def _check_range(self, number: float) -> None:
        below = self.low is not None and (
            number < self.low or (self.open_low and number == self.low)
        )
        above = self.high is not None and (
            number > self.high or (self.open_high and number == self.high)
        )
        if below or above or math.isnan(number):
            raise CoercionError(f"must be {self._range_text()}, got {number:g}")

    def _range_text(self) -> str:
        low = None if self.low is None else f"{'>' if self.open_low else '>='} {self.low:g}"
        high = None if self.high is None else f"{'<' if self.open_high else '<='} {self.high:g}"
        return " and ".join(bound for bound in (low, high) if bound) or "a number"

    def _check_implemented(self, typed: Any) -> None:
        if not self.implemented and typed != self.default and typed not in ((), {}):
            raise CoercionError(
                f"is not supported by dh2o yet; leave it at its default, {self.default!r}"
            )
        if self.supported is not None and typed not in self.supported:
            raise CoercionError(
                f"value {typed} is not supported by dh2o yet; use {' or '.join(self.supported)}"
            )

    def but(self, **changes: Any) -> Param:
        """Return a copy with other fields: an algorithm's own default, range or doc."""
        return replace(self, **changes)


class ParamTable(Mapping[str, Param]):
    """An algorithm's parameters in the order in which H2O shows them."""

    def __init__(self, algo: str, params: tuple[Param, ...]) -> None:
        self.algo = algo
        self._params = {param.name: param for param in params}
        if len(self._params) != len(params):
            raise ValueError(f"Parameters of {algo} are declared twice.")
        self._by_python_name = {param.python_name: param for param in params}

    def __getitem__(self, name: str) -> Param:
        return self._params[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._params)

    def __len__(self) -> int:
        return len(self._params)

    def find(self, name: str) -> Param | None:
        """Return the parameter of REST name or Python name `name`."""
        return self._params.get(name) or self._by_python_name.get(name)

    def defaults(self) -> dict[str, Any]:
        """Return the defaults by name."""
        return {param.name: param.default for param in self._params.values()}

    def read(self, raw: Mapping[str, Any]) -> tuple[ModelParameters, tuple[Message, ...]]:
        """Return typed parameters, and a message for everything that is wrong with `raw`.

        A wrong value is replaced by the default, so that further checks can still run.
        """
        messages = [
            Message.error(name, f"Unknown parameter: {name}.{similar(name, self._by_python_name)}")
            for name in raw
            if self.find(name) is None
        ]
        items = {}
        for param in self._params.values():
            given = raw.get(param.name, raw.get(param.python_name))
            try:
                value = param.read(given)
            except CoercionError as problem:
                messages.append(Message.error(param.name, f"{param.name} {problem}"))
                value = param.default
            if param.required and value is None:
                messages.append(Message.error(param.name, f"{param.name} is required."))
            items[param.name] = ModelParameter(param.name, param.default, value, value)
        return ModelParameters(items), tuple(messages)

    def validate(self, raw: Mapping[str, Any]) -> ModelParameters:
        """Return typed parameters, or raise `BuilderError` with all that is wrong."""
        params, messages = self.read(raw)
        if messages:
            raise BuilderError(self.algo, messages)
        return params

    def signature(self) -> inspect.Signature:
        """Return the constructor's signature, H2O's names and defaults."""
        own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        return inspect.Signature(
            [
                own,
                *(
                    inspect.Parameter(
                        param.python_name,
                        inspect.Parameter.POSITIONAL_OR_KEYWORD,
                        default=param.signature_default,
                    )
                    for param in self._params.values()
                ),
            ]
        )

    def docstring(self) -> str:
        """Return the numpydoc Parameters section."""
        lines = ["Parameters", "----------"]
        for param in self._params.values():
            kind = "{" + ", ".join(param.values) + "}" if param.values else param.type
            lines.append(f"{param.python_name} : {kind}, default {param.signature_default!r}")
            lines.append(f"    {param.doc or param.name.replace('_', ' ').capitalize() + '.'}")
        return "\n".join(lines)

    def metadata(self, params: ModelParameters | None = None) -> list[dict[str, Any]]:
        """Return H2O's ModelParameterSchemaV3 fields of every parameter, as plain data."""
        return [
            {
                "name": param.name,
                "label": param.name,
                "help": param.doc,
                "required": param.required,
                "type": param.type,
                "default_value": param.default,
                "actual_value": param.default if params is None else params[param.name],
                "input_value": param.default if params is None else params.input(param.name),
                "level": param.level,
                "values": list(param.values),
                "is_member_of_frames": list(param.member_of_frames),
                "is_mutually_exclusive_with": list(param.mutually_exclusive_with),
                "gridable": param.gridable,
            }
            for param in self._params.values()
        ]


def similar(name: str, known: Iterable[str]) -> str:
    """Return a guess at the name that was meant, as the end of a message."""
    from difflib import get_close_matches

    close = get_close_matches(name, list(known), n=1)
    return f" Did you mean {close[0]}?" if close else ""
