"""Quasibinomial: a response of the numbers 0 and 1 as two classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dh2o.chunks import encode_codes
from dh2o.estimators.messages import Message, raise_errors
from dh2o.frame import VecType
from dh2o.mrtask import MRTask

if TYPE_CHECKING:
    from dh2o.chunks import Block, Chunk
    from dh2o.frame import Frame
    from dh2o.models import ModelParameters

__all__ = ["with_two_classes"]


def with_two_classes(params: ModelParameters, train: Frame) -> Frame:
    """Return the frame whose response, the numbers 0 and 1, has the levels "0" and "1".

    A categorical response stays as it is. Others are refused: where H2O takes any two numbers for
    classes, probabilities are pulled towards the numbers themselves.
    """
    name = params["response_column"]
    if name not in train.names or not train.vec(name).is_numeric:
        return train
    column = train.select([name])
    (stats,) = column.rollups()
    if not (stats.is_int and stats.min == 0 and stats.max == 1):
        text = (
            f"Quasibinomial requires the response to be binary: '{name}' must hold the numbers 0 "
            f"and 1, it reaches from {stats.min:g} to {stats.max:g}. Recode it."
        )
        raise_errors("gbm", [Message.error("distribution", text)], str(params.get("model_id")))
    classes = _Classes(name).new_frame(column, [name], [VecType.ENUM], domains=[("0", "1")])
    return train.with_columns(classes)


class _Classes(MRTask[None, None]):
    """Codes 0 and 1 of a column of these numbers, -1 of NA."""

    def __init__(self, name: str) -> None:
        self.name = name

    def map(self, block: Block) -> tuple[Chunk, ...]:  # type: ignore[override]  # makes chunks
        y = block.floats(self.name)
        return (encode_codes(np.where(np.isnan(y), -1, y).astype(np.int32)),)
