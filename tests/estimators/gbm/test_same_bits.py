"""Same seed, same trees: on one worker or three, whatever dies on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dh2o.mrtask import Engine
from tests.estimators.tree_models import alone, bits, train_marked
from tests.killing import killing, wait_for_workers

from .conftest import build, mixed, stored

LAYOUT = (700, 0, 900, 1, 400, 600, 399)
PARAMS: dict[str, dict[str, Any]] = {
    "two": {"sample_rate": 0.8, "col_sample_rate": 0.7, "ntrees": 8},
    "three": {"ntrees": 4},
    "number": {"weights_column": "w", "ntrees": 6},
    "count": {"distribution": "poisson", "ntrees": 4},
    "positive": {"distribution": "huber", "ntrees": 3},
}


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    """Bits of models built by one worker of one thread."""

    def run() -> dict[str, Any]:
        stored(mixed(), "gbm_bits", LAYOUT)
        return {y: bits(build(y, "gbm_bits", **params)) for y, params in PARAMS.items()}

    return alone(run)


@pytest.mark.parametrize("y", PARAMS)
def test_two_threads(expected: dict[str, Any], engine: Engine, y: str, monkeypatch: Any) -> None:
    monkeypatch.setattr("dh2o.estimators.trees.shards._MIN_SHARD", 1)
    stored(mixed(), "gbm_bits", LAYOUT)
    assert bits(build(y, "gbm_bits", **PARAMS[y])) == expected[y]


@pytest.mark.cluster
@pytest.mark.parametrize("y", PARAMS)
def test_three_workers(expected: dict[str, Any], cluster3: Engine, y: str) -> None:
    stored(mixed(), "gbm_bits", LAYOUT)
    assert bits(build(y, "gbm_bits", **PARAMS[y])) == expected[y]


@pytest.mark.cluster
@pytest.mark.parametrize("after_marks", [2, 12, 24])
def test_a_worker_dies_during_the_build(
    expected: dict[str, Any], cluster3: Engine, tmp_path: Path, after_marks: int
) -> None:
    wait_for_workers(cluster3, 3)
    stored(mixed(), "gbm_bits", LAYOUT)
    names = [n for n in mixed(5).columns if n not in ("x", "i", "small", "wide", "two")]
    raw = {
        "training_frame": "gbm_bits", "response_column": "two", "ignored_columns": names,
        "seed": 1, **PARAMS["two"],
    }  # fmt: skip
    with killing(tmp_path, after_marks=after_marks) as recovery:
        job = cluster3.start_job("gbm", train_marked, "gbm", str(tmp_path), raw, dest="gbm_killed")
        model = job.result(timeout=600)
    assert recovery.report("GBM build") < 60
    assert bits(model) == expected["two"]
    wait_for_workers(cluster3, 3)


def test_a_driver_that_starts_again_goes_on_from_its_checkpoint(
    expected: dict[str, Any], engine: Engine, monkeypatch: Any
) -> None:
    from dh2o.estimators.gbm import boosting
    from dh2o.estimators.trees import rounds

    stored(mixed(), "gbm_bits", LAYOUT)
    monkeypatch.setattr(rounds, "_SAVE_INTERVAL_S", 0.0)
    saved: list[Any] = []
    plain = boosting.Booster._round

    def failing(self: Any, state: Any, valid: Any) -> None:
        if self.n_rounds == 4 and not saved:
            saved.append(self.ctx.restore())
            raise OSError("the driver's worker is gone")
        plain(self, state, valid)

    monkeypatch.setattr(boosting.Booster, "_round", failing)
    with pytest.raises(OSError, match="gone"):
        build("two", "gbm_bits", **PARAMS["two"])
    assert len(saved[0].trees) == 4
    real = boosting.Booster.__init__

    def resumed(self: Any, ctx: Any, *args: Any) -> None:
        monkeypatch.setattr(ctx, "restore", lambda: saved[0])
        real(self, ctx, *args)

    monkeypatch.setattr(boosting.Booster, "__init__", resumed)
    assert bits(build("two", "gbm_bits", **PARAMS["two"])) == expected["two"]
