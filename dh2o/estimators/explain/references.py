"""Contributions against the rows of a background frame, of trees and of linear models."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks import Block, Chunk, encode_floats
from dh2o.errors import FrameError, ModelError
from dh2o.estimators.adapt_frame import infos_for
from dh2o.estimators.scoring import slim
from dh2o.frame import Frame, VecType
from dh2o.models import Model
from dh2o.models.adapt import Adaptation
from dh2o.models.columns import F64, Columns
from dh2o.models.explain.background import against_references
from dh2o.models.explain.contributions import BIAS
from dh2o.models.explain.linear import LinearParts
from dh2o.models.explain.raw_score import inverse_link, raw_score_of, tree_model_of
from dh2o.models.glm import GLMModel
from dh2o.models.score_block import adaptation_of, tiles
from dh2o.models.tree_model import TreeModel
from dh2o.mrtask import current_engine

__all__ = ["Reference", "local_columns", "reference_contributions"]


@dataclass(frozen=True, slots=True)
class Reference:
    """How contributions are told: a column a feature or a level, on which scale, how many rows."""

    compact: bool = False
    output_space: bool = False
    per_reference: bool = False


class Explainer(ABC):
    """Shapley values of one row against all reference rows."""

    @abstractmethod
    def names(self) -> list[str]:
        """Return the columns, the bias last."""

    @abstractmethod
    def rows(self, columns: Columns) -> Any:
        """Return what `against` takes row by row."""

    @abstractmethod
    def against(self, row: Any) -> F64:
        """Return the values of `row` against each reference, shape (references, columns)."""


class TreeExplainer(Explainer):
    """Of trees: a feature's value goes to its column, or to that of the row's level of it."""

    def __init__(self, model: TreeModel, references: Columns, how: Reference) -> None:
        rule = raw_score_of(model)
        self.model, self.how = model, how
        self.references = model.tree_rows(references)
        self.link: Callable[[F64], F64] | None = inverse_link(model) if how.output_space else None
        if self.link is not None and len(rule.classes) > 1:
            raise ModelError("output_space: the scores of several classes share one prediction.")
        domains = [model.output.domain_of(name) for name in model.features]
        widths = [1 if how.compact or d is None else len(d) + 1 for d in domains]
        self.starts = np.concatenate([[0], np.cumsum(widths)]).astype(np.int64)
        self.widths = np.array(widths, dtype=np.int64)
        self.domains = domains

    def names(self) -> list[str]:
        one = [
            name
            for feature, domain in zip(self.model.features, self.domains, strict=True)
            for name in _column_names(feature, None if self.how.compact else domain)
        ]
        classes = raw_score_of(self.model).classes
        if len(classes) == 1:
            return [*one, BIAS]
        return [f"{name}.{level}" for level in classes for name in (*one, BIAS)]

    def rows(self, columns: Columns) -> F64:
        return self.model.tree_rows(columns)

    def against(self, row: F64) -> F64:
        values = against_references(self.model.forest, row, self.references)
        values = raw_score_of(self.model).apply(values)
        spread = np.zeros((*values.shape[:2], int(self.starts[-1]) + 1))
        codes = row[:-1]
        last = self.widths - 1
        with np.errstate(invalid="ignore"):
            place = np.where(np.isnan(codes) | (codes > last), last, codes).astype(np.int64)
        spread[..., self.starts[:-1] + np.where(self.widths == 1, 0, place)] = values[..., :-1]
        spread[..., -1] = values[..., -1]
        flat = spread.reshape(len(spread), -1)
        return flat if self.link is None else _rescaled(flat, self.link)


class LinearExplainer(Explainer):
    """Of a GLM: coefficient times the difference to the reference."""

    def __init__(self, model: GLMModel, references: Columns, how: Reference) -> None:
        self.parts = LinearParts.of(model, compact=how.compact)
        self.link = model.link.inverse if how.output_space else None
        self.references, self.bias = self.parts.terms(references)

    def names(self) -> list[str]:
        return [*self.parts.names, BIAS]

    def rows(self, columns: Columns) -> F64:
        return self.parts.terms(columns)[0]

    def against(self, row: F64) -> F64:
        values = np.column_stack([row - self.references, self.bias])
        return values if self.link is None else _rescaled(values, self.link)


def _rescaled(values: F64, link: Callable[[F64], F64]) -> F64:
    """Return the values scaled so that they add up to the prediction itself."""
    total, base = values.sum(axis=1), values[:, -1]
    here, there = link(total), link(base)
    far = np.abs(total - base) >= 1e-6
    ratio = np.where(far, (here - there) / np.where(far, total - base, 1.0), 0.0)
    return np.column_stack([values[:, :-1] * ratio[:, None], there])


def _column_names(feature: str, domain: tuple[str, ...] | None) -> list[str]:
    if domain is None:
        return [feature]
    return [*(f"{feature}.{level}" for level in domain), f"{feature}.missing(NA)"]


def explainer_of(model: Model, references: Columns, how: Reference) -> Explainer:
    """Return what explains `model`."""
    model = getattr(model, "inner", model)  # what an imported MOJO describes
    if isinstance(model, GLMModel):
        return LinearExplainer(model, references, how)
    return TreeExplainer(tree_model_of(model, "predict_contributions"), references, how)


@dataclass(frozen=True)
class _ReferenceBlock:
    """Contributions of the rows of a block; a row each, or one for each reference."""

    model: Model
    plan: Adaptation
    references: dict[str, NDArray[np.float64]]
    n_references: int
    how: Reference

    def __call__(self, block: Block, first_row: int) -> tuple[Chunk, ...]:
        explainer = explainer_of(self.model, Columns(self.references, self.n_references), self.how)
        n_columns = len(explainer.names())
        each = self.n_references if self.how.per_reference else 1
        out = np.empty((block.n_rows * each, n_columns))
        for start, _, columns in tiles(block, self.plan):
            for i, row in enumerate(explainer.rows(columns), start):
                values = explainer.against(row)
                out[i * each : (i + 1) * each] = (
                    values if self.how.per_reference else values.mean(axis=0)
                )
        chunks = [encode_floats(np.ascontiguousarray(column)) for column in out.T]
        if self.how.per_reference:
            rows = np.repeat(np.arange(first_row, first_row + block.n_rows), each)
            chunks.append(encode_floats(rows.astype(np.float64)))
            references = np.tile(np.arange(each, dtype=np.float64), block.n_rows)
            chunks.append(encode_floats(references))
        return tuple(chunks)


def reference_contributions(model: Model, frame: Frame, background: Frame, how: Reference) -> Frame:
    """Return the contributions of each row of `frame` against the rows of `background`."""
    for given, what in ((frame, "The frame"), (background, "background_frame")):
        if given.n_rows == 0:
            raise FrameError(f"{what} has no rows; contributions need at least one.")
    references = local_columns(model, background)
    names = explainer_of(model, references, how).names()
    plan = adaptation_of(model, infos_for(model, frame))
    each = references.n_rows if how.per_reference else 1
    task = _ReferenceBlock(slim(model), plan, dict(references), references.n_rows, how)
    starts = np.concatenate([[0], np.cumsum(frame.layout)])
    blocks = current_engine().submit_blocks(
        _called,
        [(task, int(start)) for start in starts[:-1]],
        deps=[[(frame, i)] for i in range(frame.n_blocks)],
        layout=[n_rows * each for n_rows in frame.layout],
        name="ReferenceContributions",
    )
    if how.per_reference:
        names = [*names, "RowIdx", "BackgroundRowIdx"]
    return Frame.of(names, blocks, [VecType.NUMERIC] * len(names))


def _called(task: _ReferenceBlock, first_row: int, inputs: list[Block]) -> tuple[Chunk, ...]:
    return task(inputs[0], first_row)


def local_columns(model: Model, frame: Frame) -> Columns:
    """Return the columns that `model` reads of all rows of a small frame."""
    plan = adaptation_of(model, infos_for(model, frame))
    block = frame.rows(0, frame.n_rows)
    parts = [columns for _, _, columns in tiles(block, plan)]
    return Columns(
        {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}, frame.n_rows
    )
