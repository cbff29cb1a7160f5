"""The demo does the whole job on the real flights and reaches the quality that H2O reaches."""

from __future__ import annotations

import io

from dh2o import demo
from dh2o.mrtask import Engine

# Official H2O 3.46.0.12 on the same script, split by its own random numbers.
H2O_GBM_AUC = 0.9202
H2O_GLM_AUC = 0.9027


def test_demo_matches_h2o(engine: Engine) -> None:
    out = io.StringIO()
    result = demo.run(engine, out)
    assert abs(result["gbm_auc"] - H2O_GBM_AUC) < 0.005
    assert abs(result["glm_auc"] - H2O_GLM_AUC) < 0.005
    report = out.getvalue()
    assert "336,776 rows" in report
    assert "dep_delay" in report
    assert "Time of each step" in report


def test_models_do_not_see_the_arrival() -> None:
    assert not set(demo.PREDICTORS) & {"arr_time", "arr_delay", "air_time"}
