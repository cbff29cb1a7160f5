"""Schemas of errors and of the interface itself."""
# ruff: noqa: RUF009 (the calls make fields)

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .base import Request, Schema, gives, takes


@dataclass(kw_only=True)
class ValidationMessageV3(Schema):
    """What the validation says of one parameter."""

    schema_type: ClassVar[str] = "ValidationMessage"

    message_type: str | None = gives("string")
    field_name: str | None = gives("string")
    message: str | None = gives("string", None, "Text of the message.")


@dataclass(kw_only=True)
class H2OErrorV3(Schema):
    """An error."""

    schema_type: ClassVar[str] = "H2OError"

    timestamp: int = gives("long", 0, "Milliseconds since 1970.")
    error_url: str | None = gives("string", None, "URL of the request that failed.")
    msg: str | None = gives("string", None, "What went wrong and how to set it right.")
    dev_msg: str | None = gives("string", None, "The same, for developers.")
    http_status: int = gives("int", 0, "HTTP status of the answer.")
    values: dict[str, Any] | None = gives(
        "Map<string,Object>", None, "Names and values that belong to the error."
    )
    exception_type: str | None = gives("string", None, "Type of the error.")
    exception_msg: str | None = gives("string", None, "Message of the error.")
    stacktrace: list[Any] | None = gives("string[]", None, "Where it went wrong.")


@dataclass(kw_only=True)
class H2OModelBuilderErrorV3(H2OErrorV3):
    """An error in the parameters of a model."""

    schema_type: ClassVar[str] = "H2OModelBuilderError"

    parameters: Any = gives("ModelParametersSchemaV3", None, "Parameters of the model.")
    messages: list[Any] | None = gives("ValidationMessageV3[]", None, "Messages of the validation.")
    error_count: int = gives("int", 0, "How many messages are errors.")


@dataclass(kw_only=True)
class RouteV3(Schema):
    """One route."""

    schema_type: ClassVar[str] = "Route"

    http_method: str | None = gives("string", None, "HTTP method.")
    url_pattern: str | None = gives("string", None, "Path, with parameters in braces.")
    summary: str | None = gives("string", None, "What the route does.")
    api_name: str | None = gives("string")
    handler_class: str | None = gives("string")
    handler_method: str | None = gives("string")
    input_schema: str | None = gives("string", None, "Schema of the request.")
    output_schema: str | None = gives("string", None, "Schema of the answer.")
    path_params: list[Any] | None = gives("string[]")
    markdown: str | None = gives("string")


@dataclass(kw_only=True)
class FieldMetadataV3(Schema):
    """One field of a schema."""

    schema_type: ClassVar[str] = "FieldMetadata"

    name: str | None = gives("string", None, "Name.")
    type: str | None = gives("string", None, "Type.")
    is_schema: bool = gives("boolean", False)
    schema_name: str | None = takes("string")
    value: Any = gives("Polymorphic")
    help: str | None = gives("string", None, "What it means.")
    label: str | None = gives("string", None, "Name of the column.")
    required: bool = gives("boolean", False)
    level: str | None = gives(
        "enum",
        None,
        "How often it is needed: critical, secondary or expert.",
        values=(
            "critical",
            "secondary",
            "expert",
        ),
    )
    direction: str | None = gives(
        "enum",
        values=(
            "INPUT",
            "OUTPUT",
            "INOUT",
        ),
    )
    is_inherited: bool = gives("boolean", False)
    inherited_from: str | None = gives("string")
    is_gridable: bool = gives("boolean", False)
    values: list[Any] | None = gives("string[]", None, "Names and values that belong to the error.")
    json: bool = gives("boolean", False)
    is_member_of_frames: list[Any] | None = gives("string[]")
    is_mutually_exclusive_with: list[Any] | None = gives("string[]")


@dataclass(kw_only=True)
class SchemaMetadataV3(Schema):
    """One schema."""

    schema_type: ClassVar[str] = "SchemaMetadata"

    version: int = takes("int", 0, "Version of H2O whose interface this is.")
    name: str | None = takes("string", None, "Name.")
    label: str | None = gives("string", None, "Name of the column.")
    superclass: str | None = takes("string")
    type: str | None = takes("string", None, "Type.")
    fields: list[Any] | None = gives("FieldMetadataV3[]", None, "Fields of the schema.")
    markdown: str | None = gives("string")


@dataclass(kw_only=True)
class MetadataV3(Request):
    """The interface, described by itself."""

    num: int = takes("int", 0)
    http_method: str | None = takes("string", None, "HTTP method.")
    path: str | None = takes("string", None, "Path of a file or folder, as the server sees it.")
    classname: str | None = takes("string")
    schemaname: str | None = takes("string")
    routes: list[Any] | None = gives("RouteV3[]", None, "Routes of the interface.")
    schemas: list[Any] | None = gives("SchemaMetadataV3[]", None, "Schemas of the interface.")
    markdown: str | None = gives("string")
