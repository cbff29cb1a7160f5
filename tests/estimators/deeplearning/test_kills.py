"""A worker dies while a network learns: the build ends, and what must be reproducible is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dh2o.estimators.builder import builder_of, validate
from dh2o.estimators.building.driver import run_build
from dh2o.estimators.deeplearning import learners
from dh2o.frame import Frame
from dh2o.mrtask import Engine, use_engine
from tests.killing import killing, leave_mark, wait_for_workers

from .test_deeplearning import circles


def _train_marked(ctx: Any, folder: str, raw: dict[str, Any]) -> Any:
    def learn(self: Any, work: Any) -> Any:
        leave_mark(folder)
        return original[type(self)](self, work)

    classes = (learners._EachWorker, learners._OnePlace)
    original = {kind: kind.learn for kind in classes}
    try:
        for kind in classes:
            kind.learn = learn  # type: ignore[method-assign]
        return run_build(ctx, builder_of("deeplearning"), validate(ctx.engine, "deeplearning", raw))
    finally:
        for kind in classes:
            kind.learn = original[kind]  # type: ignore[method-assign]


@pytest.mark.cluster
@pytest.mark.parametrize("how", ["reproducible", "", "elastic_averaging"])
def test_a_killed_worker_costs_no_more_than_an_iteration(
    cluster3: Engine, tmp_path: Path, how: str
) -> None:
    wait_for_workers(cluster3, 3)
    with use_engine(cluster3):
        Frame.from_pandas(circles(1200)).put("dl_killed_frame")
    raw = {
        "training_frame": "dl_killed_frame", "response_column": "y", "hidden": [16],
        "ignored_columns": ["count", "num", "three"], "epochs": 12, "seed": 3,
        **({how: True} if how else {}),
    }  # fmt: skip
    with killing(tmp_path, after_marks=3) as recovery:
        job = cluster3.start_job("dl", _train_marked, str(tmp_path), raw, dest="dl_killed")
        model = job.result(timeout=600)
    assert recovery.report("deep learning") < 120
    assert model.output.training_metrics.auc > 0.85
    wait_for_workers(cluster3, 3)
    if how == "reproducible":
        with use_engine(cluster3):
            again = cluster3.start_job("dl", _train_marked, str(tmp_path), raw, dest="dl_again")
            calm = again.result(timeout=600)
        for a, b in zip(model.network.weights, calm.network.weights, strict=True):
            np.testing.assert_array_equal(a, b)
