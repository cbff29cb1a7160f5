"""Same seed, same trees by H2O's histogram types: on one worker or three, whatever dies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dh2o.mrtask import Engine
from tests.estimators.tree_models import alone, bits, train_marked
from tests.killing import killing, wait_for_workers

from .conftest import build, mixed, stored
from .test_same_bits import LAYOUT

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "two": (
        "two",
        {"histogram_type": "UniformAdaptive", "sample_rate": 0.8, "col_sample_rate": 0.7},
    ),
    "three": ("three", {"histogram_type": "Random", "ntrees": 3}),
    "weights": (
        "number", {"histogram_type": "QuantilesGlobal", "weights_column": "w", "ntrees": 4},
    ),
    "offset": ("count", {"histogram_type": "RoundRobin", "offset_column": "o", "ntrees": 4}),
    "huber": ("positive", {"histogram_type": "UniformRobust", "distribution": "huber"}),
    "noise": (
        "number",
        {"histogram_type": "UniformAdaptive", "pred_noise_bandwidth": 0.1, "monotone_constraints":
         {"i": 1}, "ntrees": 4},
    ),
}  # fmt: skip


def built(name: str) -> Any:
    """Return the bits of the model of a case."""
    y, params = CASES[name]
    return bits(build(y, "gbm_bits", **{"ntrees": 6, **params}))


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    """Bits of models built by one worker of one thread."""

    def run() -> dict[str, Any]:
        stored(mixed(), "gbm_bits", LAYOUT)
        return {name: built(name) for name in CASES}

    return alone(run)


@pytest.mark.parametrize("name", CASES)
def test_two_threads(expected: dict[str, Any], engine: Engine, name: str, monkeypatch: Any) -> None:
    monkeypatch.setattr("dh2o.estimators.trees.shards._MIN_SHARD", 1)
    monkeypatch.setattr("dh2o.estimators.trees.adaptive.grower._MAX_SLOTS", 3000)
    stored(mixed(), "gbm_bits", LAYOUT)
    assert built(name) == expected[name]


@pytest.mark.cluster
@pytest.mark.parametrize("name", CASES)
def test_three_workers(expected: dict[str, Any], cluster3: Engine, name: str) -> None:
    stored(mixed(), "gbm_bits", LAYOUT)
    assert built(name) == expected[name]


@pytest.mark.cluster
@pytest.mark.parametrize("after_marks", [2, 30])
def test_a_worker_dies_during_the_build(
    expected: dict[str, Any], cluster3: Engine, tmp_path: Path, after_marks: int
) -> None:
    wait_for_workers(cluster3, 3)
    stored(mixed(), "gbm_bits", LAYOUT)
    names = [n for n in mixed(5).columns if n not in ("x", "i", "small", "wide", "two")]
    raw = {
        "training_frame": "gbm_bits", "response_column": "two", "ignored_columns": names,
        "seed": 1, "ntrees": 6, **CASES["two"][1],
    }  # fmt: skip
    with killing(tmp_path, after_marks=after_marks) as recovery:
        job = cluster3.start_job(
            "gbm", train_marked, "gbm", str(tmp_path), raw, dest="gbm_killed_v"
        )
        model = job.result(timeout=600)
    assert recovery.report("GBM build") < 60
    assert bits(model) == expected["two"]
    wait_for_workers(cluster3, 3)
