"""One epoch of a network of 2 x 200 units beside scikit-learn's, interleaved in one run.

python benchmarks/bench_deeplearning.py [--rows 100000] [--columns 28] [--hidden 200,200]
                                        [--epochs 1] [--rounds 3] [--digits] [--h2o URL]

`--digits` makes rows of 784 pixels in ten classes. Loss is measured on held-out rows; memory is
the peak above what lay there before. With `--h2o` a real H2O trains once on the same rows.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import warnings
from typing import Any

import numpy as np
from bench_gbm import floats
from timing import Run, timed, train_h2o


def pixels(rows: int, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Return noisy images of ten shapes: 784 values from 0 to 255, most of them 0."""
    rng = np.random.default_rng(seed)
    shapes = rng.random((10, 784)) * (rng.random((10, 784)) < 0.25)
    y = rng.integers(0, 10, rows)
    X = shapes[y] * rng.random((rows, 784)) + 0.3 * rng.random((rows, 784)) * (
        rng.random((rows, 784)) < 0.15
    )
    y = np.where(rng.random(rows) < 0.1, rng.integers(0, 10, rows), y)  # some are mislabelled
    return np.round(255 * np.clip(X, 0, 1)), y


def loss(y: np.ndarray, p: np.ndarray) -> float:
    """Return the logarithmic loss."""
    return float(-np.log(np.clip(p[np.arange(len(y)), y], 1e-15, 1)).mean())


def run_dh2o(
    args: argparse.Namespace, frames: list[Any], y: np.ndarray, seed: int
) -> tuple[Run, float]:
    """Return what training cost and the held-out loss."""
    from dh2o.estimators import start_build
    from dh2o.estimators.scoring import predict_frame
    from dh2o.mrtask import current_engine

    raw = {
        "training_frame": "bench_dl", "response_column": "y", "hidden": args.hidden,
        "epochs": args.epochs, "seed": seed,
    }  # fmt: skip
    run = timed(lambda: start_build(current_engine(), "deeplearning", raw).result())
    p = predict_frame(run.result, frames[1]).to_pandas().to_numpy()[:, 1:].astype(float)
    return run, loss(y, p)


def run_sklearn(args: argparse.Namespace, data: list[np.ndarray], seed: int) -> tuple[Run, float]:
    """Return the same of scikit-learn's MLPClassifier, scaling included."""
    from sklearn.neural_network import MLPClassifier

    X, y, held, held_y = data

    def fit() -> Any:
        mean, sd = X.mean(axis=0), X.std(axis=0)
        sd[sd == 0] = 1
        net = MLPClassifier(tuple(args.hidden), max_iter=args.epochs, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return mean, sd, net.fit((X - mean) / sd, y)

    run = timed(fit)
    mean, sd, net = run.result
    return run, loss(held_y, net.predict_proba((held - mean) / sd))


def run_h2o(
    args: argparse.Namespace, tables: list[Any], y: np.ndarray, seed: int
) -> tuple[float, float]:
    """Return seconds and held-out loss of a real H2O."""
    seconds, model = train_h2o(
        args.h2o,
        tables[0],
        lambda e: e.H2ODeepLearningEstimator(hidden=args.hidden, epochs=args.epochs, seed=seed),
        y="y",
    )
    import h2o

    p = model.predict(h2o.H2OFrame(tables[1])).as_data_frame().to_numpy()[:, 1:].astype(float)
    return seconds, loss(y, p)


def main() -> None:
    """Print times, losses and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--columns", type=int, default=28)
    parser.add_argument(
        "--hidden", type=lambda t: [int(n) for n in t.split(",")], default=[200, 200]
    )
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--digits", action="store_true")
    parser.add_argument("--h2o", default="", metavar="URL")
    args = parser.parse_args()
    import pandas as pd

    import dh2o
    from dh2o.frame import Frame

    dh2o.init()
    n, test = args.rows, max(args.rows // 5, 1000)
    X, y = pixels(n + test) if args.digits else floats(n + test, args.columns)[:2]
    data = [X[:n], y[:n], X[n:], y[n:]]
    frames, tables = [], []
    for key, rows, labels in (("bench_dl", X[:n], y[:n]), ("bench_dl_test", X[n:], y[n:])):
        table = pd.DataFrame(rows, columns=[f"x{i}" for i in range(rows.shape[1])])
        table["y"] = pd.Categorical(labels.astype(str))
        tables.append(table)
        frames.append(Frame.from_pandas(table).put(key))
    found: dict[str, list[Any]] = {"dh2o": [], "scikit-learn": []}
    for seed in range(args.rounds + 1):
        pair = run_dh2o(args, frames, data[3], seed + 1), run_sklearn(args, data, seed)
        if seed:  # the first round compiles
            for name, (run, ll) in zip(found, pair, strict=True):
                found[name].append((run.wall, run.cpu, run.peak_mb, ll))
    base = [statistics.median(col) for col in zip(*found["scikit-learn"], strict=True)]
    sys.stdout.write(f"{n} x {X.shape[1]}, hidden {args.hidden}, {args.epochs} epochs\n")
    for name, rounds in found.items():
        wall, cpu, peak, ll = (statistics.median(col) for col in zip(*rounds, strict=True))
        sys.stdout.write(
            f"{name:14s} {wall:7.2f} s ({wall / base[0]:.2f} x)  CPU {cpu:7.2f} s "
            f"({cpu / base[1]:.2f} x)  +{peak:4.0f} MB  held-out loss {ll:.4f}\n"
        )
    if args.h2o:
        seconds, ll = run_h2o(args, tables, data[3], 1)
        sys.stdout.write(f"{'H2O':14s} {seconds:7.2f} s  held-out loss {ll:.4f}\n")


if __name__ == "__main__":
    main()
