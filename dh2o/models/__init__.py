"""Trained models: scoring, metrics, tables and files, with no Dask in sight."""

from __future__ import annotations

from dh2o.errors import ModelError
from dh2o.models.category import ModelCategory
from dh2o.models.columns import Columns
from dh2o.models.files import load_model, model_from_bytes, model_to_bytes, save_model
from dh2o.models.json_form import register_type
from dh2o.models.model import Model
from dh2o.models.output import ModelOutput
from dh2o.models.params import ModelParameter, ModelParameters
from dh2o.models.predict_local import predict_table
from dh2o.models.registry import model_class, register_model
from dh2o.models.table import TwoDimTable

__all__ = [
    "Columns",
    "Model",
    "ModelCategory",
    "ModelError",
    "ModelOutput",
    "ModelParameter",
    "ModelParameters",
    "TwoDimTable",
    "load_model",
    "model_class",
    "model_from_bytes",
    "model_to_bytes",
    "predict_table",
    "register_model",
    "register_type",
    "save_model",
]


def __dir__() -> list[str]:
    return __all__
