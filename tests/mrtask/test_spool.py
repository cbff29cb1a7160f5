"""The spool: what clients write workers read, as long as somebody needs it."""

from __future__ import annotations

import gc
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dh2o.chunks import encode_floats
from dh2o.mrtask import Engine, SpoolRef
from tests.killing import kill_worker, wait_for_workers, wait_until
from tests.mrtask.tables import FloatSum


def read_block(ref: SpoolRef, start: int, stop: int) -> Any:
    return (encode_floats(np.frombuffer(ref.read_bytes(start * 8, stop * 8))),)


def spooled(engine: Engine) -> tuple[Any, str]:
    ref = engine.spool.write_bytes(np.arange(90.0).tobytes(), ".bin")
    blocks = engine.submit_blocks(read_block, [(ref, i, i + 10) for i in range(0, 90, 10)])
    return blocks, ref.url


def test_workers_read_what_the_client_wrote(any_engine: Engine) -> None:
    blocks, url = spooled(any_engine)
    assert url.endswith(".bin")
    assert FloatSum().do_all(blocks) == sum(range(90))


def test_streams_and_parts(any_engine: Engine) -> None:
    ref = any_engine.spool.write_stream(io.BytesIO(b"0123456789"), "data.csv.gz")
    assert ref.url.endswith(".csv.gz")
    assert (ref.nbytes, ref.read_bytes(2, 5)) == (10, b"234")


def test_file_goes_with_its_last_user(any_engine: Engine) -> None:
    ref = any_engine.spool.write_bytes(b"x")
    path = Path(ref.url)
    any_engine.dkv.put("upload", {"file": ref})
    del ref
    gc.collect()
    assert any_engine.dkv.get("upload")["file"].read_bytes() == b"x"
    any_engine.dkv.remove("upload")
    wait_until(lambda: not path.exists(), "the file to be deleted")


def test_broken_write_leaves_no_file(any_engine: Engine) -> None:
    def files() -> list[Path]:
        return list(Path(any_engine.spool.url).iterdir())

    before = files()

    def break_off() -> None:
        with any_engine.spool.create() as file:
            file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    assert files() == before


@pytest.mark.cluster
def test_file_stays_as_long_as_it_may_be_read_again(cluster3: Engine) -> None:
    blocks, url = spooled(cluster3)
    gc.collect()
    kill_worker(cluster3, cluster3.places(blocks)[0])
    assert FloatSum().do_all(blocks) == sum(range(90))
    wait_for_workers(cluster3, 3)
    del blocks
    wait_until(lambda: not Path(url).exists(), "the file to be deleted")


def test_any_fsspec_url(any_engine: Engine, tmp_path: Path) -> None:
    from dh2o.mrtask.spool import Spool

    spool = Spool(any_engine, f"file://{tmp_path}")
    ref = spool.write_bytes(b"over fsspec")
    assert ref.url.startswith("file://")
    assert ref.read_bytes(5) == b"fsspec"
    del ref
    gc.collect()
    wait_until(lambda: not list(tmp_path.iterdir()), "the file to be deleted")
