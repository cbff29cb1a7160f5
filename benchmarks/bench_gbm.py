"""Time and quality of GBM beside LightGBM, XGBoost and scikit-learn, interleaved in one run.

python benchmarks/bench_gbm.py [--rows N] [--columns P] [--trees T] [--depth D] [--rounds R]
                               [--peers lightgbm,lightgbm-quantized,xgboost,sklearn] [--threads 2]
                               [--data floats|airlines]

Peak memory is what the process held beyond its peak before: run one peer at a time to compare it.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np

LEARN_RATE = 0.1
MIN_ROWS = 10


def floats(rows: int, columns: int, seed: int = 7) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Return (X, y, categorical columns): Higgs-like numbers with interactions and noise."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, columns))
    X[:, ::3] = np.abs(X[:, ::3]) ** 1.5
    score = X[:, 0] * X[:, 1] + np.sin(2 * X[:, 2]) + 0.7 * X[:, 3] * (X[:, 4] > 0)
    score = score + 0.5 * X[:, 5] * X[:, 6] * X[:, 7] - 0.4 * X[:, 8] + 0.3 * X[:, 9] ** 2
    y = (score + rng.logistic(size=rows) > np.median(score)).astype(np.int64)
    return X, y, []


def airlines(rows: int, columns: int, seed: int = 7) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Return (X, y, categorical columns) in the shape of the airlines data of GBM-perf."""
    rng = np.random.default_rng(seed)
    sizes = [12, 31, 7, 22, 300, 300]
    X = np.empty((rows, len(sizes) + 2))
    score = np.zeros(rows)
    for k, size in enumerate(sizes):
        popular = rng.zipf(1.3, size=4 * rows) if size > 100 else rng.integers(0, size, rows)
        code = popular[popular < size][:rows] if size > 100 else popular
        X[:, k] = np.resize(code, rows)
        score += rng.normal(scale=0.35, size=size)[X[:, k].astype(int)]
    X[:, 6] = np.clip(rng.normal(1330, 450, rows), 1, 2400).round()
    X[:, 7] = np.exp(rng.normal(6.4, 0.7, rows)).round()
    score += 0.9 * np.sin(X[:, 6] / 400) + 0.2 * np.log(X[:, 7]) * (X[:, 2] > 3)
    y = (score + rng.logistic(size=rows) * 1.5 > np.quantile(score, 0.8)).astype(np.int64)
    return X, y, list(range(len(sizes)))


def auc(y: np.ndarray, score: np.ndarray) -> float:
    """Return the area under the ROC curve."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(y, score))


class Data:
    """Training and held-out rows, as every library wants them."""

    def __init__(self, args: argparse.Namespace) -> None:
        import pandas as pd

        make = {"floats": floats, "airlines": airlines}[args.data]
        test = getattr(args, "test_rows", 0) or max(args.rows // 5, 1000)
        X, y, self.coded = make(args.rows + test, args.columns)
        self.train, self.test = (X[:-test], y[:-test]), (X[-test:], y[-test:])
        self.args = args

        def table(X: np.ndarray) -> Any:
            frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])])
            for k in self.coded:
                levels = np.arange(int(X[:, k].max()) + 1)
                frame[f"x{k}"] = pd.Categorical(X[:, k].astype(int), categories=levels)
            return frame

        self.tables = table(self.train[0]), table(self.test[0])


class Clock:
    """Wall time, and CPU time of this process: on a busy machine compare that, on one thread."""

    def __enter__(self) -> Clock:
        self.start = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *exc: object) -> None:
        self.wall = time.perf_counter() - self.start[0]
        self.cpu = time.process_time() - self.start[1]


Result = tuple[Clock, Clock, float]


def peak_mb() -> float:
    """Return the most memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def dh2o_frames(data: Data) -> list[Any]:
    """Return the training and the held-out rows as frames, made once."""
    import pandas as pd

    from dh2o.frame import Frame

    if not hasattr(data, "frames"):
        frames = []
        for part, table, (_, y) in zip("ab", data.tables, (data.train, data.test), strict=True):
            named = table.assign(y=pd.Categorical(np.where(y > 0, "yes", "no")))
            for k in data.coded:
                named[f"x{k}"] = named[f"x{k}"].cat.rename_categories(str)
            frame = Frame.from_pandas(named)
            frames.append(frame.put(f"bench_{part}") or frame)
        data.frames = frames
    return data.frames  # type: ignore[no-any-return]


def run_dh2o(data: Data, algo: str = "gbm", **more: Any) -> Result:
    """Return (training time, prediction time, AUC)."""
    from dh2o.estimators import start_build
    from dh2o.estimators.scoring import predict_frame
    from dh2o.mrtask import current_engine

    args, frames = data.args, dh2o_frames(data)
    raw = {
        "training_frame": "bench_a",
        "response_column": "y",
        "ntrees": args.trees,
        "max_depth": args.depth,
        "seed": 1,
        "score_tree_interval": args.trees,
        **(more or {"learn_rate": LEARN_RATE, "min_rows": MIN_ROWS}),
    }
    with Clock() as trained:
        model = start_build(current_engine(), algo, raw).result()
    with Clock() as predicted:
        p = predict_frame(model, frames[1]).to_pandas()["yes"].to_numpy()
    return trained, predicted, auc(data.test[1], p)


def fit_peer(data: Data, model: Any, tables: bool) -> Result:
    """Return what a model with scikit-learn's interface takes and reaches."""
    X, held = data.tables if tables else (data.train[0], data.test[0])
    with Clock() as trained:
        model.fit(X, data.train[1])
    with Clock() as predicted:
        p = model.predict_proba(held)[:, 1]
    return trained, predicted, auc(data.test[1], p)


def run_lightgbm(data: Data, **more: Any) -> Result:
    """LightGBM with as many leaves as the depth allows."""
    from lightgbm import LGBMClassifier

    args = data.args
    model = LGBMClassifier(
        n_estimators=args.trees, max_depth=args.depth, num_leaves=2**args.depth,
        learning_rate=LEARN_RATE, min_child_samples=MIN_ROWS, n_jobs=args.threads, verbose=-1,
        **more,
    )  # fmt: skip
    return fit_peer(data, model, bool(data.coded))


def run_xgboost(data: Data) -> Result:
    """XGBoost's histogram method."""
    from xgboost import XGBClassifier

    args = data.args
    model = XGBClassifier(
        n_estimators=args.trees, max_depth=args.depth, learning_rate=LEARN_RATE,
        tree_method="hist", n_jobs=args.threads, enable_categorical=bool(data.coded),
    )  # fmt: skip
    return fit_peer(data, model, bool(data.coded))


def run_sklearn(data: Data) -> Result:
    """scikit-learn's histogram gradient boosting (categoricals of over 254 levels as numbers)."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    args = data.args
    model = HistGradientBoostingClassifier(
        max_iter=args.trees, max_depth=args.depth, max_leaf_nodes=2**args.depth,
        learning_rate=LEARN_RATE, min_samples_leaf=MIN_ROWS, early_stopping=False,
    )  # fmt: skip
    with threadpool_limits(args.threads):
        return fit_peer(data, model, tables=False)


RUNNERS: dict[str, Callable[[Data], Result]] = {
    "dh2o": run_dh2o,
    "lightgbm": run_lightgbm,
    "lightgbm-quantized": lambda data: run_lightgbm(data, use_quantized_grad=True),
    "xgboost": run_xgboost,
    "sklearn": run_sklearn,
}


def binning_s(data: Data) -> float:
    """Return the time of finding the bins and binning all rows: part of each training."""
    from dh2o.estimators.trees.sampling import BinLimits, bin_map_of
    from dh2o.estimators.trees.state import StateSpec, build_state
    from dh2o.mrtask import current_engine

    frame = dh2o_frames(data)[0]
    x = tuple(name for name in frame.names if name != "y")
    with Clock() as clock:
        bin_map = bin_map_of(frame, x, "y", None, BinLimits())
        current_engine().local(frame, build_state, StateSpec(bin_map, "y", None, None, (0.0,)))
    return clock.wall


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--columns", type=int, default=28)
    parser.add_argument("--trees", type=int, default=30)
    parser.add_argument("--depth", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--data", choices=["floats", "airlines"], default="floats")
    parser.add_argument("--peers", default="lightgbm,lightgbm-quantized,xgboost,sklearn")
    args = parser.parse_args()
    from dh2o.mrtask import init

    with init(n_workers=1, threads_per_worker=args.threads, processes=False):
        data = Data(args)
        names = ["dh2o", *[peer for peer in args.peers.split(",") if peer]]
        # Compile, for rows as narrow as many rows are.
        run_dh2o(Data(argparse.Namespace(**{**vars(args), "rows": 40_000, "trees": 2})))
        results: dict[str, list[Result]] = {name: [] for name in names}
        grown: dict[str, float] = {}
        for _ in range(args.rounds):
            for name in names:
                before = peak_mb()
                results[name].append(RUNNERS[name](data))
                grown[name] = max(grown.get(name, 0.0), peak_mb() - before)
        print(f"{args.data}: {args.rows} rows, {args.trees} trees of depth {args.depth}, "
              f"{args.threads} threads, best of {args.rounds}; "
              f"binning alone {binning_s(data):.2f} s")  # fmt: skip
        own = min(r[0].wall for r in results["dh2o"])
        own_cpu = min(r[0].cpu for r in results["dh2o"])
        for name in names:
            train, predict = (min(r[i].wall for r in results[name]) for i in (0, 1))
            cpu, predict_cpu = (min(r[i].cpu for r in results[name]) for i in (0, 1))
            print(f"{name:20s} train {train:7.2f} s (CPU {cpu:7.2f}), dh2o/it {own / train:5.2f} "
                  f"(CPU {own_cpu / cpu:5.2f}); predict {predict:6.3f} s (CPU {predict_cpu:6.3f}); "
                  f"AUC {results[name][0][2]:.5f}; peak memory +{grown[name]:.0f} MB")  # fmt: skip


if __name__ == "__main__":
    main()
