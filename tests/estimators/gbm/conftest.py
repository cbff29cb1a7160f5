"""Frames to boost on, and a short way to train."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dh2o.estimators import start_build
from dh2o.frame import Frame
from dh2o.models.gbm import GBMModel
from dh2o.mrtask import current_engine

Train = Callable[..., GBMModel]


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


def build(y: str, frame: str, x: tuple[str, ...] = X, **params: Any) -> GBMModel:
    """Return the model of `y` by `x`."""
    names = Frame.get(frame).names
    special = [params.get(p) for p in ("weights_column", "offset_column", "fold_column")]
    raw = {
        "training_frame": frame,
        "response_column": y,
        "ignored_columns": [n for n in names if n not in (*x, y, *special)],
        "seed": 1,
        "ntrees": 10,
        **params,
    }
    model: GBMModel = start_build(current_engine(), "gbm", raw).result()
    return model


@pytest.fixture
def train(engine: Any) -> Train:
    """Train on the mixed table, by name of the response."""
    if not engine.dkv.contains("gbm_mixed"):
        stored(mixed(), "gbm_mixed", (900, 0, 1100, 1, 999))
        stored(mixed(1500, seed=1), "gbm_valid")

    def run(y: str, **params: Any) -> GBMModel:
        return build(y, params.pop("frame", "gbm_mixed"), **params)

    return run
