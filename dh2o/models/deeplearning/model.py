"""A trained neural network: classifier, regression or autoencoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import ModelError
from dh2o.models.category import ModelCategory
from dh2o.models.columns import F64, Columns
from dh2o.models.deeplearning.inputs import Inputs
from dh2o.models.deeplearning.network import Network
from dh2o.models.model import Model
from dh2o.models.output import ModelOutput
from dh2o.models.params import ModelParameters

__all__ = ["DeepLearningModel", "inverse_link"]

_LOG_LINK = ("poisson", "gamma", "tweedie")
_MAX_EXP = 1e19
_TILE = 4096


def inverse_link(distribution: str, f: F64) -> F64:
    """Return predictions of scores on the link's scale."""
    if distribution in _LOG_LINK:
        with np.errstate(over="ignore"):
            return np.minimum(np.exp(f), _MAX_EXP)
    return f


@dataclass(frozen=True, eq=False)
class DeepLearningModel(Model):
    """Multilayer perceptron.

    The response of a regression was learned as (y - response_shift) * response_scale.
    ``memory`` is what the optimiser remembers of each array of weights and biases, for training to
    go on from this model; ``n_samples`` is how many rows it has seen.
    """

    algo: ClassVar[str] = "deeplearning"
    algo_full_name: ClassVar[str] = "Deep Learning"

    inputs: Inputs
    network: Network
    distribution: str
    response_shift: float = 0.0
    response_scale: float = 1.0
    n_samples: float = 0.0
    memory: tuple[NDArray[np.float32], ...] = ()

    @property
    def is_autoencoder(self) -> bool:
        """Whether the network reproduces its inputs."""
        return self.output.category is ModelCategory.AUTO_ENCODER

    def score(self, columns: Columns) -> F64:
        """Return class probabilities or predictions.

        An autoencoder gives its output units and the mean squared error of each row.
        """
        out = np.empty((columns.n_rows, self.n_outputs))
        for start in range(0, columns.n_rows, _TILE):
            rows = slice(start, min(start + _TILE, columns.n_rows))
            out[rows] = self._score({name: columns[name][rows] for name in columns}, rows)
        return out

    def _score(self, columns: Mapping[str, F64], rows: slice) -> F64:
        places, numbers = self.inputs.rows(columns.__getitem__, rows.stop - rows.start)
        return self.of_units(places, numbers, columns.get(self.output.offset or ""))

    def of_units(self, places: NDArray[np.int32], numbers: NDArray[Any], offset: F64 | None) -> F64:
        """Return what `score` does, of rows as `Inputs.rows` gives them."""
        raw = self.network.forward(places, numbers).astype(np.float64, copy=False)
        if self.is_autoencoder:
            errors = (raw - self.inputs.dense(places, numbers)) ** 2
            return np.column_stack([self.inputs.restored(raw), errors.mean(axis=1)])
        if self.output.category.is_classifier:
            return self.corrected(raw)
        f = raw / self.response_scale + self.response_shift
        if offset is not None:
            f = f + offset[:, None]
        return inverse_link(self.distribution, f)

    def errors(self, columns: Columns) -> F64:
        """Return an autoencoder's squared error of each unit, shape (n_rows, n_units)."""
        if not self.is_autoencoder:
            raise ModelError(f"Model {self.key} is no autoencoder: it reconstructs nothing.")
        places, numbers = self.inputs.rows(columns.__getitem__, columns.n_rows)
        raw = self.network.forward(places, numbers)
        return (raw - self.inputs.dense(places, numbers)) ** 2

    def deep_features(self, columns: Columns, layer: int) -> F64:
        """Return the activations of hidden layer `layer`, counted from 0."""
        if not 0 <= layer < self.network.n_hidden:
            raise ModelError(
                f"Model {self.key} has hidden layers 0 to {self.network.n_hidden - 1}, "
                f"there is no layer {layer}."
            )
        places, numbers = self.inputs.rows(columns.__getitem__, columns.n_rows)
        return self.network.forward(places, numbers, layer + 1)

    def check(self) -> None:
        """Raise `ModelError` if the layers fit neither on each other nor on what is predicted."""
        n = self.inputs.n_units if self.is_autoencoder else super().n_outputs
        self.network.check(self.inputs.n_units, n)

    @property
    def n_outputs(self) -> int:
        """Columns that `score` returns."""
        return self.inputs.n_units + 1 if self.is_autoencoder else super().n_outputs

    @property
    def prediction_names(self) -> tuple[str, ...]:
        """Names of the prediction frame's columns: an autoencoder's are reconstructions."""
        if self.is_autoencoder:
            return tuple(f"reconstr_{name}" for name in self.inputs.names)
        return super().prediction_names

    def predictions(self, raw: F64) -> list[NDArray[Any]]:
        """Return the columns of `prediction_names` made from what `score` returned."""
        if self.is_autoencoder:
            return [np.ascontiguousarray(raw[:, k]) for k in range(raw.shape[1] - 1)]
        return super().predictions(raw)

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return what `from_state` needs."""
        inputs, arrays = self.inputs.to_state()
        net = self.network
        data = {
            "inputs": inputs,
            "activation": net.activation,
            "output": net.output,
            "dropouts": list(net.dropouts),
            "distribution": self.distribution,
            "response_shift": self.response_shift,
            "response_scale": self.response_scale,
            "n_samples": self.n_samples,
            "n_layers": len(net.weights),
            "n_memory": len(self.memory),
        }
        named = {f"weights_{k}": w for k, w in enumerate(net.weights)}
        named |= {f"biases_{k}": b for k, b in enumerate(net.biases)}
        named |= {f"memory_{k}": m for k, m in enumerate(self.memory)}
        return data, {**arrays, **named}

    @classmethod
    def from_state(
        cls,
        key: str,
        params: ModelParameters,
        output: ModelOutput,
        data: Mapping[str, Any],
        arrays: Mapping[str, NDArray[Any]],
    ) -> DeepLearningModel:
        """Return the model whose `state` this was."""
        n = int(data["n_layers"])
        if not 1 <= n <= len(arrays):
            raise ModelError(f"A network cannot have {n} layers.")

        def read(name: str, count: int) -> tuple[NDArray[np.float32], ...]:
            missing = [k for k in range(count) if f"{name}_{k}" not in arrays]
            if missing:
                raise ModelError(f"The network has no array {name}_{missing[0]}.")
            return tuple(np.asarray(arrays[f"{name}_{k}"], np.float32) for k in range(count))

        inputs = Inputs.from_state(data["inputs"], arrays)
        network = Network(
            data["activation"],
            data["output"],
            read("weights", n),
            read("biases", n),
            tuple(data["dropouts"]),
        )
        model = cls(
            key,
            params,
            output,
            inputs,
            network,
            data["distribution"],
            float(data["response_shift"]),
            float(data["response_scale"]),
            float(data["n_samples"]),
            read("memory", int(data["n_memory"])),
        )
        model.check()
        return model
