"""Frames to grow forests on, and a short way to train."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dh2o.estimators import start_build
from dh2o.frame import Frame
from dh2o.models.drf import DRFModel
from dh2o.mrtask import current_engine

Train = Callable[..., DRFModel]
X = ("x", "i", "small", "wide")


def mixed(n: int = 2500, seed: int = 0) -> pd.DataFrame:
    """Return numbers, integers and categoricals with NAs, and a response of each kind."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    x[rng.random(n) < 0.1] = np.nan
    i = rng.integers(0, 30, n)
    small, wide = rng.integers(0, 5, n), rng.integers(0, 300, n)
    level = np.random.default_rng(99).normal(size=300)
    score = np.where(np.isnan(x), 1.0, np.sin(2 * x)) + 0.1 * i * (small == 2) + 0.7 * level[wide]
    noise = rng.normal(size=n)
    codes = np.where(rng.random(n) < 0.05, -1, small)
    three = np.digitize(score + noise, [-0.5, 1.0])
    return pd.DataFrame(
        {
            "x": x,
            "i": i,
            "small": pd.Categorical.from_codes(codes, list("abcde")),
            "wide": pd.Categorical.from_codes(wide, [f"v{k}" for k in range(300)]),
            "w": rng.integers(0, 3, n).astype(float),
            "number": score + 0.3 * noise,
            "two": pd.Categorical(np.where(score + noise > 0.5, "yes", "no")),
            "three": pd.Categorical.from_codes(three, ["low", "mid", "high"]),
        }
    )


def stored(table: pd.DataFrame, key: str, layout: tuple[int, ...] | None = None) -> Frame:
    """Return the frame of `table`, stored under `key`, cut into blocks of `layout`."""
    frame = Frame.from_pandas(table)
    if layout is not None:
        frame = frame.rebalance(layout)
    return frame.put(key) or frame


def build(y: str, frame: str, x: tuple[str, ...] = X, **params: Any) -> DRFModel:
    """Return the forest of `y` by `x`."""
    names = Frame.get(frame).names
    special = [params.get(p) for p in ("weights_column", "fold_column")]
    raw = {
        "training_frame": frame,
        "response_column": y,
        "ignored_columns": [n for n in names if n not in (*x, y, *special)],
        "seed": 1,
        "ntrees": 10,
        **params,
    }
    model: DRFModel = start_build(current_engine(), "drf", raw).result()
    return model


@pytest.fixture
def train(engine: Any) -> Train:
    """Train on the mixed table, by name of the response."""
    if not engine.dkv.contains("drf_mixed"):
        stored(mixed(), "drf_mixed", (900, 0, 600, 1, 999))
        stored(mixed(1500, seed=1), "drf_valid")

    def run(y: str, **params: Any) -> DRFModel:
        return build(y, params.pop("frame", "drf_mixed"), **params)

    return run
