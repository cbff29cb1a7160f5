"""Seconds, objective and memory of linear models on rows that are made up, beside their peers.

python benchmarks/bench_glm.py [--cases ridge,levels,path] [--rows 1000000] [--repeat 3]

ridge   two classes on 28 numbers, ridge with lambda 1e-4
levels  two classes on 5 numbers and three categoricals of 300 levels, the same penalty
path    least squares on rows / 10 and 500 numbers: lasso, 100 lambdas down to 1e-3 of the largest

All contenders of a case run in turns in one process, each with the threads it takes by itself; CPU
seconds are those of all threads. dh2o measures its model too (AUC, thresholds, deviances), the
others only fit. The objective is the mean negative log likelihood (half the mean squared error)
plus penalty, of standardised numbers, at what each found. Memory is the growth of the resident size
while one of them fits, in a process of its own. Ratios are dh2o's seconds over theirs.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

import dh2o
from dh2o.estimators.builder import start_build
from dh2o.frame import Frame

LAMBDA = 1e-4
N_LEVELS = 300
N_LAMBDAS = 100
Contender = Callable[[], Any]


@dataclass(frozen=True)
class Case:
    """Data, the contenders by name, and the objective of what one returns."""

    contenders: dict[str, Contender]
    objective: Callable[[Any], float]


def standardised(x: Any) -> Any:
    return (x - x.mean(axis=0)) / x.std(axis=0, ddof=1)


def classes(y: Any) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(y.astype(np.int32)), pa.array(["no", "yes"]))


def loss(y: Any, eta: Any, b: Any) -> float:
    return float(np.mean(np.logaddexp(0, eta) - y * eta) + LAMBDA / 2 * (b @ b))


def build(frame: Frame, **params: Any) -> Any:
    raw = {"training_frame": frame.key, "response_column": "y", **params}
    return start_build(dh2o.mrtask.current_engine(), "glm", raw).result()


def ridge_params() -> dict[str, Any]:
    return {"family": "binomial", "alpha": [0.0], "lambda": [LAMBDA]}


def ridge(n_rows: int) -> Case:
    """Return two classes on numbers."""
    import glum
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    x = rng.normal(size=(n_rows, 28)) * rng.uniform(0.5, 2, 28)
    y = x @ rng.normal(size=28) / 3 + rng.logistic(size=n_rows) > 0
    z = standardised(x)
    columns = {f"x{j}": pa.array(x[:, j]) for j in range(28)}
    frame = Frame.from_any(pa.table({**columns, "y": classes(y)})).put("bench_glm_ridge")

    def sklearn(solver: str) -> Any:
        fit = LogisticRegression(C=1 / (LAMBDA * n_rows), solver=solver, max_iter=300)
        fit.fit(standardised(x), y)
        return np.append(fit.coef_[0], fit.intercept_)

    def by_glum() -> Any:
        fit = glum.GeneralizedLinearRegressor(family="binomial", alpha=LAMBDA, l1_ratio=0)
        fit.fit(standardised(x), y.astype(float))
        return np.append(fit.coef_, fit.intercept_)

    return Case(
        {
            "dh2o": lambda: build(frame, **ridge_params()).norm_beta,
            "scikit-learn lbfgs": lambda: sklearn("lbfgs"),
            "scikit-learn newton": lambda: sklearn("newton-cholesky"),
            "glum": by_glum,
        },
        lambda b: loss(y, z @ b[:-1] + b[-1], b[:-1]),
    )


def levels(n_rows: int) -> Case:
    """Return two classes on numbers and categoricals."""
    import glum
    import pandas as pd
    from scipy import sparse
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    x, codes = rng.normal(size=(n_rows, 5)), rng.integers(0, N_LEVELS, (3, n_rows))
    eta = x @ rng.normal(size=5) / 3
    for code in codes:
        eta += (rng.normal(size=N_LEVELS) / 2)[code]
    y, z = eta + rng.logistic(size=n_rows) > 0, standardised(x)
    names = [f"level{i:04d}" for i in range(N_LEVELS)]
    columns: dict[str, Any] = {f"x{j}": pa.array(x[:, j]) for j in range(5)}
    for i, code in enumerate(codes):
        as_codes = pa.array(code, pa.int32())
        columns[f"c{i}"] = pa.DictionaryArray.from_arrays(as_codes, pa.array(names))
    frame = Frame.from_any(pa.table({**columns, "y": classes(y)})).put("bench_glm_levels")
    table = pd.DataFrame(
        {f"c{i}": pd.Categorical.from_codes(c, names) for i, c in enumerate(codes)}
    )
    for j in range(5):
        table[f"x{j}"] = z[:, j]
    every = np.arange(n_rows)
    hot = [sparse.csr_matrix((np.ones(n_rows), (every, c)), (n_rows, N_LEVELS)) for c in codes]
    matrix = sparse.hstack([*hot, sparse.csr_matrix(z)]).tocsr()

    def sklearn() -> Any:
        fit = LogisticRegression(C=1 / (LAMBDA * n_rows), max_iter=1000).fit(matrix, y)
        return np.append(fit.coef_[0], fit.intercept_)

    def by_glum() -> Any:
        fit = glum.GeneralizedLinearRegressor(family="binomial", alpha=LAMBDA, l1_ratio=0)
        fit.fit(table, y.astype(float))
        return np.append(fit.coef_, fit.intercept_)

    return Case(
        {
            "dh2o": lambda: build(frame, **ridge_params()).norm_beta,
            "scikit-learn lbfgs, one-hot": sklearn,
            "glum": by_glum,
        },
        lambda b: loss(y, matrix @ b[:-1] + b[-1], b[:-1]),
    )


def path(n_rows: int) -> Case:
    """Return least squares with a path of lambdas; the objective is that of the last."""
    from sklearn.linear_model import lasso_path

    rng = np.random.default_rng(0)
    x = rng.normal(size=(n_rows, 500))
    y = x[:, :50] @ rng.normal(size=50) + 3 * rng.normal(size=n_rows)
    columns = {f"x{j}": pa.array(x[:, j]) for j in range(500)}
    frame = Frame.from_any(pa.table({**columns, "y": pa.array(y)})).put("bench_glm_path")
    z, centred = standardised(x), y - y.mean()
    least = float(np.abs(z.T @ centred).max() / n_rows) * 1e-3

    def ours() -> Any:
        model = build(
            frame, family="gaussian", alpha=[1.0], lambda_search=True, nlambdas=N_LAMBDAS,
            lambda_min_ratio=1e-3, early_stopping=False,
        )  # fmt: skip
        scaled = model.path_beta[-1][:-1] / model.design.scale
        assert len(model.path_lambda) == N_LAMBDAS
        return scaled

    return Case(
        {
            "dh2o": ours,
            "scikit-learn lasso_path": lambda: lasso_path(
                standardised(x), centred, eps=1e-3, n_alphas=N_LAMBDAS
            )[1][:, -1],
        },
        lambda b: float(np.mean((centred - z @ b) ** 2) / 2 + least * np.abs(b).sum()),
    )


CASES: dict[str, Callable[[int], Case]] = {
    "ridge": ridge,
    "levels": levels,
    "path": lambda n_rows: path(n_rows // 10),
}


def run(name: str, n_rows: int, repeat: int) -> None:
    """Print the best of several turns of each contender."""
    case = CASES[name](n_rows)
    best: dict[str, tuple[float, float, Any]] = {}
    for turn in range(repeat + 1):  # the first warms up and does not count
        for who, work in case.contenders.items():
            start, cpu = time.perf_counter(), time.process_time()
            found = work()
            took = time.perf_counter() - start, time.process_time() - cpu, found
            if turn and (who not in best or took[:2] < best[who][:2]):
                best[who] = took
    print(f"\n{name}, {n_rows:,} rows: seconds, CPU seconds, memory, objective; dh2o / theirs")
    for who, (wall, cpu, found) in best.items():
        print(
            f"  {who:<28}{wall:8.2f}{cpu:8.2f}{memory_of(name, n_rows, who):7.0f} MB"
            f"   {case.objective(found):.9f}   {best['dh2o'][0] / wall:5.2f} "
            f"{best['dh2o'][1] / cpu:5.2f}"
        )


def memory_of(name: str, n_rows: int, who: str) -> float:
    """Return the growth of the resident size in MB, measured in a process of its own."""
    command = [sys.executable, __file__, "--cases", name, "--rows", str(n_rows), "--alone", who]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def resident() -> float:
    """Return the resident size of this process in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


def alone(name: str, n_rows: int, who: str) -> None:
    """Fit once and print by how many MB the resident size grew at most."""
    work = CASES[name](n_rows).contenders[who]
    before, largest, done = resident(), [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.005):
            largest[0] = max(largest[0], resident() - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    work()
    done.set()
    watcher.join()
    print(largest[0])


def main() -> None:
    """Print one table a case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", default="ridge,levels,path")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    options = parser.parse_args()
    engine = dh2o.init()
    for name in options.cases.split(","):
        if options.alone:
            alone(name, options.rows, options.alone)
        else:
            run(name, options.rows, options.repeat)
    engine.close()


if __name__ == "__main__":
    main()
