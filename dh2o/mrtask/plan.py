"""Which worker works on which blocks: pure functions over where the blocks lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from dh2o.mrtask.blocks import BlockKey, Recipe


@dataclass(frozen=True)
class Share:
    """One worker's blocks, and the parts of them that it must fetch from others."""

    address: str
    blocks: tuple[int, ...]
    foreign: dict[str, list[BlockKey]]


@dataclass(frozen=True)
class Plan:
    """Every block's worker; shares are ordered by their first block."""

    shares: tuple[Share, ...]
    numbers: tuple[int, ...]
    _trees: dict[Any, dict[str, Any]] = field(default_factory=dict, compare=False, repr=False)

    def tree(self, root: str | None = None, *, bare: bool = False) -> dict[str, Any]:
        """Return the workers as a binary tree, with `root` on top if it has a share.

        Each with its blocks; a `bare` tree has none, for questions about states made of them.
        """
        if (root, bare) not in self._trees:
            shares = sorted(self.shares, key=lambda s: s.address != root)
            self._trees[root, bare] = _node(shares, 0, bare)
        return self._trees[root, bare]


def _node(shares: Sequence[Share], i: int, bare: bool) -> dict[str, Any]:
    share = shares[i]
    below = [j for j in (2 * i + 1, 2 * i + 2) if j < len(shares)]
    children = [_node(shares, j, bare) for j in below]
    node: dict[str, Any] = {"address": share.address, "children": children}
    if not bare:
        node |= {"blocks": share.blocks, "foreign": share.foreign}
    return node


def make_plan(recipe: Recipe, numbers: Sequence[int], holders: dict[BlockKey, list[str]]) -> Plan:
    """Return the plan that gives every block to the worker that holds most of its parts.

    Of several, the one that has the block before keeps the range together.
    """
    blocks: dict[str, list[int]] = {}
    foreign: dict[str, dict[str, list[BlockKey]]] = {}
    last = ""
    for idx in numbers:
        keys = recipe.keys_of(idx)
        count: dict[str, int] = {}
        for key in keys:
            for address in holders[key]:
                count[address] = count.get(address, 0) + 1
        most = max(count.values())
        best = [address for address, n in count.items() if n == most]
        last = last if last in best else min(best)
        blocks.setdefault(last, []).append(idx)
        for key in keys:
            if last not in holders[key]:
                there = foreign.setdefault(last, {}).setdefault(min(holders[key]), [])
                if key not in there:
                    there.append(key)
    shares = tuple(Share(a, tuple(b), foreign.get(a, {})) for a, b in blocks.items())
    return Plan(shares, tuple(numbers))


def contiguous_homes(n_blocks: int, workers: Sequence[tuple[str, int]]) -> tuple[str, ...]:
    """Return a worker for each block: contiguous ranges, as long as the worker has threads."""
    total = sum(n for _, n in workers)
    if not total:
        return ()
    homes: list[str] = []
    upto = 0
    for address, n_threads in workers:
        upto += n_threads
        homes.extend([address] * (round(n_blocks * upto / total) - len(homes)))
    return tuple(homes)
