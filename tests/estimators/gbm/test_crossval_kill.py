"""Cross-validation side by side: the same bits as one fold after another, whatever dies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dh2o.mrtask import Engine, use_engine
from dh2o.mrtask.start import start_cluster
from tests.estimators.tree_models import bits, train_marked
from tests.killing import killing, wait_for_workers

from .conftest import build, mixed, stored
from .test_same_bits import LAYOUT

PARAMS: dict[str, Any] = {"nfolds": 3, "ntrees": 4, "sample_rate": 0.8, "seed": 1}


def all_bits(model: Any, engine: Engine) -> list[Any]:
    """Return all that must be equal: of the model, of its folds' models, and of the summary."""
    output = model.output
    folds = [engine.dkv.get(key) for key in output.cross_validation_models]
    table = output.cross_validation_metrics_summary
    rows = [table.column(name) for name in table.col_names]
    mse = output.cross_validation_metrics.mse
    return [mse, [bits(m) for m in (model, *folds)], [[str(cell) for cell in row] for row in rows]]


@pytest.fixture(scope="module")
def expected() -> list[Any]:
    """Bits of what one thread builds, one fold after another."""
    one = start_cluster(n_workers=1, threads_per_worker=1, processes=False)
    with one, use_engine(one):
        stored(mixed(), "gbm_cv_bits", LAYOUT)
        return all_bits(build("two", "gbm_cv_bits", **PARAMS), one)


def test_folds_side_by_side(expected: list[Any], engine: Engine, monkeypatch: Any) -> None:
    seen: list[int] = []
    real = "dh2o.estimators.crossval.run.n_side_by_side"
    monkeypatch.setattr(real, lambda *_: seen.append(3) or 3)
    stored(mixed(), "gbm_cv_bits", LAYOUT)
    assert all_bits(build("two", "gbm_cv_bits", **PARAMS), engine) == expected
    assert seen == [3]


@pytest.mark.cluster
@pytest.mark.parametrize("after_marks", [3, 40])
def test_a_worker_dies_while_folds_are_built(
    expected: list[Any], cluster3: Engine, tmp_path: Path, after_marks: int
) -> None:
    wait_for_workers(cluster3, 3)
    stored(mixed(), "gbm_cv_bits", LAYOUT)
    names = [n for n in mixed(5).columns if n not in ("x", "i", "small", "wide", "two")]
    raw = {
        "training_frame": "gbm_cv_bits", "response_column": "two", "ignored_columns": names,
        **PARAMS,
    }  # fmt: skip
    with killing(tmp_path, after_marks=after_marks) as recovery:
        job = cluster3.start_job(
            "gbm", train_marked, "gbm", str(tmp_path), raw, "gbm_cv_killed", dest="gbm_cv_killed"
        )
        model = job.result(timeout=600)
    assert recovery.report("cross-validated GBM") < 90
    assert all_bits(model, cluster3) == expected
    wait_for_workers(cluster3, 3)
