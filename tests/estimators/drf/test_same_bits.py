"""Same seed, same forest: on one worker or three, whatever dies on the way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dh2o.estimators.trees import bagged
from dh2o.mrtask import Engine, use_engine
from dh2o.mrtask.start import start_cluster
from tests.killing import killing, leave_mark, wait_for_workers

from .conftest import X, build, mixed, stored

LAYOUT = (700, 0, 900, 1, 400, 499)
PARAMS: dict[str, dict[str, Any]] = {
    "two": {"ntrees": 8, "score_each_iteration": True},
    "three": {"ntrees": 3, "max_depth": 8},
    "number": {"weights_column": "w", "ntrees": 4},
}


def bits(model: Any) -> dict[str, Any]:
    """Return all that must be equal."""
    arrays = {name: a.tobytes() for name, a in model.forest.to_arrays().items()}
    return {**arrays, "mse": model.output.training_metrics.mse}


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    """Bits of models built by one worker of one thread."""
    one = start_cluster(n_workers=1, threads_per_worker=1, processes=False)
    with one, use_engine(one):
        stored(mixed(), "drf_bits", LAYOUT)
        return {y: bits(build(y, "drf_bits", **params)) for y, params in PARAMS.items()}


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


class MarkedStart(bagged.StartBag):
    """The beginning of a tree that says it is running."""

    folder = ""

    def __reduce__(self) -> Any:
        fields = [getattr(self, name) for name in bagged.StartBag.__slots__]
        return _marked, (self.folder, fields)

    def map(self, state: Any, worker: Any) -> Any:
        leave_mark(self.folder)
        return bagged.StartBag.map(self, state, worker)


def _marked(folder: str, fields: list[Any]) -> MarkedStart:
    task = MarkedStart(*fields)
    object.__setattr__(task, "folder", folder)
    return task


@contextmanager
def marked_starts(folder: str) -> Iterator[None]:
    """Let trees leave marks when they begin, on whatever worker the driver runs."""
    from dh2o.estimators.drf import binned

    def marked(**fields: Any) -> MarkedStart:
        task = MarkedStart(**fields)
        object.__setattr__(task, "folder", folder)
        return task

    real, binned.StartBag = binned.StartBag, marked  # type: ignore[assignment, misc]
    try:
        yield
    finally:
        binned.StartBag = real  # type: ignore[misc]


def _train_marked(ctx: Any, folder: str, raw: dict[str, Any]) -> Any:
    """Build the forest with trees that leave marks."""
    from dh2o.estimators.builder import builder_of, validate
    from dh2o.estimators.driver import run_build

    with marked_starts(folder):
        return run_build(ctx, builder_of("drf"), validate(ctx.engine, "drf", raw))


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
        job = cluster3.start_job("drf", _train_marked, str(tmp_path), raw, dest="drf_killed")
        model = job.result(timeout=120)
    assert recovery.report("DRF build") < 60
    assert bits(model) == expected["two"]
    wait_for_workers(cluster3, 3)
