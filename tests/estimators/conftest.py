"""Small frames with everything in them, and the mean algorithm."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.estimators import mean_builder

__all__ = ["mean_builder"]

N = 400


def everything(n: int = N, seed: int = 0) -> pd.DataFrame:
    """Return a table with columns of every type, NA among them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    x[::17] = np.nan
    colour = rng.choice(["red", "green", "blue"], n)
    y = x > rng.normal(size=n)
    return pd.DataFrame(
        {
            "x": x,
            "i": rng.integers(0, 9, n),
            "colour": pd.Categorical(colour),
            "text": [f"row {i}" for i in range(n)],
            "same": 7,
            "w": rng.integers(0, 3, n).astype(float),
            "fold": rng.integers(0, 3, n),
            "num": np.where(np.isnan(x), 1.0, x) * 2 + rng.normal(size=n),
            "three": pd.Categorical(np.where(x > 1, "c", np.where(y, "b", "a"))),
            "y": pd.Categorical(np.where(y, "yes", "no")),
        }
    )


@pytest.fixture(scope="session")
def table() -> pd.DataFrame:
    return everything()
