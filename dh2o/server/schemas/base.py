"""A schema is a dataclass: it reads parameters, writes JSON as H2O does, and describes itself."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

__all__ = ["SCHEMAS", "Key", "Request", "Schema", "SchemaV4", "both", "encode", "gives", "takes"]

#: Every schema by its name, as ``/3/Metadata/schemas`` lists them.
SCHEMAS: dict[str, type[Schema]] = {}

#: Types that JSON writes as they are.
_ATOMS = {str, int, bool, type(None)}
_PLAIN = {"string", "int", "long", "double", "float", "boolean", "byte", "enum", "Polymorphic"}


def _api(
    direction: str, type_: str, default: Any, help_: str, *, required: bool, values: Any
) -> Any:
    meta = {
        "direction": direction,
        "type": type_,
        "help": help_,
        "required": required,
        "values": tuple(values),
    }
    if isinstance(default, list | dict):
        return field(default_factory=lambda: type(default)(default), metadata=meta)
    return field(default=default, metadata=meta)


def takes(
    type_: str, default: Any = None, help_: str = "", *, required: bool = False, values: Any = ()
) -> Any:
    """Return a field that only requests carry."""
    return _api("INPUT", type_, default, help_, required=required, values=values)


def gives(type_: str, default: Any = None, help_: str = "", *, values: Any = ()) -> Any:
    """Return a field that only answers carry."""
    return _api("OUTPUT", type_, default, help_, required=False, values=values)


def both(
    type_: str, default: Any = None, help_: str = "", *, required: bool = False, values: Any = ()
) -> Any:
    """Return a field that requests and answers carry."""
    return _api("INOUT", type_, default, help_, required=required, values=values)


@dataclass(frozen=True)
class Key:
    """The name of something in the DKV, with the kind that tells a client where to look for it."""

    name: str | None
    kind: str = "Keyed"

    _URLS: ClassVar[Mapping[str, str]] = {
        "Frame": "/3/Frames/",
        "Model": "/3/Models/",
        "Job": "/3/Jobs/",
        "Grid": "/99/Grids/",
        "PartialDependence": "/3/PartialDependence/",
    }

    def to_json(self) -> dict[str, Any]:
        """Return the key as H2O writes it."""
        prefix = self._URLS.get(self.kind)
        type_ = f"Key<{self.kind}>"
        has_name = self.name is not None
        return {
            "__meta": {
                "schema_version": 3,
                "schema_name": f"{'' if self.kind == 'Keyed' else self.kind}KeyV3",
                "schema_type": type_,
            },
            "name": self.name,
            "type": type_ if has_name else None,
            "URL": f"{prefix}{self.name}" if prefix and has_name else None,
        }


@dataclass(kw_only=True)
class Schema:
    """Base of all schemas; the class name is the wire name, and ends in its version."""

    schema_type: ClassVar[str] = "Iced"
    schema_version: ClassVar[int] = 3

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        SCHEMAS[cls.__name__] = cls

    @classmethod
    def wire_name(cls) -> str:
        """Return the name of the schema in JSON."""
        return cls.__name__

    def head(self) -> dict[str, Any]:
        """Return what stands before the fields in JSON."""
        meta = {
            "schema_version": self.schema_version,
            "schema_name": self.wire_name(),
            "schema_type": self.schema_type,
        }
        return {"__meta": meta}

    def to_json(self) -> dict[str, Any]:
        """Return the schema as a JSON object of plain values."""
        out = self.head()
        kind: Any = type(self)  # a dataclass has no hash, its class has
        for attribute, name in _wire_names(kind):
            out[name] = encode(getattr(self, attribute))
        return out

    @classmethod
    def wire_fields(cls) -> dict[str, Mapping[str, Any]]:
        """Return wire name → what is known of the field, in the order of the JSON."""
        return {
            spec.name.rstrip("_"): {
                **spec.metadata,
                "attribute": spec.name,
                "default": spec.default,
            }
            for spec in fields(cls)
        }


@cache
def _wire_names(schema: Any) -> tuple[tuple[str, str], ...]:
    """Return each attribute of a schema with its name in JSON."""
    specs = fields(schema)
    return tuple((s.name, s.metadata.get("name", s.name.rstrip("_"))) for s in specs)


@dataclass(kw_only=True)
class Request(Schema):
    """A schema of a whole request or answer: clients may leave out fields of it."""

    def head(self) -> dict[str, Any]:
        return {**super().head(), "_exclude_fields": ""}


@dataclass(kw_only=True)
class SchemaV4(Schema):
    """A schema of version 4: its name stands in one string."""

    schema_version: ClassVar[int] = 4

    def head(self) -> dict[str, Any]:
        return {"__schema": f"/4/schemas/{self.wire_name()}"}


def encode(value: Any) -> Any:
    """Return `value` as plain JSON values; NaN and infinities are strings, as in H2O."""
    kind = type(value)
    if kind in _ATOMS:
        return value
    if kind is float or isinstance(value, float):
        return value if math.isfinite(value) else _not_finite(value)
    if isinstance(value, str | int):
        return value
    if hasattr(value, "to_json"):
        return value.to_json()
    if isinstance(value, dict):
        return {str(k): encode(v) for k, v in value.items()}
    if hasattr(value, "tolist"):  # numpy arrays and scalars
        return encode(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return _encoded_list(value)
    return str(value)


def _encoded_list(values: Collection[Any]) -> list[Any]:
    """Return the elements as plain values; levels may be millions, columns a hundred thousand."""
    kinds = set(map(type, values))
    if kinds <= _ATOMS or (kinds == {float} and math.isfinite(sum(values))):
        return list(values)
    return [encode(v) for v in values]


def _not_finite(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def element_schema(type_: str) -> str | None:
    """Return the schema of a field type such as ``Key<Frame>[]`` or ``JobV3``; None if plain."""
    bare = type_.rstrip("[]")
    if bare in _PLAIN or bare.startswith("Map<"):
        return None
    if bare.startswith("Key<"):
        kind = bare[4:-1]
        return f"{'' if kind == 'Keyed' else kind}KeyV3"
    return bare


def names_of(schemas: Iterable[type[Schema]]) -> list[str]:
    """Return the wire names of `schemas`."""
    return [schema.wire_name() for schema in schemas]
