"""Scoring without a cluster: one row (a dict), and a table, beside the peers' predict.

    python benchmarks/bench_scorer.py [ROWS]

Boosted trees, 100 of depth 8 on 28 numbers, trained on 50,000 rows by each library; CPU time on
one thread, the calls of all libraries taken in turns. H2O's jar (PredictCsv) scores the same MOJO,
where Java and the package h2o are there; its time includes the CSV, not the start of Java.
"""

from __future__ import annotations

import importlib.util
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import numpy as np  # noqa: E402  # after the number of threads
import pandas as pd  # noqa: E402

N_COLUMNS, N_TREES, DEPTH = 28, 100, 8
Calls = dict[str, Callable[[], Any]]


def data(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, N_COLUMNS))
    score = x[:, 0] + x[:, 1] * x[:, 2] + np.sin(2 * x[:, 3]) + rng.normal(size=n)
    return x, (score > 0).astype(int)


def dh2o_mojo(x: np.ndarray, y: np.ndarray, folder: Path) -> Path:
    """Train dh2o's model and write it as MOJO."""
    import dh2o
    from dh2o.estimators import H2OGradientBoostingEstimator

    with dh2o.init(n_workers=1, processes=False, threads_per_worker=1):
        dh2o.no_progress()
        frame = pd.DataFrame(x, columns=[f"f{i}" for i in range(N_COLUMNS)])
        frame["y"] = pd.Categorical(np.where(y == 1, "yes", "no"))
        model = H2OGradientBoostingEstimator(ntrees=N_TREES, max_depth=DEPTH, seed=1)
        model.train(y="y", training_frame=frame)
        return Path(model.download_mojo(folder / "gbm.zip"))


def peers(x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    import lightgbm
    import xgboost
    from sklearn.ensemble import HistGradientBoostingClassifier

    common = {"n_estimators": N_TREES, "max_depth": DEPTH, "learning_rate": 0.1, "n_jobs": 1}
    return {
        "LightGBM": lightgbm.LGBMClassifier(num_leaves=255, verbose=-1, **common).fit(x, y),
        "XGBoost": xgboost.XGBClassifier(**common).fit(x, y),
        "sklearn HGB": HistGradientBoostingClassifier(
            max_iter=N_TREES, max_depth=DEPTH, max_leaf_nodes=None
        ).fit(x, y),
    }


def in_turns(calls: Calls, n: int) -> dict[str, float]:
    """Return the median CPU seconds of each call; the calls alternate."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(n):
        for name, call in calls.items():
            start = time.process_time()
            call()
            times[name].append(time.process_time() - start)
    return {name: float(np.median(some)) for name, some in times.items()}


def shown(title: str, times: dict[str, float], unit: str, factor: float) -> None:
    own = times["dh2o.scorer"]
    print(title)
    for name, seconds in sorted(times.items(), key=lambda item: item[1]):
        print(f"  {name:32s} {seconds * factor:10.1f} {unit}   {seconds / own:6.2f} x dh2o.scorer")


def jar_seconds(mojo: Path, x: np.ndarray, folder: Path) -> float | None:
    """Return the seconds that H2O's PredictCsv needs for `x`, start-up taken off."""
    found = importlib.util.find_spec("h2o")
    if shutil.which("java") is None or found is None or found.origin is None:
        return None
    jar = Path(found.origin).parent / "backend" / "bin" / "h2o.jar"

    def run(rows: np.ndarray) -> float:
        frame = pd.DataFrame(rows, columns=[f"f{i}" for i in range(N_COLUMNS)])
        frame.to_csv(folder / "in.csv", index=False)
        command = ["java", "-cp", str(jar), "hex.genmodel.tools.PredictCsv", "--decimal"]
        files = ["--mojo", str(mojo), "--input", "in.csv", "--output", "out.csv"]
        start = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*command, *files], cwd=folder, check=True, capture_output=True)
        stop = resource.getrusage(resource.RUSAGE_CHILDREN)
        return stop.ru_utime + stop.ru_stime - start.ru_utime - start.ru_stime

    return run(x) - run(x[:1])


def main() -> None:
    warnings.simplefilter("ignore")
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    x, y = data(50_000)
    more, _ = data(n, seed=1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mojo = dh2o_mojo(x, y, folder)
        from dh2o.scorer import Scorer

        scorer, models = Scorer.load(mojo), peers(x, y)
        row, one = dict(zip(scorer.columns, x[0].tolist(), strict=True)), x[:1]
        calls: Calls = {"dh2o.scorer": lambda: scorer.predict_row(row)}
        calls |= {k: lambda m=m: m.predict_proba(one) for k, m in models.items()}
        booster = models["LightGBM"].booster_
        calls["LightGBM booster"] = lambda: booster.predict(one, num_threads=1)
        calls["XGBoost inplace_predict"] = lambda: (
            models["XGBoost"].get_booster().inplace_predict(one)
        )
        shown("One row (dh2o takes a dict, the others an array)", in_turns(calls, 300), "us", 1e6)
        table = pd.DataFrame(more, columns=list(scorer.columns))
        tables: Calls = {"dh2o.scorer": lambda: scorer.predict_proba(table)}
        tables |= {k: lambda m=m: m.predict_proba(more) for k, m in models.items()}
        times = in_turns(tables, 3)
        jar = jar_seconds(mojo, more, folder)
        if jar is not None:
            times["H2O's PredictCsv (CSV included)"] = jar
        shown(f"{n:,} rows, one thread", times, "ns/row", 1e9 / n)


if __name__ == "__main__":
    main()
