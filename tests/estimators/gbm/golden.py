"""Golden trees of the real H2O; run this to make them anew (needs Java and the package h2o).

python tests/estimators/gbm/golden.py [FILE [SEED [URL]]]
"""

from __future__ import annotations

import json
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

FILE = Path(__file__).with_name("h2o_trees.json")
SEED, N_ROWS, N_KEPT = 7, 1200, 60
PREDICTORS = ("x", "u", "i", "c", "d", "j", "b", "na", "k")
ENUMS = ("c", "d", "two", "three")

#: response and parameters; all with histogram_type UniformAdaptive unless they say otherwise
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "gaussian": ("y", {}),
    "deep": ("y", {"max_depth": 12, "min_rows": 1}),
    "one tree": ("y", {"ntrees": 1, "learn_rate": 1.0, "max_depth": 8}),
    "bernoulli": ("two", {}),
    "multinomial": ("three", {"ntrees": 6}),
    "poisson": ("count", {"distribution": "poisson"}),
    "gamma": ("positive", {"distribution": "gamma"}),
    "tweedie": ("zeros", {"distribution": "tweedie", "tweedie_power": 1.3}),
    "laplace": ("y", {"distribution": "laplace"}),
    "quantile": ("y", {"distribution": "quantile", "quantile_alpha": 0.8}),
    "huber": ("y", {"distribution": "huber", "huber_alpha": 0.7}),
    "whole weights": ("y", {"weights_column": "w"}),
    "weights": ("y", {"weights_column": "w2", "min_rows": 3.005}),  # no sum of weights is that
    "offset": ("y", {"offset_column": "o"}),
    "bernoulli offset": ("two", {"offset_column": "o"}),
    "poisson offset": ("count", {"distribution": "poisson", "offset_column": "o"}),
    "few category bins": ("y", {"nbins_cats": 64}),
    "few bins": ("y", {"nbins": 7, "nbins_top_level": 50, "min_rows": 2}),
    "min_split_improvement": ("y", {"min_split_improvement": 0.01}),
    "annealing": ("y", {"learn_rate_annealing": 0.9}),
    "max_abs_leafnode_pred": ("y", {"max_abs_leafnode_pred": 0.05}),
    "monotone": ("y", {"monotone_constraints": {"x": 1, "u": -1}}),
    "monotone bernoulli": ("two", {"monotone_constraints": {"x": 1, "u": -1}}),
    "monotone tweedie": (
        "zeros", {"distribution": "tweedie", "monotone_constraints": {"x": 1, "u": -1}},
    ),
    "interactions": ("y", {"interaction_constraints": [["x", "c"], ["u", "i"]]}),
    "robust": ("heavy", {"histogram_type": "UniformRobust"}),
    "quantiles": ("heavy", {"histogram_type": "QuantilesGlobal"}),
}  # fmt: skip


def table(seed: int = SEED) -> pd.DataFrame:
    """Return numbers with NAs, integers, levels, and responses of every kind, rounded for CSV."""
    rng = np.random.default_rng(seed)
    n = N_ROWS
    x = np.round(rng.normal(size=n) * 10, 4)
    x[rng.random(n) < 0.12] = np.nan
    u = np.round(rng.gamma(2.0, 3.0, n), 3)
    i = rng.integers(0, 40, n).astype(float)
    i[rng.random(n) < 0.03] = np.nan
    c = np.where(rng.random(n) < 0.08, -1, rng.integers(0, 6, n))
    d = rng.integers(0, 300, n)
    b = rng.integers(0, 2, n)
    effect = np.round(rng.normal(size=300), 3)[d]
    score = 0.05 * np.nan_to_num(x) + np.sin(np.nan_to_num(i) / 5) + 1.5 * (c == 1) + 0.3 * u
    score = score + effect + 0.4 * b
    centred = score - score.mean()
    positive = np.round(rng.gamma(2.0, np.exp(centred / 2)) + 0.001, 5)
    noise = rng.normal(size=n)
    return pd.DataFrame(
        {
            "x": x, "u": u, "i": i,
            "c": pd.Categorical.from_codes(c, [f"l{k}" for k in range(6)]),
            "d": pd.Categorical([f"v{k:03d}" for k in d]),
            "j": rng.integers(0, 100_000, n), "b": b,
            "na": np.full(n, np.nan), "k": np.full(n, 3),
            "w": rng.integers(0, 4, n), "w2": np.round(rng.random(n), 2),
            "o": np.round(rng.normal(size=n) * 0.3, 3),
            "y": np.round(score + 0.5 * noise, 4),
            "heavy": np.round(np.sinh(centred) + noise, 4),
            "two": pd.Categorical(np.where(centred + noise > 0, "yes", "no")),
            "three": pd.Categorical.from_codes(
                np.digitize(centred + 0.3 * noise, [-1.0, 1.0]), ["A", "B", "C"]
            ),
            "count": rng.poisson(np.exp(centred / 2)),
            "positive": positive,
            "zeros": np.where(rng.random(n) < 0.3, 0.0, positive),
        }
    )  # fmt: skip


def params_of(name: str) -> dict[str, Any]:
    """Return the parameters of a case, the common ones among them."""
    return {"ntrees": 10, "histogram_type": "UniformAdaptive", "seed": 1, **CASES[name][1]}


def main(file: str = str(FILE), seed: str = str(SEED), url: str | None = None) -> None:
    import h2o
    from h2o.estimators import H2OGradientBoostingEstimator

    if url is None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        h2o.init(ip="127.0.0.1", port=port, nthreads=1, max_mem_size="1g", bind_to_localhost=True)
    else:
        h2o.connect(url=url, verbose=False)
    h2o.no_progress()
    kept = N_KEPT if file == str(FILE) else N_ROWS
    with tempfile.TemporaryDirectory() as folder:
        csv = Path(folder) / "golden_trees.csv"
        table(int(seed)).to_csv(csv, index=False)
        types = dict.fromkeys(ENUMS, "enum")
        frame = h2o.upload_file(str(csv), destination_frame="golden_trees", col_types=types)
    golden = {}
    for name, (y, _) in CASES.items():
        model = H2OGradientBoostingEstimator(model_id="golden_gbm", **params_of(name))
        model.train(x=list(PREDICTORS), y=y, training_frame=frame)
        found = model.predict(frame).as_data_frame(use_pandas=True)
        golden[name] = {
            "init_f": model._model_json["output"]["init_f"],
            "predictions": found.select_dtypes("number").to_numpy()[:kept].tolist(),
            "importance": {row[0]: row[1] for row in model.varimp()},
            "mse": model.mse(),
        }
        h2o.remove("golden_gbm")
    h2o.remove("golden_trees")
    Path(file).write_text(json.dumps(golden))
    if url is None:
        h2o.cluster().shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
