"""The figures and tables that real H2O computes from the same predictions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dh2o.models import ModelCategory
from dh2o.models.metrics import metric_builder
from dh2o.models.metrics.names import figures

GOLDEN = json.loads(Path(__file__).with_name("h2o_metrics.json").read_text())


def measured(name: str) -> Any:
    inputs = {key: np.array(values, dtype=float) for key, values in GOLDEN[name]["inputs"].items()}
    if name.startswith("binomial"):
        weights = inputs["w"] if name == "binomial_weighted" else None
        builder = metric_builder(ModelCategory.BINOMIAL, ("0", "1"))
        return builder.measure(inputs["p"], inputs["y"], weights)
    if name == "multinomial":
        kind = ModelCategory.MULTINOMIAL
        return metric_builder(kind, ("a", "b", "c"), auc_type="MACRO_OVR").measure(
            inputs["p"], inputs["y"]
        )
    builder = metric_builder(ModelCategory.REGRESSION, distribution=name)
    return builder.measure(inputs["p"], inputs["y"])


@pytest.mark.parametrize("name", GOLDEN)
def test_figures_are_those_of_h2o(name: str) -> None:
    ours, theirs = figures(measured(name)), GOLDEN[name]["figures"]
    assert set(theirs) <= set(ours)
    for figure, value in theirs.items():
        assert ours[figure] == pytest.approx(value, rel=1e-9, abs=1e-12), figure


@pytest.mark.parametrize(
    ("name", "table"), [(n, t) for n, case in GOLDEN.items() for t in case["tables"]]
)
def test_tables_are_those_of_h2o(name: str, table: str) -> None:
    metrics = measured(name)
    ours = metrics.cm.table(row_names=False) if table == "cm" else getattr(metrics, table)
    theirs = GOLDEN[name]["tables"][table]
    assert list(ours.col_names) == theirs["header"]
    assert ours.n_rows == len(theirs["rows"])
    for row, expected in zip(ours.rows, theirs["rows"], strict=True):
        for cell, value in zip(row, expected, strict=True):
            if isinstance(value, str) or value is None:
                assert cell == value or (value == "" and cell is None)
            else:
                assert cell == pytest.approx(value, rel=1e-6, abs=1e-9)  # some are float32 there
