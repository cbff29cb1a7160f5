"""Which rows of the training frame each tree of a boosted model was grown on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks import Block, Chunk, encode_codes, encode_ints
from dh2o.compiled import njit
from dh2o.errors import FrameError, ModelError
from dh2o.estimators.trees.arrays import F64, I64, U32
from dh2o.estimators.trees.gradients import uniform
from dh2o.estimators.trees.keys import Stream, derive_key
from dh2o.frame import Frame, VecType
from dh2o.models import Model
from dh2o.models.explain.raw_score import tree_model_of
from dh2o.mrtask import MRTask

__all__ = ["row_to_tree"]


@njit(nogil=True, cache=True)
def _sampled(keys: I64, rates: F64, classes: I64, row_ids: U32, out: NDArray[np.int32]) -> None:
    """out[t, i] = 1 if row i is in tree t, 0 if not: the rule by which trees are grown."""
    for t in range(keys.size):
        for i in range(row_ids.size):
            rate = rates[classes[i]] if rates.size > 1 else rates[0]
            out[t, i] = 1 if rate >= 1.0 or uniform(keys[t], row_ids[i]) < rate else 0


@dataclass(frozen=True, slots=True)
class SampledRows(MRTask[None, None]):
    """The row number, then 1 or 0 for each tree."""

    response: str
    weights: str | None
    keys: tuple[int, ...]
    rates: tuple[float, ...]

    def map(self, block: Block) -> tuple[Chunk, ...]:  # type: ignore[override]  # makes chunks
        ids = np.arange(block.row_start, block.row_start + block.n_rows, dtype=np.int64)
        response = block.floats(self.response)
        learns = ~np.isnan(response)
        if self.weights is not None:
            learns &= block.floats(self.weights) > 0
        out = np.empty((len(self.keys), block.n_rows), np.int32)
        classes = np.where(np.isnan(response), 0, response).astype(np.int64)
        rates = np.array(self.rates)
        low = (ids & 0xFFFFFFFF).astype(np.uint32)
        _sampled(np.array(self.keys, np.int64), rates, classes, low, out)
        out[:, ~learns] = 0
        return (encode_ints(ids), *map(encode_codes, out))


def row_to_tree(model: Model, frame: Frame) -> Frame:
    """Return for each row of the training frame which trees were grown on it (levels 0 and 1)."""
    trees = tree_model_of(model, "row_to_tree_assignment")
    response, params = model.output.response, model.params
    if not hasattr(trees, "init_f") or response is None or "sample_rate" not in params:
        raise ModelError(
            f"row_to_tree_assignment: not available for {model.algo_full_name} models."
        )
    if response not in frame.names:
        raise FrameError(f"row_to_tree_assignment: the frame has no response column {response!r}.")
    weights = model.output.weights if model.output.weights in frame.names else None
    n, seed = trees.forest.n_trees, int(params["seed"])
    rates: Any = params.get("sample_rate_per_class") or [params["sample_rate"]]
    keys = tuple(derive_key(seed, Stream.ROWS, number) for number in range(n))
    task = SampledRows(response, weights, keys, tuple(float(rate) for rate in rates))
    names = ["row_id", *(f"tree_{i + 1}" for i in range(n))]
    types = [VecType.NUMERIC, *[VecType.ENUM] * n]
    domains: list[tuple[str, ...] | None] = [None, *[("0", "1")] * n]
    return Frame.of(names, task.new_blocks(frame, len(names)), types, domains)
