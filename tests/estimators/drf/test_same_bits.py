"""Same seed, same forest: on one worker or three, whatever dies on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dh2o.mrtask import Engine
from tests.estimators.tree_models import alone, bits, train_marked
from tests.killing import killing, wait_for_workers

from .conftest import X, build, mixed, stored

LAYOUT = (700, 0, 900, 1, 400, 999)
PARAMS: dict[str, dict[str, Any]] = {
    "two": {"ntrees": 8, "score_each_iteration": True},
    "three": {"ntrees": 3, "max_depth": 8},
    "number": {"weights_column": "w", "ntrees": 4},
}


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    """Bits of models built by one worker of one thread."""

    def run() -> dict[str, Any]:
        stored(mixed(), "drf_bits", LAYOUT)
        return {y: bits(build(y, "drf_bits", **params)) for y, params in PARAMS.items()}

    return alone(run)


@pytest.mark.parametrize("y", PARAMS)
def test_two_threads(expected: dict[str, Any], engine: Engine, y: str, monkeypatch: Any) -> None:
    monkeypatch.setattr("dh2o.estimators.trees.shards._MIN_SHARD", 1)
    stored(mixed(), "drf_bits", LAYOUT)
    assert bits(build(y, "drf_bits", **PARAMS[y])) == expected[y]


@pytest.mark.cluster
@pytest.mark.parametrize("y", PARAMS)
def test_three_workers(expected: dict[str, Any], cluster3: Engine, y: str) -> None:
    stored(mixed(), "drf_bits", LAYOUT)
    assert bits(build(y, "drf_bits", **PARAMS[y])) == expected[y]


@pytest.mark.cluster
@pytest.mark.parametrize("after_marks", [2, 14])
def test_a_worker_dies_during_the_build(
    expected: dict[str, Any], cluster3: Engine, tmp_path: Path, after_marks: int
) -> None:
    wait_for_workers(cluster3, 3)
    stored(mixed(), "drf_bits", LAYOUT)
    raw = {
        "training_frame": "drf_bits", "response_column": "two", "seed": 1,
        "ignored_columns": [n for n in mixed(5).columns if n not in (*X, "two")], **PARAMS["two"],
    }  # fmt: skip
    with killing(tmp_path, after_marks=after_marks) as recovery:
        job = cluster3.start_job("drf", train_marked, "drf", str(tmp_path), raw, dest="drf_killed")
        model = job.result(timeout=600)
    assert recovery.report("DRF build") < 60
    assert bits(model) == expected["two"]
    wait_for_workers(cluster3, 3)
