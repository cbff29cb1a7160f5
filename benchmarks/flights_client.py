"""The flights job through the official H2O client: step times and metrics as JSON.

Run by ``bench_flights.py`` once against real H2O and once against ``dh2o server``; the script is
the same for both, only the URL differs. The line of its output that begins with a brace
is the JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import h2o
from h2o.estimators import H2OGeneralizedLinearEstimator, H2OGradientBoostingEstimator

PREDICTORS = [
    "month", "day", "dep_time", "sched_dep_time", "dep_delay", "sched_arr_time",
    "carrier", "origin", "dest", "distance", "hour", "minute",
]  # fmt: skip

steps: dict[str, float] = {}


@contextmanager
def step(name: str) -> Iterator[None]:
    """Add the seconds of what is done inside to ``steps``."""
    start = time.perf_counter()
    yield
    steps[name] = time.perf_counter() - start


def main(url: str, path: str) -> None:
    """Run the job against the server at `url` on the flights file at `path`."""
    h2o.connect(url=url, verbose=False)
    h2o.no_progress()
    metrics = {}
    with step("parse"):
        flights = h2o.import_file(path)
    with step("describe"):
        flights.head(5)
        flights.summary(return_data=True)
    with step("munge and split"):
        landed = flights[flights["arr_delay"].isna() == 0, :]
        data = landed[PREDICTORS]
        data["late"] = (landed["arr_delay"] >= 15).ifelse("yes", "no")
        train, test = data.split_frame(ratios=[0.8], seed=2013)
        metrics["train_rows"] = train.nrows
        metrics["test_rows"] = test.nrows
    gbm = H2OGradientBoostingEstimator(ntrees=50, max_depth=6, learn_rate=0.1, seed=2013)
    glm = H2OGeneralizedLinearEstimator(family="binomial", lambda_=1e-4)
    for name, model in (("gbm", gbm), ("glm", glm)):
        with step(f"train {name}"):
            model.train(x=PREDICTORS, y="late", training_frame=train)
        with step(f"score {name}"):
            performance = model.model_performance(test)
        metrics[f"{name}_auc"] = performance.auc()
        metrics[f"{name}_pr_auc"] = performance.aucpr()
        metrics[f"{name}_logloss"] = performance.logloss()
    with step("predict"):
        gbm.predict(test)
    with step("group-by"):
        flights.group_by("carrier").mean("dep_delay", na="rm").get_frame().as_data_frame()
    h2o.remove_all()
    print(json.dumps({"steps": steps, "metrics": metrics}))


if __name__ == "__main__":
    main(*sys.argv[1:3])
