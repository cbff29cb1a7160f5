"""Schemas of models and their builders."""
# ruff: noqa: RUF009 (the calls make fields)

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .base import Key, Request, Schema, both, gives, takes


@dataclass(kw_only=True)
class ColSpecifierV3(Schema):
    """A column of a frame."""

    schema_type: ClassVar[str] = "VecSpecifier"

    column_name: str | None = both("string")
    is_member_of_frames: list[Any] | None = both("string[]")


@dataclass(kw_only=True)
class ModelParameterSchemaV3(Schema):
    """One parameter of a model."""

    name: str | None = gives("string", None, "Name.")
    label: str | None = gives("string", None, "Name of the column.")
    help: str | None = gives("string", None, "What it means.")
    required: bool = gives("boolean", False)
    type: str | None = gives("string", None, "Type.")
    default_value: Any = gives("Polymorphic", None, "Value when nothing is given.")
    actual_value: Any = gives("Polymorphic", None, "Value in use.")
    input_value: Any = gives("Polymorphic", None, "Value as given.")
    level: str | None = gives(
        "string", None, "How often it is needed: critical, secondary or expert."
    )
    values: list[Any] | None = gives("string[]", None, "Names and values that belong to the error.")
    is_member_of_frames: list[Any] | None = takes("string[]")
    is_mutually_exclusive_with: list[Any] | None = takes("string[]")
    gridable: bool = gives("boolean", False)


@dataclass(kw_only=True)
class ModelSchemaBaseV3(Schema):
    """What all views of a model share."""

    schema_type: ClassVar[str] = "Model"

    model_id: Key | None = both("Key<Model>", None, "Key of the model.", required=True)
    algo: str | None = gives("string", None, "Short name of the algorithm.")
    algo_full_name: str | None = gives("string", None, "Name of the algorithm.")
    response_column_name: str | None = gives("string")
    treatment_column_name: str | None = gives("string")
    data_frame: Key | None = gives("Key<Frame>")
    timestamp: int = gives("long", 0, "Milliseconds since 1970.")
    have_pojo: bool = gives("boolean", False)
    have_mojo: bool = gives("boolean", False)


@dataclass(kw_only=True)
class ModelSynopsisV3(ModelSchemaBaseV3):
    """Name and kind of a model."""

    schema_type: ClassVar[str] = "Model"


@dataclass(kw_only=True)
class ModelsV3(Request):
    """Models."""

    schema_type: ClassVar[str] = "Models"

    model_id: Key | None = takes("Key<Model>", None, "Key of the model.")
    preview: bool = takes("boolean", False)
    find_compatible_frames: bool = takes("boolean", False)
    models: list[Any] | None = gives("ModelSchemaBaseV3[]")
    compatible_frames: list[Any] | None = gives("FrameV3[]")
    export_cross_validation_predictions: bool = takes("boolean", False)


@dataclass(kw_only=True)
class ModelOutputSchemaV3(Schema):
    """What a training found."""

    schema_type: ClassVar[str] = "Output"

    names: list[Any] | None = gives("string[]", None, "Names of the columns, the response last.")
    original_names: list[Any] | None = gives("string[]")
    column_types: list[Any] | None = gives("string[]", None, "Types of the columns.")
    domains: list[Any] | None = gives("string[][]", None, "Levels of the categorical columns.")
    cross_validation_models: list[Any] | None = gives("Key<Model>[]")
    cross_validation_predictions: list[Any] | None = gives("Key<Frame>[]")
    cross_validation_holdout_predictions_frame_id: Key | None = gives("Key<Frame>")
    cross_validation_fold_assignment_frame_id: Key | None = gives("Key<Frame>")
    model_category: str | None = gives(
        "enum",
        None,
        "Kind of the model.",
        values=(
            "Unknown",
            "Binomial",
            "Ordinal",
            "Multinomial",
            "Regression",
            "Clustering",
            "AutoEncoder",
            "DimReduction",
            "WordEmbedding",
        ),
    )
    model_summary: Any = gives("TwoDimTableV3", None, "Size and shape of the model.")
    scoring_history: Any = gives("TwoDimTableV3", None, "Metrics as the training went on.")
    cv_scoring_history: list[Any] | None = gives("TwoDimTableV3[]")
    reproducibility_information_table: list[Any] | None = gives("TwoDimTableV3[]")
    training_metrics: Any = gives("ModelMetricsBaseV3", None, "Metrics on the training frame.")
    validation_metrics: Any = gives("ModelMetricsBaseV3", None, "Metrics on the validation frame.")
    cross_validation_metrics: Any = gives(
        "ModelMetricsBaseV3", None, "Metrics of the held-out folds."
    )
    cross_validation_metrics_summary: Any = gives("TwoDimTableV3")
    status: str | None = gives("string", None, "State of the job.")
    start_time: int = gives("long", 0, "Start, in milliseconds since 1970.")
    end_time: int = gives("long", 0)
    run_time: int = gives("long", 0)
    default_threshold: float = gives("double", 0.0, "Threshold of the predicted label.")
    help: dict[str, Any] | None = gives("Map<string,string>", None, "What it means.")


@dataclass(kw_only=True)
class ModelBuilderSchema(Request):
    """A request to train, and its answer."""

    schema_type: ClassVar[str] = "ModelBuilder"
    schema_version: ClassVar[int] = -1

    parameters: Any = takes("ModelParametersSchemaV3", None, "Parameters of the model.")
    algo: str | None = gives("string", None, "Short name of the algorithm.")
    algo_full_name: str | None = gives("string", None, "Name of the algorithm.")
    can_build: list[Any] | None = gives("enum[]")
    supervised: bool = gives("boolean", False)
    visibility: str | None = gives(
        "enum",
        values=(
            "Experimental",
            "Beta",
            "AlwaysVisible",
        ),
    )
    job: Any = gives("JobV3", None, "The job that does the work.")
    messages: list[Any] | None = gives("ValidationMessageV3[]", None, "Messages of the validation.")
    error_count: int = gives("int", 0, "How many messages are errors.")
    __http_status: int = gives("int", 0)


@dataclass(kw_only=True)
class ModelBuildersV3(Request):
    """The algorithms."""

    algo: str | None = takes("string", None, "Short name of the algorithm.")
    model_builders: dict[str, Any] | None = gives("Map<string,ModelBuilderSchema>")


@dataclass(kw_only=True)
class ModelIdV3(Schema):
    """A fresh key for a model."""

    model_id: str | None = gives("string", None, "Key of the model.")


@dataclass(kw_only=True)
class ModelExportV3(Request):
    """Request to write a model to a file."""

    model_id: Key | None = takes("Key<Model>", None, "Key of the model.")
    dir: str | None = takes("string", None, "Folder or file, as the server sees it.")
    force: bool = takes("boolean", True, "Overwrite what is there.")
    export_cross_validation_predictions: bool = takes("boolean", False)


@dataclass(kw_only=True)
class ModelImportV3(Request):
    """Request to read a model from a file."""

    model_id: Key | None = takes("Key<Model>", None, "Key of the model.")
    dir: str | None = takes("string", None, "Folder or file, as the server sees it.")
    force: bool = takes("boolean", True, "Overwrite what is there.")


@dataclass(kw_only=True)
class PartialDependenceV3(Schema):
    """Partial dependence of a model on columns."""

    schema_type: ClassVar[str] = "PartialDependence"

    model_id: Key | None = both("Key<Model>", None, "Key of the model.")
    frame_id: Key | None = both("Key<Frame>", None, "Key of the frame.")
    row_index: int = both("long", -1, "Look at this row alone; -1 for all.")
    cols: list[Any] | None = both("string[]", None, "Columns.")
    weight_column_index: int = both("int", -1, "Number of the column with weights; -1 for none.")
    add_missing_na: bool = both("boolean", False)
    nbins: int = both("int", 20, "How many values of a column to try.")
    user_splits: list[Any] | None = both("double[]")
    user_cols: list[Any] | None = both("string[]")
    num_user_splits: list[Any] | None = both("int[]")
    partial_dependence_data: list[Any] | None = gives("TwoDimTableV3[]")
    col_pairs_2dpdp: list[Any] | None = both("string[][]")
    destination_key: Key | None = takes("Key<PartialDependence>")
    targets: list[Any] | None = takes("string[]")
