"""Training on two worker processes of one thread beside one process of two threads, interleaved.

python benchmarks/bench_processes.py [--rows N] [--columns P] [--rounds R] [--processes 2]

The ratio of the fastest runs is printed, of wall time and of CPU time of all processes.
"""

from __future__ import annotations

import argparse
import os
import time
from typing import Any

import numpy as np
import pandas as pd
import psutil
from bench_gbm import floats

from dh2o.estimators import start_build
from dh2o.frame import Frame
from dh2o.mrtask import Engine, use_engine
from dh2o.mrtask.start import start_cluster

PARAMS: dict[str, dict[str, Any]] = {
    "gbm": {"response_column": "y", "ntrees": 20, "max_depth": 8, "score_tree_interval": 1000},
    "glm": {"response_column": "y", "family": "binomial", "lambda": [1e-4], "alpha": [0.0]},
    "kmeans": {"k": 10, "max_iterations": 20, "ignored_columns": ["y"], "init": "Random"},
}


def cpu_time(engine: Engine) -> float:
    """Return the CPU seconds that the workers and this process have taken."""
    pids = {os.getpid(), *(facts["pid"] for facts in engine.worker_facts())}
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids)


def run(engine: Engine, algo: str) -> tuple[float, float]:
    """Return wall and CPU time of one training."""
    raw = {"training_frame": "bench_processes", "seed": 1, **PARAMS[algo]}
    cpu, wall = cpu_time(engine), time.perf_counter()
    start_build(engine, algo, raw).result()
    return time.perf_counter() - wall, cpu_time(engine) - cpu


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--columns", type=int, default=28)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    x, y, _ = floats(args.rows, args.columns)
    table = pd.DataFrame(x, columns=[f"x{i}" for i in range(args.columns)])
    table["y"] = pd.Categorical(np.where(y > 0, "yes", "no"))
    n = args.processes
    with (
        start_cluster(n_workers=1, threads_per_worker=n, processes=False) as one,
        start_cluster(n_workers=n, threads_per_worker=1, processes=True) as many,
    ):
        for engine in (one, many):
            with use_engine(engine):
                Frame.from_pandas(table).put("bench_processes")
        for algo in PARAMS:
            runs: list[list[tuple[float, float]]] = [[], []]
            for i in range(args.rounds + 1):
                for engine, found in zip((one, many), runs, strict=True):
                    with use_engine(engine):
                        times = run(engine, algo)
                    found.extend([times] if i else [])  # the first compiles
            wall, cpu = ([min(t[k] for t in found) for found in runs] for k in (0, 1))
            print(
                f"{algo:7} one process of {n} threads {wall[0]:.2f} s (CPU {cpu[0]:.2f}), "
                f"{n} processes {wall[1]:.2f} s (CPU {cpu[1]:.2f}): "
                f"{wall[1] / wall[0]:.2f} x wall, {cpu[1] / cpu[0]:.2f} x CPU"
            )


if __name__ == "__main__":
    main()
