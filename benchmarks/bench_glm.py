"""Seconds of a binomial and a gaussian GLM on rows that are made up, beside scikit-learn.

python benchmarks/bench_glm.py [--rows 300000] [--numbers 20] [--levels 300]
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import pyarrow as pa

import dh2o
from dh2o.estimators.builder import start_build
from dh2o.frame import Frame


def made_up(n_rows: int, n_numbers: int, n_levels: int, seed: int = 0) -> tuple[pa.Table, Any]:
    """Return a table of numbers and one categorical, and the one-hot matrix of the same."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, n_numbers))
    codes = rng.integers(0, n_levels, n_rows)
    eta = X @ rng.normal(size=n_numbers) / 3 + rng.normal(size=n_levels)[codes] / 2
    y = eta + rng.logistic(size=n_rows)
    columns: dict[str, Any] = {f"x{i}": pa.array(X[:, i]) for i in range(n_numbers)}
    names = pa.array([f"level{i:04d}" for i in range(n_levels)])
    columns["level"] = pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), names)
    columns["y"] = pa.array(y)
    yes = pa.array((y > 0).astype(np.int32))
    columns["late"] = pa.DictionaryArray.from_arrays(yes, pa.array(["no", "yes"]))
    return pa.table(columns), (X, codes, y)


def seconds_of(work: Any, n_times: int = 3) -> float:
    took = []
    for _ in range(n_times):
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return min(took)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--numbers", type=int, default=20)
    parser.add_argument("--levels", type=int, default=300)
    options = parser.parse_args()
    table, (X, codes, y) = made_up(options.rows, options.numbers, options.levels)
    engine = dh2o.init()
    frame = Frame.from_any(table).put("bench_glm")

    def build(response: str, **params: Any) -> Any:
        other = "y" if response == "late" else "late"
        raw = {"training_frame": frame.key, "response_column": response, **params}
        return start_build(engine, "glm", {**raw, "ignored_columns": [other]}).result()

    runs = {
        "gaussian, no penalty": {"response": "y", "lambda": [0.0]},
        "binomial, no penalty": {"response": "late", "lambda": [0.0]},
        "binomial, elastic net": {"response": "late"},
        "binomial, lambda search": {"response": "late", "lambda_search": True, "nlambdas": 20},
    }
    print(f"{options.rows:,} rows, {options.numbers} numbers, {options.levels} levels; seconds:")
    for name, params in runs.items():
        model = build(**params)
        took = seconds_of(lambda params=params: build(**params), 2)
        n_steps = model.output.model_summary["number_of_iterations"][0]
        print(f"  dh2o {name:<26}{took:8.2f}   {n_steps} iterations, metrics included")
    from scipy import sparse
    from sklearn.linear_model import LogisticRegression

    hot = sparse.csr_matrix(
        (np.ones(len(codes)), (np.arange(len(codes)), codes)), (len(codes), options.levels)
    )
    features = sparse.hstack([sparse.csr_matrix(X), hot[:, 1:]]).tocsr()
    sk = seconds_of(lambda: LogisticRegression(C=np.inf, max_iter=200).fit(features, y > 0), 1)
    print(f"  scikit-learn logistic, sparse  {sk:8.2f}   fit alone")
    engine.close()


if __name__ == "__main__":
    main()
