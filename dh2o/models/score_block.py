"""Scoring a block: decoded tile by tile, so that memory does not grow with the block."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from dh2o.chunks import Block
from dh2o.models.adapt import Adaptation, ColumnInfo, TileSource, Wanted, plan_adaptation
from dh2o.models.columns import F64, Columns
from dh2o.models.encoding import EncodingStep
from dh2o.models.model import Model

TILE_ROWS = 1 << 16


def adaptation_of(
    model: Model, offered: tuple[ColumnInfo, ...], with_metrics: bool = False
) -> Adaptation:
    """Return how `offered` columns become those that `model` reads.

    Predictors and offset always; with metrics the response and the weights too.
    """
    output = model.output
    special = {output.fold}
    if not with_metrics:
        special |= {output.response, output.weights}
    names = tuple(name for name in output.names if name not in special)
    domains = dict(zip(output.names, output.domains, strict=True))
    steps: tuple[EncodingStep, ...] = ()
    if output.encoding is not None:
        steps = output.encoding.needed_for({i.name: i.type in ("numeric", "na") for i in offered})
        names, before = _before(steps, names)
        domains |= before
    wanted = Wanted(
        names,
        tuple(domains[name] for name in names),
        output.response,
        output.weights,
        output.offset,
        output.fold,
        with_metrics,
    )
    return dataclasses.replace(plan_adaptation(wanted, offered), steps=steps)


def _before(
    steps: tuple[EncodingStep, ...], names: tuple[str, ...]
) -> tuple[tuple[str, ...], dict[str, tuple[str, ...] | None]]:
    """Return the columns that are read before the steps make others of them."""
    made = {name for step in steps for name in step.names}
    kept = tuple(name for name in names if name not in made)
    sources: dict[str, tuple[str, ...] | None] = {step.source: step.levels for step in steps}
    return (*sources, *kept), sources


def tiles(block: Block, adaptation: Adaptation) -> Iterator[tuple[int, int, Columns]]:
    """Yield (start, stop, the model's columns) over the rows of `block`."""
    for start in range(0, block.n_rows, TILE_ROWS):
        stop = min(start + TILE_ROWS, block.n_rows)
        yield start, stop, adaptation.columns(_source(block, start, stop), stop - start)


def response_of(model: Model, columns: Columns) -> F64:
    """Return the response of the rows in `columns`; NA in all of them if the model has none."""
    if model.output.response is None:
        return np.full(columns.n_rows, np.nan)
    return columns[model.output.response]


def _source(block: Block, start: int, stop: int) -> TileSource:
    def floats(idx: int) -> F64:
        return block.chunk(idx).floats(start=start, stop=stop)

    def strings(idx: int) -> Any:
        return block.chunk(idx).strings(start, stop)

    return TileSource(floats, strings)


def score_block(model: Model, block: Block, adaptation: Adaptation) -> F64:
    """Return the raw predictions of all rows of `block`."""
    raw = np.empty((block.n_rows, model.n_outputs + len(model.extra_columns())))
    for start, stop, columns in tiles(block, adaptation):
        raw[start:stop] = model.score(columns)
    return raw
