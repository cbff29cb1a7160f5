"""Time of exact TreeSHAP beside XGBoost (the same trees) and LightGBM, interleaved, one thread.

python benchmarks/bench_shap.py [--rows N] [--columns P] [--trees T] [--depth D] [--rounds R]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from dh2o.models.explain.shap import tree_shap
from dh2o.models.forest import Forest


def data(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (X, y): numbers with interactions and noise."""
    rng = np.random.default_rng(7)
    X = rng.normal(size=(rows, columns)).astype(np.float32).astype(np.float64)
    score = X[:, 0] * X[:, 1] + np.sin(2 * X[:, 2]) + 0.7 * X[:, 3] * (X[:, 4] > 0)
    return X, (score + rng.logistic(size=rows) > 0).astype(np.int64)


def forest_of(booster: Any, n_features: int) -> Forest:
    """Return the trees of an XGBoost model."""
    trees = [
        _arrays(json.loads(text)) for text in booster.get_dump(dump_format="json", with_stats=True)
    ]
    joined = {name: np.concatenate([tree[name] for tree in trees]) for name in trees[0]}
    sizes = [len(tree["features"]) for tree in trees]
    n = sum(sizes)
    return Forest.from_arrays(
        1,
        n_features,
        {
            **joined,
            "starts": np.concatenate([[0], np.cumsum(sizes)]),
            "gains": np.zeros(n),
            "bit_starts": np.full(n, -1),
            "n_bits": np.zeros(n, np.int32),
            "bits": np.zeros(0, np.uint8),
        },
    )


def _arrays(root: dict[str, Any]) -> dict[str, np.ndarray]:
    nodes, left = [root], []
    at = 0
    while at < len(nodes):
        node = nodes[at]
        left.append(len(nodes) if "children" in node else 0)
        by_id = {child["nodeid"]: child for child in node.get("children", ())}
        nodes += [by_id[node[way]] for way in ("yes", "no") if by_id]
        at += 1
    return {
        "features": np.array([int(n["split"][1:]) if "split" in n else -1 for n in nodes]),
        "thresholds": np.array([n.get("split_condition", 0.0) for n in nodes]),
        "left": np.array(left),
        "na_sides": np.array([2 if n.get("missing") == n.get("yes") else 3 for n in nodes]),
        "values": np.array([n.get("leaf", 0.0) for n in nodes]),
        "weights": np.array([n["cover"] for n in nodes]),
    }


def main() -> None:
    """Print seconds of CPU, ratios, and the largest difference to XGBoost."""
    parser = argparse.ArgumentParser()
    for name, default in (
        ("rows", 2000),
        ("columns", 28),
        ("trees", 100),
        ("depth", 8),
        ("rounds", 3),
    ):
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()
    import lightgbm
    import xgboost

    X, y = data(50_000, args.columns)
    booster = xgboost.train(
        {"max_depth": args.depth, "eta": 0.1, "objective": "binary:logistic", "nthread": 2,
         "base_score": 0.5},
        xgboost.DMatrix(X, y), args.trees,
    )  # fmt: skip
    booster.set_param({"nthread": 1})
    light = lightgbm.train(
        {"max_depth": args.depth, "num_leaves": 2**args.depth, "objective": "binary",
         "verbosity": -1},
        lightgbm.Dataset(X, y), args.trees,
    )  # fmt: skip
    forest = forest_of(booster, args.columns)
    rows = X[: args.rows]
    x = np.zeros((args.rows, args.columns + 1))
    x[:, :-1] = rows
    tree_shap(forest, x[:2])
    matrix = xgboost.DMatrix(rows)
    runs: dict[str, Callable[[], Any]] = {
        "dh2o": lambda: tree_shap(forest, x)[0],
        "xgboost": lambda: booster.predict(matrix, pred_contribs=True),
        "lightgbm": lambda: light.predict(rows, pred_contrib=True, num_threads=1),
    }
    best: dict[str, float] = {}
    made: dict[str, np.ndarray] = {}
    for _ in range(args.rounds):
        for name, run in runs.items():
            start = time.process_time()
            made[name] = run()
            best[name] = min(best.get(name, np.inf), time.process_time() - start)
    n_nodes = len(forest.features)
    print(f"{args.rows} rows, {args.trees} trees of depth {args.depth}: {n_nodes} nodes")
    for name, seconds in best.items():
        per_row = seconds / args.rows * 1e6
        print(
            f"{name:9} {seconds:8.3f} s  {per_row:9.1f} µs a row  {seconds / best['dh2o']:6.1f} x"
        )
    off = np.abs(made["dh2o"][:, :-1] - made["xgboost"][:, :-1]).max()
    print(f"largest difference to xgboost: {off:.2e}")


if __name__ == "__main__":
    main()
