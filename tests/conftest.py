"""Shared fixtures: an engine in this process, and one of three worker processes."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator

import cloudpickle
import pytest
from hypothesis import HealthCheck, settings

from dh2o.mrtask import Engine, init, use_engine
from dh2o.mrtask.engine import set_current

# Processes that a test did not start are nobody's to end; claims still keep two from one loop.
os.environ.setdefault("DH2O_COMPILE_HELPERS", "0")

# The same examples each time and no clock: a test fails by what it finds, not by luck or load.
# HYPOTHESIS_PROFILE=search looks for new examples.
settings.register_profile(
    "repeatable", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("search", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the comparison of random expressions with the real H2O."""
    group = parser.getgroup("dh2o")
    group.addoption("--h2o-url", default="", help="a running H2O to compare with")
    group.addoption("--differential-seed", type=int, default=2, help="of the expressions")
    group.addoption("--differential-count", type=int, default=150, help="of expressions")


@pytest.fixture(autouse=True, scope="module")
def _tests_travel_by_value() -> None:
    """Worker processes cannot import test modules: send what they define with the tasks."""
    # a copy in one step: making a list of pairs may collect garbage, and that may import
    for name, module in sys.modules.copy().items():
        if name.split(".")[0] in ("tests", "conftest") and module.__name__ == name:
            cloudpickle.register_pickle_by_value(module)


_RUNNING: list[Engine] = []  # that all files of tests share


@pytest.fixture(autouse=True, scope="module")
def _no_keys_are_left_for_the_next_file() -> Iterator[None]:
    yield
    for engine in _RUNNING:
        engine.dkv.unlock_all()
        engine.dkv.remove_all()


@pytest.fixture(scope="session")
def _embedded() -> Iterator[Engine]:
    engine = init(n_workers=1, threads_per_worker=2, processes=False)
    _RUNNING.append(engine)
    yield engine
    _RUNNING.remove(engine)
    engine.close()


@pytest.fixture(scope="session")
def _three_processes() -> Iterator[Engine]:
    from dh2o.mrtask.start import start_cluster

    for name in ("distributed.nanny", "distributed.scheduler", "distributed.worker"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # tests kill workers on purpose
    engine = start_cluster(n_workers=3, threads_per_worker=1, processes=True)
    _RUNNING.append(engine)
    yield engine
    _RUNNING.remove(engine)
    engine.close()


@pytest.fixture
def engine(_embedded: Engine) -> Iterator[Engine]:
    """One worker with two threads inside this process; current during the test."""
    set_current(_embedded)
    with use_engine(_embedded):
        yield _embedded


@pytest.fixture
def cluster3(_three_processes: Engine) -> Iterator[Engine]:
    """Three worker processes of one thread each; current during the test."""
    _three_processes.client.wait_for_workers(3, timeout=600)
    with use_engine(_three_processes):
        yield _three_processes


@pytest.fixture(params=["embedded", pytest.param("three", marks=pytest.mark.cluster)])
def any_engine(request: pytest.FixtureRequest) -> Engine:
    """Either engine: the test runs on both."""
    name = {"embedded": "engine", "three": "cluster3"}[request.param]
    found: Engine = request.getfixturevalue(name)
    return found
