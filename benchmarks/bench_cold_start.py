"""Cold start: process start to the first GBM prediction on prostate, and a warm retrain.

    python benchmarks/bench_cold_start.py [--repeat 3] [--only dh2o h2o]

Each system is a fresh process: dh2o with its compiled kernels cached (and with the cache empty, as
on a new machine), real H2O with its JVM start, scikit-learn and LightGBM.
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

FIND = """
import importlib.util, pathlib, time
package = importlib.util.find_spec('h2o').submodule_search_locations[0]
path = str(pathlib.Path(package) / 'h2o_data/prostate.csv')
x = ['AGE', 'RACE', 'DPROS', 'DCAPS', 'PSA', 'VOL', 'GLEASON']
"""
WARM = "start = time.perf_counter(); train(); print('warm', time.perf_counter() - start)\n"
H2O_LIKE = """
frame['CAPSULE'] = frame['CAPSULE'].asfactor()
def train():
    model = H2OGradientBoostingEstimator(ntrees=50, seed=1)
    model.train(x=x, y='CAPSULE', training_frame=frame)
    return model
"""
TABLE_LIKE = """
data = pd.read_csv(path)
def train():
    return new_model().fit(data[x], data['CAPSULE'])
train().predict(data[x])
"""
SCRIPTS = {
    "dh2o": f"""{FIND}
import dh2o
from dh2o.estimators import H2OGradientBoostingEstimator
dh2o.init()
frame = dh2o.import_file(path)
{H2O_LIKE}
train().predict(frame).head(1).to_arrow()
{WARM}""",
    "h2o": f"""{FIND}
import h2o
from h2o.estimators import H2OGradientBoostingEstimator
h2o.init(nthreads=2, max_mem_size='2g', port=PORT, bind_to_localhost=True, verbose=False,
         ice_root=ICE)
h2o.no_progress()
frame = h2o.upload_file(path)
{H2O_LIKE}
train().predict(frame).head(1).as_data_frame(use_pandas=False)
{WARM}
h2o.cluster().shutdown()
""",
    "scikit-learn": f"""{FIND}
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
def new_model(): return HistGradientBoostingClassifier(max_iter=50, max_depth=5)
{TABLE_LIKE}{WARM}""",
    "lightgbm": f"""{FIND}
import pandas as pd
from lightgbm import LGBMClassifier
def new_model(): return LGBMClassifier(n_estimators=50, max_depth=5, verbose=-1)
{TABLE_LIKE}{WARM}""",
}


def timed(script: str, env: dict[str, str]) -> tuple[float, float]:
    """Return seconds of the whole process less the warm retrain, and of the warm retrain."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        check=True,
        capture_output=True,
        text=True,
        env=env,
    )
    wall = time.perf_counter() - start
    warm = next(
        float(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("warm")
    )
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
