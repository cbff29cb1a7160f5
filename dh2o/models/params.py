"""The parameters a model was trained with, as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ModelParameter:
    """One parameter: what the user gave and what the algorithm used."""

    name: str
    default: Any
    input: Any
    actual: Any


class ModelParameters(Mapping[str, Any]):
    """The actual values by name; ``input(name)`` and ``default(name)`` give the others."""

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[str, ModelParameter]) -> None:
        self._items = dict(items)

    def __getitem__(self, name: str) -> Any:
        return self._items[name].actual

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def input(self, name: str) -> Any:
        """Return the value that the user gave, or the default."""
        return self._items[name].input

    def default(self, name: str) -> Any:
        """Return the default of parameter `name`."""
        return self._items[name].default

    def items_full(self) -> list[ModelParameter]:
        """Return all parameters with default, input and actual value."""
        return list(self._items.values())

    def with_actual(self, **values: Any) -> ModelParameters:
        """Return a copy in which the parameters in `values` have these actual values."""
        items = dict(self._items)
        for name, value in values.items():
            old = items[name]
            items[name] = ModelParameter(name, old.default, old.input, value)
        return ModelParameters(items)

    def to_json(self) -> list[dict[str, Any]]:
        """Return a JSON-able description, the inverse of `from_json`."""
        return [
            {"name": p.name, "default": p.default, "input": p.input, "actual": p.actual}
            for p in self._items.values()
        ]

    @classmethod
    def from_json(cls, data: list[dict[str, Any]]) -> ModelParameters:
        """Return the parameters that `to_json` described."""
        return cls({d["name"]: ModelParameter(**d) for d in data})

    def __repr__(self) -> str:
        return f"ModelParameters({dict(self)!r})"
