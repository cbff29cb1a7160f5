"""Grid searches: start, list, show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dh2o.errors import KeyNotFoundError, ParameterError
from dh2o.estimators.builder import builder_of
from dh2o.estimators.grid import Grid, start_grid
from dh2o.estimators.ranking import ranked, summary_table
from dh2o.models import Model
from dh2o.server.metrics_view import metrics_schema
from dh2o.server.model_view import builder_json, proper_name
from dh2o.server.schemas.base import Key
from dh2o.server.schemas.grids import GridSchemaV99, GridsV99
from dh2o.server.tables import table_schema
from dh2o.server.texts import parse_map

from .builders import given_params
from .jobs import job_schema

if TYPE_CHECKING:
    from dh2o.server.app import Call

__all__ = ["list_grids", "search", "show_grid"]

#: What a request carries for the search, not for the models.
_OF_SEARCH = ("hyper_parameters", "search_criteria", "grid_id", "parallelism", "recovery_dir")


def search(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Start to build the models of a grid; the answer names the job."""
    builder = builder_of(params["algo"])
    own = {name: params.pop(name, None) for name in _OF_SEARCH}
    if own["recovery_dir"]:
        raise ParameterError("recovery_dir: dh2o does not need one; leave it out.")
    hyper = parse_map("hyper_parameters", own["hyper_parameters"])
    criteria = parse_map("search_criteria", own["search_criteria"])
    given = given_params(call, params)
    frame = given.get("training_frame", "frame")
    key = own["grid_id"] or call.state.new_model_key(
        f"Grid_{proper_name(builder.algo)}_{frame}"
    ).replace("/", "_")
    job = start_grid(call.state.engine, builder.algo, given, hyper, criteria, str(key))
    answer = builder_json(builder, job=job_schema(job), parameters=given)
    answer.update(grid_id=Key(str(key), "Grid").to_json(), hyper_parameters=hyper)
    return answer


def show_grid(call: Call, args: GridSchemaV99) -> GridSchemaV99:
    """Return one grid with its models, best first."""
    name = args.grid_id.name if args.grid_id else None
    grid = call.state.engine.dkv.find(name or "")
    if not isinstance(grid, Grid):
        error = KeyNotFoundError(f"Object {name!r} not found for argument: key")
        error.values = {"argument": "key", "name": name}  # type: ignore[attr-defined]  # shown
        raise error
    return _schema(call, grid, args)


def list_grids(call: Call, args: GridsV99) -> GridsV99:
    """Return all grids."""
    dkv = call.state.engine.dkv
    grids = [dkv.get(key) for key in dkv.keys(kind="grid")]
    args.grids = [_schema(call, grid, GridSchemaV99()) for grid in grids]
    return args


def _schema(call: Call, grid: Grid, args: GridSchemaV99) -> GridSchemaV99:
    dkv = call.state.engine.dkv
    stored = [model for model in map(dkv.find, grid.model_keys) if isinstance(model, Model)]
    models, sort_by, decreasing = ranked(stored, args.sort_by, args.decreasing)
    args.grid_id = Key(grid.key, "Grid")
    args.sort_by, args.decreasing = sort_by, decreasing
    args.model_ids = [Key(model.key, "Model") for model in models]
    args.hyper_names = list(grid.hyper_names)
    args.failed_params = [None for _ in grid.failures]
    args.failure_details = [failure.message for failure in grid.failures]
    args.failure_stack_traces = [failure.message for failure in grid.failures]
    args.failed_raw_params = [
        [str(value) for value in failure.values.values()] for failure in grid.failures
    ]
    args.warning_details = list(grid.warnings)
    outputs = [model.output for model in models]
    args.training_metrics = [metrics_schema(o.training_metrics, None) for o in outputs]
    args.validation_metrics = [metrics_schema(o.validation_metrics, None) for o in outputs]
    args.cross_validation_metrics = [
        metrics_schema(o.cross_validation_metrics, None) for o in outputs
    ]
    args.cross_validation_metrics_summary = [
        table_schema(o.cross_validation_metrics_summary) for o in outputs
    ]
    table = summary_table(models, grid.hyper_names, sort_by, decreasing)
    args.summary_table = table_schema(table, row_header=True)
    return args
