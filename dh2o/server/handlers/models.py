"""Models: list, show, delete, download, upload, save, load."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Response

from dh2o.errors import KeyNotFoundError, ModelError, ParameterError
from dh2o.estimators.trained.model_files import load_with_frames, save_with_frames
from dh2o.models import Model
from dh2o.server.files import Files, UploadedFile
from dh2o.server.model_view import model_json, model_synopsis
from dh2o.server.schemas.base import Key
from dh2o.server.schemas.models import ModelExportV3, ModelImportV3, ModelsV3

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dh2o.server.app import Call

__all__ = [
    "delete_model",
    "delete_models",
    "export_details",
    "export_model",
    "fetch_model",
    "import_model",
    "list_models",
    "show_model",
    "upload_model",
]

_COPY_NBYTES = 1 << 20


def model_of(call: Call, key: Key | None) -> Model:
    """Return the model stored under `key`."""
    name = key.name if key is not None else None
    if not name:
        raise ParameterError("model_id: the key of a model is needed.")
    dkv = call.state.engine.dkv
    found = dkv.get(name) if dkv.contains(name) else None
    if not isinstance(found, Model):
        error = KeyNotFoundError(f"Object {name!r} not found for argument: key")
        error.values = {"argument": "key", "name": name}  # type: ignore[attr-defined]  # shown
        raise error
    return found


def list_models(call: Call, args: ModelsV3) -> ModelsV3:
    """Return name and kind of every model."""
    dkv = call.state.engine.dkv
    models = [dkv.get(key) for key in dkv.keys(kind="model")]
    args.models = [model_synopsis(model) for model in models]
    return args


def show_model(call: Call, args: ModelsV3) -> ModelsV3:
    """Return everything about one model."""
    args.models = [model_json(model_of(call, args.model_id))]
    return args


def delete_model(call: Call, args: ModelsV3) -> ModelsV3:
    """Delete one model."""
    call.state.engine.dkv.remove(model_of(call, args.model_id).key)
    return args


def delete_models(call: Call, args: ModelsV3) -> ModelsV3:
    """Delete all models."""
    dkv = call.state.engine.dkv
    for key in dkv.keys(kind="model"):
        dkv.remove(key)
    return args


def fetch_model(call: Call, args: ModelsV3) -> Response:
    """Return a model as the bytes of its file."""
    model = model_of(call, args.model_id)
    handle, name = tempfile.mkstemp(suffix=".zip")
    os.close(handle)
    path = Path(name)
    save_with_frames(model, path, cv_predictions=args.export_cross_validation_predictions)
    response = Response(_bytes_of(path), content_type="application/octet-stream")
    response.headers["Content-Disposition"] = f'attachment; filename="{model.key}"'
    response.headers["Content-Length"] = str(path.stat().st_size)
    return response


def _bytes_of(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while piece := file.read(_COPY_NBYTES):
                yield piece
    finally:
        path.unlink(missing_ok=True)


def export_model(call: Call, args: ModelExportV3) -> ModelExportV3:
    """Write a model to a file of the server."""
    model = model_of(call, args.model_id)
    path = _target(call, args.dir, args.force)
    save_with_frames(model, path, cv_predictions=args.export_cross_validation_predictions)
    args.dir = str(path)
    return args


def export_details(call: Call, args: ModelExportV3) -> ModelExportV3:
    """Write what is known of a model to a JSON file of the server."""
    import json

    model = model_of(call, args.model_id)
    path = _target(call, args.dir, args.force)
    path.write_text(json.dumps(model_json(model), allow_nan=False))
    args.dir = str(path)
    return args


def import_model(call: Call, args: ModelImportV3) -> ModelsV3:
    """Read a model from a file of the server."""
    if not args.dir:
        raise ParameterError("dir: the path of a saved model is needed.")
    Files(call.state.options).check(args.dir)
    path = Path(args.dir).expanduser()
    if not path.is_file():
        raise ModelError(f"No saved model at {args.dir}.")
    return ModelsV3(models=[model_json(load_with_frames(path))])


def upload_model(call: Call, args: ModelImportV3) -> ModelsV3:
    """Read a model from an upload."""
    key = args.dir or ""
    dkv = call.state.engine.dkv
    raw = dkv.get(key) if dkv.contains(key) else None
    if not isinstance(raw, UploadedFile):
        raise KeyNotFoundError(f"Upload {key!r} not found. Send the model's file first.")
    with tempfile.NamedTemporaryFile(suffix=".zip") as file:
        with raw.ref.open() as source:
            while piece := source.read(_COPY_NBYTES):
                file.write(piece)
        file.flush()
        answer = ModelsV3(models=[model_json(load_with_frames(Path(file.name)))])
    dkv.remove(key)
    return answer


def _target(call: Call, path: str | None, force: bool) -> Path:
    if not path:
        raise ParameterError("dir: the path of the file to write is needed.")
    Files(call.state.options).check(path)
    target = Path(path).expanduser()
    if target.exists() and not force:
        raise ParameterError(f"File {path} already exists. Use force=True to overwrite it.")
    target.parent.mkdir(parents=True, exist_ok=True)
    return target
