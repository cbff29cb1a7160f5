"""Model files: the round trip, and files that mean harm."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dh2o.errors import ModelError
from dh2o.models import files, load_model, model_from_bytes, model_to_bytes, save_model
from dh2o.models.predict_local import score_table
from tests.models.curve_model import CurveModel, curve_model

GOOD = model_to_bytes(curve_model())


def rebuilt(change: Callable[[dict[str, bytes]], None]) -> bytes:
    """Return the good file with other entries."""
    with zipfile.ZipFile(io.BytesIO(GOOD)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def with_document(change: Callable[[dict[str, Any]], None]) -> bytes:
    def apply(entries: dict[str, bytes]) -> None:
        document = json.loads(entries["model.json"])
        change(document)
        entries["model.json"] = json.dumps(document).encode()

    return rebuilt(apply)


def test_round_trip_keeps_everything(model: CurveModel, tmp_path: Path) -> None:
    path = save_model(model, tmp_path / "m.zip")
    copy = load_model(path)
    assert str(copy) == str(model)
    assert dict(copy.params) == dict(model.params)
    assert copy.params["alpha"] == (0.1, 0.2)
    assert copy.output.category is model.output.category
    table = {"x": [1.0, None], "colour": ["red", "unseen"]}
    np.testing.assert_array_equal(score_table(copy, table), score_table(model, table))
    assert [p.name for p in tmp_path.iterdir()] == ["m.zip"]


def test_the_same_model_gives_the_same_bytes(model: CurveModel) -> None:
    assert model_to_bytes(model) == GOOD == model_to_bytes(model_from_bytes(GOOD))


def test_the_document_is_strict_json() -> None:
    with zipfile.ZipFile(io.BytesIO(GOOD)) as archive:
        text = archive.read("model.json")

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    json.loads(text, parse_constant=refuse)


def _hostile_array(shape: str, dtype: str = "'<f8'", body: bytes = b"") -> bytes:
    header = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + body


HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "no zip": b"PK\x03\x04 but not really",
    "cut": GOOD[: len(GOOD) // 2],
    "no document": rebuilt(lambda e: e.pop("model.json") and None),
    "no json": rebuilt(lambda e: e.update({"model.json": b"{"})),
    "other json": rebuilt(lambda e: e.update({"model.json": b"[1]"})),
    "deep json": rebuilt(lambda e: e.update({"model.json": b"[" * 200_000})),
    "traversal": rebuilt(lambda e: e.update({"../../evil.npy": b""})),
    "absolute": rebuilt(lambda e: e.update({"/etc/evil": b""})),
    "pickle": rebuilt(lambda e: e.update({"arrays/x.npy": _hostile_array("(1,)", "'|O'")})),
    "huge": rebuilt(lambda e: e.update({"arrays/x.npy": _hostile_array("(99999999999,)")})),
    "overflow": rebuilt(lambda e: e.update({"arrays/x.npy": _hostile_array("(2**70,)")})),
    "negative": rebuilt(
        lambda e: e.update({"arrays/x.npy": _hostile_array("(-1,-1)", body=b"8" * 8)})
    ),
    "fields": rebuilt(lambda e: e.update({"arrays/x.npy": _hostile_array("(0,)", "[('a','|O')]")})),
    "no npy": rebuilt(lambda e: e.update({"arrays/x.npy": b"hello"})),
    "bomb": rebuilt(lambda e: e.update({"arrays/x.npy": b"\0" * (70 << 20)})),
    "array gone": rebuilt(lambda e: e.pop("arrays/own.effects.npy") and None),
    "newer": with_document(lambda d: d.update(version=files.FORMAT_VERSION + 1)),
    "version": with_document(lambda d: d.update(version="x")),
    "algo": with_document(lambda d: d.update(algo="../os")),
    "key": with_document(lambda d: d.update(key=7)),
    "no state": with_document(lambda d: d.pop("state") and None),
    "type": with_document(lambda d: d.update(output={"$type": "Popen", "fields": {}})),
    "field": with_document(lambda d: d["output"]["fields"].update(evil=1)),
    "tag": with_document(lambda d: d.update(state={"$eval": "1"})),
    "unhashable": with_document(lambda d: d.update(state={"$map": [[[1], 2]]})),
    "params": with_document(lambda d: d.update(params=[1, 2])),
    "shape": with_document(lambda d: d["state"].update(levels=["one"])),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_give_typed_errors(kind: str) -> None:
    with pytest.raises(ModelError):
        model_from_bytes(HOSTILE[kind])


@settings(deadline=None, max_examples=200)
@given(st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=4))
def test_random_damage_gives_typed_errors_or_the_model(at: int, noise: bytes) -> None:
    damaged = GOOD[:at] + noise + GOOD[at + len(noise) :]
    try:
        found = model_from_bytes(damaged)
    except ModelError:
        return
    assert isinstance(found, CurveModel)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="No such file"):
        load_model(tmp_path / "none")
    with pytest.raises(ModelError, match="Cannot read"):
        load_model(tmp_path)


def test_older_files_are_migrated(monkeypatch: pytest.MonkeyPatch) -> None:
    def from_1(document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "key": "migrated"}

    monkeypatch.setattr(files, "FORMAT_VERSION", 2)
    monkeypatch.setitem(files.MIGRATIONS, 1, from_1)
    assert model_from_bytes(GOOD).key == "migrated"


def test_states_that_a_file_cannot_hold_are_refused(model: CurveModel) -> None:
    odd = model.replace(effects=np.array([object()]))
    with pytest.raises(ModelError, match="numbers or texts"):
        model_to_bytes(odd)
    extra = model.replace(output=model.output.replace(extra={"f": open}))
    with pytest.raises(ModelError, match="not a registered type"):
        model_to_bytes(extra)
