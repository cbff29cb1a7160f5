"""`H2OContext`: dh2o and other Dask work on the same workers."""

from __future__ import annotations

import subprocess
import sys
import urllib.request

import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from distributed import Client, LocalCluster

from dh2o import H2OContext
from dh2o.errors import DH2OError
from dh2o.mrtask import Engine


@pytest.fixture
def table() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    return pd.DataFrame({"x": rng.normal(size=60), "c": rng.choice(["u", "v", "w"], 60)})


@pytest.mark.cluster
def test_a_cluster_with_other_work(cluster3: Engine, table: pd.DataFrame) -> None:
    """Frames go in and out, other clients see them by key, and other tasks go on."""
    client = cluster3.client
    address = client.scheduler.address
    others = client.map(lambda i: i * i, range(200), pure=False)
    context = H2OContext.getOrCreate(client)
    assert H2OContext.getOrCreate() is context
    assert len(context.getH2ONodes()) == 3
    assert address in repr(context)
    with client.as_current():
        lazy = dd.from_pandas(table, npartitions=4)
    frame = context.asH2OFrame(lazy, "context_rows")
    assert frame.types == {"x": "real", "c": "enum"}
    out = context.asDaskDataFrame(frame)
    assert out.npartitions == 4
    with client.as_current():
        pd.testing.assert_frame_equal(out.compute(), table, check_dtype=False)
        assert context.asDaskArray(frame["x"]).sum().compute() == pytest.approx(table.x.sum())
        assert context.asDaskBag(frame).count().compute() == 60
        assert len(context.asDelayed(frame)) == 4
    code = (
        "import dh2o\n"
        f"with dh2o.H2OContext({address!r}) as context:\n"
        "    print(context.getFrame('context_rows').nrows)\n"
    )
    seen = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=600, check=False
    )
    assert seen.stdout.strip() == "60", seen.stderr
    assert context.getFrame("context_rows").dim == [60, 2]
    assert client.gather(others) == [i * i for i in range(200)]


def test_the_life_of_a_context(table: pd.DataFrame) -> None:
    with (
        LocalCluster(
            n_workers=1,
            threads_per_worker=1,
            processes=False,
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
        ) as cluster,
        Client(cluster) as client,
    ):
        with H2OContext() as context:  # the client that is current
            assert context.client is client
            frame = context.asH2OFrame(table, "kept")
            url = context.serve()
            assert context.serve() == url
            with urllib.request.urlopen(f"{url}/3/Frames/kept/summary", timeout=600) as answer:
                assert answer.status == 200
            del frame
        assert repr(context) == "<H2OContext: stopped>"
        with pytest.raises(DH2OError, match=r"H2OContext was stopped"):
            context.asH2OFrame(table)
        assert client.submit(sum, [1, 2]).result() == 3  # the client was left alone
        with H2OContext(client) as again:
            assert again.getFrame("kept").nrows == 60
