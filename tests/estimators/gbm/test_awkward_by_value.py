"""Columns and frames that H2O's histogram types must survive."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from dh2o.models.predict_local import score_table
from dh2o.mrtask import Engine

from .conftest import build, stored

TYPES = ("UniformAdaptive", "Random", "QuantilesGlobal", "UniformRobust", "RoundRobin")
N = 60
Y = np.arange(N, dtype=float) % 7 + np.arange(N) / 10

COLUMNS: dict[str, Any] = {
    "infinite": np.select([np.arange(N) % 9 == 0, np.arange(N) % 9 == 1], [np.inf, -np.inf], Y),
    "huge": 1.7e308 * np.linspace(-1, 1, N),
    "tiny": Y * 1e-310,
    "half NA": np.where(np.arange(N) % 2 == 0, np.nan, Y),
    "one value and NA": np.where(np.arange(N) % 3 == 0, np.nan, 1.0),
    "beyond integers": 1e300 * np.arange(N),
    "one level and NA": pd.Categorical.from_codes(np.where(np.arange(N) % 3 == 0, -1, 0), ["a"]),
    "many levels": pd.Categorical.from_codes(np.arange(N) % 50, [f"v{k}" for k in range(2000)]),
}  # fmt: skip


@pytest.mark.parametrize("kind", TYPES)
def test_awkward_columns(engine: Engine, kind: str) -> None:
    table = pd.DataFrame({**COLUMNS, "y": Y})
    stored(table, "gbm_awkward", (20, 0, 1, 39))
    model = build(
        "y", "gbm_awkward", tuple(COLUMNS), histogram_type=kind, min_rows=1, ntrees=20,
        learn_rate=0.3, nbins_cats=20,
    )  # fmt: skip
    scores = score_table(model, table)[:, 0]
    assert np.isfinite(scores).all()
    assert model.output.training_metrics is not None
    assert model.output.training_metrics.mse == pytest.approx(np.mean((scores - Y) ** 2), rel=1e-5)
    assert model.output.training_metrics.mse < 0.5 * np.var(Y)


@pytest.mark.parametrize("kind", TYPES)
def test_two_rows(engine: Engine, kind: str) -> None:
    stored(pd.DataFrame({"x": [1.0, 2.0], "i": [0, 5], "y": [3.0, 4.0]}), "gbm_two_rows")
    model = build(
        "y", "gbm_two_rows", ("x", "i"), histogram_type=kind, min_rows=1, ntrees=1, learn_rate=1.0
    )
    table = pd.DataFrame({"x": [1.0, 2.0, np.nan], "i": [0.0, 5.0, np.nan]})
    found = score_table(model, table)[:, 0]
    if kind != "Random":  # its cuts may leave both rows in one bin
        assert found[:2].tolist() == [3.0, 4.0]
    assert np.isfinite(found).all()


@pytest.mark.parametrize("kind", TYPES)
def test_a_response_without_variance_gives_no_splits(engine: Engine, kind: str) -> None:
    stored(pd.DataFrame({"x": Y, "y": np.full(N, 2.0)}), "gbm_constant")
    model = build("y", "gbm_constant", ("x",), histogram_type=kind, check_constant_response=False)
    assert model.forest.is_leaf.all()
    assert model.init_f == pytest.approx(2.0)
