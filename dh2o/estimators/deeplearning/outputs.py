"""What a network says besides predictions: hidden activations, reconstruction errors."""

from __future__ import annotations

import numpy as np

from dh2o.chunks import Block, Chunk, encode_floats
from dh2o.errors import ModelError
from dh2o.estimators.adapt_frame import infos_for
from dh2o.estimators.scoring import slim
from dh2o.frame import Frame, VecType
from dh2o.models import Model
from dh2o.models.adapt import Adaptation
from dh2o.models.columns import Columns
from dh2o.models.deeplearning import DeepLearningModel
from dh2o.models.score_block import adaptation_of, tiles
from dh2o.mrtask import MRTask

__all__ = ["anomaly_frame", "deep_feature_frame"]

F64 = np.ndarray


class _Outputs(MRTask[None, None]):
    """Columns that `values` makes of the decoded rows of each block."""

    n_columns = 0

    def __init__(self, model: DeepLearningModel, plan: Adaptation, n_columns: int) -> None:
        self.model = model
        self.plan = plan
        self.n_columns = n_columns

    def values(self, columns: Columns) -> F64:
        """Return shape (n_rows, n_columns)."""
        raise NotImplementedError

    def map(self, block: Block) -> tuple[Chunk, ...]:  # type: ignore[override]  # makes chunks
        out = np.empty((block.n_rows, self.n_columns))
        for start, stop, columns in tiles(block, self.plan):
            out[start:stop] = self.values(columns)
        return tuple(encode_floats(np.ascontiguousarray(out[:, k])) for k in range(self.n_columns))


class _Errors(_Outputs):
    def values(self, columns: Columns) -> F64:
        errors = self.model.errors(columns)
        return errors if self.n_columns > 1 or errors.shape[1] == 1 else errors.mean(1)[:, None]


class _Features(_Outputs):
    layer = 0

    def values(self, columns: Columns) -> F64:
        return self.model.deep_features(columns, self.layer)


def _network(model: Model) -> DeepLearningModel:
    if not isinstance(model, DeepLearningModel):
        raise ModelError(f"Model {model.key} is no deep learning model.")
    return model


def _frame(task: _Outputs, frame: Frame, names: list[str]) -> Frame:
    blocks = task.new_blocks(frame, len(names))
    return Frame.of(names, blocks, [VecType.NUMERIC] * len(names), [None] * len(names))


def anomaly_frame(model: Model, frame: Frame, per_feature: bool = False) -> Frame:
    """Return ``Reconstruction.MSE`` of each row, or the squared error of each input unit."""
    net = _network(model)
    if not net.is_autoencoder:
        raise ModelError(f"Model {model.key} is no autoencoder: it reconstructs nothing.")
    plan = adaptation_of(model, infos_for(model, frame))
    names = ["Reconstruction.MSE"]
    if per_feature:
        names = [f"reconstr_{name}.SE" for name in net.inputs.names]
    return _frame(_Errors(slim(net), plan, len(names)), frame, names)  # type: ignore[arg-type]


def deep_feature_frame(model: Model, frame: Frame, layer: int) -> Frame:
    """Return the activations of a hidden layer, columns ``DF.L<layer>.C<unit>`` from 1."""
    net = _network(model)
    if not 0 <= layer < net.network.n_hidden:
        raise ModelError(
            f"Model {model.key} has hidden layers 0 to {net.network.n_hidden - 1}, "
            f"there is no layer {layer}."
        )
    plan = adaptation_of(model, infos_for(model, frame))
    names = [f"DF.L{layer + 1}.C{k + 1}" for k in range(net.network.units(layer + 1))]
    task = _Features(slim(net), plan, len(names))  # type: ignore[arg-type]
    task.layer = layer
    return _frame(task, frame, names)
