"""H2O's MOJO files: models of dh2o written as such, those of dh2o and of H2O read."""

from __future__ import annotations

from dh2o.models.mojo.errors import MojoError
from dh2o.models.mojo.files import (
    have_mojo,
    load_mojo,
    mojo_bytes,
    mojo_file_name,
    read_mojo,
    save_mojo,
)

__all__ = [
    "MojoError",
    "have_mojo",
    "load_mojo",
    "mojo_bytes",
    "mojo_file_name",
    "read_mojo",
    "save_mojo",
]
