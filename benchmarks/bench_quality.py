"""Quality of GBM and DRF beside H2O's, default settings, on held-out thirds of a dozen data sets.

python benchmarks/bench_quality.py [--seeds 5] [--algos gbm,drf] [--h2o-url http://host:port]
                                   [--data cancer,...] [--histogram-type AUTO]

Without an H2O server only dh2o's figures are printed.  Each figure is the mean over seeds, each
of which has a split of its own: logloss for classes (AUC too for two), RMSE for numbers.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from bench_gbm import airlines, floats

Table = pd.DataFrame


def of_sklearn(name: str, classes: bool) -> Table:
    """Return one of scikit-learn's tables, the response last."""
    from sklearn import datasets

    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return named(X, y, classes)


def of_statsmodels(name: str, response: str, classes: bool) -> Table:
    """Return one of statsmodels' tables, the response last."""
    from statsmodels import datasets

    table = getattr(datasets, name).load_pandas().data.dropna()
    y = table.pop(response)
    return named(table.to_numpy(np.float64), (y > 0) if name == "fair" else y, classes)


def generated(make: Callable[..., Any], classes: bool, **how: Any) -> Table:
    """Return a made-up table, the response last; its first categorical columns by name."""
    X, y, *coded = make(**how)
    table = named(X, y, classes)
    for k in coded[0] if coded else ():
        table[f"x{k}"] = "level" + table[f"x{k}"].astype(int).astype(str)
    return table


def named(X: Any, y: Any, classes: bool) -> Table:
    """Return X and y as a table; classes get names."""
    table = pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])])
    values = np.asarray(y)
    table["y"] = [f"c{value}" for value in values.astype(int)] if classes else values
    return table


def data_sets() -> dict[str, Callable[[], Table]]:
    """Return what makes each table."""
    from sklearn.datasets import make_friedman1, make_hastie_10_2

    return {
        "cancer": lambda: of_sklearn("breast_cancer", True),
        "fair": lambda: of_statsmodels("fair", "affairs", True).iloc[:3000],
        "hastie": lambda: generated(make_hastie_10_2, True, n_samples=2000, random_state=1),
        "floats": lambda: generated(floats, True, rows=3000, columns=28),
        "airlines": lambda: generated(airlines, True, rows=3000, columns=8),
        "iris": lambda: of_sklearn("iris", True),
        "wine": lambda: of_sklearn("wine", True),
        "anes96": lambda: of_statsmodels("anes96", "vote", True),
        "diabetes": lambda: of_sklearn("diabetes", False),
        "randhie": lambda: of_statsmodels("randhie", "mdvis", False).iloc[:3000],
        "friedman": lambda: generated(make_friedman1, False, n_samples=1000, random_state=1),
        "digits": lambda: of_sklearn("digits", True),
    }


def split(table: Table, seed: int) -> tuple[Table, Table]:
    """Return two thirds to train on, and the rest."""
    rows = np.random.default_rng(seed).permutation(len(table))
    n = len(rows) * 2 // 3
    return table.iloc[rows[:n]], table.iloc[rows[n:]]


def figures(metrics: Any, kind: str) -> list[float]:
    """Return (logloss, AUC), (logloss) or (RMSE) of what either library measured."""
    names = {"two": ("logloss", "auc"), "many": ("logloss",), "numbers": ("rmse",)}[kind]
    found = (getattr(metrics, name) for name in names)
    return [float(value() if callable(value) else value) for value in found]


def run_dh2o(algo: str, train: Table, held: Table, seed: int, more: dict[str, Any]) -> Any:
    """Return dh2o's metrics on the held-out rows."""
    from dh2o.estimators import start_build
    from dh2o.estimators.scoring import model_metrics
    from dh2o.frame import Frame
    from dh2o.mrtask import current_engine

    frames = []
    for name, part in (("train", train), ("held", held)):
        texts = part.select_dtypes(exclude="number").columns
        frame = Frame.from_pandas(part.astype(dict.fromkeys(texts, "category")))
        frames.append(frame.put(f"quality_{name}") or frame)
    raw = {"training_frame": "quality_train", "response_column": "y", "seed": seed, **more}
    model = start_build(current_engine(), algo, raw).result()
    return model_metrics(model, frames[1])


def run_h2o(algo: str, train: Table, held: Table, seed: int, more: dict[str, Any]) -> Any:
    """Return real H2O's metrics on the held-out rows."""
    import h2o
    from h2o.estimators import H2OGradientBoostingEstimator, H2ORandomForestEstimator

    kind = {"gbm": H2OGradientBoostingEstimator, "drf": H2ORandomForestEstimator}[algo]
    types = dict.fromkeys(train.select_dtypes(exclude="number").columns, "enum")
    frames = [h2o.H2OFrame(part, column_types=types) for part in (train, held)]
    model = kind(seed=seed, **more)
    model.train(y="y", training_frame=frames[0])
    found = model.model_performance(frames[1])
    for key in (model.model_id, *(frame.frame_id for frame in frames)):
        h2o.remove(key)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--algos", default="gbm,drf")
    parser.add_argument("--data", default=",".join(data_sets()))
    parser.add_argument("--histogram-type", default="AUTO", help="dh2o's; H2O keeps its AUTO")
    parser.add_argument("--h2o-url")
    args = parser.parse_args()
    runs = {"dh2o": run_dh2o}
    if args.h2o_url:
        import h2o

        h2o.connect(url=args.h2o_url, verbose=False, strict_version_check=False)
        h2o.no_progress()
        runs["H2O"] = run_h2o
    from dh2o.mrtask import init

    print(
        "| data | measure | " + " | ".join(f"{a} {r}" for a in args.algos.split(",") for r in runs)
    )
    with init(n_workers=1, threads_per_worker=1, processes=False):
        for name in args.data.split(","):
            table = data_sets()[name]()
            numbers = pd.api.types.is_numeric_dtype(table["y"])
            n_classes = 0 if numbers else table["y"].nunique()
            kind = "two" if n_classes == 2 else "many" if n_classes else "numbers"
            cells = []
            for algo in args.algos.split(","):
                for who, run in runs.items():
                    more = {"histogram_type": args.histogram_type} if who == "dh2o" else {}
                    found = [
                        figures(run(algo, *split(table, seed), seed, more), kind)
                        for seed in range(1, args.seeds + 1)
                    ]
                    cells.append(" / ".join(f"{value:.4f}" for value in np.mean(found, axis=0)))
            measure = {"two": "logloss / AUC", "many": "logloss", "numbers": "RMSE"}[kind]
            print(f"| {name} ({len(table)}) | {measure} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
