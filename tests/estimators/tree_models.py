"""What tests of all models of trees share: a table, ways to train, what must be equal, marks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd

from dh2o.estimators import start_build
from dh2o.frame import Frame
from dh2o.mrtask import LocalTask, current_engine, use_engine
from dh2o.mrtask.start import start_cluster
from tests.killing import leave_mark


def mixed(n: int = 3000, seed: int = 0) -> pd.DataFrame:
    """Return numbers, integers and categoricals with NAs, and responses of every kind."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    x[rng.random(n) < 0.1] = np.nan
    i = rng.integers(0, 30, n)
    small, wide = rng.integers(0, 5, n), rng.integers(0, 400, n)
    level = rng.normal(size=400)
    score = np.where(np.isnan(x), 1.0, np.sin(2 * x)) + 0.1 * i * (small == 2) + 0.7 * level[wide]
    noise = rng.normal(size=n)
    small_level = pd.Categorical.from_codes(
        np.where(rng.random(n) < 0.05, -1, small), list("abcde")
    )
    three = np.digitize(score + noise, [-0.5, 1.0])
    return pd.DataFrame(
        {
            "x": x,
            "i": i,
            "small": small_level,
            "wide": pd.Categorical.from_codes(wide, [f"v{k}" for k in range(400)]),
            "w": rng.integers(0, 3, n).astype(float),
            "o": 0.3 * rng.normal(size=n),
            "number": score + 0.3 * noise,
            "count": rng.poisson(np.exp(np.clip(score, -3, 2))),
            "positive": np.exp(score / 2) * rng.gamma(2.0, size=n),
            "two": pd.Categorical(np.where(score + noise > 0.5, "yes", "no")),
            "three": pd.Categorical.from_codes(three, ["low", "mid", "high"]),
        }
    )


X = ("x", "i", "small", "wide")


def stored(table: pd.DataFrame, key: str, layout: tuple[int, ...] | None = None) -> Frame:
    """Return the frame of `table`, stored under `key`, cut into blocks of `layout`."""
    frame = Frame.from_pandas(table)
    if layout is not None:
        frame = frame.rebalance(layout)
    return frame.put(key) or frame


def build(algo: str, y: str, frame: str, x: tuple[str, ...] = X, **params: Any) -> Any:
    """Return the model of `y` by `x`."""
    special = [params.get(p) for p in ("weights_column", "offset_column", "fold_column")]
    raw = {
        "training_frame": frame,
        "response_column": y,
        "ignored_columns": [n for n in Frame.get(frame).names if n not in (*x, y, *special)],
        "seed": 1,
        "ntrees": 10,
        **params,
    }
    return start_build(current_engine(), algo, raw).result()


def bits(model: Any) -> dict[str, Any]:
    """Return all that must be equal."""
    arrays = {name: a.tobytes() for name, a in model.forest.to_arrays().items()}
    return {
        **arrays,
        "init_f": getattr(model, "init_f", 0.0),
        "mse": model.output.training_metrics.mse,
    }


def alone(run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what `run` gives with one worker of one thread."""
    one = start_cluster(n_workers=1, threads_per_worker=1, processes=False)
    with one, use_engine(one):
        return run()


class Marked(LocalTask[Any, Any]):
    """A step of growing a tree that says it is running."""

    def __init__(self, task: Any, folder: str) -> None:
        self.task = task
        self.folder = folder

    def __getattr__(self, name: str) -> Any:
        if name in ("task", "folder"):  # not there yet while it is unpickled
            raise AttributeError(name)
        return getattr(self.task, name)

    def map(self, state: Any, worker: Any) -> Any:
        leave_mark(self.folder)
        return self.task.map(state, worker)

    def combine(self, a: Any, b: Any) -> Any:
        return self.task.combine(a, b)

    def finish(self, total: Any) -> Any:
        return self.task.finish(total)


@contextmanager
def _marked(places: tuple[tuple[Any, str], ...], folder: str) -> Iterator[None]:
    """Let the steps that modules know by these names leave marks."""

    def marked(step: Any) -> Any:
        return lambda *args, **fields: Marked(step(*args, **fields), folder)

    real = [getattr(module, name) for module, name in places]
    for (module, name), step in zip(places, real, strict=True):
        setattr(module, name, marked(step))
    try:
        yield
    finally:
        for (module, name), step in zip(places, real, strict=True):
            setattr(module, name, step)


def train_marked(
    ctx: Any, algo: str, folder: str, raw: dict[str, Any], model_id: str | None = None
) -> Any:
    """Build a model whose steps leave marks, on whatever worker the driver runs."""
    from dh2o.estimators.builder import builder_of, validate
    from dh2o.estimators.building.driver import run_build
    from dh2o.estimators.drf import binned
    from dh2o.estimators.trees import levels, small_nodes
    from dh2o.estimators.trees.adaptive import grower as adaptive

    by_bins = [(levels, "RouteLevel"), (small_nodes, "FinishSubtrees"), (small_nodes, "SettleRows")]
    places = ((binned, "StartBag"), (adaptive, "GrowLevel"), *by_bins)
    with _marked(places, folder):
        return run_build(ctx, builder_of(algo), validate(ctx.engine, algo, raw, model_id))
