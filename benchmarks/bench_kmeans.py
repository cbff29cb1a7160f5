"""Seconds of K-means with k = 10 and 20 iterations on rows that are made up, beside scikit-learn.

python benchmarks/bench_kmeans.py [--rows 1000000] [--numbers 28] [--clusters 10]

Both run in turns in one process, each with the threads it takes by itself; CPU seconds are those
of all threads. The sum of squares says how good the clusters are (both standardised).
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

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


def timed(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Return seconds by the clock and of CPU, and the result."""
    start, cpu = time.perf_counter(), time.process_time()
    found = work()
    return time.perf_counter() - start, time.process_time() - cpu, found


def main() -> None:
    """Print seconds and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--numbers", type=int, default=28)
    parser.add_argument("--clusters", type=int, default=10)
    options = parser.parse_args()
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
        best = [min(run[i][:2] for run in runs) for i in range(2)]
        print(f"{options.rows:,} x {options.numbers}, first centres {name}:")
        for i, who in enumerate(("dh2o", "scikit-learn")):
            sse, n = runs[0][i][2]
            wall, cpu = best[i]
            print(f"  {who:<14}{wall:7.2f} s {cpu:7.2f} s CPU   {n} iterations, SSE {sse:,.0f}")
        print(
            f"  ratio {best[0][0] / best[1][0]:.2f} by the clock, {best[0][1] / best[1][1]:.2f} CPU"
        )


if __name__ == "__main__":
    main()
