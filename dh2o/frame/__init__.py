"""Frames: named columns cut into blocks, their types, statistics, and exchange with others."""

from __future__ import annotations

from dh2o.frame.frame import Frame, new_frame_key
from dh2o.frame.layout import Layout, layout_for
from dh2o.frame.vec import Source, Vec, VecType

__all__ = ["Frame", "Layout", "Source", "Vec", "VecType", "layout_for", "new_frame_key"]
