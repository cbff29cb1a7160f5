"""Models as files: a zip of one JSON document and ``.npy`` arrays. No pickle, no code.

A file of an older format version is brought up step by step by the table `MIGRATIONS`. Reading
trusts nothing: sizes are bounded before bytes are unpacked, names are checked against a
pattern and never become paths, arrays hold plain numbers of exactly the size that they claim.
"""

from __future__ import annotations

import io
import json
import math
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import KeyNotFoundError, ModelError
from dh2o.files import replaced
from dh2o.models.json_form import decode, encode
from dh2o.models.model import Model
from dh2o.models.output import ModelOutput
from dh2o.models.params import ModelParameters
from dh2o.models.registry import model_class

FORMAT_VERSION = 1
# version n -> what makes a document of version n + 1 of it
MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}

_DOCUMENT = "model.json"
_ATTACHED = re.compile(r"attached/([0-9]{1,6})")
_ARRAY = re.compile(r"arrays/([A-Za-z0-9_.\-]{1,200})\.npy")
_MAX_ENTRIES = 20_000
_MAX_NBYTES = 8 << 30
_FREE_NBYTES = 64 << 20  # below this no ratio is suspicious
_MAX_RATIO = 200
_KINDS = "biufSU"


def save_model(model: Model, path: str | Path, attached: Mapping[str, bytes] | None = None) -> Path:
    """Write `model` to the file `path`, whole or not at all, and return the path.

    `attached` are other files that belong to it, such as frames; `read_attached` gives them back.
    """
    target = Path(path)
    with replaced(target) as partial:
        partial.write_bytes(model_to_bytes(model, attached))
    return target


def read_attached(path: str | Path) -> dict[str, bytes]:
    """Return what was attached to the model in the file `path`.

    Raises
    ------
    ModelError
        The file is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            document, _ = _read(archive, Path(path).stat().st_size)
            names = [str(name) for name in document.get("attached", [])]
            return {
                name: _entry(archive, archive.getinfo(f"attached/{i}"))
                for i, name in enumerate(names)
            }
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, KeyError, TypeError) as problem:
        raise ModelError(
            f"{str(path)!r}: what is attached to the model is damaged: {problem}"
        ) from None


def load_model(path: str | Path) -> Model:
    """Return the model in the file `path`.

    Raises
    ------
    ModelError
        The file is missing, or is no model of dh2o, or is damaged.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as problem:
        raise ModelError(f"Cannot read model file {str(path)!r}: {problem.strerror}.") from None
    try:
        return model_from_bytes(data)
    except ModelError as problem:
        raise ModelError(f"{str(path)!r}: {problem}") from None


def model_to_bytes(model: Model, attached: Mapping[str, bytes] | None = None) -> bytes:
    """Return `model` as the bytes of its file; the same model always gives the same bytes."""
    attached = attached or {}
    data, own = model.state()
    arrays: dict[str, NDArray[Any]] = {}
    document = {
        "format": "dh2o-model",
        "version": FORMAT_VERSION,
        "algo": model.algo,
        "key": model.key,
        "params": encode(model.params, arrays),
        "output": encode(model.output, arrays),
        "state": encode(data, arrays),
    }
    if attached:
        document["attached"] = list(attached)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        _add(archive, _DOCUMENT, text.encode())
        for name, array in [*arrays.items(), *((f"own.{k}", v) for k, v in own.items())]:
            _add(archive, f"arrays/{name}.npy", _npy(array))
        for i, content in enumerate(attached.values()):
            _add(archive, f"attached/{i}", content)
    return buffer.getvalue()


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    info.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(info, data)


def _npy(array: NDArray[Any]) -> bytes:
    if array.dtype.kind not in _KINDS:
        raise ModelError(f"A model file holds arrays of numbers or texts, not {array.dtype}.")
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def model_from_bytes(data: bytes) -> Model:
    """Return the model whose file has these bytes.

    Raises
    ------
    ModelError
        They are not, or not wholly, those of a model of dh2o.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            document, arrays = _read(archive, len(data))
        return _model(_migrated(document), arrays)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as problem:
        raise ModelError(f"This is no readable model file: {problem}") from None
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as problem:
        raise ModelError(f"The model file is damaged: {problem}") from None


def _read(
    archive: zipfile.ZipFile, n_packed: int
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    infos = archive.infolist()
    names = [info.filename for info in infos]
    total = sum(info.file_size for info in infos)
    if len(infos) > _MAX_ENTRIES or len(set(names)) != len(names):
        raise ModelError(f"The model file has {len(infos)} entries, or some of them twice.")
    if total > _MAX_NBYTES or total > max(_FREE_NBYTES, _MAX_RATIO * n_packed):
        raise ModelError(f"The model file unpacks to {total} bytes; it is refused.")
    if _DOCUMENT not in names:
        raise ModelError("This is no model of dh2o: the file has no model.json.")
    arrays: dict[str, NDArray[Any]] = {}
    for info in infos:
        if info.filename == _DOCUMENT or _ATTACHED.fullmatch(info.filename):
            continue
        match = _ARRAY.fullmatch(info.filename)
        if match is None:
            raise ModelError(f"The model file has an entry {info.filename[:80]!r} of unknown kind.")
        arrays[match.group(1)] = _array(_entry(archive, info))
    document = json.loads(_entry(archive, archive.getinfo(_DOCUMENT)))
    if not isinstance(document, dict) or document.get("format") != "dh2o-model":
        raise ModelError("This is no model of dh2o: model.json does not say so.")
    return document, arrays


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Return an entry's bytes; never more than its header claims."""
    with archive.open(info) as stream:
        data = stream.read(info.file_size + 1)
    if len(data) != info.file_size:
        raise ModelError(f"Entry {info.filename[:80]!r} of the model file has another size.")
    return data


def _array(data: bytes) -> NDArray[Any]:
    """Return the array of a ``.npy`` file, its size checked before memory is taken."""
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }[version]
    shape, fortran, dtype = read_header(stream)
    if dtype.kind not in _KINDS or dtype.hasobject:
        raise ModelError(f"The model file has an array of {dtype}; only numbers are read.")
    body = memoryview(data)[stream.tell() :]
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(body):
        raise ModelError(f"The model file has an array of shape {shape} in {len(body)} bytes.")
    flat = np.frombuffer(body, dtype=dtype) if dtype.itemsize else np.empty(shape, dtype)
    return flat.reshape(shape, order="F" if fortran else "C")


def _migrated(document: dict[str, Any]) -> dict[str, Any]:
    version = document.get("version")
    if not isinstance(version, int) or version < 1:
        raise ModelError(f"The model file has format version {version!r}.")
    if version > FORMAT_VERSION:
        raise ModelError(
            f"The model file has format version {version}; this dh2o reads up to "
            f"{FORMAT_VERSION}. Upgrade dh2o to load it."
        )
    while version < FORMAT_VERSION:
        document = MIGRATIONS[version](document)
        version += 1
    return document


def _model(document: Mapping[str, Any], arrays: dict[str, NDArray[Any]]) -> Model:
    algo, key = document["algo"], document["key"]
    if not isinstance(algo, str) or not isinstance(key, str):
        raise ModelError("The model file names no algorithm and key.")
    try:
        cls = model_class(algo)
    except KeyNotFoundError:
        raise ModelError(f"The model file is of algorithm {algo[:40]!r}, unknown here.") from None
    try:
        params = decode(document["params"], arrays)
        output = decode(document["output"], arrays)
        state = decode(document["state"], arrays)
    except RecursionError:
        raise ModelError("The model file is nested too deeply.") from None
    if not isinstance(params, ModelParameters) or not isinstance(output, ModelOutput):
        raise ModelError("The model file has no parameters or no output.")
    own = {name[4:]: array for name, array in arrays.items() if name.startswith("own.")}
    return cls.from_state(key, params, output, state, own)
