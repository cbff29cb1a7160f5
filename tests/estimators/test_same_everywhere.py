"""Same model on one worker, on three, and although a worker dies: every algorithm, in short."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dh2o.errors import JobCancelledError
from dh2o.estimators import start_build
from dh2o.estimators.scoring import predict_frame
from dh2o.frame import Frame
from dh2o.mrtask import Engine, use_engine
from dh2o.mrtask.lane_worker import lane_of
from tests.killing import say, wait_for_workers, wait_until

pytestmark = pytest.mark.cluster
LAYOUT = (150, 0, 250, 1, 100, 199)
X = ["a", "b", "c", "colour"]

TWO, THREE = {"response_column": "two"}, {"response_column": "three"}
NUMBER, COUNT = {"response_column": "number"}, {"response_column": "count"}
GLM: dict[str, dict[str, Any]] = {
    "gaussian": {**NUMBER, "lambda": [0.0], "compute_p_values": True},
    "binomial": TWO,
    "fractionalbinomial": {"response_column": "share"},
    "quasibinomial": {"response_column": "share"},
    "ordinal": THREE,
    "multinomial": THREE,
    "poisson": COUNT,
    "gamma": {"response_column": "positive", "link": "log"},
    "tweedie": {**COUNT, "tweedie_variance_power": 1.5, "tweedie_link_power": 0},
    "negativebinomial": {**COUNT, "theta": 0.5, "link": "log"},
}
SOLVERS: dict[str, dict[str, Any]] = {
    "search": {"lambda_search": True, "alpha": [1.0], "nlambdas": 8},
    "lbfgs": {"solver": "L_BFGS"},
    "descent": {"solver": "COORDINATE_DESCENT", "lambda": [0.01]},
}
METHODS = ("GramSVD", "Power", "Randomized")
PCA = {"k": 2, "impute_missing": True, "transform": "STANDARDIZE"}
SVD = {"nv": 2, "transform": "STANDARDIZE"}
LEARNED = {"reproducible": True, "train_samples_per_iteration": 500, "epochs": 8}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    **{f"glm-{family}": ("glm", {"family": family, **how}) for family, how in GLM.items()},
    **{f"glm-{n}": ("glm", {"family": "binomial", **TWO, **how}) for n, how in SOLVERS.items()},
    **{f"kmeans-{i}": ("kmeans", {"k": 4, "init": i}) for i in ("Random", "PlusPlus", "Furthest")},
    "kmeans-estimated": ("kmeans", {"k": 5, "estimate_k": True}),
    "kmeans-sizes": ("kmeans", {"k": 3, "cluster_size_constraints": [100, 150, 200]}),
    **{f"pca-{how}": ("pca", {**PCA, "pca_method": how}) for how in METHODS},
    **{f"svd-{how}": ("svd", {**SVD, "svd_method": how}) for how in METHODS},
    "naivebayes": ("naivebayes", {**THREE, "laplace": 1.0}),
    "deeplearning": ("deeplearning", {**TWO, **LEARNED, "hidden": [8]}),
    "autoencoder": ("deeplearning", {**LEARNED, "autoencoder": True, "hidden": [3]}),
    "drf": ("drf", {**THREE, "ntrees": 4}),
    "isolationforest": ("isolationforest", {"ntrees": 8}),
    "extendedisolationforest": ("extendedisolationforest", {"ntrees": 8}),
    "gbm": ("gbm", {**TWO, "ntrees": 6}),
}
KILLED = (  # of deep learning see its own test_kills
    ("glm-multinomial", 5), ("glm-search", 8), ("glm-lbfgs", 12), ("kmeans-PlusPlus", 9),
    ("pca-GramSVD", 1), ("svd-Power", 1), ("naivebayes", 1),
    ("isolationforest", 5), ("drf", 15),
)  # fmt: skip


def table(n: int = sum(LAYOUT)) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    a, b, c = rng.normal(size=(3, n))
    colour = rng.integers(0, 4, n)
    score = a - 0.5 * b + 0.4 * colour + rng.normal(size=n)
    c[::23] = np.nan
    return pd.DataFrame(
        {
            "a": a, "b": b * 100, "c": c,
            "colour": pd.Categorical.from_codes(colour, ["blue", "green", "red", "white"]),
            "number": score,
            "two": pd.Categorical(np.where(score > 0.5, "yes", "no")),
            "three": pd.Categorical.from_codes(np.digitize(score, [0.0, 1.2]), ["p", "q", "r"]),
            "count": rng.poisson(np.exp(0.4 * a)).astype(float),
            "positive": np.exp(0.3 * score) + 0.1,
            "share": 1 / (1 + np.exp(-score)),
        }
    )  # fmt: skip


def build(engine: Engine, case: str) -> Any:
    """Return the job that trains the model of a case."""
    algo, params = CASES[case]
    if not engine.dkv.contains("everywhere"):
        Frame.from_pandas(table()).rebalance(LAYOUT).put("everywhere")
    used = [*X, params.get("response_column")]
    ignored = [name for name in Frame.get("everywhere").names if name not in used]
    raw = {"training_frame": "everywhere", "ignored_columns": ignored, "seed": 11, **params}
    return start_build(engine, algo, raw)


def facts(engine: Engine, case: str) -> dict[str, Any]:
    """Return what the model of a case says: of its rows, and of itself."""
    return facts_of(build(engine, case).result(timeout=600))


def facts_of(model: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if model.algo != "svd":
        frame = Frame.get("everywhere")
        rows = predict_frame(model, frame).to_pandas()
        found |= {name: rows[name].to_numpy() for name in rows.columns}
    else:
        found |= {"d": model.values, "v": model.vectors}
    metrics = model.output.training_metrics
    for name in ("mse", "logloss", "null_deviance", "tot_withinss", "mean_score"):
        if isinstance(getattr(metrics, name, None), float):
            found[name] = getattr(metrics, name)
    return found


def assert_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        if np.asarray(value).dtype.kind == "f":
            np.testing.assert_allclose(found[name], value, rtol=1e-10, atol=1e-12, err_msg=name)
        else:
            np.testing.assert_array_equal(found[name], value, err_msg=name)


@pytest.fixture(scope="module")
def known() -> dict[str, Any]:
    """Facts of models that one worker has built, by case."""
    return {}


def expected(engine: Engine, known: dict[str, Any], case: str) -> dict[str, Any]:
    if case not in known:
        with use_engine(engine):
            known[case] = facts(engine, case)
    found: dict[str, Any] = known[case]
    return found


@pytest.mark.parametrize("case", CASES)
def test_one_and_three_workers(
    engine: Engine, cluster3: Engine, known: dict[str, Any], case: str
) -> None:
    one = expected(engine, known, case)
    with use_engine(cluster3):
        assert_same(facts(cluster3, case), one)


def deadly(folder: str, after: int, dask_worker: Any) -> None:
    """Let the worker that does the `after`-th piece of work on this cluster die of SIGKILL."""
    lane = lane_of(dask_worker)

    def counted(work: Any) -> Any:
        def count(*args: Any) -> Any:
            for number in itertools.count():  # files are a counter of all processes
                with suppress(FileExistsError):
                    os.close(os.open(f"{folder}/{number}", os.O_CREAT | os.O_EXCL))
                    break
            if number == after:
                os.kill(os.getpid(), signal.SIGKILL)
            return work(*args)

        return count

    lane.harmless = lane.fold, lane.states.run  # type: ignore[attr-defined]
    lane.fold = counted(lane.fold)  # type: ignore[method-assign]
    lane.states.run = counted(lane.states.run)  # type: ignore[method-assign]


def harmless(dask_worker: Any) -> None:
    lane = lane_of(dask_worker)
    if hasattr(lane, "harmless"):
        lane.fold, lane.states.run = lane.harmless  # type: ignore[method-assign]
        del lane.harmless


@contextmanager
def dying(cluster: Engine, folder: Path, after: int) -> Iterator[None]:
    """Kill a worker during the work."""
    wait_for_workers(cluster, 3)
    cluster.client.run(deadly, str(folder), after)
    try:
        yield
    finally:
        wait_for_workers(cluster, 3)
        cluster.client.run(harmless)
        say(f"{len(list(folder.iterdir()))} pieces of work")
    n_pieces = len(list(folder.iterdir()))
    assert n_pieces > after, f"the work ended after {n_pieces} pieces"


@pytest.mark.parametrize(("case", "after"), KILLED)
def test_a_worker_dies(
    engine: Engine, cluster3: Engine, known: dict[str, Any], tmp_path: Path, case: str, after: int
) -> None:
    one = expected(engine, known, case)
    with use_engine(cluster3):
        with dying(cluster3, tmp_path, after):
            model = build(cluster3, case).result(timeout=600)
        assert_same(facts_of(model), one)


def left(engine: Engine) -> tuple[int, list[str]]:
    """Return how many local states the workers keep, and the keys there are."""

    def count(dask_worker: Any) -> int:
        return len(lane_of(dask_worker).states)

    return sum(engine.client.run(count).values()), sorted(e.key for e in engine.dkv.entries())


LONG: dict[str, dict[str, Any]] = {
    "glm-search": {"nlambdas": 100_000, "lambda_min_ratio": 1e-30, "early_stopping": False},
    "kmeans-Random": {"k": 400, "max_iterations": 1_000_000, "estimate_k": True},
    "deeplearning": {"epochs": 1e9},
    "drf": {"ntrees": 100_000},
    "isolationforest": {"ntrees": 100_000},
}


@pytest.mark.parametrize("case", LONG)
def test_cancelling_leaves_nothing(
    cluster3: Engine, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    algo, params = CASES[case]
    monkeypatch.setitem(CASES, case, (algo, {**params, **LONG[case]}))
    with use_engine(cluster3):
        before = left(cluster3)
        job = build(cluster3, case)
        wait_until(lambda: left(cluster3)[0] > before[0] or job.progress > 0, "the job to begin")
        job.cancel()
        with pytest.raises(JobCancelledError):
            job.result(timeout=600)
        wait_until(lambda: left(cluster3) == before, f"{case} to be cleared away: {before}")


def test_two_jobs_at_once(engine: Engine, cluster3: Engine, known: dict[str, Any]) -> None:
    cases = ("drf", "kmeans-Random")
    ones = [expected(engine, known, case) for case in cases]
    with use_engine(cluster3):
        states = left(cluster3)[0]
        jobs = [build(cluster3, case) for case in cases]
        for job, one in zip(jobs, ones, strict=True):
            assert_same(facts_of(job.result(timeout=600)), one)
        wait_until(lambda: left(cluster3)[0] == states, "the states to be dropped")
