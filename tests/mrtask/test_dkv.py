"""The DKV: shared, atomic, locked, and the owner of the data that its values mention."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from dh2o.chunks import encode_ints
from dh2o.errors import KeyLockedError, KeyNotFoundError
from dh2o.mrtask import Blocks, Engine, wire
from dh2o.mrtask.start import join_cluster
from tests.killing import say, wait_until
from tests.mrtask.tables import FloatSum, table


@pytest.fixture(autouse=True)
def _clean(request: pytest.FixtureRequest) -> Any:
    name = "any_engine" if "any_engine" in request.fixturenames else "cluster3"
    dkv = request.getfixturevalue(name).dkv
    yield
    dkv.unlock_all()
    dkv.remove_all()


def test_values_come_back(any_engine: Engine) -> None:
    assert any_engine.dkv.put("a", {"x": np.arange(3)}, kind="thing") == 1
    np.testing.assert_array_equal(any_engine.dkv.get("a")["x"], [0, 1, 2])
    assert any_engine.dkv.kind("a") == "thing"
    assert "a" in any_engine.dkv
    assert any_engine.dkv.put("a", None) == 2


def test_missing_key_names_known_ones(any_engine: Engine) -> None:
    any_engine.dkv.put("here", 1)
    with pytest.raises(KeyNotFoundError, match=r"'gone' not found\. Known keys: here"):
        any_engine.dkv.get("gone")
    assert any_engine.dkv.find("gone", 5) == 5


def test_entries_count_the_blocks(any_engine: Engine) -> None:
    any_engine.dkv.put("n", 1, kind="number")
    blocks = table(any_engine, (1000, 1000))
    any_engine.wait(blocks)
    version = any_engine.dkv.put("f", blocks, kind="frame")
    (entry,) = any_engine.dkv.entries("frame")
    assert (entry.key, entry.kind, entry.version) == ("f", "frame", version)
    assert 18_000 < entry.nbytes < 25_000
    assert any_engine.dkv.keys() == ["n", "f"]


def test_blocks_live_with_their_entry(any_engine: Engine) -> None:
    blocks = table(any_engine, (100, 100))
    expected = FloatSum().do_all(blocks)
    any_engine.dkv.put("f", {"deep": [blocks]})
    name = blocks.name
    del blocks
    assert FloatSum().do_all(any_engine.dkv.get("f")["deep"][0]) == expected
    any_engine.dkv.remove("f")
    wait_until(lambda: is_gone(any_engine, name), "the blocks to be freed")


def is_gone(engine: Engine, name: str) -> bool:
    return not engine.client.run_on_scheduler(
        lambda dask_scheduler: [k for k in dask_scheduler.tasks if k[0] == name]
    )


def test_value_got_before_removal_stays_usable(any_engine: Engine) -> None:
    any_engine.dkv.put("f", table(any_engine, (100, 100)))
    blocks = any_engine.dkv.get("f")
    any_engine.dkv.remove("f")
    assert FloatSum().do_all(blocks) > 0


def test_replaced_value_lets_go_of_its_blocks(any_engine: Engine) -> None:
    name = any_engine.dkv.put("f", table(any_engine, (10,))) and any_engine.dkv.get("f").name
    any_engine.dkv.put("f", 1)
    wait_until(lambda: is_gone(any_engine, name), "the blocks to be freed")


def test_update_is_atomic(any_engine: Engine) -> None:
    def count() -> None:
        for _ in range(20):
            any_engine.dkv.update("n", lambda n: (n or 0) + 1)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert any_engine.dkv.get("n") == 80


def test_readers_keep_writers_out(any_engine: Engine) -> None:
    dkv = any_engine.dkv
    dkv.put("k", 1)
    dkv.read_lock("k", "one")
    dkv.read_lock("k", "two")
    assert dkv.entries()[0].readers == ("one", "two")
    for forbidden in (lambda: dkv.put("k", 2), lambda: dkv.remove("k")):
        with pytest.raises(KeyLockedError, match="'k' is in use by one"):
            forbidden()
    assert dkv.get("k") == 1
    dkv.unlock("k", "one")
    dkv.unlock("k", "two")
    assert dkv.remove("k") == ["k"]


def test_writer_keeps_everybody_out(any_engine: Engine) -> None:
    with any_engine.dkv.writing("k", "w"):
        with pytest.raises(KeyLockedError):
            any_engine.dkv.read_lock("k", "r")
        any_engine.dkv.held_by("w").put("k", 5)
        assert any_engine.dkv.entries()[0].writer == "w"
    assert any_engine.dkv.get("k") == 5


def test_reading_gives_the_value_locked(any_engine: Engine) -> None:
    any_engine.dkv.put("k", 1)
    with any_engine.dkv.reading("k") as value, pytest.raises(KeyLockedError):
        any_engine.dkv.held_by("somebody").put("k", value + 1)


def test_remove_all_keeps_retained_and_locked(any_engine: Engine) -> None:
    for key in "abc":
        any_engine.dkv.put(key, key)
    any_engine.dkv.read_lock("b", "reader")
    any_engine.dkv.remove_all(retained=["a"])
    assert any_engine.dkv.keys() == ["a", "b"]


@pytest.mark.cluster
def test_a_key_goes_when_its_last_reader_has_ended(any_engine: Engine) -> None:
    dkv = any_engine.dkv
    dkv.put("free", 1)
    dkv.remove_when_free("free")
    assert not dkv.contains("free")
    dkv.put("read", 1)
    dkv.read_lock("read", holder="one")
    dkv.read_lock("read", holder="two")
    dkv.remove_when_free("read")
    dkv.unlock("read", holder="one")
    assert dkv.get("read") == 1
    dkv.unlock("read", holder="two")
    assert not dkv.contains("read")


def test_a_key_that_was_written_anew_stays(any_engine: Engine) -> None:
    dkv = any_engine.dkv
    dkv.put("a", 1)
    dkv.write_lock("a", holder="writer")
    dkv.remove_when_free("a")
    written = {"value": wire.dumps(2), "kind": "", "tasks": [], "files": []}
    any_engine.call("put", key="a", **written, holder="writer")
    dkv.unlock("a", holder="writer")
    assert dkv.get("a") == 2


def test_clients_share_and_outlive_each_other(cluster3: Engine) -> None:
    guest = join_cluster(cluster3.client.scheduler.address)
    expected = FloatSum().do_all(blocks := table(guest, (100, 100, 100)))
    guest.dkv.put("shared", blocks, kind="frame")
    guest.dkv.read_lock("shared")
    guest.close()
    assert FloatSum().do_all(cluster3.dkv.get("shared")) == expected
    wait_until(lambda: not cluster3.dkv.entries()[0].readers, "the lock of the guest to be broken")


def big_block(i: int) -> Any:
    return (encode_ints(np.random.default_rng(i).integers(-(2**62), 2**62, 1_000_000)),)


@pytest.mark.cluster
def test_deleting_gives_memory_back(cluster3: Engine) -> None:
    def used() -> int:
        import os
        from pathlib import Path

        pages = cluster3.client.run(lambda: int(Path("/proc/self/statm").read_text().split()[1]))
        return sum(pages.values()) * os.sysconf("SC_PAGE_SIZE")

    small = cluster3.submit_blocks(big_block, [(i,) for i in range(3)])  # libraries are in memory
    cluster3.wait(small)
    before = used()
    cluster3.dkv.put("big", cluster3.submit_blocks(big_block, [(i,) for i in range(12)]))
    filled = used()
    assert filled - before > 70e6  # 12 blocks of 8 MB
    assert cluster3.dkv.entries()[0].nbytes > 95e6
    cluster3.dkv.remove("big")
    wait_until(lambda: used() - before < 20e6, "the memory to be given back")
    say(f"{(filled - before) / 1e6:.0f} MB for the frame, {(used() - before) / 1e6:.0f} MB after")


def test_value_whose_blocks_are_gone_is_refused(any_engine: Engine) -> None:
    with pytest.raises(KeyNotFoundError, match="'never-made', which the value of 'x' mentions"):
        any_engine.dkv.put("x", Blocks("never-made", (3,)))
    assert "x" not in any_engine.dkv


def test_names_only_without_data(any_engine: Engine) -> None:
    any_engine.dkv.put("x", Blocks("no-such-tasks", ()))
    assert FloatSum().do_all(any_engine.dkv.get("x")) is None
