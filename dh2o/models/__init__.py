"""Trained models: scoring, metrics, tables and files, with no Dask in sight."""

from __future__ import annotations

from dh2o.errors import ModelError
from dh2o.models.category import ModelCategory
from dh2o.models.columns import Columns
from dh2o.models.model import Model
from dh2o.models.output import ModelOutput
from dh2o.models.params import ModelParameter, ModelParameters
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
    "model_class",
    "register_model",
]
