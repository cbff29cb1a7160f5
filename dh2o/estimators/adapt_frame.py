"""A frame made to look like the training frame: same columns, order and domains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from dh2o.chunks import Block, Chunk, encode_codes, encode_floats
from dh2o.frame import Frame, Vec, VecType
from dh2o.models import Model
from dh2o.models.adapt import Adaptation, ColumnInfo, TileSource, Wanted, plan_adaptation
from dh2o.mrtask import MRTask

if TYPE_CHECKING:
    from dh2o.estimators.spec import TrainSpec

Domain = tuple[str, ...] | None


def column_infos(frame: Frame, wanted: Mapping[str, Domain]) -> tuple[ColumnInfo, ...]:
    """Return name, type and domain of each column on offer.

    A column of NA only fits whatever is wanted; whether a numeric column is one is looked up
    (by a pass, if it is not known) where an enum is wanted.
    """
    doubtful = [
        name
        for name, vec in zip(frame.names, frame.vecs, strict=True)
        if not vec.is_enum and wanted.get(name) is not None
    ]
    rollups = frame.select(doubtful).rollups() if doubtful else []
    empty = {n for n, stats in zip(doubtful, rollups, strict=True) if stats.n_na == stats.n_rows}
    return tuple(
        ColumnInfo(name, "na" if name in empty else vec.type.value, vec.domain)
        for name, vec in zip(frame.names, frame.vecs, strict=True)
    )


def infos_for(model: Model, frame: Frame) -> tuple[ColumnInfo, ...]:
    """Return the columns that `frame` offers to `model`."""
    output = model.output
    return column_infos(frame, dict(zip(output.names, output.domains, strict=True)))


class AdaptColumns(MRTask[None, None]):
    """The columns that are not as the model wants them, made anew."""

    __slots__ = ("enums", "plan")

    def __init__(self, plan: Adaptation, enums: tuple[bool, ...]) -> None:
        self.plan = plan
        self.enums = enums

    def map(self, block: Block) -> tuple[Chunk, ...]:  # type: ignore[override]  # makes chunks
        source = TileSource(block.floats, block.strings)
        made = self.plan.columns(source, block.n_rows)
        return tuple(
            _as_codes(values) if is_enum else encode_floats(values)
            for values, is_enum in zip(made.values(), self.enums, strict=True)
        )


def _as_codes(values: np.ndarray) -> Chunk:
    return encode_codes(np.where(np.isnan(values), -1, values).astype(np.int32))


def adapt_frame(frame: Frame, spec: TrainSpec) -> tuple[Frame, tuple[str, ...]]:
    """Return `frame` with the columns of the training frame, and warnings.

    Columns that fit are shared; only the others are made, by one graph pass.
    """
    like = spec.train
    wanted = Wanted(
        like.names,
        tuple(vec.domain for vec in like.vecs),
        spec.response,
        spec.weights,
        spec.offset,
        spec.fold,
        with_metrics=True,
    )
    plan = plan_adaptation(wanted, column_infos(frame, like.domains))
    made = [p for p in plan.plans if not p.is_plain]
    vecs: dict[str, Vec] = {
        p.name: frame.vecs[p.source] for p in plan.plans if p.is_plain and p.source is not None
    }
    if made:
        enums = tuple(like.vec(p.name).is_enum for p in made)
        blocks = AdaptColumns(Adaptation(tuple(made), ()), enums).new_blocks(frame, len(made))
        types = [VecType.ENUM if is_enum else VecType.NUMERIC for is_enum in enums]
        domains = [like.vec(p.name).domain for p in made]
        new = Frame.of([p.name for p in made], blocks, types, domains)
        vecs |= dict(zip(new.names, new.vecs, strict=True))
    adapted = Frame(like.names, tuple(vecs[name] for name in like.names), frame.layout, frame.key)
    return adapted, plan.warnings
