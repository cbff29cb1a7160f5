"""Weights and biases as frames, for users who want to look at them."""

from __future__ import annotations

from typing import Any

from dh2o.estimators.deeplearning.sgd import NetState
from dh2o.frame import Frame

__all__ = ["export_layers"]


def export_layers(model_key: str, state: NetState) -> dict[str, Any]:
    """Return output fields with the keys of new frames: a row for each unit of a layer."""
    weights = []
    biases = []
    for k, (w, b) in enumerate(zip(state.weights, state.biases, strict=True)):
        columns = {f"C{i + 1}": row.astype("float64") for i, row in enumerate(w)}
        weights.append(_stored(f"{model_key}_weights_{k}", columns))
        biases.append(_stored(f"{model_key}_biases_{k}", {"C1": b.astype("float64")}))
    return {"weights": weights, "biases": biases}


def _stored(key: str, columns: dict[str, Any]) -> dict[str, str]:
    Frame.from_any(columns).put(key)
    return {"name": key, "type": "Key<Frame>", "URL": f"/3/Frames/{key}"}
