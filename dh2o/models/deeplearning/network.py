"""Layers of a multilayer perceptron and how rows go through them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import ModelError

__all__ = ["ACTIVATIONS", "Network"]

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]

_CHANNELS = 2  # of a maxout unit


def _rectifier(z: NDArray[Any]) -> NDArray[Any]:
    return np.maximum(z, 0, out=z)


def _exp_rectifier(z: NDArray[Any]) -> NDArray[Any]:
    return np.where(z >= 0, z, np.expm1(np.minimum(z, 0)))


def _maxout(z: NDArray[Any]) -> NDArray[Any]:
    return z.reshape(len(z), -1, _CHANNELS).max(axis=2)


ACTIVATIONS: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "Tanh": np.tanh,
    "Rectifier": _rectifier,
    "ExpRectifier": _exp_rectifier,
    "Maxout": _maxout,
}


def softmax(z: NDArray[Any]) -> NDArray[Any]:
    """Return probabilities in the place of scores, shape (n_rows, n_classes)."""
    z -= z.max(axis=1, keepdims=True)
    np.exp(z, out=z)
    z /= z.sum(axis=1, keepdims=True)
    return z


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Weights and what is done between them.

    ``weights[k]`` has shape (units of layer k, units of layer k + 1), twice as many columns for
    maxout, whose unit u owns columns 2u and 2u + 1.  ``activation`` is one of `ACTIVATIONS`;
    ``dropouts`` are the shares of units that training left out in each hidden layer, by which
    scores shrink.  ``output`` is softmax, linear, or activation (of an autoencoder).
    """

    activation: str
    output: str
    weights: tuple[F32, ...]
    biases: tuple[F32, ...]
    dropouts: tuple[float, ...]

    @property
    def n_hidden(self) -> int:
        """Hidden layers."""
        return len(self.weights) - 1

    @property
    def n_weights(self) -> int:
        """Weights and biases together."""
        return sum(array.size for array in (*self.weights, *self.biases))

    def units(self, layer: int) -> int:
        """Return how many units the layer after `layer` weight matrices has."""
        if layer == 0:
            return self.weights[0].shape[0]
        n = self.weights[layer - 1].shape[1]
        return n // _CHANNELS if self.activation == "Maxout" and layer <= self.n_hidden else n

    def forward(
        self, places: I32, numbers: NDArray[Any], n_layers: int | None = None
    ) -> NDArray[Any]:
        """Return the activations after `n_layers` (default: of the output), as exact as `numbers`.

        IN: units of categoricals (-1: none) and scaled numbers, see `Inputs.rows`.
        """
        stop = len(self.weights) if n_layers is None else n_layers
        a = numbers
        for k in range(stop):
            w = self.weights[k].astype(numbers.dtype, copy=False)
            z = a @ w[w.shape[0] - a.shape[1] :]
            z += self.biases[k]
            if k == 0:
                _add_places(z, w, places)
            a = self._activate(k, z)
        return np.ascontiguousarray(a)

    def _activate(self, k: int, z: NDArray[Any]) -> NDArray[Any]:
        if k < self.n_hidden:
            a = ACTIVATIONS[self.activation](z)
            if self.dropouts[k]:
                a *= 1.0 - self.dropouts[k]
            return a
        if self.output == "softmax":
            return softmax(z)
        return ACTIVATIONS[self.activation](z) if self.output == "activation" else z

    def check(self, n_inputs: int, n_outputs: int) -> None:
        """Raise `ModelError` if the layers do not fit on each other."""
        if self.activation not in ACTIVATIONS or len(self.biases) != len(self.weights):
            raise ModelError("The layers of the network do not belong together.")
        ends = [n_inputs, *(self.units(k + 1) for k in range(len(self.weights)))]
        rows = [w.shape[0] for w in self.weights if w.ndim == 2]
        fits = rows == ends[:-1] and ends[-1] == n_outputs
        wide = all(b.shape == w.shape[1:] for w, b in zip(self.weights, self.biases, strict=True))
        if not (fits and wide and len(self.dropouts) == self.n_hidden):
            raise ModelError("The layers of the network do not fit on each other.")


def _add_places(z: NDArray[Any], w: NDArray[Any], places: I32) -> None:
    for column in places.T:
        has = np.flatnonzero(column >= 0)
        if len(has) == len(z):
            z += w[column]
        else:
            z[has] += w[column[has]]
