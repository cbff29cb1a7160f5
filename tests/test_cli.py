"""The shell command: train, predict, demo, and errors as one line with exit status 1."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from dh2o import cli


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    path = tmp_path / "table.csv"
    a, b = rng.normal(size=(2, 400))
    noise = rng.normal(size=400)
    with path.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["a", "b", "colour", "y"])
        for i in range(400):
            writer.writerow(
                [f"{a[i]:.4f}", f"{b[i]:.4f}", "rg"[i % 2], int(a[i] + (i % 2) + noise[i] / 2 > 0)]
            )
    return path


def read_rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text())))


@pytest.mark.parametrize("algorithm", ["gbm", "glm"])
def test_train_then_predict(
    algorithm: str, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, scored = tmp_path / "m.dh2o", tmp_path / "p.csv"
    arguments = ["train", algorithm, str(table), "-y", "y", "--classify", "-o", str(model)]
    more = {"gbm": ["-p", "ntrees=5", "-p", "seed=1"], "glm": ["-p", "family=binomial"]}
    assert cli.main([*arguments, *more[algorithm]]) == 0
    assert "Model saved to" in capsys.readouterr().out
    assert cli.main(["predict", str(model), str(table), "-o", str(scored)]) == 0
    rows = read_rows(scored)
    assert len(rows) == 400
    assert set(rows[0]) == {"predict", "p0", "p1"}
    truth = [row["y"] for row in read_rows(table)]
    hits = sum(row["predict"] == y for row, y in zip(rows, truth, strict=True))
    assert hits > 300


def test_predictions_go_to_standard_output(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = str(tmp_path / "m.dh2o")
    assert cli.main(["train", "gbm", str(table), "-y", "a", "-o", model, "-p", "ntrees=2"]) == 0
    capsys.readouterr()
    assert cli.main(["predict", model, str(table)]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == 400
    assert np.isfinite([float(row["predict"]) for row in rows]).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "gbm", "nowhere.csv", "-y", "y", "-o", "OUT"], "nowhere.csv"),
        (["train", "gbm", "TABLE", "-y", "z", "-o", "OUT"], "z"),
        (["train", "nothing", "TABLE", "-y", "y", "-o", "OUT"], "gbm"),
        (["train", "gbm", "TABLE", "-y", "y", "-o", "OUT", "-p", "ntree=3"], "ntree"),
        (["train", "gbm", "TABLE", "-y", "y", "-o", "OUT", "-p", "ntrees"], "NAME=VALUE"),
        (["train", "gbm", "TABLE", "-y", "y", "-o", "TABLE"], "--force"),
        (["predict", "nowhere.dh2o", "TABLE"], "nowhere.dh2o"),
        (["predict", "TABLE", "TABLE"], "table.csv"),
    ],
)
def test_errors_are_one_line(
    arguments: list[str],
    message: str,
    table: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    places = {"TABLE": str(table), "OUT": str(tmp_path / "out.dh2o")}
    assert cli.main([places.get(a, a) for a in arguments]) == 1
    error = capsys.readouterr().err
    assert error.startswith("dh2o: ")
    assert message in error
    assert "Traceback" not in error
    assert not (tmp_path / "out.dh2o").exists()
