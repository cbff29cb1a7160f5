"""What workers import before their first task, so that no two threads import from both ends."""

from __future__ import annotations

import subprocess
import sys

import pytest
from distributed import Client, LocalCluster

from dh2o.mrtask import Engine
from dh2o.mrtask.imports import import_packages, worker_packages
from dh2o.mrtask.start import join_cluster
from tests.killing import kill_worker, wait_for_workers


def _not_imported() -> list[str]:
    return [name for name in worker_packages() if name not in sys.modules]


def test_packages_of_clients_are_left_out() -> None:
    names = worker_packages()
    assert {"dh2o", "dh2o.parse", "dh2o.rapids", "dh2o.estimators.glm"} <= set(names)
    assert not [name for name in names if name.startswith(("dh2o.api", "dh2o.server"))]


def test_they_can_be_imported_first() -> None:
    code = "from dh2o.mrtask.imports import import_packages; import_packages()"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=600)
    import_packages()
    assert _not_imported() == []


@pytest.mark.cluster
def test_a_worker_that_comes_back_has_them_at_once(cluster3: Engine) -> None:
    kill_worker(cluster3)
    wait_for_workers(cluster3, 3)
    found = cluster3.client.run(_not_imported)
    assert list(found.values()) == [[], [], []]


@pytest.mark.cluster
def test_workers_of_a_cluster_that_others_made_have_them() -> None:
    options = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
    with (
        LocalCluster(processes=True, **options) as cluster,
        Client(cluster, set_as_default=False) as client,
        join_cluster(client),
    ):
        assert list(client.run(_not_imported).values()) == [[]]
