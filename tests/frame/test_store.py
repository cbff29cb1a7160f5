from __future__ import annotations

import gc
import weakref

import pytest

from dh2o.errors import FrameError, KeyNotFoundError
from dh2o.frame import Frame, new_frame_key
from dh2o.mrtask import Engine


def test_put_get_delete(any_engine: Engine) -> None:
    stored = Frame.from_python({"a": [1, 2, 3]}).put()
    assert stored.key is not None
    assert stored.key.startswith("Key_Frame__")
    found = Frame.get(stored.key)
    assert found.key == stored.key
    assert found.to_arrow().column("a").to_pylist() == [1, 2, 3]
    Frame.delete(stored.key)
    with pytest.raises(KeyNotFoundError, match=stored.key):
        Frame.get(stored.key)


def test_rollups_are_kept_with_the_stored_frame(engine: Engine) -> None:
    stored = Frame.from_python({"a": [1, 2, 3]}).put(new_frame_key())
    assert Frame.get(str(stored.key)).vecs[0].cell.rollups is None
    rolled = stored.rollups()
    found = Frame.get(str(stored.key)).vecs[0].cell.rollups
    assert repr(found) == repr(rolled[0])
    Frame.delete(str(stored.key))


def test_a_lock_does_not_hinder_rollups(engine: Engine) -> None:
    stored = Frame.from_python({"a": [1, 2]}).put(new_frame_key())
    engine.dkv.read_lock(str(stored.key), "a job")
    assert stored.rollups()[0].mean == 1.5
    engine.dkv.unlock(str(stored.key), "a job")
    Frame.delete(str(stored.key))


def test_another_kind_of_value_is_no_frame(engine: Engine) -> None:
    engine.dkv.put("no_frame", 1, kind="number")
    with pytest.raises(KeyNotFoundError, match="no_frame"):
        Frame.get("no_frame")
    engine.dkv.remove("no_frame")


@pytest.mark.parametrize("key", ["a b", "a/b", "", "a?"])
def test_illegal_keys(engine: Engine, key: str) -> None:
    with pytest.raises(FrameError, match="no legal key"):
        Frame.from_python([1]).put(key or " ")


def test_in_this_process_a_frame_is_opened_once(engine: Engine) -> None:
    frame = Frame.from_python({"a": [1.0, 2.0]}).put("once")
    first = engine.dkv.find("once")
    assert engine.dkv.find("once") is first
    assert engine.dkv.kind("once") == "frame"
    frame.with_key(None).put("once")  # another version
    assert engine.dkv.find("once") is not first
    blocks = weakref.ref(engine.dkv.find("once").vecs[0].ref[0])
    del frame, first
    engine.dkv.remove("once")  # and nothing is left of it
    gc.collect()
    assert blocks() is None
    assert engine.dkv.find("once") is None
    assert not engine.dkv.contains("once")
