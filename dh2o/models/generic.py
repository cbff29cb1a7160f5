"""A model that was read from a MOJO: scores like the original and keeps the file it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import ModelError
from dh2o.models.columns import F64, Columns
from dh2o.models.metrics.base import MetricBuilder
from dh2o.models.model import Model
from dh2o.models.mojo.archive import MojoArchive
from dh2o.models.mojo.details_in import read_details
from dh2o.models.mojo.files import read_mojo
from dh2o.models.output import ModelOutput
from dh2o.models.params import ModelParameter, ModelParameters
from dh2o.models.registry import register_model

__all__ = ["GenericModel"]


@register_model
@dataclass(frozen=True, eq=False)
class GenericModel(Model):
    """The bytes of a MOJO, and the model of dh2o that they describe.

    ``inner`` is a model of the original algorithm (`GBMModel`, …): trees, coefficients and all that
    works on them are to be found there. ``params`` are the Generic model's own; those of the
    original are ``inner.params``.
    """

    algo: ClassVar[str] = "generic"
    algo_full_name: ClassVar[str] = "Import MOJO Model"

    mojo_data: NDArray[np.uint8]
    inner: Model

    @classmethod
    def of(
        cls, data: bytes, key: str, *, path: str | None = None, model_key: str | None = None
    ) -> GenericModel:
        """Return the model in the MOJO `data`, which came from a file or from an upload."""
        given = {"model_id": key, "model_key": model_key, "path": path}
        params = ModelParameters(
            {name: ModelParameter(name, None, value, value) for name, value in given.items()}
        )
        return cls.from_inner(read_mojo(data, key), params, data)

    @classmethod
    def from_inner(cls, inner: Model, params: ModelParameters, data: bytes) -> GenericModel:
        """Return the model around `inner`."""
        output = inner.output.replace(
            calibration=None,  # H2O's Generic model does not calibrate either
            extra={
                **inner.output.extra,
                "original_model_identifier": inner.algo,
                "original_model_full_name": inner.algo_full_name,
            },
        )
        return cls(inner.key, params, output, np.frombuffer(data, np.uint8), inner)

    @property
    def mojo(self) -> bytes:
        """The MOJO that the model was read from, byte for byte."""
        return self.mojo_data.tobytes()

    @cached_property
    def original_parameters(self) -> list[dict[str, Any]]:
        """The parameters of the original as REST shows them, without its key."""
        rows = read_details(MojoArchive.of(self.mojo)).parameters
        return [dict(row) for row in rows if row["name"] != "model_id"]

    def score(self, columns: Columns) -> F64:
        """Return what the original model predicts."""
        return self.inner.score(columns)

    def extra_columns(self) -> tuple[str, ...]:
        """Names of columns that the original predicts besides."""
        return self.inner.extra_columns()

    @property
    def n_outputs(self) -> int:
        """Columns that `score` returns, extra columns aside."""
        return self.inner.n_outputs

    @property
    def prediction_names(self) -> tuple[str, ...]:
        """Column names of a prediction frame."""
        return (
            tuple(name for name in self.inner.prediction_names if not name.startswith("cal_"))
            if self.inner.output.calibration is not None
            else self.inner.prediction_names
        )

    def labels(self, raw: F64) -> NDArray[np.int32]:
        """Return the predicted class of each row."""
        return self.inner.labels(raw)

    def predictions(self, raw: F64) -> list[NDArray[Any]]:
        """Return the columns of `prediction_names`."""
        return self.inner.predictions(raw)[: len(self.prediction_names)]

    def metric_builder(self, base: MetricBuilder[Any]) -> MetricBuilder[Any]:
        """Return what measures the original."""
        return self.inner.metric_builder(base)

    def replace(self, **changes: Any) -> Self:
        """Return a copy; a new key or threshold goes to the original as well."""
        if "key" in changes:
            changes["inner"] = self.inner.replace(key=changes["key"])
        if "output" in changes and changes["output"].threshold != self.output.threshold:
            inner = changes.get("inner", self.inner)
            known = inner.output.replace(threshold=changes["output"].threshold)
            changes["inner"] = inner.replace(output=known)
        return super().replace(**changes)

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return the bytes; the model is made of them again."""
        return {}, {"mojo": self.mojo_data}

    @classmethod
    def from_state(
        cls,
        key: str,
        params: ModelParameters,
        output: ModelOutput,
        data: Mapping[str, Any],  # noqa: ARG003  # the bytes say it all
        arrays: Mapping[str, NDArray[Any]],
    ) -> GenericModel:
        """Return the model whose `state` this was."""
        if "mojo" not in arrays:
            raise ModelError("The model file has no MOJO in it.")
        raw = np.require(arrays["mojo"], np.uint8, ["C"]).tobytes()
        inner = read_mojo(raw, key)
        if output.threshold != inner.output.threshold:
            inner = inner.replace(output=inner.output.replace(threshold=output.threshold))
        return cls(key, params, output, np.frombuffer(raw, np.uint8), inner)

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as bytes; the original is made again."""
        arrays = {"mojo": self.mojo_data}
        return GenericModel.from_state, (self.key, self.params, self.output, {}, arrays)
