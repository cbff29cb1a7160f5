"""What is wrong with a MOJO."""

from __future__ import annotations

from dh2o.errors import ModelError

__all__ = ["MojoError"]


class MojoError(ModelError):
    """A MOJO cannot be written, or the file is none, is damaged, or says what cannot be so."""
