"""Numbers that no algorithm can add up are refused by column, huge ones that fit are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dh2o.errors import ModelError
from dh2o.estimators.builder import start_build
from dh2o.frame import Frame
from dh2o.mrtask import Engine

ALGOS: dict[str, dict[str, Any]] = {
    "kmeans": {"k": 2, "seed": 1},
    "pca": {"k": 1, "pca_method": "Power", "transform": "DEMEAN"},
    "svd": {"nv": 1},
    "naivebayes": {"response_column": "y"},
    "glm": {"response_column": "y", "family": "binomial", "lambda": 0.0},
    "deeplearning": {"response_column": "y", "hidden": [3], "epochs": 1, "seed": 1},
}


def stored(a: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    labels = np.array(["n", "p"])[rng.integers(0, 2, len(a))]
    import pandas as pd

    table = {"a": a, "b": rng.normal(size=len(a)), "y": pd.Categorical(labels)}
    Frame.from_pandas(pd.DataFrame(table)).put("finite")


def train(engine: Engine, algo: str) -> Any:
    raw = {"training_frame": "finite", **ALGOS[algo]}
    if "response_column" not in raw:
        raw["ignored_columns"] = ["y"]
    return start_build(engine, algo, raw).result(600)


@pytest.mark.parametrize("algo", ALGOS)
def test_numbers_out_of_range_are_refused(engine: Engine, algo: str) -> None:
    a = np.random.default_rng(2).normal(size=30)
    cases = (np.inf, "infinite values"), (1e300, "too spread out"), (1e-200, "too narrow")
    for scale, words in cases:
        stored(np.where(np.arange(30) == 3, scale, a * (1.0 if scale == np.inf else scale)))
        with pytest.raises(ModelError, match=f"Column 'a'.*{words}"):
            train(engine, algo)


@pytest.mark.parametrize("algo", ALGOS)
def test_large_numbers_are_not(engine: Engine, algo: str) -> None:
    stored(np.random.default_rng(2).normal(size=30) * 1e150)
    model = train(engine, algo)
    if algo == "pca":  # all of the variance is that column's
        np.testing.assert_allclose(np.abs(model.vectors[:, 0]), [1.0, 0.0], atol=1e-12)
        assert model.std_deviation[0] == pytest.approx(
            np.std(np.random.default_rng(2).normal(size=30), ddof=1) * 1e150, rel=1e-9
        )
