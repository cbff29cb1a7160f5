"""The official client's frames: in, looked at, changed, out again."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest


def test_cluster_status_shows_no_warning(h2o: Any, capsys: pytest.CaptureFixture[str]) -> None:
    cluster = h2o.cluster()
    cluster.show_status(True)
    shown = capsys.readouterr().out
    assert "3.46.0.12" in shown
    assert "old" not in shown.lower().replace("h2o_cluster_version_age", "")
    assert cluster.cloud_healthy
    assert cluster.list_jobs() is not None
    assert cluster.list_all_extensions() == []


def test_import_and_upload_read_the_same(h2o: Any, prostate: str) -> None:
    imported, uploaded = h2o.import_file(prostate), h2o.upload_file(prostate)
    assert imported.frame_id.startswith("prostate")
    assert imported.shape == uploaded.shape == (380, 9)
    assert imported.types == uploaded.types
    assert imported.types["PSA"] == "real"
    again = h2o.import_file(prostate)
    assert again.frame_id != imported.frame_id


def test_tables_that_come_with_the_client(h2o: Any) -> None:
    assert h2o.import_file("h2o://iris").shape == (150, 5)


def test_python_data(h2o: Any) -> None:
    frame = h2o.H2OFrame(
        {"n": [1, 2, None], "s": ["x", "y", None], "t": ["2020-01-01", None, None]}
    )
    assert frame.shape == (3, 3)
    assert frame.nacnt()[0] == 1
    assert frame.as_data_frame(use_pandas=False)[1][:2] == ["1", "x"]


def test_describe_and_summary(h2o: Any, prostate: str, capsys: pytest.CaptureFixture[str]) -> None:
    frame = h2o.import_file(prostate)
    frame.describe()
    shown = capsys.readouterr().out
    assert "66.0394736" in shown
    assert "Rows:380" in shown
    summary = h2o.api(f"GET /3/Frames/{frame.frame_id}/summary")["frames"][0]
    age = next(c for c in summary["columns"] if c["label"] == "AGE")
    assert sum(age["histogram_bins"]) == 380
    assert len(age["percentiles"]) == 17
    assert summary["chunk_summary"].cell_values


def test_slices_arithmetic_assignment(h2o: Any, prostate: str) -> None:
    frame = h2o.import_file(prostate)
    old = frame[frame["AGE"] > 70, ["AGE", "PSA"]]
    assert old["AGE"].min() == 71
    frame["DOUBLE"] = frame["AGE"] * 2
    assert frame["DOUBLE"].max() == 2 * frame["AGE"].max()
    frame["CAPSULE"] = frame["CAPSULE"].asfactor()
    assert frame["CAPSULE"].levels() == [["0", "1"]]
    assert frame[0, "AGE"] == 65
    assert frame[:3, :].shape == (3, 10)
    assert frame.head(5).shape == (5, 10)


def test_split_and_group(h2o: Any, prostate: str) -> None:
    frame = h2o.import_file(prostate)
    parts = frame.split_frame([0.7], seed=1)
    assert sum(part.nrow for part in parts) == 380
    means = frame.group_by("RACE").mean("AGE").get_frame().as_data_frame(use_pandas=False)
    assert [row[0] for row in means[1:]] == ["0", "1", "2"]
    assert float(means[1][1]) == pytest.approx(62.6667, abs=1e-3)


def test_list_get_remove(h2o: Any, prostate: str) -> None:
    frame = h2o.import_file(prostate)
    key = frame.frame_id
    assert key in h2o.ls().iloc[:, 0].tolist()
    assert h2o.get_frame(key).shape == (380, 9)
    assert key in [f["frame_id"]["name"] for f in h2o.frames()["frames"]]
    other = h2o.H2OFrame([[1], [2]])
    h2o.remove(other)
    h2o.remove_all(retained=[key])
    assert h2o.ls().iloc[:, 0].tolist() == [key]


def test_export_writes_what_download_reads(h2o: Any, prostate: str, tmp_path: Path) -> None:
    frame = h2o.import_file(prostate)
    target = tmp_path / "out.csv"
    h2o.export_file(frame, str(target))
    downloaded = tmp_path / "down.csv"
    h2o.download_csv(frame, str(downloaded))
    assert target.read_text() == downloaded.read_text()
    assert (
        target.read_text().splitlines()[0]
        == '"ID","CAPSULE","AGE","RACE","DPROS","DCAPS","PSA","VOL","GLEASON"'
    )
    with pytest.raises(h2o.exceptions.H2OResponseError, match="already exists"):
        h2o.export_file(frame, str(target))
    h2o.export_file(frame, str(tmp_path / "parts"), parts=3)
    parts = sorted((tmp_path / "parts").iterdir())
    assert [part.name for part in parts] == [f"part-m-0000{i}" for i in range(3)]
    lines = [line for part in parts for line in part.read_text().splitlines()[1:]]
    assert lines == target.read_text().splitlines()[1:]
    assert not list(tmp_path.glob("*.part*"))


def test_made_frames_depend_on_the_seed_alone(h2o: Any) -> None:
    def make(seed: int) -> list[list[str]]:
        made = h2o.create_frame(
            rows=200, cols=8, seed=seed, missing_fraction=0.1, string_fraction=0.1,
            has_response=True, response_factors=3,
        )  # fmt: skip
        assert made.shape == (200, 9)
        return made.as_data_frame(use_pandas=False)

    assert make(7) == make(7)
    assert make(7) != make(8)


def test_missing_values_and_interactions(h2o: Any) -> None:
    frame = h2o.create_frame(
        rows=1000, cols=3, seed=1, categorical_fraction=1, integer_fraction=0, binary_fraction=0,
        factors=3, missing_fraction=0,
    )  # fmt: skip
    frame.insert_missing_values(fraction=0.2, seed=5)
    n_na = sum(frame.nacnt())
    assert n_na == pytest.approx(600, rel=0.2)
    crossed = h2o.interaction(frame, ["C1", "C2"], pairwise=False, max_factors=4, min_occurrence=1)
    assert crossed.names == ["C1_C2"]
    assert crossed.nlevels() == [5]
    assert "other" in crossed.levels()[0]


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (lambda h2o: h2o.api("GET /3/Frames/none"), "none"),
        (lambda h2o: h2o.rapids("(no.such.op 1)"), "no.such.op"),
        (lambda h2o: h2o.rapids("(+ 1"), "(+ 1"),
        (lambda h2o: h2o.import_file("/nonexistent/x.csv"), "/nonexistent/x.csv"),
        (lambda h2o: h2o.get_model("none"), "none"),
        (lambda h2o: h2o.api("GET /3/Cloud", data={"colour": "red"}), "Unknown parameter: colour"),
    ],
)
def test_errors_arrive_as_the_clients_own(h2o: Any, action: Any, words: str) -> None:
    with pytest.raises(h2o.exceptions.H2OResponseError) as caught:
        action(h2o)
    assert words in str(caught.value)


def test_a_refused_value_is_told_in_the_words_of_h2o(h2o: Any) -> None:
    frame = h2o.H2OFrame({"c": ["a", "b"]}, column_types=["enum"])
    frame[frame["c"] == "a", "c"] = "x"
    with pytest.raises(h2o.exceptions.H2OResponseError) as refused:
        frame.refresh()
    assert refused.value.args[0].msg == "Cannot assign value x into a vector of type Enum."
    assert "The column is 'c'. Its levels: ['a', 'b']." in refused.value.args[0].dev_msg


def test_a_column_without_levels_is_numbers(h2o: Any) -> None:
    data = [["D", "NA", ""], ["1", "NA", ""]]
    frame = h2o.H2OFrame(data, column_types=["enum"] * 3, na_strings=["NA"])
    assert frame.types == {"C1": "enum", "C2": "int", "C3": "enum"}
    assert frame["C2"].nacnt() == [2]
    assert frame["C2"].asfactor().types == {"C2": "enum"}


def test_nothing_is_left_of_a_failed_import(h2o: Any, tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.touch()
    with pytest.raises((h2o.exceptions.H2OResponseError, OSError)):
        h2o.import_file(str(empty))
    assert h2o.ls().shape[0] == 0


def test_a_scalar_that_is_na_is_nan(h2o: Any) -> None:
    frame = h2o.H2OFrame([[None], [None]], column_types=["numeric"])
    assert math.isnan(frame[0, 0])


def test_a_frame_is_saved_and_read_again(h2o: Any, tmp_path: Path) -> None:
    from h2o.exceptions import H2OResponseError

    made = {"x": [1, None, 2.5], "level": ["a", "b", "a"], "s": ["u", "v", "w"]}
    frame = h2o.H2OFrame(made, destination_frame="kept", column_types=["numeric", "enum", "string"])
    before = frame.as_data_frame(use_pandas=False)
    frame.save(str(tmp_path))
    with pytest.raises(H2OResponseError, match="File already exists"):
        frame.save(str(tmp_path), force=False)
    with pytest.raises(H2OResponseError, match="Frame Key<Frame> kept already exists"):
        h2o.load_frame("kept", str(tmp_path), force=False)
    h2o.remove(frame)
    again = h2o.load_frame("kept", str(tmp_path), force=False)
    assert again.as_data_frame(use_pandas=False) == before
    assert again.types == {"x": "real", "level": "enum", "s": "string"}
    with pytest.raises(H2OResponseError, match="No frame 'other'"):
        h2o.load_frame("other", str(tmp_path))


def test_an_assembly_selects_changes_and_adds(h2o: Any) -> None:
    from h2o.assembly import H2OAssembly
    from h2o.exceptions import H2OResponseError
    from h2o.transforms.preprocessing import H2OBinaryOp, H2OCol, H2OColOp, H2OColSelect

    frame = h2o.H2OFrame(
        {"x": [0.0, 1.0], "y": [2.0, 4.0], "s": ["miss", "sun"], "z": [1, 1]},
        column_types=["numeric", "numeric", "string", "numeric"],
    )
    steps = [
        ("select", H2OColSelect(["x", "y", "s"])),
        ("cos", H2OColOp(op=h2o.H2OFrame.cos, col="x", inplace=True)),
        ("count", H2OColOp(op=h2o.H2OFrame.countmatches, col="s", inplace=False, pattern="s")),
        (
            "sum",
            H2OBinaryOp(
                op=h2o.H2OFrame.__add__, col="x", inplace=False, new_col_name="both",
                right=H2OCol("y"),
            ),
        ),
    ]  # fmt: skip
    result = H2OAssembly(steps).fit(frame)
    assert result.names == ["x", "y", "s", "s0", "both"]
    rows = result.as_data_frame(use_pandas=False, header=False)
    assert [float(row[3]) for row in rows] == [2.0, 1.0]
    assert float(rows[1][4]) == pytest.approx(0.5403023058681398 + 4)
    assert frame.names == ["x", "y", "s", "z"]
    with pytest.raises(H2OResponseError, match="nowhere"):
        H2OAssembly([("bad", H2OColOp(op=h2o.H2OFrame.cos, col="nowhere"))]).fit(frame)
