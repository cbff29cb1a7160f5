"""Results of the real H2O that went on to the end, to nine digits."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from dh2o.mrtask import Engine
from tests.estimators.glm.data import prostate, train
from tests.estimators.glm.golden import CASES, FILE, PREDICTORS

GOLDEN = json.loads(FILE.read_text())
#: Where H2O's line search ends before the minimum does.
SHORT_OF_IT = {"gamma": 1e-6}
ATTRIBUTES = {"MSE": "mse", "AUC": "auc"}


@pytest.mark.parametrize("name", CASES)
def test_same_as_h2o_on_prostate(engine: Engine, name: str) -> None:
    case, golden = dict(CASES[name]), GOLDEN[name]
    y = case.pop("y")
    x = [column for column in PREDICTORS if column != y]
    model = train(engine, prostate(3), y, x, **case)
    for kind, standardised in (("coefficients", False), ("standardized", True)):
        got = model.coefficients(standardised=standardised)
        assert got == pytest.approx(golden[kind], rel=SHORT_OF_IT.get(name, 1e-9), abs=1e-9)
    metrics = model.output.training_metrics
    for figure, want in golden["figures"].items():
        if isinstance(want, str) or (name == "negative binomial" and figure == "AIC"):
            continue  # H2O's AIC of this family leaves the likelihood out
        found = metrics.extra.get(figure, getattr(metrics, ATTRIBUTES.get(figure, figure), None))
        assert found == pytest.approx(want, rel=1e-7), figure  # H2O rounds responses to floats


@pytest.mark.parametrize("name", CASES)
def test_coefficient_tables_have_h2o_s_shape(engine: Engine, name: str) -> None:
    case, golden = dict(CASES[name]), GOLDEN[name]
    y = case.pop("y")
    model = train(engine, prostate(), y, [c for c in PREDICTORS if c != y], **case)
    table = model.output.extra["coefficients_table"]
    assert list(table.col_names) == golden["columns"]
    got = np.array([[math.nan if v is None else v for v in row[1:]] for row in table.rows])
    rtol = SHORT_OF_IT.get(name, 1e-7)
    np.testing.assert_allclose(got, np.array(golden["table"], dtype=float), rtol=rtol, atol=1e-9)
