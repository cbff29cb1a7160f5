"""Time and quality of random forests beside scikit-learn, LightGBM and XGBoost, in one run.

python benchmarks/bench_drf.py [--rows N] [--trees T] [--depth D] [--rounds R] [--threads 2]
                               [--peers sklearn,lightgbm,xgboost,h2o] [--data airlines|floats]
                               [--h2o-url http://host:port]

Each library grows full trees (min. 1 row) on 63.2 % of the rows with as many columns tried as
H2O takes: sqrt(columns) at each split.  `h2o` needs a running server and its client.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable

import bench_gbm
import numpy as np
from bench_gbm import Clock, Data, Result, auc, fit_peer, peak_mb

RATE = 0.632


def run_dh2o(data: Data) -> Result:
    """dh2o's random forest."""
    return bench_gbm.run_dh2o(data, "drf", min_rows=1, sample_rate=RATE)


def run_sklearn(data: Data) -> Result:
    """scikit-learn's forest; categoricals as numbers."""
    from sklearn.ensemble import RandomForestClassifier

    args = data.args
    model = RandomForestClassifier(
        n_estimators=args.trees, max_depth=args.depth, max_features="sqrt", max_samples=RATE,
        n_jobs=args.threads, random_state=1,
    )  # fmt: skip
    return fit_peer(data, model, tables=False)


def run_lightgbm(data: Data) -> Result:
    """LightGBM's random forest, with as many leaves as it may."""
    from lightgbm import LGBMClassifier

    args = data.args
    model = LGBMClassifier(
        boosting_type="rf", n_estimators=args.trees, max_depth=args.depth,
        num_leaves=min(2**args.depth, 131_072), min_child_samples=1, subsample=RATE,
        subsample_freq=1, colsample_bytree=1.0, n_jobs=args.threads, verbose=-1,
        feature_fraction_bynode=math.sqrt(data.train[0].shape[1]) / data.train[0].shape[1],
    )  # fmt: skip
    return fit_peer(data, model, bool(data.coded))


def run_xgboost(data: Data) -> Result:
    """XGBoost's random forest by histograms."""
    from xgboost import XGBRFClassifier

    args, columns = data.args, data.train[0].shape[1]
    model = XGBRFClassifier(
        n_estimators=args.trees, max_depth=args.depth, subsample=RATE, min_child_weight=0,
        colsample_bynode=math.sqrt(columns) / columns, tree_method="hist", n_jobs=args.threads,
        enable_categorical=bool(data.coded),
    )  # fmt: skip
    return fit_peer(data, model, bool(data.coded))


def run_h2o(data: Data) -> Result:
    """H2O's DRF on a server that runs elsewhere: wall time only."""
    import h2o
    from h2o.estimators import H2ORandomForestEstimator

    args = data.args
    h2o.connect(url=args.h2o_url, verbose=False)
    frames = []
    for table, (_, y) in zip(data.tables, (data.train, data.test), strict=True):
        types = {f"x{k}": "enum" for k in data.coded} | {"y": "enum"}
        frames.append(h2o.H2OFrame(table.assign(y=y), column_types=types))
    model = H2ORandomForestEstimator(
        ntrees=args.trees, max_depth=args.depth, min_rows=1, sample_rate=RATE, seed=1,
        score_tree_interval=args.trees,
    )  # fmt: skip
    with Clock() as trained:
        model.train(y="y", training_frame=frames[0])
    with Clock() as predicted:
        p = model.predict(frames[1])
    return trained, predicted, auc(data.test[1], p.as_data_frame().iloc[:, -1].to_numpy())


RUNNERS: dict[str, Callable[[Data], Result]] = {
    "dh2o": run_dh2o,
    "sklearn": run_sklearn,
    "lightgbm": run_lightgbm,
    "xgboost": run_xgboost,
    "h2o": run_h2o,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--columns", type=int, default=28)
    parser.add_argument("--trees", type=int, default=20)
    parser.add_argument("--depth", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--data", choices=["floats", "airlines"], default="airlines")
    parser.add_argument("--peers", default="sklearn,lightgbm,xgboost")
    parser.add_argument("--h2o-url", default="http://127.0.0.1:54321")
    args = parser.parse_args()
    from dh2o.mrtask import init

    with init(n_workers=1, threads_per_worker=args.threads, processes=False):
        data = Data(args)
        names = ["dh2o", *[peer for peer in args.peers.split(",") if peer]]
        # Compile, for rows as narrow as many rows are.
        run_dh2o(Data(argparse.Namespace(**{**vars(args), "rows": 40_000, "trees": 2})))
        results: dict[str, list[Result]] = {name: [] for name in names}
        for _ in range(args.rounds):
            for name in names:
                started = time.perf_counter()
                results[name].append(RUNNERS[name](data))
                print(f"  {name}: {time.perf_counter() - started:.1f} s", flush=True)
        print(f"{args.data}: {args.rows} rows, {args.trees} trees of depth {args.depth}, "
              f"{args.threads} threads, best of {args.rounds}; {peak_mb():.0f} MB")  # fmt: skip
        own = min(r[0].wall for r in results["dh2o"])
        own_cpu = min(r[0].cpu for r in results["dh2o"])
        best = max(np.mean([r[2] for r in results[name]]) for name in names)
        for name in names:
            train, predict = (min(r[i].wall for r in results[name]) for i in (0, 1))
            cpu = min(r[0].cpu for r in results[name])
            quality = float(np.mean([r[2] for r in results[name]]))
            print(f"{name:10s} train {train:7.2f} s (CPU {cpu:7.2f}), dh2o/it {own / train:5.2f} "
                  f"(CPU {own_cpu / max(cpu, 1e-9):5.2f}); predict {predict:6.3f} s; "
                  f"AUC {quality:.5f} ({quality - best:+.5f})")  # fmt: skip


if __name__ == "__main__":
    main()
