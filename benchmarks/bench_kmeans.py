"""Seconds of K-means with k = 10 and 20 iterations on rows that are made up, beside scikit-learn.

python benchmarks/bench_kmeans.py [--rows 1000000] [--numbers 28] [--clusters 10] [--h2o URL]

Both run in turns in one process, each with the threads it takes by itself; CPU seconds are those
of all threads, memory is the peak above what lay there before. The sum of squares says how good
the clusters are (both standardised). With `--h2o` a real H2O trains on the same rows.
"""

from __future__ import annotations

import argparse
import warnings
from typing import Any

import numpy as np
from timing import best, timed, train_h2o

import dh2o
from dh2o.estimators.builder import start_build
from dh2o.frame import Frame

ITERATIONS = 20


def made_up(n_rows: int, n_numbers: int, seed: int = 0) -> Any:
    """Return standardised rows in overlapping heaps."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_rows, n_numbers))
    x[:, :5] += rng.integers(0, 10, n_rows)[:, None] * rng.normal(size=5)
    return (x - x.mean(axis=0)) / x.std(axis=0, ddof=1)


def main() -> None:
    """Print seconds and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--numbers", type=int, default=28)
    parser.add_argument("--clusters", type=int, default=10)
    parser.add_argument("--h2o", default="", metavar="URL")
    options = parser.parse_args()
    import pandas as pd
    from sklearn.cluster import KMeans

    x, k = made_up(options.rows, options.numbers), options.clusters
    engine = dh2o.init()
    names = [f"x{i}" for i in range(options.numbers)]
    frame = Frame.from_numpy(x, names=names).put("bench_kmeans")

    def ours(init: str) -> Any:
        raw = {"training_frame": frame.key, "k": k, "init": init, "seed": 1}
        model = start_build(engine, "kmeans", {**raw, "max_iterations": ITERATIONS}).result()
        return model.output.training_metrics.tot_withinss, model.output.scoring_history.n_rows - 1

    def theirs(init: str) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it says that it has not converged
            kmeans = KMeans(k, init=init, n_init=1, max_iter=ITERATIONS, tol=0, random_state=1)
            fitted = kmeans.fit(x)
        return fitted.inertia_, fitted.n_iter_

    ours("Random")  # compiles
    pairs = {"random rows": ("Random", "random"), "far apart": ("Furthest", "k-means++")}
    for name, (mine, other) in pairs.items():
        runs = [(timed(lambda m=mine: ours(m)), timed(lambda o=other: theirs(o))) for _ in range(3)]
        ours_, theirs_ = (best(list(of)) for of in zip(*runs, strict=True))
        print(f"{options.rows:,} x {options.numbers}, first centres {name}:")
        for who, run in (("dh2o", ours_), ("scikit-learn", theirs_)):
            sse, n = run.result
            print(f"  {who:<14}{run.text}   {n} iterations, SSE {sse:,.0f}")
        print(
            f"  ratio {ours_.wall / theirs_.wall:.2f} by the clock, "
            f"{ours_.cpu / theirs_.cpu:.2f} CPU"
        )
    if options.h2o:
        seconds, model = train_h2o(
            options.h2o,
            pd.DataFrame(x, columns=names),
            lambda e: e.H2OKMeansEstimator(k=k, init="Random", seed=1, max_iterations=ITERATIONS),
            x=names,
        )
        print(f"  {'H2O':<14}{seconds:7.2f} s, SSE {model.tot_withinss():,.0f}")


if __name__ == "__main__":
    main()
