"""Trees by H2O's histogram types are those of the real H2O."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dh2o.models.gbm import GBMModel
from dh2o.models.predict_local import score_table
from dh2o.mrtask import Engine

from .conftest import build, stored
from .golden import CASES, FILE, PREDICTORS, SEED, params_of, table

GOLDEN: dict[str, dict[str, Any]] = json.loads(FILE.read_text())


def check(name: str, model: GBMModel, seed: int, golden: dict[str, Any]) -> None:
    """Compare a model with what H2O found."""
    wanted = np.array(golden["predictions"])
    assert score_table(model, table(seed).iloc[: len(wanted)]) == pytest.approx(
        wanted, rel=1e-6, abs=1e-6
    )
    assert model.init_f == pytest.approx(golden["init_f"], abs=1e-7)
    importance = dict(zip(model.features, model.forest.importance(), strict=True))
    for column, gain in golden["importance"].items():
        assert importance[column] == pytest.approx(gain, rel=1e-4), column
    assert model.output.training_metrics is not None
    assert model.output.training_metrics.mse == pytest.approx(golden["mse"], rel=1e-6)


def built(name: str, frame: str) -> GBMModel:
    """Return the model of a case."""
    y = CASES[name][0]
    return build(y, frame, PREDICTORS, **params_of(name))


@pytest.mark.parametrize("name", CASES)
def test_trees_of_h2o(engine: Engine, name: str) -> None:
    if not engine.dkv.contains("gbm_golden"):
        stored(table(), "gbm_golden", (300, 0, 500, 1, 399))
    check(name, built(name, "gbm_golden"), SEED, GOLDEN[name])


@pytest.mark.h2o
@pytest.mark.slow
def test_trees_of_the_h2o_that_runs_here(engine: Engine, tmp_path: Path) -> None:
    if shutil.which("java") is None or importlib.util.find_spec("h2o") is None:
        pytest.skip("real H2O needs Java and the package h2o")
    script, out = Path(__file__).with_name("golden.py"), tmp_path / "golden.json"
    subprocess.run([sys.executable, str(script), str(out), "11"], check=True, timeout=600)
    stored(table(11), "gbm_golden_live")
    for name, golden in json.loads(out.read_text()).items():
        check(name, built(name, "gbm_golden_live"), 11, golden)
