"""MOJO files: download, save on the server, and uploads as clients look at them."""
# ruff: noqa: ARG001 (all handlers are called alike)

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from flask import Response

from dh2o.errors import DH2OError, ModelError, ParameterError
from dh2o.models.mojo import mojo_bytes, mojo_file_name, save_mojo
from dh2o.server.files import Files, UploadedFile, path_of_key
from dh2o.server.handlers.models import model_of
from dh2o.server.schemas.base import Key
from dh2o.server.schemas.frames import ColV3, FrameV3
from dh2o.server.schemas.models import ModelExportV3, ModelsV3

if TYPE_CHECKING:
    from dh2o.server.app import Call

__all__ = ["download_mojo", "genmodel_jar", "raw_frame", "refuse_pojo", "save_mojo_file"]

_SHOWN_BYTES = 10
_COPY_NBYTES = 1 << 20


class NotServedError(DH2OError):
    """The server does not have what H2O's has at this place."""

    http_status = HTTPStatus.NOT_FOUND


def download_mojo(call: Call, args: ModelsV3) -> Response:
    """Return a model as MOJO."""
    model = model_of(call, args.model_id)
    data = mojo_bytes(model)
    response = Response(data, content_type="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="{mojo_file_name(model)}"'
    response.headers["Content-Length"] = str(len(data))
    return response


def save_mojo_file(call: Call, args: ModelExportV3) -> ModelExportV3:
    """Write a model as MOJO to a file of the server."""
    model = model_of(call, args.model_id)
    if not args.dir:
        raise ParameterError("dir: the path of the file to write is needed.")
    guard = Files(call.state.options)
    guard.check(args.dir)
    target = Path(args.dir.removeprefix("file://")).expanduser()
    if target.is_dir():
        target /= mojo_file_name(model)
        guard.check(str(target))
    if target.exists() and not args.force:
        raise ParameterError(f"File {target} already exists. Use force=True to overwrite it.")
    args.dir = str(save_mojo(model, target))
    return args


def refuse_pojo(call: Call, args: Any) -> NoReturn:
    """Say that no Java code is written, and what is."""
    raise ModelError(
        "dh2o writes no POJO (Java code). The MOJO of a model serves the same purpose: "
        "GET /3/Models/{model_id}/mojo."
    )


def genmodel_jar(call: Call, params: dict[str, Any]) -> Response:
    """Return the jar that the server was given, if it was given one."""
    path = call.state.options.genmodel_jar
    if path is None:
        raise NotServedError(
            "This server has no h2o-genmodel.jar. dh2o does not ship it; start the server with "
            "--genmodel-jar PATH (the h2o.jar of the PyPI package h2o serves as well)."
        )
    file = Path(path)
    response = Response(_pieces(file), content_type="application/octet-stream")
    response.headers["Content-Disposition"] = 'attachment; filename="h2o-genmodel.jar"'
    response.headers["Content-Length"] = str(file.stat().st_size)
    return response


def _pieces(file: Path) -> Any:
    with file.open("rb") as stream:
        while piece := stream.read(_COPY_NBYTES):
            yield piece


def raw_frame(call: Call, key: Key | None) -> FrameV3 | None:
    """Return an uploaded or imported file as H2O shows it: one column of bytes; else None."""
    if key is None or not key.name:
        return None
    found = _head_of(call, key.name)
    if found is None:
        return None
    head, nbytes = found
    column = ColV3(label="C1", type="int", missing_count=0, data=[float(b) for b in head])
    return FrameV3(
        frame_id=Key(key.name, "Frame"),
        byte_size=nbytes,
        is_text=True,
        row_count=len(head),
        column_count=1,
        full_column_count=1,
        total_column_count=1,
        rows=nbytes,
        num_columns=1,
        default_percentiles=[],
        columns=[column],
    )


def _head_of(call: Call, name: str) -> tuple[bytes, int] | None:
    """Return the first bytes of a raw file and how many it has."""
    dkv = call.state.engine.dkv
    stored = dkv.get(name) if dkv.contains(name) else None
    if isinstance(stored, UploadedFile):
        with stored.ref.open() as stream:
            return stream.read(_SHOWN_BYTES), int(stored.nbytes or 0)
    path = path_of_key(name)
    if stored is not None or path is None or "://" in path:
        return None
    Files(call.state.options).check(path)
    file = Path(path)
    if not file.is_file():
        return None
    with file.open("rb") as stream:
        return stream.read(_SHOWN_BYTES), file.stat().st_size
