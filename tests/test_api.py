"""The functions of ``import dh2o``: files to frames, keys, models' files."""

from __future__ import annotations

from pathlib import Path

import pytest

import dh2o
from dh2o.errors import (
    DH2OError,
    FrameError,
    KeyNotFoundError,
    ModelError,
    ParameterError,
    ParseError,
)
from dh2o.estimators import H2OGradientBoostingEstimator
from dh2o.mrtask import Engine

TEXT = "a,b,c\n" + "".join(f"{i},{i * 0.5},{'xy'[i % 2]}\n" for i in range(50))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "small.csv"
    file.write_text(TEXT)
    return file


def test_every_public_name_is_there() -> None:
    assert all(getattr(dh2o, name) is not None for name in dh2o.__all__)
    with pytest.raises(AttributeError, match="nothing"):
        dh2o.nothing  # noqa: B018


def test_import_keeps_names_types_and_key(any_engine: Engine, path: Path) -> None:
    frame = dh2o.import_file(path, destination_frame="api.hex")
    assert (frame.nrows, frame.names) == (50, ["a", "b", "c"])
    assert frame.types == {"a": "int", "b": "real", "c": "enum"}
    assert dh2o.get_frame("api.hex").frame_id == "api.hex"
    assert "api.hex" in [entry["key"] for entry in dh2o.ls()]
    dh2o.remove(frame)
    with pytest.raises(KeyNotFoundError, match=r"api\.hex"):
        dh2o.get_frame("api.hex")


def test_options_reach_the_parser(engine: Engine, path: Path) -> None:
    frame = dh2o.import_file(
        path, col_names=["p", "q", "r"], col_types={"r": "string"}, header=1, skipped_columns=[1]
    )
    assert frame.types == {"p": "int", "r": "string"}


def test_upload_goes_through_the_spool(any_engine: Engine, path: Path) -> None:
    frame = dh2o.upload_file(path)
    assert frame["a"].sum() == sum(range(50))


def test_export_writes_what_was_read(engine: Engine, path: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    dh2o.export_file(dh2o.import_file(path), out)
    again = dh2o.import_file(out)
    assert again.types == {"a": "int", "b": "real", "c": "enum"}
    with pytest.raises(ParameterError, match="force"):
        dh2o.export_file(again, out)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (lambda _: dh2o.import_file("nowhere.csv"), ParseError),
        (lambda path: dh2o.import_file(path, quotechar="x"), ParameterError),
        (lambda _: dh2o.upload_file("nowhere.csv"), ParameterError),
        (lambda _: dh2o.get_frame("nothing"), KeyNotFoundError),
        (lambda _: dh2o.get_model("nothing"), KeyNotFoundError),
        (lambda _: dh2o.load_model("nowhere.dh2o"), ModelError),
        (dh2o.load_model, ModelError),
        (lambda _: dh2o.remove(3), ParameterError),
        (lambda _: dh2o.save_model(3), ParameterError),
    ],
)
def test_errors_are_typed_and_leave_nothing(
    engine: Engine,
    path: Path,
    wrong: object,
    error: type[DH2OError],
) -> None:
    before = {entry["key"] for entry in dh2o.ls()}
    with pytest.raises(error):
        wrong(path)  # type: ignore[operator]
    assert {entry["key"] for entry in dh2o.ls()} == before


def test_model_file_round_trip(engine: Engine, path: Path, tmp_path: Path) -> None:
    frame = dh2o.import_file(path)
    model = H2OGradientBoostingEstimator(ntrees=3, min_rows=2, seed=1)
    model.train(x=["a", "b"], y="c", training_frame=frame)
    file = dh2o.save_model(model, tmp_path)
    assert file.name == model.model_id
    before = model.predict(frame).to_arrow()
    dh2o.remove(model)
    again = dh2o.load_model(file)
    assert again.predict(frame).to_arrow().equals(before)
    assert dh2o.get_model(model.model_id).auc() == model.auc()
    with pytest.raises(ParameterError, match="force"):
        dh2o.save_model(model, tmp_path)


def test_remove_all_keeps_the_retained(engine: Engine, path: Path) -> None:
    dh2o.import_file(path, destination_frame="keep.hex")
    dh2o.import_file(path, destination_frame="drop.hex")
    dh2o.remove_all(retained=["keep.hex"])
    assert [entry["key"] for entry in dh2o.ls() if entry["kind"] == "frame"] == ["keep.hex"]
    dh2o.remove_all()


def test_frames_are_saved_and_loaded(engine: Engine, path: Path, tmp_path: Path) -> None:
    frame = dh2o.import_file(path, destination_frame="kept.frame")
    assert frame.save(tmp_path) == "kept.frame"
    dh2o.remove(frame)
    again = dh2o.load_frame("kept.frame", tmp_path)
    assert again.types == {"a": "int", "b": "real", "c": "enum"}
    assert again["a"].sum() == sum(range(50))
    with pytest.raises(FrameError, match="force"):
        dh2o.load_frame("kept.frame", tmp_path, force=False)
    dh2o.remove("kept.frame")
    with pytest.raises(FrameError, match="missing"):
        dh2o.load_frame("other", tmp_path)


def test_copies_keep_their_values(engine: Engine) -> None:
    frame = dh2o.H2OFrame({"x": [1, 2]}, destination_frame="first")
    copy = dh2o.deep_copy(frame, "second")
    frame[0, "x"] = 9
    assert copy["x"].sum() == 3
    assert dh2o.frame("second")["rows"] == 2
    assert {"second"} <= {facts["frame_id"] for facts in dh2o.frames()}
    assert dh2o.assign(copy, "third").frame_id == "third"
    with pytest.raises(ParameterError, match="third"):
        dh2o.assign(copy, "third")
    dh2o.remove(["first", "second", "third"])


def test_expressions_as_text(engine: Engine) -> None:
    assert dh2o.rapids("(+ 1 2)") == 3
    assert dh2o.rapids("(seq_len 3)").nrow == 3
    assert dh2o.get_timezone() == "UTC"
    assert dh2o.list_timezones().nrow > 300


def test_random_frames_have_the_shares_asked_for(engine: Engine) -> None:
    made = dh2o.create_frame(rows=20, cols=10, time_fraction=0.5, seed=1)
    kinds = list(made.types.values())
    assert kinds.count("time") == 5
    with pytest.raises(ParameterError, match="add up"):
        dh2o.create_frame(real_fraction=0.9, time_fraction=0.5)


def test_memory_that_a_table_needs() -> None:
    assert dh2o.estimate_cluster_mem(18, 2_000_000) == 2
    with pytest.raises(ParameterError, match="ncols"):
        dh2o.estimate_cluster_mem(1, 1, num_cols=2)
