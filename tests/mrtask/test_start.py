"""`init`: once, quietly, on whatever cluster is asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import dask
import pytest
from distributed import Client, LocalCluster

from dh2o.errors import DH2OError, MissingExtraError, ParameterError, WorkerLostError
from dh2o.mrtask import Engine, current_engine, init, spool, start, use_engine
from dh2o.mrtask.start import join_cluster, start_cluster
from tests.mrtask.tables import FloatSum, table


def run_script(code: str, tmp_path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "script.py"
    script.write_text(code)
    command = [sys.executable, "-W", "error", *options, str(script)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


EMBEDDED = """
import sys, threading
from dh2o.mrtask import init, current_engine
engine = init()
assert init() is engine is current_engine()
heavy = {"pandas", "bokeh", "dask.dataframe", "polars", "sklearn", "matplotlib", "numba", "flask"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
assert engine.dashboard_link is None
assert engine.own_worker is not None
"""

LEFT_OPEN = """
from dh2o.chunks import encode_ints
from dh2o.mrtask import init
import numpy as np

def read(ref):
    return (encode_ints(np.frombuffer(ref.read_bytes(), np.int64)),)

engine = init(threads_per_worker=1)
ref = engine.spool.write_bytes(np.arange(10).tobytes())
blocks = engine.submit_blocks(read, [(ref,), (ref,)])
engine.dkv.put("blocks", blocks)
print(engine.spool.url)
"""


def test_script_that_leaves_everything_open_ends_quietly(tmp_path: Path) -> None:
    done = run_script(LEFT_OPEN, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert not Path(done.stdout.strip()).exists()


def test_script_ends_quietly(tmp_path: Path) -> None:
    done = run_script(EMBEDDED, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


PROCESSES = """
import os
from dh2o.mrtask import init

if __name__ == "__main__":
    engine = init(n_workers=2, threads_per_worker=1)
    print(*[facts["pid"] for facts in engine.worker_facts()], engine.spool.url)
"""


def test_script_leaves_no_processes_and_no_files(tmp_path: Path) -> None:
    done = run_script(PROCESSES, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    *pids, folder = done.stdout.split()
    assert len(pids) == 2
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    assert not Path(folder).exists()


def test_no_engine_names_the_remedy(tmp_path: Path) -> None:
    done = run_script("from dh2o.mrtask import current_engine; current_engine()", tmp_path)
    assert "Call dh2o.init() first" in done.stderr


def test_other_options_are_refused_while_an_engine_lives(engine: Engine) -> None:
    with pytest.raises(ParameterError, match="Close it first"):
        init(n_workers=2)
    assert init() is engine


def test_closed_engine_says_so() -> None:
    engine = start_cluster(n_workers=1, threads_per_worker=1)
    engine.close()
    engine.close()
    with pytest.raises(DH2OError, match="was closed"):
        engine.dkv.put("a", 1)


def test_user_client_is_joined_and_left_open() -> None:
    with (
        LocalCluster(
            n_workers=1, processes=False, threads_per_worker=1, dashboard_address="127.0.0.1:0"
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        engine = join_cluster(client)
        with use_engine(engine):
            assert current_engine() is engine
            assert FloatSum().do_all(table(engine, (3, 4))) > 0
        engine.close()
        assert client.submit(abs, -1).result() == 1


def test_lost_scheduler_gives_a_typed_error() -> None:
    engine = start_cluster(n_workers=1, threads_per_worker=1, processes=True)
    with dask.config.set({"distributed.comm.timeouts.connect": "2s"}):
        guest = join_cluster(engine.client.scheduler.address)
        engine.close()
        with pytest.raises(WorkerLostError, match="The scheduler does not answer"):
            guest.dkv.get("a")
    guest.close()  # about when the client gives up and closes itself
    assert guest.client.status == "closed"


def test_engine_closes_while_its_client_closes_itself(
    any_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest = join_cluster(any_engine.client.scheduler.address)
    close = guest.client.close
    refusals = [RuntimeError("Cannot change state of expiring Timeout")] * 2
    ended = []

    def refuse_at_first() -> None:
        if refusals:
            raise refusals.pop()
        close()

    monkeypatch.setattr(guest.client, "close", refuse_at_first)
    guest.when_closed(lambda: ended.append("last"))
    guest.close()
    assert guest.client.status == "closed"
    assert ended == ["last"]


def test_what_an_engine_ends_ends_whatever_else_fails(any_engine: Engine) -> None:
    guest = join_cluster(any_engine.client.scheduler.address)

    def fail() -> None:
        raise OSError("disk gone")

    guest.when_closed(fail)
    with pytest.raises(OSError, match="disk gone"):
        guest.close()
    assert guest.client.status == "closed"


def test_a_dashboard_without_bokeh_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "find_spec", lambda name: None if name == "bokeh" else name)
    with pytest.raises(MissingExtraError, match=r"dashboard needs bokeh.*dh2o\[dashboard\]"):
        start_cluster(n_workers=1, dashboard_address="127.0.0.1:0")
    with start_cluster(n_workers=1) as engine:  # nobody asked for it
        assert engine.dashboard_link is None


def test_an_address_that_is_none_is_named() -> None:
    pytest.importorskip("bokeh", reason="Dask draws its dashboard with bokeh")
    with pytest.raises(DH2OError, match=r"failed to start.*'no-such-host.invalid:80'"):
        start_cluster(n_workers=1, dashboard_address="no-such-host.invalid:80")


def test_a_start_that_fails_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    clients, folders = [], []
    make = spool.local_folder

    def folder() -> str:
        folders.append(make())
        return folders[-1]

    def fail(client: Client, *_: object) -> None:
        clients.append(client)
        raise DH2OError("The cluster has no dh2o.")

    monkeypatch.setattr(spool, "local_folder", folder)
    monkeypatch.setattr(start, "_engine", fail)
    with pytest.raises(DH2OError, match="has no dh2o"):
        start_cluster()
    assert clients[0].status == "closed"
    assert clients[0].cluster.status.name == "closed"
    assert not Path(folders[0]).exists()


def test_dashboard_on_request() -> None:
    with start_cluster(n_workers=1, dashboard_address="127.0.0.1:0") as engine:
        assert engine.dashboard_link is not None
        assert engine.dashboard_link.startswith("http://127.0.0.1:")
        assert "Dask dashboard" in engine._repr_html_()


def test_status_in_a_notebook(any_engine: Engine) -> None:
    assert "threads" in any_engine._repr_html_()
    assert "Engine" in repr(any_engine)


def test_engine_of_a_task_is_its_workers(any_engine: Engine) -> None:
    future = any_engine.submit(lambda: current_engine().client.scheduler.address, [()] * 4)
    assert set(any_engine.gather(future)) == {any_engine.client.scheduler.address}
