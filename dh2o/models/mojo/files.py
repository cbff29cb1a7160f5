"""Models to MOJO files and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dh2o.files import replaced
from dh2o.models.model import Model
from dh2o.models.mojo.archive import MojoArchive
from dh2o.models.mojo.details_out import details_json
from dh2o.models.mojo.draft import MojoDraft
from dh2o.models.mojo.errors import MojoError
from dh2o.models.mojo.kinds import kind_named, kind_of
from dh2o.models.mojo.source import MojoSource

if TYPE_CHECKING:
    from dh2o.models.generic import GenericModel

__all__ = ["have_mojo", "load_mojo", "mojo_bytes", "mojo_file_name", "read_mojo", "save_mojo"]


def have_mojo(model: Model) -> bool:
    """Return whether `model` can be written as MOJO."""
    if getattr(model, "mojo", None) is not None:
        return True
    kind = kind_of(model.algo)
    if kind is None:
        return False
    try:
        kind.check(model)
    except MojoError:
        return False
    return True


def mojo_file_name(model: Model) -> str:
    """Return the name of the model's MOJO file, as H2O gives it."""
    safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in model.key)
    return f"{safe}.zip"


def mojo_bytes(model: Model) -> bytes:
    """Return `model` as the bytes of a MOJO; the same model always gives the same bytes.

    A model that was read from a MOJO gives the bytes it was read from.

    Raises
    ------
    MojoError
        H2O has no MOJO for such models, or this one has what a MOJO cannot hold.
    """
    original = getattr(model, "mojo", None)
    if original is not None:
        return bytes(original)
    kind = kind_of(model.algo)
    if kind is None:
        raise MojoError(
            f"{model.algo_full_name} models have no MOJO, in H2O as here. download_model and "
            "save_model write dh2o's own format."
        )
    kind.check(model)
    columns = kind.columns(model)
    draft = MojoDraft(model, columns, kind.classes(model))
    draft.put_common(kind.version, len(columns))
    kind.write(model, draft)
    return draft.finish(details_json(model))


def save_mojo(model: Model, path: str | Path, *, force: bool = True) -> Path:
    """Write the MOJO of `model` to `path`, whole or not at all, and return the file's path.

    A `path` that is a folder gets a file with the model's name.
    """
    target = Path(path).expanduser()
    if target.is_dir():
        target = target / mojo_file_name(model)
    if target.exists() and not force:
        raise MojoError(f"File {str(target)!r} already exists. Use force=True to overwrite it.")
    data = mojo_bytes(model)
    with replaced(target) as partial:
        partial.write_bytes(data)
    return target


def read_mojo(data: bytes, key: str) -> Model:
    """Return the model in a MOJO as dh2o's own kind of it, under `key`.

    Raises
    ------
    MojoError
        The bytes are no MOJO, or a damaged one, or of an algorithm that is not read.
    """
    source = MojoSource.of(MojoArchive.of(data), key)
    kind = kind_named(source.ini.text("algorithm"))
    try:
        return kind.read(source)
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, AttributeError) as problem:
        raise MojoError(f"The MOJO is damaged: {problem}.") from None


def load_mojo(path: str | Path, key: str | None = None) -> GenericModel:
    """Return the model in the MOJO file `path`; its key is the file's name unless given."""
    from dh2o.models.generic import GenericModel

    file = Path(path).expanduser()
    try:
        data = file.read_bytes()
    except OSError as problem:
        raise MojoError(f"Cannot read MOJO {str(path)!r}: {problem.strerror}.") from None
    return GenericModel.of(data, key or file.stem, path=str(path))
