"""Clusters started from the shell: plain, with TLS, and growing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dh2o.errors import WorkerLostError
from dh2o.mrtask import Engine
from dh2o.mrtask.start import join_cluster, start_cluster
from tests.killing import kill_worker, wait_for_workers
from tests.mrtask.shell_cluster import certificate, shell_cluster
from tests.mrtask.tables import CountUp, FloatSum, Scaled, counters, floats_of, table

pytestmark = [pytest.mark.cluster]
LAYOUT = (50, 0, 70, 1, 30, 30, 40, 20)


def add(ctx: object, blocks: object) -> float:
    return FloatSum().do_all(blocks)


def check_everything(engine: Engine) -> float:
    """Passes by both carriers, a new frame, local state, a job, the DKV and the spool."""
    blocks = table(engine, LAYOUT)
    total = FloatSum().do_all(blocks)
    assert total == pytest.approx(sum(float(v.sum()) for v in floats_of(LAYOUT)))
    assert FloatSum().do_all(blocks, carrier="graph") == total
    assert FloatSum().do_all(Scaled(2.0).new_blocks(blocks, 1)) == 2 * total
    with engine.local(blocks, counters, 0) as state:
        assert state.run(CountUp())[1] == 1
    assert engine.start_job("Adding", add, blocks).result(timeout=600) == total
    engine.dkv.put("blocks", blocks)
    ref = engine.spool.write_bytes(b"spooled")
    read = engine.submit(lambda r: r.read_bytes(), [(ref,)] * 3)
    assert engine.gather(read) == [b"spooled"] * 3
    return total


SECOND_CLIENT = """
import sys
from dh2o.mrtask import init, MRTask

class Sum(MRTask):
    def map(self, block):
        return float(block.floats(0).sum())
    def combine(self, a, b):
        return a + b

engine = init(sys.argv[1])
print(repr(Sum().do_all(engine.dkv.get("blocks"))))
"""


def test_plain_cluster_grows_shrinks_and_is_shared(tmp_path: Path) -> None:
    with shell_cluster(tmp_path, 2) as cluster, join_cluster(cluster.address) as engine:
        wait_for_workers(engine, 2)
        total = check_everything(engine)
        second = subprocess.run(
            [sys.executable, "-c", SECOND_CLIENT, cluster.address],
            capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        assert (second.stdout.strip(), second.stderr) == (repr(total), "")
        cluster.add_worker()
        wait_for_workers(engine, 3)
        blocks = table(engine, LAYOUT)
        assert len(set(engine.places(blocks))) == 3  # the one that joined later has work
        assert FloatSum().do_all(blocks) == total
        kill_worker(engine, engine.places(blocks)[0])
        assert FloatSum().do_all(blocks) == total


def test_data_wait_for_the_first_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with shell_cluster(tmp_path, 0) as cluster, join_cluster(cluster.address) as engine:
        monkeypatch.setattr(engine, "recovery_timeout_s", 0.1)
        with pytest.raises(WorkerLostError, match="no workers"):
            engine.spool.write_bytes(b"spooled")
        monkeypatch.undo()
        cluster.add_worker()
        ref = engine.spool.write_bytes(b"spooled")
        assert ref.read_bytes() == b"spooled"
        assert "Waiting for the first" in caplog.text


def test_local_cluster_with_temporary_credentials() -> None:
    with start_cluster(n_workers=2, threads_per_worker=1, security=True) as engine:
        assert engine.client.scheduler.address.startswith("tls://")
        check_everything(engine)


def test_tls_cluster(tmp_path: Path) -> None:
    options, security = certificate(tmp_path)
    with shell_cluster(tmp_path, 2, options) as cluster:
        assert cluster.address.startswith("tls://")
        with join_cluster(cluster.address, security=security) as engine:
            wait_for_workers(engine, 2)
            check_everything(engine)
            assert all(address.startswith("tls://") for address, _ in engine.workers())
