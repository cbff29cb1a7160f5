"""The builder that makes a model of a MOJO: it reads a file instead of a frame."""

from __future__ import annotations

import time
import zipfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from dh2o.errors import KeyNotFoundError, ModelError
from dh2o.estimators.builder import ModelBuilder
from dh2o.estimators.generic.params import PARAMS
from dh2o.estimators.messages import Message, raise_errors
from dh2o.estimators.params import ParamTable
from dh2o.estimators.spec import TrainSpec
from dh2o.frame import Frame
from dh2o.models import Model, ModelCategory, ModelParameters
from dh2o.models.generic import GenericModel

if TYPE_CHECKING:
    from dh2o.mrtask import JobContext

__all__ = ["GenericBuilder"]

_LARGEST_NBYTES = 4 << 30
_UPLOAD_PREFIX = "nfs:/"


class GenericBuilder(ModelBuilder):
    """Reads a MOJO from a path of the cluster, or from an upload."""

    algo: ClassVar[str] = GenericModel.algo
    algo_full_name: ClassVar[str] = GenericModel.algo_full_name
    params: ClassVar[ParamTable] = PARAMS
    supervised: ClassVar[bool] = False
    can_build: ClassVar[tuple[ModelCategory, ...]] = tuple(ModelCategory)
    model_class: ClassVar[type[Model]] = GenericModel

    def prepare(
        self, params: ModelParameters, model_key: str, found: tuple[Message, ...] = ()
    ) -> TrainSpec:
        """Return the spec of the import, or raise `BuilderError` with all findings."""
        findings = list(found)
        path, key = params["path"], params["model_key"]
        if path and key:
            text = (
                "Path cannot be set for MOJO that is supposed to be loaded from distributed memory "
                f"(key={key})."
            )
            findings.append(Message.error("path", text))
        if not path and not key:
            text = "Either MOJO zip path or key to the uploaded MOJO frame must be specified"
            findings.append(Message.error("path", text))
        raise_errors(self.algo, findings, model_key)
        return TrainSpec(
            algo=self.algo,
            params=params.with_actual(model_id=model_key),
            model_key=model_key,
            train=Frame((), (), ()),
            valid=None,
            x=(),
            response=None,
            weights=None,
            offset=None,
            fold=None,
            category=ModelCategory.UNKNOWN,
            seed=0,
            training_frame=None,
            validation_frame=None,
            start_time_ms=int(time.time() * 1000),
        )

    def build(self, ctx: JobContext, spec: TrainSpec) -> Model:
        """Return the model in the file."""
        path, key = spec.params["path"], spec.params["model_key"]
        data = _file_bytes(path) if path else _upload_bytes(ctx, key)
        ctx.check()
        if not data:
            raise ModelError(
                f"Given model frame with key '{key or path}' is empty (0 bytes). Please provide a "
                "non-empty model file."
            )
        if not zipfile.is_zipfile(BytesIO(data)):
            _refuse(data)
        model = GenericModel.of(data, spec.model_key, path=path, model_key=key)
        return model.replace(params=spec.params)


def _refuse(data: bytes) -> None:
    """Raise what H2O says of files that are no archives; Java source could be a POJO."""
    if b"class " in data[:100_000] and b"GenModel" in data[:100_000]:
        raise ModelError(
            "POJO import is disabled since it brings a security risk: dh2o does not run Java code. "
            "Export the model as MOJO instead."
        )
    raise ModelError("This is no MOJO: the file is no zip.")


def _file_bytes(path: str) -> bytes:
    file = Path(path.removeprefix("file://").removeprefix(_UPLOAD_PREFIX)).expanduser()
    try:
        if file.stat().st_size > _LARGEST_NBYTES:
            raise ModelError(f"MOJO file {path!r} has {file.stat().st_size} bytes; it is refused.")
        return file.read_bytes()
    except OSError as problem:
        raise ModelError(f"Failed to import file: {path!r}: {problem.strerror}.") from None


def _upload_bytes(ctx: JobContext, key: str) -> bytes:
    if key.startswith(_UPLOAD_PREFIX):
        return _file_bytes(key)
    found: Any = ctx.dkv.get(key) if ctx.dkv.contains(key) else None
    reference = getattr(found, "ref", None)
    if reference is None:
        raise KeyNotFoundError(f"Object {key!r} not found for argument: model_key")
    with reference.open() as stream:
        data: bytes = stream.read(_LARGEST_NBYTES + 1)
    if len(data) > _LARGEST_NBYTES:
        raise ModelError(f"Upload {key!r} is larger than a MOJO can be; it is refused.")
    return data
