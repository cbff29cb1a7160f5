"""Values travel whole, arrays beside their pickle, and say which blocks they mention."""

from __future__ import annotations

import importlib
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dh2o.errors import FrameError
from dh2o.mrtask import Blocks, wire


@pytest.mark.parametrize("protocol", [4, 5])
def test_arrays_stay_outside_the_pickle(protocol: int) -> None:
    parcel = wire.pack({"x": np.arange(10_000.0)})
    assert len(parcel.head) < 1000
    assert parcel.nbytes > 80_000
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(parcel, protocol)).open()["x"], np.arange(10_000.0)
    )


def test_noncontiguous_arrays_travel() -> None:
    value = np.arange(24.0).reshape(4, 6)[::2, ::3]
    np.testing.assert_array_equal(wire.pack(value).open(), value)


def test_functions_of_scripts_travel() -> None:
    base = 10
    assert wire.loads(wire.dumps(lambda x: x + base))(5) == 15


def test_mentions_are_collected_when_pickled_and_unpickled() -> None:
    blocks = Blocks("b", (1, 2))
    with wire.mentions() as found:
        data = wire.dumps([{"deep": blocks}])
    assert found == [blocks]
    with wire.mentions() as found:
        wire.loads(data)
    assert found == [blocks]
    wire.dumps(blocks)  # without a collector nothing happens


def test_exceptions_keep_type_message_and_traceback() -> None:
    try:
        raise FrameError("Column 'x' is missing.")
    except FrameError as error:
        back = wire.unpack_exception(wire.pack_exception(error))
    assert isinstance(back, FrameError)
    with pytest.raises(FrameError, match="'x' is missing"):
        raise back
    assert "test_exceptions_keep_type" in str(back.__cause__)


class SlowFinder:
    """Finds nothing itself, but takes its time with one package."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.may_go_on = threading.Event()

    def find_spec(self, name: str, *_: Any) -> None:
        if name == "slowly_found":
            self.begun.set()
            self.may_go_on.wait(1.0)


def test_packages_are_imported_before_their_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "slowly_found"
    package.mkdir()
    (package / "__init__.py").write_text("from . import part\n")
    (package / "part.py").write_text("class Thing: pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    finder = SlowFinder()
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    with ThreadPoolExecutor(2) as threads:
        importing = threads.submit(importlib.import_module, "slowly_found")
        finder.begun.wait()
        opening = threads.submit(wire.Parcel(b"cslowly_found.part\nThing\n.").open)
        threading.Timer(0.1, finder.may_go_on.set).start()  # later is as good
        found = opening.result()
        importing.result()
    assert found is sys.modules["slowly_found.part"].Thing


IN_A_CYCLE = """
import gc, pickle
import numpy as np
from dh2o.mrtask import wire

def sent(parcel):
    frames = []
    head = pickle.dumps(parcel, protocol=5, buffer_callback=lambda f: frames.append(memoryview(f)))
    return head, frames

for _ in range(50):
    parcel = wire.pack([np.zeros(10_000), np.ones(5_000)])
    head, frames = sent(parcel)
    again = pickle.loads(head, buffers=frames)
    cycle = [parcel, frames, again, *sent(again)]
    cycle.append(cycle)
    del parcel, frames, again, cycle
    gc.collect()
"""


def test_parcels_on_their_way_can_be_collected() -> None:
    # An error of a connection keeps the frames that it went through, and they keep the error.
    done = subprocess.run(
        [sys.executable, "-c", IN_A_CYCLE], capture_output=True, text=True, timeout=600, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
