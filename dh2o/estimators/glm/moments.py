"""What is known of the columns before the first step: means, spreads, commonest levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks import Block
from dh2o.errors import ModelError
from dh2o.estimators.building.finite import finite_rollups
from dh2o.estimators.glm.rows import Roles
from dh2o.frame import Frame
from dh2o.frame.rollups import Rollups
from dh2o.models.glm_derived import Derived
from dh2o.models.glm_design import Design
from dh2o.mrtask import MRTask

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


@dataclass(slots=True, eq=False)
class Moments:
    """Per numeric column: rows, weight, mean and spread of known values; and the plain mean.

    ``plain`` are counts and means over all known values, whatever the weight: they stand in for
    NA. ``counts`` are rows per level.
    """

    n: F64
    weight: F64
    mean: F64
    m2: F64
    plain_n: F64
    plain_mean: F64
    counts: list[I64]
    response: Response


@dataclass(slots=True, eq=False)
class Response:
    """Weight, weighted sum and number of the usable rows; weight per class if there are classes."""

    weight: float
    weighted_y: float
    n_obs: int
    by_class: F64

    @property
    def mean(self) -> float:
        """Weighted mean of the response."""
        return self.weighted_y / self.weight if self.weight > 0 else float("nan")

    def __add__(self, other: Response) -> Response:
        return Response(
            self.weight + other.weight,
            self.weighted_y + other.weighted_y,
            self.n_obs + other.n_obs,
            self.by_class + other.by_class,
        )


@dataclass(frozen=True, eq=False)
class MomentsTask(MRTask[Moments, Moments]):
    """Moments of numeric columns and level counts of categoricals, over usable rows."""

    categoricals: tuple[str, ...]
    n_levels: tuple[int, ...]
    numerics: tuple[str, ...]
    roles: Roles
    skip_na: bool
    n_classes: int = 0
    derived: Mapping[str, Derived] = field(default_factory=dict)

    def _values(self, block: Block, name: str) -> F64:
        made = self.derived.get(name)
        return block.floats(name) if made is None else made.values(block.floats)

    def _codes(self, block: Block, name: str) -> NDArray[np.int32]:
        if name not in self.derived:
            return block.codes(name)
        made = self._values(block, name)
        return np.where(np.isnan(made), -1.0, made).astype(np.int32)

    def map(self, block: Block) -> Moments:
        y = block.floats(self.roles.response)
        w = self._weights(block, y)
        alike = bool((w == 1.0).all())
        parts = [_moments(self._values(block, name), w, alike=alike) for name in self.numerics]
        n, weight, mean, m2, plain_n, plain_mean = np.array(parts).reshape(-1, 6).T
        counts = []
        for name, n_levels in zip(self.categoricals, self.n_levels, strict=True):
            codes = self._codes(block, name)
            counts.append(np.bincount(codes[codes >= 0], minlength=n_levels))
        response = self._response(y, w)
        return Moments(n, weight, mean, m2, plain_n, plain_mean, counts, response)

    def _response(self, y: F64, w: F64) -> Response:
        used = w > 0
        y, w = y[used], w[used]
        by_class = np.zeros(self.n_classes)
        if self.n_classes:
            by_class += np.bincount(y.astype(np.int64), w, self.n_classes)
        return Response(float(w.sum()), float(w @ y), len(y), by_class)

    def _weights(self, block: Block, y: F64) -> F64:
        w = block.floats(self.roles.weights) if self.roles.weights else np.ones(len(y))
        unusable = np.isnan(y) | ~(w > 0)
        if self.roles.offset:
            unusable |= block.chunk(self.roles.offset).na_mask()
        if self.skip_na:
            for name in (*self.categoricals, *self.numerics):
                if name not in self.derived:
                    unusable |= block.chunk(name).na_mask()
        return np.where(unusable, 0.0, w)

    def combine(self, a: Moments, b: Moments) -> Moments:
        weight = a.weight + b.weight
        share = np.divide(b.weight, weight, out=np.zeros_like(weight), where=weight > 0)
        delta = b.mean - a.mean
        plain_n = a.plain_n + b.plain_n
        plain = np.divide(b.plain_n, plain_n, out=np.zeros_like(weight), where=plain_n > 0)
        return Moments(
            a.n + b.n,
            weight,
            a.mean + delta * share,
            a.m2 + b.m2 + delta * delta * a.weight * share,
            plain_n,
            a.plain_mean + (b.plain_mean - a.plain_mean) * plain,
            [x + y for x, y in zip(a.counts, b.counts, strict=True)],
            a.response + b.response,
        )

    def finish(self, total: Moments | None) -> Moments:
        if total is not None:
            return total
        n, weight, mean, m2, plain_n, plain_mean = np.zeros((6, len(self.numerics)))
        empty = [np.zeros(k, dtype=np.int64) for k in self.n_levels]
        nobody = Response(0.0, 0.0, 0, np.zeros(self.n_classes))
        return Moments(n, weight, mean, m2, plain_n, plain_mean, empty, nobody)


def _moments(x: F64, w: F64, *, alike: bool) -> tuple[float, ...]:
    if alike and len(x):
        mean = float(x.sum()) / len(x)
        if np.isfinite(mean):
            d = x - mean
            return float(len(x)), float(len(x)), mean, float(d @ d), float(len(x)), mean
    known = ~np.isnan(x)
    plain_n = float(known.sum())
    plain_mean = float(x[known].sum() / plain_n) if plain_n else 0.0
    used = known & (w > 0)
    x, w = x[used], w[used]
    weight = float(w.sum())
    if weight == 0:
        return 0.0, 0.0, 0.0, 0.0, plain_n, plain_mean
    mean = float((w * x).sum() / weight)
    with np.errstate(invalid="ignore"):  # make_design refuses infinite values
        m2 = float((w * np.square(x - mean)).sum())
    return float(len(x)), weight, mean, m2, plain_n, plain_mean


def make_design(
    frame: Frame,
    x: Sequence[str],
    roles: Roles,
    *,
    all_levels: bool,
    skip_na: bool,
    plugs: Mapping[str, Any] | None,
    n_classes: int = 0,
    added: tuple[Mapping[str, Derived], Mapping[str, tuple[str, ...]]] | None = None,
) -> tuple[Design, Response]:
    """Return the design of the predictors `x` and facts on the response, after one pass.

    `added` are columns made of others, and the levels of those that are categorical.
    """
    derived, crossed = added if added is not None else ({}, {})
    domains = {name: _domain(frame, name, derived, crossed) for name in (*derived, *x)}
    cats = sorted(
        (name for name in (*x, *derived) if domains[name]),
        key=lambda name: -len(domains[name] or ()),
    )
    numerics = tuple(name for name in (*derived, *x) if domains[name] is None)
    levels = tuple(domains[name] or () for name in cats)
    n_levels = tuple(map(len, levels))
    finite_rollups(frame, [n for n in numerics if n not in derived], "no place in a linear model")
    known = {} if skip_na else _known(frame, numerics, roles)
    sought = tuple(name for name in numerics if name not in known)
    task = MomentsTask(tuple(cats), n_levels, sought, roles, skip_na, n_classes, derived)
    used = dict.fromkeys(
        base for name in (*cats, *sought)
        for base in ((derived[name].first, derived[name].second) if name in derived else (name,))
    )  # fmt: skip
    special = [n for n in (roles.weights, roles.offset, roles.response) if n]
    moments = task.do_all(frame.select([*used, *special]))
    mean, sigma, fills = _spread(moments, sought, known, numerics)
    modes = [int(np.argmax(c)) if len(c) else 0 for c in moments.counts]
    for idx, name in enumerate(numerics):
        if plugs and name in plugs:
            fills[idx] = plugs[name]
    for idx, name in enumerate(cats):
        if plugs and name in plugs:
            modes[idx] = levels[idx].index(plugs[name])
    design = Design(
        tuple(cats),
        levels,
        numerics,
        tuple(modes),
        fills,
        mean,
        np.divide(1.0, sigma, out=np.ones_like(sigma), where=sigma > 0),
        all_levels,
        skip_na,
        derived,
    )
    return design, moments.response


def _known(frame: Frame, numerics: Sequence[str], roles: Roles) -> dict[str, Rollups]:
    """Return what the frame knows of its numbers; nothing if not all rows count alike."""
    if roles.weights or roles.offset or frame.select([roles.response]).rollups()[0].n_na:
        return {}
    found = {}
    for name in numerics:
        stats = frame.vec(name).cell.rollups if name in frame else None
        if stats is not None and stats.n_pinf + stats.n_ninf == 0:
            found[name] = stats
    return found


def _spread(
    moments: Moments, sought: Sequence[str], known: Mapping[str, Rollups], numerics: Sequence[str]
) -> tuple[F64, F64, F64]:
    """Return mean, standard deviation and plain mean of each number."""
    _check_finite(sought, moments)
    variance = np.divide(
        moments.m2 * moments.n,
        moments.weight * (moments.n - 1),
        out=np.zeros_like(moments.m2),
        where=(moments.n > 1) & (moments.weight > 0),
    )
    columns = zip(moments.mean, np.sqrt(variance), moments.plain_mean, strict=True)
    facts = dict(zip(sought, columns, strict=True))
    facts |= {name: (stats.mean, stats.sigma, stats.mean) for name, stats in known.items()}
    table = np.array([facts[name] for name in numerics], dtype=np.float64).reshape(-1, 3)
    mean, sigma, fills = np.ascontiguousarray(table.T)
    return mean, sigma, fills


def _domain(
    frame: Frame,
    name: str,
    derived: Mapping[str, Derived],
    crossed: Mapping[str, tuple[str, ...]],
) -> tuple[str, ...] | None:
    """Return the levels of a column of the design, None if it is a number."""
    if name in derived:
        return crossed.get(name)
    vec = frame.vec(name)
    return tuple(vec.domain or ()) if vec.is_enum else None


def _check_finite(numerics: Sequence[str], moments: Moments) -> None:
    infinite = ~(np.isfinite(moments.mean) & np.isfinite(moments.plain_mean))
    if infinite.any():
        name = numerics[int(np.flatnonzero(infinite)[0])]
        raise ModelError(
            f"Column {name!r} has values that do not fit into doubles. Scale the columns that it "
            "is made of."
        )
