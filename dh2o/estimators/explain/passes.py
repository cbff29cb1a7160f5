"""Frames of what a model says about each row besides its prediction."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks import Block, Chunk, encode_codes, encode_floats
from dh2o.estimators.adapt_frame import infos_for
from dh2o.estimators.scoring import slim
from dh2o.frame import Frame, VecType
from dh2o.models import Model
from dh2o.models.adapt import Adaptation
from dh2o.models.columns import Columns
from dh2o.models.score_block import adaptation_of, tiles
from dh2o.mrtask import MRTask

__all__ = ["OutColumn", "RowView", "view_frame"]


@dataclass(frozen=True, slots=True)
class OutColumn:
    """A column to be made; an enum if it has a domain."""

    name: str
    domain: tuple[str, ...] | None = None


class RowView(ABC):
    """What is told about each row: the columns, and their values for a tile of rows."""

    @abstractmethod
    def columns(self, model: Any) -> list[OutColumn]:
        """Return the columns that `values` makes."""

    @abstractmethod
    def values(self, model: Any, columns: Columns) -> list[NDArray[Any]]:
        """Return the values of each column: numbers, or codes of its domain."""


class ViewTask(MRTask[None, None]):
    """The columns of a view, of each block."""

    __slots__ = ("enums", "model", "plan", "view")

    def __init__(
        self, model: Model, plan: Adaptation, view: RowView, enums: tuple[bool, ...]
    ) -> None:
        self.model = model
        self.plan = plan
        self.view = view
        self.enums = enums

    def map(self, block: Block) -> tuple[Chunk, ...]:  # type: ignore[override]  # makes chunks
        parts: list[list[NDArray[Any]]] = [[] for _ in self.enums]
        for _, _, columns in tiles(block, self.plan):
            for part, values in zip(parts, self.view.values(self.model, columns), strict=True):
                part.append(values)
        return tuple(
            _encoded(part, is_enum) for part, is_enum in zip(parts, self.enums, strict=True)
        )


def _encoded(part: list[NDArray[Any]], is_enum: bool) -> Chunk:
    whole = np.concatenate(part) if part else np.empty(0)
    return encode_codes(whole.astype(np.int32)) if is_enum else encode_floats(whole)


def view_frame(model: Model, frame: Frame, view: RowView) -> Frame:
    """Return the columns of `view` of all rows of `frame`, aligned with it."""
    columns = view.columns(model)
    plan = adaptation_of(model, infos_for(model, frame))
    enums = tuple(column.domain is not None for column in columns)
    blocks = ViewTask(slim(model), plan, view, enums).new_blocks(frame, len(columns))
    return Frame.of(
        [column.name for column in columns],
        blocks,
        [VecType.ENUM if is_enum else VecType.NUMERIC for is_enum in enums],
        [column.domain for column in columns],
    )
