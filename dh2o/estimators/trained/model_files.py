"""Saved models with the held-out predictions of their cross-validation, one file for both."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dh2o.errors import KeyNotFoundError, ModelError
from dh2o.frame import Frame
from dh2o.models import load_model, save_model
from dh2o.models.files import read_attached
from dh2o.mrtask import current_engine

if TYPE_CHECKING:
    from dh2o.models import Model

__all__ = ["load_with_frames", "save_with_frames"]


def save_with_frames(model: Model, path: str | Path, *, cv_predictions: bool = False) -> Path:
    """Write a model to a file, if wished with its held-out predictions; return the path."""
    attached: dict[str, bytes] = {}
    if cv_predictions:
        output = model.output
        whole = output.cross_validation_holdout_predictions_frame
        for key in (*([whole] if whole else []), *output.cross_validation_predictions):
            try:
                attached[key] = _frame_bytes(Frame.get(key))
            except KeyNotFoundError:
                continue  # removed since; the model is saved all the same
    return save_model(model, path, attached)


def load_with_frames(path: str | Path) -> Model:
    """Return the model in a file, stored under its key; frames in the file are stored as well."""
    model = load_model(path)
    for key, content in read_attached(path).items():
        _frame_of(content, path).put(key)
    current_engine().dkv.put(model.key, model, kind="model")
    return model


def _frame_bytes(frame: Frame) -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    reader = pa.RecordBatchReader.from_stream(frame)
    with pa.ipc.new_file(sink, reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _frame_of(content: bytes, path: str | Path) -> Frame:
    import pyarrow as pa

    try:
        with pa.ipc.open_file(pa.BufferReader(content)) as reader:
            return Frame.from_arrow(reader.read_all())
    except (OSError, pa.ArrowInvalid) as problem:
        raise ModelError(f"{str(path)!r}: a frame in the file is damaged: {problem}") from None
