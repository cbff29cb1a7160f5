"""One layer of a network: a batch of rows goes forward, its deltas come back, weights move.

Matrix products are BLAS's. Arrays without elements stand for what there is not: dropout masks,
levels, an optimiser's memory, weights to be pulled to, deltas that nobody needs.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dh2o.compiled import njit
from dh2o.estimators.deeplearning import kernels
from dh2o.estimators.deeplearning.losses import class_derivatives, derivative

__all__ = ["autoencoder_deltas", "backward", "forward", "output_deltas"]

F32 = npt.NDArray[np.float32]
I32 = npt.NDArray[np.int32]

_ONE = np.float32(1)


@njit(nogil=True, cache=True)
def forward(a: F32, w: F32, b: F32, places: I32, kind: int, mask: F32, z: F32, out: F32) -> None:
    """Put a w + b + the weights of levels (first in w) into z, and mask f(z) into out."""
    np.dot(a, w[w.shape[0] - a.shape[1] :], z)
    kernels.add_places(z, w, b, places)
    kernels.activate(kind, z, out)
    if mask.size:
        for row in range(out.shape[0]):
            for j in range(out.shape[1]):
                out[row, j] *= mask[row, j]


@njit(nogil=True, cache=True)
def output_deltas(code: int, is_softmax: bool, param: float, y: F32, offset: F32, out: F32) -> None:
    """Put dE/dz in the place of the scores of the output units."""
    if is_softmax:
        class_derivatives(code, y, out)
        return
    for row in range(len(out)):
        f = out[row, 0] + (offset[row] if len(offset) else np.float32(0))
        out[row, 0] = derivative(code, param, y[row], f)


@njit(nogil=True, cache=True)
def autoencoder_deltas(places: I32, numbers: F32, out: F32) -> None:
    """Put 2 (out - inputs) in the place of an autoencoder's outputs."""
    first = out.shape[1] - numbers.shape[1]
    for row in range(len(out)):
        for j in range(numbers.shape[1]):
            out[row, first + j] -= numbers[row, j]
        for column in range(places.shape[1]):
            if places[row, column] >= 0:
                out[row, places[row, column]] -= _ONE
        for j in range(out.shape[1]):
            out[row, j] += out[row, j]


@njit(nogil=True, cache=True)
def backward(  # noqa: PLR0913, PLR0917
    w: F32, b: F32, m1: F32, m2: F32, b1: F32, b2: F32, pull: F32, b_pull: F32, a: F32, places: I32,
    delta: F32, rule: F32, g: F32, g2: F32, below: F32,
) -> None:  # fmt: skip
    """Move weights and biases (one row) of a layer by its activations and deltas.

    m1 and m2 are what the optimiser remembers of weights, b1 and b2 of biases; pull and b_pull
    are what they are pulled to.   OUT: below, the deltas of a; g and g2 are overwritten.
    """
    if below.size:
        np.dot(delta, w.T, below)
    first, n_out = w.shape[0] - a.shape[1], w.shape[1]
    rule[kernels.SHARE] = _ONE / np.float32(len(delta))
    in_seen, out_seen = np.zeros((2, a.shape[1]), np.float32), np.zeros((2, n_out), np.float32)
    np.dot(a.T, delta, g)
    a2, delta2 = kernels.squared(a, in_seen), kernels.squared(delta, out_seen)
    if rule[kernels.ADAPTIVE] != 0:  # momentum has no use for squares
        np.dot(a2.T, delta2, g2)
    awake, sums = out_seen[0], np.zeros((2, n_out), np.float32)
    kernels.step(
        w[first:], m1[first:], m2[first:], pull[first:], g, g2, in_seen[0], awake, rule, sums[0]
    )
    if places.size:
        kernels.step_places(w, m1, m2, pull, places, delta, rule)
        for row in range(len(delta)):
            for j in range(n_out):
                sums[0, j] += delta[row, j] * delta[row, j] * np.float32(places.shape[1])
    for j in range(n_out):
        sums[0, j] /= np.float32(w.shape[0])
    everywhere = np.array([len(delta)], np.float32)
    kernels.step(b, b1, b2, b_pull, out_seen[1:], sums[:1], everywhere, awake, rule, sums[1])
