"""Models of each kind on one small table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dh2o.estimators import H2OGradientBoostingEstimator, H2ORandomForestEstimator
from dh2o.frame import Frame
from dh2o.mrtask import Engine

X = ["a", "b", "c"]
KINDS = {"number": "number", "two": "two", "three": "three"}


def table(n: int = 400) -> pd.DataFrame:
    """Return numbers and levels with NAs, and responses of three kinds."""
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(size=n), rng.integers(0, 6, n).astype(float), rng.integers(0, 3, n)
    a[rng.random(n) < 0.1] = np.nan
    score = np.nan_to_num(a) + (c == 1) * b * 0.5 + 0.3 * rng.normal(size=n)
    return pd.DataFrame(
        {
            "a": a,
            "b": b,
            "c": pd.Categorical.from_codes(np.where(rng.random(n) < 0.05, -1, c), list("xyz")),
            "w": rng.integers(1, 3, n).astype(float),
            "number": score,
            "two": pd.Categorical(np.where(score > 0.5, "yes", "no")),
            "three": pd.Categorical.from_codes(np.digitize(score, [0, 1]), ["u", "v", "w"]),
        }
    )


@pytest.fixture
def frame(engine: Engine) -> Frame:  # the engine must run
    return Frame.from_pandas(table()).rebalance((150, 0, 150, 100))


@pytest.fixture
def gbm(frame: Frame) -> Callable[..., Any]:
    """Train a small GBM on a response."""

    def train(y: str, **params: Any) -> Any:
        model = H2OGradientBoostingEstimator(ntrees=4, max_depth=4, seed=1, **params)
        return model.train(x=X, y=y, training_frame=frame)

    return train


@pytest.fixture
def drf(frame: Frame) -> Callable[..., Any]:
    """Train a small random forest on a response."""

    def train(y: str, **params: Any) -> Any:
        model = H2ORandomForestEstimator(ntrees=4, max_depth=5, seed=1, **params)
        return model.train(x=X, y=y, training_frame=frame)

    return train
