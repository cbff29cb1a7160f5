"""Small tables and short calls for the tests of linear models."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from dh2o.estimators.builder import start_build
from dh2o.frame import Frame
from dh2o.models.glm import GLMModel
from dh2o.mrtask import Engine
from tests.estimators.glm.golden import prostate_csv


def levels(values: Any) -> pa.Array:
    """Return texts (None is NA) as a categorical whose levels are sorted."""
    domain = sorted({v for v in values if v is not None})
    codes = [None if v is None else domain.index(v) for v in values]
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(domain))


def store(key: str, columns: Mapping[str, Any], n_blocks: int = 1) -> Frame:
    """Return the stored frame of these columns, cut into blocks."""
    table = pa.table({k: v if isinstance(v, pa.Array) else pa.array(v) for k, v in columns.items()})
    frame = Frame.from_any(table)
    if n_blocks > 1:
        edges = np.linspace(0, frame.n_rows, n_blocks + 1).astype(int)
        frame = frame.rebalance(np.diff(edges).tolist())
    return frame.put(key)


def prostate(n_blocks: int = 1) -> Frame:
    """Return H2O's prostate data with a weight and an offset column."""
    rows = list(csv.reader(prostate_csv().read_text().splitlines()))
    columns: dict[str, Any] = {
        name: np.array([float(row[i]) for row in rows[1:]]) for i, name in enumerate(rows[0])
    }
    columns["w"] = columns["ID"] % 3 + 1
    columns["off"] = columns["AGE"] / 100
    for name in ("CAPSULE", "RACE"):
        columns[name] = levels([str(int(v)) for v in columns[name]])
    return store("prostate", columns, n_blocks)


def train(engine: Engine, frame: Frame, y: str, x: Any = None, **params: Any) -> GLMModel:
    """Return the GLM of `y` on `x` (all other columns but special ones if None)."""
    if "lambda_" in params:
        params["lambda"] = params.pop("lambda_")
    special = {params.get(r) for r in ("weights_column", "offset_column", "fold_column")}
    used = {y, *special, *(x if x is not None else frame.names)}
    ignored = [name for name in frame.names if name not in used]
    raw = {"training_frame": frame.key, "response_column": y, "ignored_columns": ignored, **params}
    model = start_build(engine, "glm", raw).result(timeout=600)
    assert isinstance(model, GLMModel)
    return model


def beta_of(model: GLMModel, *names: str) -> np.ndarray:
    """Return the coefficients of `names`, then the intercept."""
    coefficients = model.coefficients()
    return np.array([coefficients[name] for name in (*names, "Intercept")])
