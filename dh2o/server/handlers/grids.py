"""Grid searches: start, list, show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dh2o.errors import KeyNotFoundError, ParameterError
from dh2o.estimators.builder import builder_of
from dh2o.estimators.search import grid_files
from dh2o.estimators.search.grid import Grid, resume_grid, start_grid
from dh2o.estimators.search.ranking import ranked, summary_table
from dh2o.models import Model
from dh2o.server.files import Files
from dh2o.server.metrics_view import metrics_schema
from dh2o.server.model_view import builder_json, proper_name
from dh2o.server.schemas.base import Key
from dh2o.server.schemas.grids import (
    GridExportV3,
    GridIdV3,
    GridImportV3,
    GridSchemaV99,
    GridsV99,
)
from dh2o.server.tables import table_schema
from dh2o.server.texts import parse_map

from .builders import given_params
from .jobs import job_schema

if TYPE_CHECKING:
    from dh2o.server.app import Call

__all__ = ["export_grid", "import_grid", "list_grids", "resume", "search", "show_grid"]

#: What a request carries for the search, not for the models.
_OF_SEARCH = ("hyper_parameters", "search_criteria", "grid_id", "parallelism", "recovery_dir")


def search(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Start to build the models of a grid; the answer names the job."""
    builder = builder_of(params["algo"])
    own = {name: params.pop(name, None) for name in _OF_SEARCH}
    recovery_dir = _folder(call, own["recovery_dir"])
    hyper = parse_map("hyper_parameters", own["hyper_parameters"])
    criteria = parse_map("search_criteria", own["search_criteria"])
    given = given_params(call, params)
    frame = given.get("training_frame", "frame")
    key = own["grid_id"] or call.state.new_model_key(
        f"Grid_{proper_name(builder.algo)}_{frame}"
    ).replace("/", "_")
    job = start_grid(
        call.state.engine, builder.algo, given, hyper, criteria, str(key), recovery_dir,
        _parallelism(own["parallelism"]),
    )  # fmt: skip
    answer = builder_json(builder, job=job_schema(job), parameters=given)
    answer.update(grid_id=Key(str(key), "Grid").to_json(), hyper_parameters=hyper)
    return answer


def _parallelism(value: Any) -> int:
    try:
        return 1 if value in (None, "") else int(value)
    except ValueError:
        raise ParameterError(
            f"Could not parse given parallelism value: '{value}' - not a number."
        ) from None


def resume(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Go on with a grid as it was searched last; the answer names the job."""
    builder = builder_of(params["algo"])
    key = str(_plain_key(params.get("grid_id")))
    folder = _folder(call, params.get("recovery_dir"))
    job = resume_grid(call.state.engine, key, folder)
    answer = builder_json(builder, job=job_schema(job), parameters={})
    answer.update(grid_id=Key(key, "Grid").to_json())
    return answer


def _plain_key(value: Any) -> Any:
    return value.get("name") if isinstance(value, dict) else value


def _folder(call: Call, folder: Any) -> str | None:
    if not folder:
        return None
    Files(call.state.options).check(str(folder))
    return str(folder)


def export_grid(call: Call, args: GridExportV3) -> GridIdV3:
    """Write a grid and its models to files of the server."""
    folder = _folder(call, args.grid_directory)
    if folder is None:
        raise ParameterError("Given grid directory '' is not a valid directory.")
    grid = call.state.engine.dkv.find(args.grid_id or "")
    if not isinstance(grid, Grid):
        raise KeyNotFoundError(f"Grid with id '{args.grid_id}' has not been found.")
    grid_files.export_grid(
        grid,
        folder,
        frames=args.save_params_references,
        cv_predictions=args.export_cross_validation_predictions,
    )
    return GridIdV3(name=grid.key)


def import_grid(call: Call, args: GridImportV3) -> GridIdV3:
    """Read a grid and its models from files of the server."""
    path = _folder(call, args.grid_path)
    if path is None:
        raise ParameterError("Given grid directory '' is not a valid path.")
    return GridIdV3(name=grid_files.import_grid(path, frames=args.load_params_references).key)


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
    if grid.search is not None:
        args.export_checkpoints_dir = grid.search.params.get("export_checkpoints_dir")
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
