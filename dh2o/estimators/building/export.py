"""``export_checkpoints_dir``: finished models as files."""

from __future__ import annotations

from pathlib import Path

from dh2o.errors import FileWriteError
from dh2o.models import Model, ModelError, save_model

__all__ = ["export"]


def export(model: Model, folder: str | None) -> None:
    """Write the finished model into a folder, if there is one, under its key."""
    if folder is None:
        return
    try:
        save_model(model, Path(folder).expanduser() / model.key)
    except FileWriteError as problem:
        raise ModelError(
            f"Model {model.key!r} is built, but export_checkpoints_dir: {problem}"
        ) from None
