"""Grids as files: a JSON document under the grid's key, its models and frames beside it.

There is no code in any of them; a document that is damaged or hostile gives a `ModelError`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dh2o.errors import DH2OError, KeyNotFoundError, ModelError
from dh2o.estimators.search.grid import Grid, GridFailure, GridSearch
from dh2o.estimators.search.search_criteria import SearchCriteria, vars_of
from dh2o.files import replaced
from dh2o.frame import Frame
from dh2o.models import Model, load_model, save_model
from dh2o.mrtask import current_engine

__all__ = ["add_model", "export_grid", "import_grid", "write_frames", "write_grid"]

_FORMAT = "dh2o-grid"
_VERSION = 1
_MAX_NBYTES = 1 << 30
_FRAME_PARAMS = ("training_frame", "validation_frame", "calibration_frame")


def file_name(key: str) -> str:
    """Return the name of the file of `key`: never a path, never hidden."""
    return key.replace("/", "_").replace("\\", "_").replace("\0", "_").lstrip(".") or "_"


def export_grid(
    grid: Grid, folder: str, *, frames: bool = False, cv_predictions: bool = False
) -> Path:
    """Write the grid and its models into `folder`, if wished with the frames that they need.

    `frames` are those that the search names (training, validation, calibration);
    `cv_predictions` the held-out predictions of its models.
    """
    target = _made(folder)
    dkv = current_engine().dkv
    models = [model for model in map(dkv.find, grid.model_keys) if isinstance(model, Model)]
    for model in models:
        save_model(model, target / file_name(model.key))
    wanted: list[str] = []
    if frames:
        wanted += _frames_of(grid)
    if cv_predictions:
        for model in models:
            output = model.output
            key = output.cross_validation_holdout_predictions_frame
            wanted += [*([key] if key else []), *output.cross_validation_predictions]
    written = write_frames(wanted, target)
    return write_grid(grid, folder, frames=written)


def _made(folder: str) -> Path:
    target = Path(folder).expanduser()
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise ModelError(f"Folder {folder!r} cannot be made: {problem.strerror}.") from None
    return target


def _frames_of(grid: Grid) -> list[str]:
    params = {} if grid.search is None else grid.search.params
    return [str(params[name]) for name in _FRAME_PARAMS if params.get(name)]


def write_frames(keys: Iterable[str], folder: Path) -> list[str]:
    """Write the frames of these keys into `folder`, block by block; return those that are there."""
    import pyarrow as pa

    written = []
    for key in dict.fromkeys(keys):
        try:
            frame = Frame.get(key)
        except KeyNotFoundError:
            continue
        reader = pa.RecordBatchReader.from_stream(frame)
        with (
            replaced(folder / f"{file_name(key)}.arrow") as partial,
            pa.OSFile(str(partial), "wb") as sink,
            pa.ipc.new_file(sink, reader.schema) as writer,
        ):
            for batch in reader:
                writer.write_batch(batch)
        written.append(key)
    return written


def write_grid(grid: Grid, folder: str, frames: Iterable[str] = ()) -> Path:
    """Write the document of the grid alone, whole or not at all."""
    target = _made(folder) / file_name(grid.key)
    with replaced(target) as partial:
        partial.write_text(json.dumps(_document(grid, list(frames)), default=str))
    return target


def add_model(grid: Grid, model: Model | None, folder: str) -> None:
    """Write one more model of the grid, and the grid's document; its frames are there already."""
    target = _made(folder)
    if model is not None:
        save_model(model, target / file_name(model.key))
    frames = [key for key in _frames_of(grid) if (target / f"{file_name(key)}.arrow").exists()]
    write_grid(grid, folder, frames)


def _document(grid: Grid, frames: list[str]) -> dict[str, Any]:
    search = grid.search
    return {
        "format": _FORMAT,
        "version": _VERSION,
        "key": grid.key,
        "algo": grid.algo,
        "hyper_names": grid.hyper_names,
        "models": grid.model_keys,
        "failures": [[failure.values, failure.message] for failure in grid.failures],
        "warnings": grid.warnings,
        "tried": grid.tried,
        "frames": frames,
        "search": None
        if search is None
        else {
            "params": search.params,
            "spaces": search.spaces,
            "criteria": vars_of(search.criteria),
        },
    }


def import_grid(path: str, *, frames: bool = False) -> Grid:
    """Read a grid and its models back into the cluster, and its frames if wished; return it."""
    source = Path(path).expanduser()
    document = _read(source)
    try:
        grid = _grid_of(document)
        kept = [str(key) for key in document["frames"]]
    except (KeyError, TypeError, ValueError, DH2OError) as problem:
        raise ModelError(f"{path} is no grid that dh2o wrote: {problem}") from None
    models = [_model(source.parent / file_name(key), key) for key in grid.model_keys]
    needed = [str(key) for key in (_frames_of(grid) if frames else [])]
    missing = [key for key in needed if key not in kept]
    if missing:
        raise ModelError(
            f"{path} was written without the frames that it refers to ({', '.join(missing)}). "
            "Load it without load_params_references, or save it with save_params_references."
        )
    for key in kept if frames else [key for key in kept if key not in _frames_of(grid)]:
        _read_frame(source.parent / f"{file_name(key)}.arrow").put(key)
    dkv = current_engine().dkv
    for model in models:
        dkv.put(model.key, model, kind="model")
    dkv.put(grid.key, grid, kind="grid")
    return grid


def _read(source: Path) -> dict[str, Any]:
    try:
        if source.stat().st_size > _MAX_NBYTES:
            raise ModelError(f"{source} is too large for a grid.")
        document = json.loads(source.read_text())
    except OSError as problem:
        raise ModelError(f"No grid at {source}: {problem.strerror}.") from None
    except (ValueError, RecursionError) as problem:
        raise ModelError(f"{source} is no grid that dh2o wrote: {problem}") from None
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise ModelError(f"{source} is no grid that dh2o wrote.")
    if document.get("version") != _VERSION:
        raise ModelError(f"{source} is of version {document.get('version')}; this is {_VERSION}.")
    return document


def _grid_of(document: dict[str, Any]) -> Grid:
    search = document["search"]
    return Grid(
        key=str(document["key"]),
        algo=str(document["algo"]),
        hyper_names=tuple(map(str, document["hyper_names"])),
        model_keys=tuple(map(str, document["models"])),
        failures=tuple(GridFailure(dict(v), str(text)) for v, text in document["failures"]),
        warnings=tuple(map(str, document["warnings"])),
        tried=tuple(map(str, document["tried"])),
        search=None
        if search is None
        else GridSearch(
            str(document["algo"]),
            dict(search["params"]),
            tuple({str(n): tuple(v) for n, v in space.items()} for space in search["spaces"]),
            SearchCriteria.of(search["criteria"]),
        ),
    )


def _model(path: Path, key: str) -> Model:
    if not path.is_file():
        raise ModelError(f"Model {key!r} of the grid is missing: no file {path}.")
    return load_model(path)


def _read_frame(path: Path) -> Frame:
    import pyarrow as pa

    try:
        with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as reader:
            return Frame.from_arrow(reader.read_all())
    except (OSError, pa.ArrowInvalid) as problem:
        raise ModelError(f"{path} is no frame that dh2o wrote: {problem}") from None
