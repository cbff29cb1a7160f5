"""The interface described by itself: routes, schemas, capabilities."""
# ruff: noqa: ARG001 (all handlers are called alike)

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dh2o.errors import KeyNotFoundError
from dh2o.server.schemas.base import SCHEMAS, Request, Schema, SchemaV4, element_schema
from dh2o.server.schemas.cluster import AboutEntryV3, AboutV3, CapabilitiesV3, CapabilityEntryV3
from dh2o.server.schemas.metadata import FieldMetadataV3, MetadataV3, RouteV3, SchemaMetadataV3

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dh2o.server.app import Call
    from dh2o.server.routing import Route

__all__ = [
    "about",
    "capabilities",
    "list_endpoints",
    "list_schemas",
    "show_endpoint",
    "show_schema",
]


def list_endpoints(call: Call, args: MetadataV3) -> MetadataV3:
    """Return all routes."""
    args.routes = [_route(route) for route in _routes()]
    return args


def show_endpoint(call: Call, args: MetadataV3) -> MetadataV3:
    """Return one route, by its number or its path."""
    routes = _routes()
    wanted = str(args.path or "")
    if wanted.isdigit() and int(wanted) < len(routes):
        found = [routes[int(wanted)]]
    else:
        found = [r for r in routes if r.pattern.strip("/") == wanted.strip("/")]
    if not found:
        raise KeyNotFoundError(f"No route {wanted!r}. GET /3/Metadata/endpoints lists the routes.")
    args.routes = [_route(route) for route in found]
    return args


def list_schemas(call: Call, args: MetadataV3) -> MetadataV3:
    """Return all schemas."""
    args.schemas = [_schema(schema) for _, schema in sorted(SCHEMAS.items())]
    return args


def show_schema(call: Call, args: MetadataV3) -> MetadataV3:
    """Return one schema by its name."""
    name = args.schemaname or args.classname or ""
    schema = SCHEMAS.get(name.rpartition(".")[2])
    if schema is None:
        raise KeyNotFoundError(f"No schema {name!r}. GET /3/Metadata/schemas lists the schemas.")
    args.schemas = [_schema(schema)]
    return args


def about(call: Call, args: AboutV3) -> AboutV3:
    """Return the properties of the build."""
    import platform

    from dh2o.version import __version__

    entries = {
        "Build project version": call.state.options.client_version,
        "Served by": f"dh2o {__version__}",
        "Python version": platform.python_version(),
        "Backend running user": call.state.options.user,
        "Cluster uptime (ms)": str(call.state.uptime_ms),
    }
    args.entries = [AboutEntryV3(name=name, value=value) for name, value in entries.items()]
    return args


def capabilities(call: Call, args: CapabilitiesV3) -> CapabilitiesV3:
    """Return the extensions by name: the optional algorithms that are there."""
    from .builders import builder_names

    optional = {"xgboost": "XGBoost", "infogram": "Infogram", "automl": "AutoML"}
    here = set(builder_names())
    args.capabilities = [
        CapabilityEntryV3(name=name) for algo, name in optional.items() if algo in here
    ]
    return args


def _routes() -> list[Route]:
    from dh2o.server.routes import ROUTES

    return ROUTES


def _route(route: Route) -> RouteV3:
    return RouteV3(
        http_method=route.method,
        url_pattern=route.pattern,
        summary=route.summary,
        api_name=route.api_name,
        handler_class=route.handler.__module__,
        handler_method=route.handler.__name__,
        input_schema=route.takes.wire_name() if route.takes else "Schema",
        output_schema=route.gives.wire_name() if route.gives else "Schema",
        path_params=route.path_params,
    )


def _schema(schema: type[Schema]) -> SchemaMetadataV3:
    base = schema.__mro__[1]
    superclass: dict[type, str] = {
        Request: "RequestSchemaV3",
        Schema: "SchemaV3",
        SchemaV4: "OutputSchemaV4",
    }
    return SchemaMetadataV3(
        version=schema.schema_version,
        name=schema.wire_name(),
        label=schema.wire_name(),
        superclass=superclass.get(base, base.__name__),
        type=schema.schema_type,
        fields=[_field(name, spec) for name, spec in schema.wire_fields().items()],
    )


def _field(name: str, spec: Mapping[str, Any]) -> FieldMetadataV3:
    element = element_schema(spec["type"])
    type_ = spec["type"]
    if element in SCHEMAS:
        type_ = type_.replace(element, SCHEMAS[element].schema_type)
    is_plain = isinstance(spec["default"], str | int | float | bool)
    return FieldMetadataV3(
        name=name,
        type=type_,
        is_schema=element is not None,
        schema_name=element,
        value=spec["default"] if is_plain else None,
        help=spec["help"] or name,
        label=name,
        required=spec["required"],
        level="critical",
        direction=spec["direction"],
        is_inherited=False,
        is_gridable=False,
        values=list(spec["values"]),
        json=True,
        is_member_of_frames=[],
        is_mutually_exclusive_with=[],
    )
