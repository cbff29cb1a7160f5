"""Seconds of principal components with k = 10 on rows that are made up, beside scikit-learn.

python benchmarks/bench_pca.py [--rows 1000000] [--numbers 28] [--components 10] [--h2o URL]

Memory is the peak above what lay there before. With `--h2o` a real H2O trains on the same rows.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from timing import best, timed, train_h2o

import dh2o
from dh2o.estimators.builder import start_build
from dh2o.frame import Frame


def main() -> None:
    """Print seconds and ratios, and how far the variances are apart."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--numbers", type=int, default=28)
    parser.add_argument("--components", type=int, default=10)
    parser.add_argument("--h2o", default="", metavar="URL")
    options = parser.parse_args()
    import pandas as pd
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
    ours_, theirs_ = (best(list(of)) for of in zip(*runs, strict=True))
    print(f"{options.rows:,} x {p}, {k} components:")
    for who, run in (("dh2o", ours_), ("scikit-learn", theirs_)):
        print(f"  {who:<14}{run.text}")
    apart = np.abs(ours_.result / theirs_.result - 1).max()
    print(
        f"  ratio {ours_.wall / theirs_.wall:.2f} by the clock, {ours_.cpu / theirs_.cpu:.2f} CPU"
    )
    print(f"  variances agree to {apart:.1e}")
    if options.h2o:
        seconds, _ = train_h2o(
            options.h2o,
            pd.DataFrame(x, columns=frame.names),
            lambda e: e.H2OPrincipalComponentAnalysisEstimator(k=k, transform="DEMEAN", seed=1),
            x=list(frame.names),
        )
        print(f"  {'H2O':<14}{seconds:7.2f} s")


if __name__ == "__main__":
    main()
