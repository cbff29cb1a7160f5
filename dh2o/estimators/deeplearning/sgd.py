"""Stochastic gradient descent over the rows of one worker, mini-batches through BLAS.

Rows of a batch see the same weights; what H2O would do for each of them after the other is applied
to the weights at once, so that a batch costs a few matrix products and learns nearly as much.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dh2o.estimators.deeplearning import kernels
from dh2o.estimators.deeplearning.losses import Loss
from dh2o.models.deeplearning import dense_units

__all__ = ["Batch", "NetState", "Sgd", "SgdParams"]

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]

_SILENT = np.float32(1e-10)
_NO_PULL = np.empty((0, 0), np.float32)


@dataclass(slots=True)
class NetState:
    """Weights and biases that change, and what the optimiser remembers of each array.

    ``memory`` has two arrays for each of weights_0, biases_0, weights_1, … with ADADELTA, one with
    momentum, none else. ``n_samples`` rows were seen so far, by all workers.
    """

    weights: list[F32]
    biases: list[F32]
    memory: list[F32]
    n_samples: float = 0.0

    @property
    def arrays(self) -> list[F32]:
        """All arrays, in one fixed order."""
        return [*self.weights, *self.biases, *self.memory]

    def copy(self) -> NetState:
        """Return the same numbers in arrays of their own."""
        copies = [array.copy() for array in self.arrays]
        return self.of(copies)

    def of(self, arrays: list[F32]) -> NetState:
        """Return a state with these arrays, in the order of `arrays`."""
        n = len(self.weights)
        return NetState(arrays[:n], arrays[n : 2 * n], arrays[2 * n :], self.n_samples)

    @property
    def is_stable(self) -> bool:
        """Whether the weights are numbers of a size that can still be learned from."""
        return all(
            bool(np.isfinite(a).all()) and (a.size == 0 or float(np.abs(a).max()) < 1e10)
            for a in (*self.weights, *self.biases)
        )


@dataclass(frozen=True, slots=True)
class SgdParams:
    """How weights move. Names are those of the parameters."""

    activation: str
    output: str
    adaptive_rate: bool
    rho: float
    epsilon: float
    rate: float
    rate_annealing: float
    rate_decay: float
    momentum_start: float
    momentum_ramp: float
    momentum_stable: float
    nesterov: bool
    input_dropout: float
    dropouts: tuple[float, ...]
    l1: float
    l2: float
    max_w2: float
    sparsity_beta: float
    average_activation: float
    n_batch: int
    n_average: int
    elastic: float | None = None

    def momentum(self, n_samples: float) -> float:
        """Return the momentum after so many rows."""
        if self.momentum_ramp <= 0 or n_samples >= self.momentum_ramp:
            return self.momentum_stable
        ramp = n_samples / self.momentum_ramp
        return self.momentum_start + (self.momentum_stable - self.momentum_start) * ramp

    def rate_of(self, layer: int, n_samples: float) -> float:
        """Return the learning rate of a layer after so many rows, momentum allowed for."""
        rate = self.rate * self.rate_decay**layer / (1 + self.rate_annealing * n_samples)
        return rate * (1.0 - self.momentum(n_samples))


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Rows as the network takes them; ``y`` is None for an autoencoder."""

    places: I32
    numbers: F32
    y: NDArray[np.float32] | None
    offset: F32 | None


class Sgd:
    """Trains one state; arrays are changed in place.

    The first ``n_places`` input units are those of levels. With ``params.elastic`` weights are
    pulled to those of ``center``, that strongly.
    """

    def __init__(
        self,
        state: NetState,
        params: SgdParams,
        loss: Loss,
        rng: np.random.Generator,
        *,
        n_places: int = 0,
        center: NetState | None = None,
    ) -> None:
        self.state = state
        self.params = params
        self.loss = loss
        self.rng = rng
        self.n_places = n_places
        self.center = center if params.elastic else None
        self._mean_activations: dict[int, F32] = {}

    def step(self, batch: Batch) -> None:
        """Learn from one batch of rows."""
        places, numbers, dense = self._inputs(batch)
        activations, masks, winners = self._forward(places, numbers)
        delta = self._output_delta(batch, activations[-1], dense)
        n = len(self.state.weights)
        for k in range(n - 1, -1, -1):
            below = self._delta_below(k, delta, activations, masks, winners) if k else None
            self._update(k, activations[k], places if k == 0 else None, delta)
            if below is not None:
                delta = below
        self.state.n_samples += len(numbers)

    # ---- through the layers and back

    def _inputs(self, batch: Batch) -> tuple[I32, F32, F32 | None]:
        """Return places and numbers after dropout, and an autoencoder's targets before it."""
        places, numbers, ratio = batch.places, batch.numbers, self.params.input_dropout
        is_target = self.params.output == "activation"
        dense = dense_units(places, numbers, self.n_places) if is_target else None
        if ratio:
            numbers = numbers * (self.rng.random(numbers.shape, np.float32) >= ratio)
            places = np.where(self.rng.random(places.shape) >= ratio, places, np.int32(-1))
        return places, numbers, dense

    def _forward(
        self, places: I32, numbers: F32
    ) -> tuple[list[F32], list[F32 | None], list[I32 | None]]:
        state, params = self.state, self.params
        activations: list[F32] = [numbers]
        masks: list[F32 | None] = []
        winners: list[I32 | None] = []
        last = len(state.weights) - 1
        for k, (w, b) in enumerate(zip(state.weights, state.biases, strict=True)):
            z = activations[-1] @ (w[self.n_places :] if k == 0 else w)
            z += b
            if k == 0 and places.shape[1]:
                kernels.add_places(z, w, places)
            winner = mask = None
            if k < last or params.output == "activation":
                z, winner = _activated(params.activation, z)
            if k < last and params.dropouts[k]:
                mask = (self.rng.random(z.shape, np.float32) >= params.dropouts[k]).astype(
                    np.float32
                )
                z *= mask
            activations.append(z)
            masks.append(mask)
            winners.append(winner)
        return activations, masks, winners

    def _output_delta(self, batch: Batch, out: F32, dense: F32 | None) -> F32:
        if dense is not None:
            delta = 2 * (out - dense)
        elif self.loss.is_softmax:
            assert batch.y is not None
            p = out - out.max(axis=1, keepdims=True)
            np.exp(p, out=p)
            p /= p.sum(axis=1, keepdims=True)
            delta = self.loss.class_derivative(batch.y.astype(np.int32), p)
        else:
            assert batch.y is not None
            f = out[:, 0] if batch.offset is None else out[:, 0] + batch.offset
            with np.errstate(over="ignore", invalid="ignore"):
                delta = self.loss.derivative(batch.y, f).astype(np.float32)[:, None]
        if self.params.n_average > 1:
            delta = delta / np.float32(self.params.n_average)
        delta[np.abs(delta) < _SILENT] = 0  # squares of less would be denormal numbers: slow
        return np.ascontiguousarray(delta, np.float32)

    def _delta_below(
        self, k: int, delta: F32, activations: list[F32], masks: list[F32 | None],
        winners: list[I32 | None],
    ) -> F32:  # fmt: skip
        """Return the deltas of layer k's inputs by those of its outputs."""
        below = delta @ self.state.weights[k].T
        a, mask = activations[k], masks[k - 1]
        kind = self.params.activation
        if kind == "Rectifier":
            below *= a > 0
        elif kind == "Tanh":
            below *= 1 - a * a
        elif kind == "ExpRectifier":
            below *= np.where(a >= 0, np.float32(1), a + 1)
        if mask is not None:
            below *= mask
        winner = winners[k - 1]
        if winner is None:
            return below
        wide = np.zeros((*below.shape, 2), np.float32)
        np.put_along_axis(wide, winner[:, :, None], below[:, :, None], axis=2)
        return wide.reshape(len(below), -1)

    # ---- weights

    def _update(self, k: int, a: F32, places: I32 | None, delta: F32) -> None:
        """Change the weights and biases of layer k.   IN: its input activations and deltas."""
        p, state = self.params, self.state
        at = self.n_places if k == 0 else 0
        w = state.weights[k]
        n_in, n_out = _awake(a), _awake(delta)
        share = np.float32(1.0 / len(delta))
        g = a.T @ delta
        squares = delta * delta
        if p.adaptive_rate:
            g2 = (a * a).T @ squares
            mean_g2, mean_dx2 = self._memory(k, 0), self._memory(k, 1)
            forget, eps = np.float32(-np.log(p.rho)), np.float32(p.epsilon)
            l1, l2 = np.float32(p.l1), np.float32(p.l2)
            pull, b_pull = self._pulls(k)
            kernels.adadelta(
                w[at:], mean_g2[at:], mean_dx2[at:], g, g2, n_in, n_out, share, forget, eps,
                l1, l2, pull[at:],
            )  # fmt: skip
            sums = g2.sum(axis=0)
            if places is not None and places.shape[1]:
                rho = np.float32(p.rho)
                kernels.adadelta_places(w, mean_g2, mean_dx2, places, delta, rho, eps, l1, l2, pull)
                sums += squares.sum(axis=0) * np.float32(places.shape[1])
            sums /= np.float32(w.shape[0])
            everywhere = np.array([len(delta)], np.float32)
            b_g2, b_dx2 = self._memory(k, 0, bias=True), self._memory(k, 1, bias=True)
            kernels.adadelta(
                state.biases[k][None, :], b_g2[None, :], b_dx2[None, :],
                delta.sum(axis=0)[None, :], sums[None, :], everywhere, n_out, share,
                forget, eps, l1, l2, b_pull,
            )  # fmt: skip
        else:
            self._update_by_momentum(k, at, g, places, delta, n_in, n_out, share)
        self._limit(k, a)

    def _update_by_momentum(
        self, k: int, at: int, g: F32, places: I32 | None, delta: F32, n_in: F32, n_out: F32,
        share: np.float32,
    ) -> None:  # fmt: skip
        p, state = self.params, self.state
        rate = np.float32(p.rate_of(k, state.n_samples))
        m = np.float32(p.momentum(state.n_samples))
        l1, l2 = np.float32(p.l1), np.float32(p.l2)
        w = state.weights[k]
        v = self._memory(k, 0) if state.memory else np.empty((0, 0), np.float32)
        pull, b_pull = self._pulls(k)
        kernels.momentum(
            w[at:], v[at:], g, n_in, n_out, share, rate, m, p.nesterov, l1, l2, pull[at:]
        )
        if places is not None and places.shape[1]:
            kernels.momentum_places(w, v, places, delta, rate, m, p.nesterov, l1, l2, pull)
        bv = self._memory(k, 0, bias=True)[None, :] if state.memory else v
        everywhere = np.array([len(delta)], np.float32)
        kernels.momentum(
            state.biases[k][None, :], bv, delta.sum(axis=0)[None, :], everywhere, n_out, share,
            rate, m, p.nesterov, l1, l2, b_pull,
        )  # fmt: skip

    def _pulls(self, k: int) -> tuple[F32, F32]:
        """Return the gradients of weights and biases towards the centre (Zhang et al. 2014)."""
        if self.center is None:
            return _NO_PULL, _NO_PULL
        strength, state = np.float32(self.params.elastic), self.state
        of_weights = strength * (state.weights[k] - self.center.weights[k])
        of_biases = strength * (state.biases[k] - self.center.biases[k])
        return of_weights, of_biases[None, :]

    def _memory(self, k: int, which: int, bias: bool = False) -> F32:
        each = 2 if self.params.adaptive_rate else 1
        return self.state.memory[(2 * k + bias) * each + which]

    def _limit(self, k: int, a: F32) -> None:
        """Keep incoming weights below ``max_w2``; push mean activations to their target."""
        p, state = self.params, self.state
        w = state.weights[k]
        if p.max_w2 < 1e38:
            sums = np.einsum("ij,ij->j", w, w)
            heavy = np.flatnonzero(sums > p.max_w2)
            if len(heavy):
                w[:, heavy] *= np.sqrt(np.float32(p.max_w2) / sums[heavy])
        if p.sparsity_beta and k > 0:
            old = self._mean_activations.get(k)
            kept = np.float32(0.999 ** len(a))
            mean = a.mean(axis=0) * (1 - kept)
            new = mean if old is None else kept * old + mean
            self._mean_activations[k] = new
            rate = np.float32(p.rate_of(k, state.n_samples) * len(a) * p.sparsity_beta)
            if p.activation != "Maxout":
                state.biases[k - 1] -= rate * (new - np.float32(p.average_activation))


def _awake(a: F32) -> F32:
    """Return in how many rows each unit is not 0."""
    return (a != 0).sum(axis=0, dtype=np.float32)


def _activated(kind: str, z: F32) -> tuple[F32, I32 | None]:
    if kind == "Rectifier":
        np.maximum(z, 0, out=z)
        return z, None
    if kind == "Tanh":
        np.tanh(z, out=z)
        return z, None
    if kind == "ExpRectifier":
        return np.where(z >= 0, z, np.expm1(np.minimum(z, 0))).astype(np.float32), None
    pairs = z.reshape(len(z), -1, 2)
    winner = pairs.argmax(axis=2).astype(np.int32)
    return np.ascontiguousarray(pairs.max(axis=2)), winner
