"""Grids as files: written, read back, gone on with; hostile ones refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from dh2o.errors import ModelError
from dh2o.estimators.search.grid import Grid, resume_grid, start_grid
from dh2o.estimators.search.grid_files import export_grid, file_name, import_grid
from dh2o.frame import Frame
from dh2o.mrtask import Engine

PARAMS = {"training_frame": "grid.hex", "response_column": "num", "seed": 1}


@pytest.fixture
def grid(engine: Engine, table: pd.DataFrame) -> Grid:
    Frame.from_pandas(table).put("grid.hex")
    job = start_grid(engine, "mean", PARAMS, {"steps": [1, 2]}, grid_id="kept")
    job.result()
    found: Grid = engine.dkv.get("kept")
    return found


def forget(engine: Engine, grid: Grid) -> None:
    engine.dkv.remove(grid.key, *grid.model_keys, "grid.hex")


def test_a_grid_comes_back_with_its_models_and_goes_on(
    engine: Engine, grid: Grid, tmp_path: Path
) -> None:
    path = export_grid(grid, str(tmp_path), frames=True)
    before = Frame.get("grid.hex").to_pandas()
    forget(engine, grid)
    again = import_grid(str(path), frames=True)
    assert again == grid
    pd.testing.assert_frame_equal(Frame.get("grid.hex").to_pandas(), before)
    assert [engine.dkv.get(key).key for key in again.model_keys] == list(grid.model_keys)
    resume_grid(engine, "kept").result()
    assert engine.dkv.get("kept").model_keys == grid.model_keys
    start_grid(engine, "mean", PARAMS, {"steps": ["2", 3.0]}, grid_id="kept").result()
    assert len(engine.dkv.get("kept").model_keys) == 3  # 2 was there, however it is written


def test_files_grow_with_the_search(engine: Engine, table: pd.DataFrame, tmp_path: Path) -> None:
    Frame.from_pandas(table).put("grid.hex")
    params = {**PARAMS, "export_checkpoints_dir": str(tmp_path / "a"), "nfolds": 2}
    recovery = str(tmp_path / "b")
    start_grid(
        engine, "mean", params, {"steps": [1, 2]}, grid_id="grown", recovery_dir=recovery
    ).result()
    models = engine.dkv.get("grown").model_keys
    folds = [f"{key}_cv_{i}" for key in models for i in (1, 2)]
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == sorted(["grown", *models, *folds])
    kept = sorted(p.name for p in (tmp_path / "b").iterdir())
    assert kept == sorted(["grown", "grid.hex.arrow", *models])
    assert len(import_grid(str(tmp_path / "b" / "grown"), frames=True).model_keys) == 2


def test_frames_that_were_not_written_are_missed(grid: Grid, tmp_path: Path) -> None:
    path = export_grid(grid, str(tmp_path))
    with pytest.raises(ModelError, match="without the frames"):
        import_grid(str(path), frames=True)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "zip"},
        {"version": 9},
        {"models": 7},
        {"failures": [1]},
        {"search": {"params": {}}},
        {"models": ["../../etc/passwd"]},
        None,
    ],
)
def test_hostile_documents_give_a_typed_error(
    grid: Grid, tmp_path: Path, change: dict[str, Any] | None
) -> None:
    path = export_grid(grid, str(tmp_path))
    text = path.read_text()
    path.write_text(text[:-9] if change is None else json.dumps({**json.loads(text), **change}))
    with pytest.raises(ModelError):
        import_grid(str(path))


def test_names_of_files_are_no_paths() -> None:
    assert file_name("../a/b\\c") == "_a_b_c"
    assert file_name("..") == "_"
    with pytest.raises(ModelError, match="No grid at"):
        import_grid("/nowhere/at/all")
