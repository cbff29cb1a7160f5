"""Arrays that the tree kernels share: names of their types, and how they must lie in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["BOOL", "F32", "F64", "I8", "I32", "I64", "PAD", "U8", "U16", "U32", "U64", "writable"]

U8 = npt.NDArray[np.uint8]
I8 = npt.NDArray[np.int8]
U16 = npt.NDArray[np.uint16]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
BOOL = npt.NDArray[np.bool_]

PAD = 64  # rows beyond the end that a prefetch may name


def writable(array: Any) -> Any:
    """Return the array as kernels take it: what came in a message may be read-only."""
    return np.require(array, requirements=["C", "W"])
