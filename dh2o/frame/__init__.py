"""Frames: named columns cut into blocks, their types, statistics, and exchange with others."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from dh2o.frame.frame import Frame, new_frame_key
from dh2o.frame.layout import Layout, layout_for
from dh2o.frame.vec import Source, Vec, VecType

if TYPE_CHECKING:
    from dh2o.frame.rollups import Rollups

__all__ = [
    "Frame",
    "Layout",
    "Rollups",
    "Source",
    "Vec",
    "VecType",
    "layout_for",
    "new_frame_key",
]


class _Frame(ModuleType):
    """The package can be called: ``dh2o.frame("key")``, as in H2O's client."""

    def __call__(self, frame_id: str) -> dict[str, Any]:
        """Return what there is to say about a stored frame: key, size, bytes and types.

        Parameters
        ----------
        frame_id : str
            The key.

        Raises
        ------
        KeyNotFoundError
            There is none; the message names some that there are.
        """
        from dh2o.frame.describe import facts

        return facts(Frame.get(frame_id))


sys.modules[__name__].__class__ = _Frame


def __getattr__(name: str) -> Any:
    if name == "Rollups":  # needs numba and Dask, which metadata alone do not
        from dh2o.frame.rollups import Rollups

        return Rollups
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
