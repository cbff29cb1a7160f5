"""Cold start: process start to the first GBM prediction on prostate, and a warm retrain.

    python benchmarks/bench_cold_start.py [--repeat 3] [--empty-cache]

Each system is a fresh process: dh2o with its compiled kernels cached (and with the cache empty, as on
a new machine), real H2O with its JVM start, scikit-learn and LightGBM.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FIND = """
import importlib.util, pathlib, time
path = str(pathlib.Path(importlib.util.find_spec('h2o').submodule_search_locations[0]) / 'h2o_data/prostate.csv')
"""
SCRIPTS = {
    "dh2o": FIND + """
import dh2o
dh2o.init()
frame = dh2o.import_file(path)
frame['CAPSULE'] = frame['CAPSULE'].asfactor()
from dh2o.estimators import H2OGradientBoostingEstimator
def train():
    model = H2OGradientBoostingEstimator(ntrees=50, seed=1)
    model.train(x=['AGE','RACE','DPROS','DCAPS','PSA','VOL','GLEASON'], y='CAPSULE', training_frame=frame)
    return model
model = train()
model.predict(frame).head(1).to_arrow()
start = time.perf_counter(); train(); print('warm', time.perf_counter() - start)
""",
    "h2o": FIND + """
import h2o
h2o.init(nthreads=2, max_mem_size='2g', port=PORT, bind_to_localhost=True, verbose=False, ice_root=ICE)
h2o.no_progress()
frame = h2o.import_file(path)
frame['CAPSULE'] = frame['CAPSULE'].asfactor()
from h2o.estimators import H2OGradientBoostingEstimator
def train():
    model = H2OGradientBoostingEstimator(ntrees=50, seed=1)
    model.train(x=['AGE','RACE','DPROS','DCAPS','PSA','VOL','GLEASON'], y='CAPSULE', training_frame=frame)
    return model
model = train()
model.predict(frame).head(1).as_data_frame(use_pandas=False)
start = time.perf_counter(); train(); print('warm', time.perf_counter() - start)
h2o.cluster().shutdown()
""",
    "scikit-learn": FIND + """
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
data = pd.read_csv(path)
X, y = data.drop(columns=['ID','CAPSULE']), data['CAPSULE']
model = HistGradientBoostingClassifier(max_iter=50, max_depth=5).fit(X, y)
model.predict(X)
start = time.perf_counter(); HistGradientBoostingClassifier(max_iter=50, max_depth=5).fit(X, y)
print('warm', time.perf_counter() - start)
""",
    "lightgbm": FIND + """
import pandas as pd
from lightgbm import LGBMClassifier
data = pd.read_csv(path)
X, y = data.drop(columns=['ID','CAPSULE']), data['CAPSULE']
model = LGBMClassifier(n_estimators=50, max_depth=5, verbose=-1).fit(X, y)
model.predict(X)
start = time.perf_counter(); LGBMClassifier(n_estimators=50, max_depth=5, verbose=-1).fit(X, y)
print('warm', time.perf_counter() - start)
""",
}


def timed(script: str, env: dict[str, str]) -> tuple[float, float]:
    """Return seconds of the whole process less the warm retrain, and of the warm retrain."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], check=True, capture_output=True, text=True, env=env
    )
    wall = time.perf_counter() - start
    warm = next(float(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("warm"))
    return wall - warm, warm


def main() -> None:
    """Run the systems in turn and print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", nargs="*", help="names of systems")
    options = parser.parse_args()
    names = ["dh2o", "dh2o, empty cache", "h2o", "scikit-learn", "lightgbm"]
    names = [n for n in names if not options.only or n in options.only]
    if not shutil.which("java"):
        names.remove("h2o")
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for k in range(options.repeat):
        for name in names:
            with tempfile.TemporaryDirectory() as scratch:
                env = dict(os.environ)
                script = SCRIPTS[name.split(",")[0]]
                if "empty" in name:
                    env["NUMBA_CACHE_DIR"] = scratch
                script = script.replace("PORT", str(55000 + 10 * k)).replace("ICE", repr(scratch))
                runs[name].append(timed(script, env))
    print(f"{'median seconds':24s}{'cold':>10s}{'warm retrain':>14s}")
    for name, times in runs.items():
        cold, warm = (statistics.median(column) for column in zip(*times, strict=True))
        print(f"{name:24s}{cold:10.2f}{warm:14.3f}")


if __name__ == "__main__":
    main()
