"""The fixed binary tree along which partial results are combined: pure, no Dask in sight.

The leaves are the block numbers 0..n-1. Node (level, idx) covers blocks ``idx * 2**level`` to
``(idx + 1) * 2**level - 1``. A node whose right half has no blocks is its left half. Which worker
computes which node does not change the tree, so floating-point results have the same bits on every
cluster.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

Node = tuple[int, int, Any]  # level, idx, value


class Fold:
    """Combines the nodes that are added as far as it goes; threads may add at the same time."""

    def __init__(self, combine: Callable[[Any, Any], Any], n_blocks: int) -> None:
        self._combine = combine
        self._n_blocks = n_blocks
        self._top = max(n_blocks - 1, 0).bit_length()
        self._waiting: dict[tuple[int, int], Any] = {}
        self._lock = threading.Lock()

    def add(self, level: int, idx: int, value: Any) -> None:
        """Add the value of one node and combine upwards while siblings are there."""
        while level < self._top:
            sibling = idx ^ 1
            if (sibling << level) < self._n_blocks:  # the sibling covers some block
                with self._lock:
                    if (level, sibling) not in self._waiting:
                        self._waiting[level, idx] = value
                        return
                    other = self._waiting.pop((level, sibling))
                value = (
                    self._combine(value, other) if idx < sibling else self._combine(other, value)
                )
            level, idx = level + 1, idx >> 1
        with self._lock:
            self._waiting[level, idx] = value

    def extend(self, nodes: Iterable[Node]) -> None:
        """Add several nodes."""
        for level, idx, value in nodes:
            self.add(level, idx, value)

    def nodes(self) -> list[Node]:
        """Return what could not be combined further, in block order."""
        found = [(level, idx, value) for (level, idx), value in self._waiting.items()]
        return sorted(found, key=lambda node: node[1] << node[0])

    def total(self) -> Any:
        """Return the value of the root, or None for no blocks."""
        if not self._n_blocks:
            return None
        return self._waiting[self._top, 0]
