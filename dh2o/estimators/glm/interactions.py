"""Interactions: from the columns that a user names to the columns of the design that they add."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks import Block
from dh2o.estimators.spec import TrainSpec
from dh2o.models.glm_derived import Crossing, Derived, LevelProduct, Product
from dh2o.models.glm_design import Design
from dh2o.mrtask import MRTask

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class PairsTask(MRTask[Mask, Mask]):
    """Which pairs of levels of two categoricals have rows, NA filled in."""

    first: str
    second: str
    modes: tuple[int, int]
    shape: tuple[int, int]

    def map(self, block: Block) -> Mask:
        found = np.zeros(self.shape, dtype=np.bool_)
        a, b = (
            np.where(codes < 0, mode, codes)
            for codes, mode in zip(
                (block.codes(self.first), block.codes(self.second)), self.modes, strict=True
            )
        )
        found[a, b] = True
        return found

    def combine(self, a: Mask, b: Mask) -> Mask:
        return a | b

    def finish(self, total: Mask | None) -> Mask:
        return np.zeros(self.shape, dtype=np.bool_) if total is None else total


def pairs_of(spec: TrainSpec) -> list[tuple[str, str]]:
    """Return the pairs of columns that interact, in the order that the user gave."""
    params = spec.params
    pairs = list(combinations(params["interactions"] or (), 2))
    pairs += [(str(a), str(b)) for a, b in params["interaction_pairs"] or ()]
    return pairs


def derived_columns(
    spec: TrainSpec, base: Design
) -> tuple[dict[str, Derived], dict[str, tuple[str, ...]]]:
    """Return the columns that interactions add, and the levels of those that are categorical."""
    derived: dict[str, Derived] = {}
    crossed: dict[str, tuple[str, ...]] = {}
    for a, b in pairs_of(spec):
        name = f"{a}_{b}"
        is_level = [column in base.categoricals for column in (a, b)]
        if all(is_level):
            derived[name], crossed[name] = _crossing(spec, base, a, b)
        elif any(is_level):
            level, number = (a, b) if is_level[0] else (b, a)
            derived |= _level_products(base, name, level, number)
        else:
            derived[name] = Product(a, b)
    return derived, crossed


def _mode(base: Design, name: str) -> int:
    return base.modes[base.categoricals.index(name)]


def _domain(base: Design, name: str) -> tuple[str, ...]:
    return base.levels[base.categoricals.index(name)]


def _level_products(base: Design, name: str, level: str, number: str) -> dict[str, Derived]:
    fill = float(base.fills[base.numerics.index(number)])
    domain = _domain(base, level)
    first = 0 if base.all_levels else 1
    return {
        f"{name}.{domain[code]}": LevelProduct(level, number, code, _mode(base, level), fill)
        for code in range(first, len(domain))
    }


def _crossing(spec: TrainSpec, base: Design, a: str, b: str) -> tuple[Crossing, tuple[str, ...]]:
    modes = _mode(base, a), _mode(base, b)
    domains = _domain(base, a), _domain(base, b)
    task = PairsTask(a, b, modes, (len(domains[0]), len(domains[1])))
    found = np.argwhere(task.do_all(spec.train.select([a, b])))
    pairs = sorted(
        ((int(i), int(j)) for i, j in found), key=lambda p: f"{domains[0][p[0]]}_{domains[1][p[1]]}"
    )
    texts = tuple(f"{domains[0][i]}_{domains[1][j]}" for i, j in pairs)
    return Crossing(a, b, modes, tuple(pairs)), texts
