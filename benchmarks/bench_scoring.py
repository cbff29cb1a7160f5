"""Scoring many rows with trees: nanoseconds a row and tree, beside the peers' predict.

python benchmarks/bench_scoring.py [--algo gbm|drf] [--rows N] [--trees T] [--depth D]
                                   [--data floats|airlines]
                                   [--threads 2] [--peers lightgbm,xgboost,sklearn] [--rounds 3]

Models are trained on a tenth of the rows.  `kernel` is dh2o's kernel alone, on one thread.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from bench_drf import RATE
from bench_gbm import LEARN_RATE, MIN_ROWS, Clock, Data, dh2o_frames


def dh2o_predict(data: Data) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Return what scores the frame, and what runs the kernel on decoded rows."""
    from dh2o.estimators import start_build
    from dh2o.estimators.scoring import predict_frame
    from dh2o.mrtask import current_engine

    args, frames = data.args, dh2o_frames(data)
    raw = {
        "training_frame": "bench_a", "response_column": "y", "ntrees": args.trees,
        "max_depth": args.depth, "seed": 1, "score_tree_interval": args.trees,
    }  # fmt: skip
    if args.algo == "gbm":
        raw |= {"learn_rate": LEARN_RATE, "min_rows": MIN_ROWS}
    else:
        raw |= {"sample_rate": RATE, "min_rows": 1}
    model = start_build(current_engine(), args.algo, raw).result()
    n, p = data.test[0].shape
    x = np.zeros((n, p + 1))
    x[:, :-1] = data.test[0]
    for k in data.coded:
        places = {level: i for i, level in enumerate(frames[0].vec(f"x{k}").domain)}
        codes = np.array([places.get(str(i), -1) for i in range(int(x[:, k].max()) + 1)])
        x[:, k] = codes[x[:, k].astype(int)]

    def whole() -> Any:
        return predict_frame(model, frames[1]).to_pandas()

    return whole, lambda: model.forest.sums(x)


def boosted(name: str, args: argparse.Namespace, coded: bool, _columns: int) -> Any:
    """Return a peer's boosted trees."""
    more: dict[str, Any] = {"learning_rate": LEARN_RATE, "max_depth": args.depth}
    if name == "lightgbm":
        from lightgbm import LGBMClassifier

        return LGBMClassifier(n_estimators=args.trees, num_leaves=2**args.depth, verbose=-1,
                              min_child_samples=MIN_ROWS, n_jobs=args.threads, **more)  # fmt: skip
    if name == "xgboost":
        from xgboost import XGBClassifier

        return XGBClassifier(n_estimators=args.trees, tree_method="hist", n_jobs=args.threads,
                             enable_categorical=coded, **more)  # fmt: skip
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(max_iter=args.trees, early_stopping=False,
                                          max_leaf_nodes=2**args.depth, **more)  # fmt: skip


def bagged(name: str, args: argparse.Namespace, coded: bool, columns: int) -> Any:
    """Return a peer's random forest."""
    share, more = math.sqrt(columns) / columns, {"n_estimators": args.trees, "n_jobs": args.threads}
    if name == "lightgbm":
        from lightgbm import LGBMClassifier

        return LGBMClassifier(boosting_type="rf", max_depth=args.depth, num_leaves=131_072,
                              min_child_samples=1, subsample=RATE, subsample_freq=1, verbose=-1,
                              feature_fraction_bynode=share, **more)  # fmt: skip
    if name == "xgboost":
        from xgboost import XGBRFClassifier

        return XGBRFClassifier(max_depth=args.depth, subsample=RATE, min_child_weight=0,
                               colsample_bynode=share, tree_method="hist",
                               enable_categorical=coded, **more)  # fmt: skip
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(max_depth=args.depth, max_features="sqrt", max_samples=RATE,
                                  random_state=1, **more)  # fmt: skip


def peer_predict(data: Data, name: str) -> Callable[[], Any]:
    """Return what scores the held-out rows with a peer's model."""
    tables = bool(data.coded) and name != "sklearn"
    X, held = data.tables if tables else (data.train[0], data.test[0])
    make = boosted if data.args.algo == "gbm" else bagged
    model = make(name, data.args, tables, X.shape[1])
    model.fit(X, data.train[1])
    return lambda: model.predict_proba(held)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--algo", choices=["gbm", "drf"], default="gbm")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--columns", type=int, default=28)
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--depth", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--data", choices=["floats", "airlines"], default="floats")
    parser.add_argument("--peers", default="lightgbm,xgboost,sklearn")
    args = parser.parse_args()
    args.test_rows, args.rows = args.rows, max(args.rows // 10, 10_000)
    from dh2o.mrtask import init

    with init(n_workers=1, threads_per_worker=args.threads, processes=False):
        data = Data(args)
        whole, kernel = dh2o_predict(data)
        runs: dict[str, Callable[[], Any]] = {"dh2o": whole, "kernel": kernel}
        for name in filter(None, args.peers.split(",")):
            runs[name] = peer_predict(data, name)
        clocks: dict[str, list[Clock]] = {name: [] for name in runs}
        for _ in range(args.rounds):
            for name, run in runs.items():
                with Clock() as clock:
                    run()
                clocks[name].append(clock)
        print(f"{args.algo}, {args.data}: {args.test_rows} rows, {args.trees} trees of depth "
              f"{args.depth}, {args.threads} threads, best of {args.rounds}")  # fmt: skip
        own = min(c.wall for c in clocks["dh2o"])
        for name in runs:
            wall, cpu = min(c.wall for c in clocks[name]), min(c.cpu for c in clocks[name])
            each = cpu / args.test_rows / args.trees * 1e9
            print(f"{name:10s} {wall:7.3f} s (CPU {cpu:7.3f}, {each:6.2f} ns a row and tree), "
                  f"dh2o/it {own / wall:5.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
