"""Seconds of principal components with k = 10 on rows that are made up, beside scikit-learn.

python benchmarks/bench_pca.py [--rows 1000000] [--numbers 28] [--components 10]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import dh2o
from dh2o.estimators.builder import start_build
from dh2o.frame import Frame


def timed(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Return seconds by the clock and of CPU, and the result."""
    start, cpu = time.perf_counter(), time.process_time()
    found = work()
    return time.perf_counter() - start, time.process_time() - cpu, found


def main() -> None:
    """Print seconds and ratios, and how far the variances are apart."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--numbers", type=int, default=28)
    parser.add_argument("--components", type=int, default=10)
    options = parser.parse_args()
    from sklearn.decomposition import PCA

    rng = np.random.default_rng(0)
    p, k = options.numbers, options.components
    x = rng.normal(size=(options.rows, p)) @ rng.normal(size=(p, p))
    engine = dh2o.init()
    frame = Frame.from_numpy(x, names=[f"x{i}" for i in range(p)]).put("bench_pca")

    def ours() -> Any:
        raw = {"training_frame": frame.key, "k": k, "transform": "DEMEAN"}
        return start_build(engine, "pca", raw).result().std_deviation ** 2

    def theirs() -> Any:
        return PCA(k, svd_solver="covariance_eigh").fit(x).explained_variance_

    ours()  # compiles
    runs = [(timed(ours), timed(theirs)) for _ in range(3)]
    best = [min(run[i][:2] for run in runs) for i in range(2)]
    print(f"{options.rows:,} x {p}, {k} components:")
    for who, (wall, cpu) in zip(("dh2o", "scikit-learn"), best, strict=True):
        print(f"  {who:<14}{wall:7.2f} s {cpu:7.2f} s CPU")
    apart = np.abs(runs[0][0][2] / runs[0][1][2] - 1).max()
    print(f"  ratio {best[0][0] / best[1][0]:.2f} by the clock, {best[0][1] / best[1][1]:.2f} CPU")
    print(f"  variances agree to {apart:.1e}")


if __name__ == "__main__":
    main()
