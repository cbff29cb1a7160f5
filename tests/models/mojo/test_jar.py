"""H2O's own scorer reads our MOJOs and predicts the same."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dh2o.models.mojo import mojo_bytes
from dh2o.models.predict_local import predict_table
from tests.models.mojo.made import gbm, table
from tests.models.mojo.test_round_trip import MODELS

pytestmark = [
    pytest.mark.h2o,
    pytest.mark.filterwarnings("ignore:Test/Validation dataset column:RuntimeWarning"),
]

KINDS = [
    *("gbm gaussian", "gbm bernoulli", "gbm multinomial", "gbm poisson", "gbm offset"),
    *("gbm OneHotExplicit", "gbm Binary", "gbm LabelEncoder", "gbm Eigen", "gbm EnumLimited"),
    *("drf regression", "drf binomial", "drf double", "drf multinomial"),
    *("isolation forest", "isolation forest with a flag"),
]


@pytest.mark.parametrize("kind", KINDS)
def test_the_jar_predicts_the_same(kind, rng, predict_csv):
    model, rows = MODELS[kind](rng), table(rng)
    found = predict_csv(mojo_bytes(model), rows, "--setConvertInvalidNum")
    check(predict_table(model, rows), found)


def check(expected: dict, found: pd.DataFrame) -> None:
    assert [name for name in expected if not name.startswith("cal_")] == list(found.columns)
    for name in found.columns:
        if pd.api.types.is_numeric_dtype(found[name]):
            wanted = np.asarray(expected[name], dtype=float)
            np.testing.assert_allclose(found[name], wanted, rtol=0, atol=1e-6, err_msg=name)
        else:
            assert list(found[name]) == list(expected[name])


@pytest.mark.parametrize("kind", ["gbm platt", "gbm isotonic"])
def test_the_jar_calibrates_the_same(kind, rng, predict_csv):
    model, rows = MODELS[kind](rng), table(rng)
    found = predict_csv(mojo_bytes(model), rows, "--predictCalibrated")
    expected = predict_table(model, rows)
    np.testing.assert_allclose(found["cal_yes"], expected["cal_yes"], atol=1e-6)


def test_the_jar_finds_the_same_contributions(rng, predict_csv):
    from dh2o.scorer import Scorer

    model, rows = gbm("bernoulli", rng), table(rng)
    found = predict_csv(mojo_bytes(model), rows, "--predictContributions")
    expected = Scorer(model).contributions(rows)
    for name in ("x", "few", "many", "k", "BiasTerm"):
        np.testing.assert_allclose(found[name], expected[name], atol=1e-5, err_msg=name)
