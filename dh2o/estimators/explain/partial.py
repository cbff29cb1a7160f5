"""Partial dependence: the mean prediction when a column has the same value in all rows.

The values to try, the tables and their words are H2O's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dh2o.chunks import Block
from dh2o.errors import FrameError, ModelError, ParameterError
from dh2o.estimators.adapt_frame import infos_for
from dh2o.estimators.explain.moments import moments_of
from dh2o.estimators.scoring import slim
from dh2o.frame import Frame
from dh2o.models import Model, TwoDimTable
from dh2o.models.adapt import Adaptation, TileSource
from dh2o.models.columns import F64
from dh2o.models.score_block import TILE_ROWS, adaptation_of
from dh2o.mrtask import MRTask

__all__ = ["PartialDependence", "PartialRequest", "coded_splits", "partial_dependence"]

_NA_LEVEL = ".missing(NA)"
_N_IMPORTANT = 10


@dataclass(frozen=True, kw_only=True)
class PartialRequest:
    """What to compute: columns and pairs of columns, and the values to try.

    ``user_splits`` gives values (of an enum: codes) of some columns; elsewhere at most `nbins`
    values are spread over the column's range. ``row`` looks at one row instead of all.
    """

    columns: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    nbins: int = 20
    weights: str | None = None
    with_na: bool = False
    user_splits: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    row: int | None = None
    targets: tuple[str, ...] = ()


@dataclass(frozen=True)
class PartialDependence:
    """Tables of a request: for each column, then for each pair, one a target."""

    model_key: str
    frame_key: str | None
    request: PartialRequest
    tables: tuple[TwoDimTable, ...]


class PartialTask(MRTask[Any, Any]):
    """Moments of the predictions with some columns set to constants, one set after the other."""

    __slots__ = ("model", "outputs", "plan", "points", "weights")

    def __init__(
        self,
        model: Model,
        plan: Adaptation,
        points: list[dict[int, float]],
        outputs: tuple[int, ...],
        weights: str | None,
    ) -> None:
        self.model = model
        self.plan = plan
        self.points = points  # column number → value
        self.outputs = outputs
        self.weights = weights

    def map(self, block: Block) -> list[Any] | None:
        total: list[Any] | None = None
        for start in range(0, block.n_rows, TILE_ROWS):
            stop = min(start + TILE_ROWS, block.n_rows)
            tile = _Tile(block, start, stop)
            weights = None if self.weights is None else tile.named(self.weights)
            part = [
                moments_of(self._predictions(tile, point, stop - start), weights)
                for point in self.points
            ]
            total = part if total is None else self.combine(total, part)
        return total

    def _predictions(self, tile: _Tile, point: dict[int, float], n: int) -> F64:
        raw = self.model.score(self.plan.columns(tile.source(point), n))
        return raw[:, list(self.outputs)]

    def combine(self, a: Any, b: Any) -> Any:
        if a is None or b is None:
            return b if a is None else a
        return [left + right for left, right in zip(a, b, strict=True)]


class _Tile:
    """The columns of some rows of a block, decoded once for all points."""

    def __init__(self, block: Block, start: int, stop: int) -> None:
        self.block, self.start, self.stop = block, start, stop
        self.decoded: dict[int, F64] = {}

    def named(self, name: str) -> F64:
        return self.block.chunk(name).floats(start=self.start, stop=self.stop)

    def floats(self, idx: int) -> F64:
        if idx not in self.decoded:
            self.decoded[idx] = self.block.chunk(idx).floats(start=self.start, stop=self.stop)
        return self.decoded[idx]

    def source(self, point: dict[int, float]) -> TileSource:
        """Return the columns, with those of `point` constant."""

        def floats(idx: int) -> F64:
            if idx in point:
                return np.full(self.stop - self.start, point[idx])
            return self.floats(idx)

        def strings(idx: int) -> Any:
            return self.block.chunk(idx).strings(self.start, self.stop)

        return TileSource(floats, strings)


def partial_dependence(
    model: Model,
    frame: Frame,
    request: PartialRequest,
    progress: Callable[[float], None] | None = None,
) -> PartialDependence:
    """Return the tables of `request`; `progress` hears the share that is done."""
    checked = _checked(model, frame, request)
    outputs = _outputs(model, checked.targets)
    grids: list[tuple[str, ...]] = [*((name,) for name in checked.columns), *checked.pairs]
    rows = frame if checked.row is None else frame.slice_rows(checked.row, checked.row + 1)
    tables: list[TwoDimTable] = []
    for done, names in enumerate(grids):
        tables += _tables(model, frame, rows, names, outputs, checked)
        if progress is not None:
            progress((done + 1) / len(grids))
    return PartialDependence(model.key, frame.key, checked, tuple(tables))


def _tables(
    model: Model,
    frame: Frame,
    rows: Frame,
    names: Sequence[str],
    outputs: tuple[int, ...],
    request: PartialRequest,
) -> list[TwoDimTable]:
    """Return the tables of one column or pair, one for each of `outputs`."""
    grids = [_values(frame, name, request) for name in names]
    mesh = [axis.reshape(-1) for axis in np.meshgrid(*grids, indexing="ij")]
    places = [frame.index_of(name) for name in names]
    points = [
        {place: float(value) for place, value in zip(places, values, strict=True)}
        for values in zip(*mesh, strict=True)
    ]
    plan = adaptation_of(model, infos_for(model, rows))
    task = PartialTask(slim(model), plan, points, outputs, request.weights)
    found = task.do_all(rows)
    shown = [_shown(frame, name, axis) for name, axis in zip(names, mesh, strict=True)]
    return [
        _table(model, names, shown, _statistics(found, k, rows.n_rows), request, k)
        for k in range(len(outputs))
    ]


def _statistics(found: list[Any] | None, k: int, n_rows: int) -> list[tuple[float, float, float]]:
    """Return mean, deviation, and error of the mean at each point."""
    out = []
    for moments in found or []:
        mean, deviation = moments.figures(k)
        out.append((mean, deviation, deviation / math.sqrt(n_rows) if n_rows else math.nan))
    return out


def _table(
    model: Model,
    names: Sequence[str],
    shown: list[tuple[str, list[Any]]],
    statistics: list[tuple[float, float, float]],
    request: PartialRequest,
    k: int,
) -> TwoDimTable:
    where = f" for row {request.row}" if request.row is not None else ""
    target = f" and class {request.targets[k]}" if request.targets else ""
    if len(names) == 1:
        name = "PartialDependence"
        text = f"Partial Dependence Plot of model {model.key} on column '{names[0]}'{target}{where}"
    else:
        name = "2D-PartialDependence"
        text = (
            f"2D Partial Dependence Plot of model {model.key} on 1st column '{names[0]}' and 2nd "
            f"column '{names[1]}'{target}{where}"
        )
    columns: dict[str, Any] = dict(zip(names, shown, strict=True))
    columns["mean_response"] = ("double", [s[0] for s in statistics])
    columns["stddev_response"] = ("double", [s[1] for s in statistics])
    columns["std_error_mean_response"] = ("double", [s[2] for s in statistics])
    return TwoDimTable.of(name, columns, text)


def _values(frame: Frame, name: str, request: PartialRequest) -> F64:
    """Return the values to try of a column, H2O's choice where the user has none; NA last."""
    given = request.user_splits.get(name)
    values: F64
    if given is not None:
        values = np.array(given, dtype=np.float64)
    else:
        stats = frame.select([name]).rollups()[0]
        low, high = float(stats.min), float(stats.max)
        if math.isnan(low):
            values = np.full(1, math.nan)
        else:
            whole = stats.is_int and high - low + 1 < request.nbins
            n = int(high - low + 1) if whole else request.nbins
            delta = (high - low) / (n - 1) if n > 1 else 0.0
            values = low + delta * np.arange(n, dtype=np.float64)
    return np.append(values, math.nan) if request.with_na else values


def _shown(frame: Frame, name: str, values: F64) -> tuple[str, list[Any]]:
    """Return the values of a column as the table shows them: levels by name."""
    domain = frame.vec(name).domain
    if domain is None:
        return "double", values.tolist()
    return "string", [_NA_LEVEL if math.isnan(v) else domain[int(v)] for v in values]


def coded_splits(frame: Frame, splits: Mapping[str, Sequence[Any]]) -> dict[str, tuple[float, ...]]:
    """Return values of the user's own as numbers: levels of a categorical as their codes."""
    coded = {}
    for name, values in splits.items():
        if name not in frame.names:
            raise FrameError(f"user_splits: the frame has no column {name!r}.")
        domain = frame.vec(name).domain
        if domain is None:
            coded[name] = tuple(float(value) for value in values)
            continue
        unknown = [value for value in values if str(value) not in domain]
        if unknown:
            raise ParameterError(
                f"user_splits: column {name!r} has no level {unknown[0]!r}. For NA give "
                "include_na=True."
            )
        coded[name] = tuple(float(domain.index(str(value))) for value in values)
    return coded


def _checked(model: Model, frame: Frame, request: PartialRequest) -> PartialRequest:
    """Return `request` with its columns chosen, or raise what is wrong with it."""
    if model.output.response is None:
        raise ModelError("Partial dependence plots are only implemented for supervised models.")
    if frame.n_rows == 0:
        raise FrameError("Partial dependence needs a frame with rows; this one has none.")
    if request.nbins < 2:
        raise ParameterError(f"nbins: expected 2 or more, got {request.nbins}.")
    if request.row is not None and not 0 <= request.row < frame.n_rows:
        raise ParameterError(f"row_index: expected 0 to {frame.n_rows - 1}, got {request.row}.")
    columns = request.columns
    if not columns and not request.pairs:
        columns = tuple(name for name in _important(model) if name in frame.names)
    for name in {*columns, *(n for pair in request.pairs for n in pair)}:
        _check_column(frame, name, request)
    if request.weights is not None and not frame.vec(request.weights).is_numeric:
        raise FrameError(f"weight_column: column {request.weights!r} must be numeric.")
    return PartialRequest(**{**request.__dict__, "columns": columns})


def _check_column(frame: Frame, name: str, request: PartialRequest) -> None:
    if name not in frame.names:
        raise FrameError(f"Partial dependence: the frame has no column {name!r}.")
    vec = frame.vec(name)
    if not (vec.is_enum or vec.is_numeric or vec.type.value == "time"):
        raise FrameError(
            f"Partial dependence: column {name!r} is neither numeric nor categorical but "
            f"{vec.type.value}."
        )
    if vec.is_enum and not request.user_splits and len(vec.domain or ()) > request.nbins:
        raise ParameterError(
            f"Column {name}'s cardinality of {len(vec.domain or ())} > nbins of {request.nbins}. "
            "Give more nbins."
        )


def _important(model: Model) -> tuple[str, ...]:
    table = model.output.variable_importances
    if table is None:
        return model.output.x
    return tuple(str(name) for name in table.column("variable")[:_N_IMPORTANT])


def _outputs(model: Model, targets: tuple[str, ...]) -> tuple[int, ...]:
    """Return the columns of scores that are averaged."""
    domain = model.output.response_domain or ()
    n_classes = model.output.n_classes
    if n_classes <= 2 and targets:
        raise ParameterError(
            "targets: available only for multinomial classification or ordinal regression."
        )
    if n_classes == 1:
        return (0,)
    if n_classes == 2:
        return (1,)
    if not targets:
        raise ParameterError(
            "targets: name the classes to look at; this model has "
            f"{', '.join(domain[:8])}{'…' if n_classes > 8 else ''}."
        )
    unknown = [target for target in targets if target not in domain]
    if unknown:
        raise ParameterError(f"Incorrect target class: {unknown[0]}.")
    return tuple(domain.index(target) for target in targets)
