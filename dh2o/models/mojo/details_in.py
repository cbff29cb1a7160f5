"""``experimental/modelDetails.json``: what a MOJO tells of its model besides how it scores."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dh2o.models.category import ModelCategory
from dh2o.models.mojo.archive import MojoArchive
from dh2o.models.mojo.errors import MojoError
from dh2o.models.mojo.json_in import table_of
from dh2o.models.mojo.metrics_in import metrics_of
from dh2o.models.params import ModelParameter, ModelParameters
from dh2o.models.table import TwoDimTable

__all__ = ["DETAILS", "Details", "read_details"]

DETAILS = "experimental/modelDetails.json"
_TABLES = ("model_summary", "scoring_history", "cross_validation_metrics_summary")
_METRICS = ("training_metrics", "validation_metrics", "cross_validation_metrics")


@dataclass(frozen=True, slots=True)
class Details:
    """The JSON, {} where there is none. What is not as expected counts as not there."""

    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def output(self) -> Mapping[str, Any]:
        """The model's output."""
        found = self.data.get("output")
        return found if isinstance(found, dict) else {}

    @property
    def model_key(self) -> str | None:
        """The key that the model had where it was trained."""
        return _name_of(self.data.get("model_id"))

    @property
    def parameters(self) -> list[Mapping[str, Any]]:
        """The parameters, as REST shows them."""
        found = self.data.get("parameters")
        rows = found if isinstance(found, list) else []
        return [row for row in rows if isinstance(row, dict) and isinstance(row.get("name"), str)]

    def params(self) -> ModelParameters:
        """Return the parameters as a model keeps them."""
        items = {}
        for row in self.parameters:
            values = (_plain(row.get(f"{kind}_value")) for kind in ("default", "input", "actual"))
            items[row["name"]] = ModelParameter(row["name"], *values)
        return ModelParameters(items)

    def table(self, name: str) -> TwoDimTable | None:
        """Return a table of the output."""
        return table_of(self.output.get(name))

    def output_parts(
        self, category: ModelCategory, domain: tuple[str, ...] | None
    ) -> dict[str, Any]:
        """Return fields of `ModelOutput`: tables, metrics, times."""
        parts: dict[str, Any] = {name: self.table(name) for name in _TABLES}
        parts["variable_importances"] = self.table("variable_importances")
        for name in _METRICS:
            parts[name] = metrics_of(self.output.get(name), category, domain)
        for name in ("start_time", "end_time"):
            value = self.output.get(name)
            parts[f"{name}_ms"] = value if isinstance(value, int) else 0
        parts["training_frame"] = _name_of(self.data.get("data_frame"))
        return parts


def read_details(archive: MojoArchive) -> Details:
    """Return what the MOJO in `archive` tells of its model."""
    if DETAILS not in archive:
        return Details()
    try:
        data = json.loads(archive.text(DETAILS))
    except (ValueError, RecursionError) as problem:
        raise MojoError(f"{DETAILS} of the MOJO is no JSON: {str(problem)[:80]}.") from None
    return Details(data if isinstance(data, dict) else {})


def _name_of(value: Any) -> str | None:
    found = value.get("name") if isinstance(value, dict) else value
    return found if isinstance(found, str) and found else None


def _plain(value: Any) -> Any:
    """Return a parameter's value: the name of a key or column, lists as tuples."""
    if isinstance(value, dict):
        return value.get("name", value.get("column_name"))
    if isinstance(value, list):
        return tuple(_plain(item) for item in value)
    return value
