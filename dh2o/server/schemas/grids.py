"""Schemas of grid searches."""
# ruff: noqa: RUF009 (the calls make fields)

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .base import Key, Schema, both, gives, takes


@dataclass(kw_only=True)
class GridSchemaV99(Schema):
    """A grid: its models, best first, and what could not be built."""

    schema_type: ClassVar[str] = "Grid"
    schema_version: ClassVar[int] = 99

    grid_id: Key | None = takes("Key<Grid>", None, "Key of the grid.")
    sort_by: str | None = both("string", None, "Metric to sort the models by.")
    decreasing: bool = both("boolean", False, "Whether more comes first.")
    model_ids: list[Any] | None = takes("Key<Model>[]", None, "Keys of the models, best first.")
    hyper_names: list[Any] | None = gives("string[]", None, "Parameters that vary.")
    failed_params: list[Any] | None = gives("ModelParametersSchemaV3[]")
    warning_details: list[Any] | None = gives("string[]")
    failure_details: list[Any] | None = gives("string[]", None, "Why models could not be built.")
    failure_stack_traces: list[Any] | None = gives("string[]")
    failed_raw_params: list[Any] | None = gives("string[][]")
    training_metrics: list[Any] | None = gives(
        "ModelMetricsBaseV3[]", None, "Metrics on the training frame."
    )
    validation_metrics: list[Any] | None = gives(
        "ModelMetricsBaseV3[]", None, "Metrics on the validation frame."
    )
    cross_validation_metrics: list[Any] | None = gives(
        "ModelMetricsBaseV3[]", None, "Metrics of the held-out folds."
    )
    cross_validation_metrics_summary: list[Any] | None = gives("TwoDimTableV3[]")
    export_checkpoints_dir: str | None = gives("string")
    summary_table: Any = gives("TwoDimTableV3", None, "Models with their parameters and metric.")
    scoring_history: Any = gives("TwoDimTableV3", None, "Metrics as the training went on.")


@dataclass(kw_only=True)
class GridsV99(Schema):
    """All grids."""

    schema_type: ClassVar[str] = "Grids"
    schema_version: ClassVar[int] = 99

    grids: list[Any] | None = gives("GridSchemaV99[]")


@dataclass(kw_only=True)
class GridExportV3(Schema):
    """Where a grid is written."""

    schema_type: ClassVar[str] = "GridExport"

    grid_id: str | None = takes("string", None, "Key of the grid.")
    grid_directory: str | None = takes("string", None, "Folder for the grid and its models.")
    save_params_references: bool = takes("boolean", False, "Whether frames are written too.")
    export_cross_validation_predictions: bool = takes(
        "boolean", False, "Whether held-out predictions are written too."
    )


@dataclass(kw_only=True)
class GridImportV3(Schema):
    """Where a grid is read from."""

    schema_type: ClassVar[str] = "GridImport"

    grid_path: str | None = takes("string", None, "File of the grid; its models lie beside it.")
    load_params_references: bool = takes("boolean", False, "Whether frames are read too.")


@dataclass(kw_only=True)
class GridIdV3(Schema):
    """The key of a grid."""

    schema_type: ClassVar[str] = "Key<Grid>"

    name: str | None = gives("string", None, "The key.")
    type: str | None = gives("string", "Key<Grid>")
