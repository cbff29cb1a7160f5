"""Stochastic gradient descent over the rows of one worker, by mini-batches.

Rows of a batch see the same weights; what H2O would do for each of them after the other is applied
to the weights at once, so that a batch costs one pass over them and learns nearly as much.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dh2o.estimators.deeplearning import kernels, layers
from dh2o.estimators.deeplearning.losses import Loss

__all__ = ["Batch", "NetState", "Sgd", "SgdParams"]

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]

_ACTIVATION = {
    "Rectifier": kernels.RECTIFIER, "Tanh": kernels.TANH, "ExpRectifier": kernels.EXP_RECTIFIER,
    "Maxout": kernels.MAXOUT,
}  # fmt: skip
_NOTHING: F32 = np.empty(0, np.float32)
_NO_MATRIX: F32 = np.empty((0, 0), np.float32)
_NOWHERE: I32 = np.empty((0, 0), np.int32)


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

    def take(self, some: slice) -> Batch:
        """Return these rows."""
        return Batch(
            self.places[some],
            self.numbers[some],
            None if self.y is None else self.y[some],
            None if self.offset is None else self.offset[some],
        )


@dataclass(slots=True, eq=False)
class _Layer:
    """A layer in a batch: its weights, inputs of units z, outputs a, deltas, and sums over rows."""

    w: F32
    b: F32
    kind: int
    memory: tuple[F32, ...]  # of weights two arrays, of biases two
    pulls: tuple[F32, F32]
    z: F32
    a: F32
    delta: F32
    below: F32
    g: F32
    g2: F32

    def of_rows(self, n: int) -> _Layer:
        """Return the layer for n rows."""
        if n == len(self.z):
            return self
        rows = (self.z[:n], self.a[:n], self.delta[:n], self.below[:n])
        return _Layer(self.w, self.b, self.kind, self.memory, self.pulls, *rows, self.g, self.g2)


class Sgd:
    """Trains one state, whose arrays change in place, by batches of at most `size` rows.

    The first input units are those of levels. With ``params.elastic`` weights are pulled to those
    of ``center``, that strongly.
    """

    def __init__(
        self,
        state: NetState,
        params: SgdParams,
        loss: Loss,
        rng: np.random.Generator,
        *,
        size: int,
        n_places: int = 0,
        center: NetState | None = None,
    ) -> None:
        self.state = state
        self.params = params
        self.loss = loss
        self.rng = rng
        self.size = size
        self._rule = _rule(params)
        self._mean_activations: dict[int, F32] = {}
        self._is_autoencoder = params.output == "activation"
        self._layers = [
            self._layer(k, n_places, center if params.elastic else None)
            for k in range(len(state.weights))
        ]

    def _layer(self, k: int, n_places: int, center: NetState | None) -> _Layer:
        state, size = self.state, self.size
        w, b, last = state.weights[k], state.biases[k], len(state.weights) - 1
        n_in, wide = w.shape
        kind = _ACTIVATION[self.params.activation]
        kind = kind if k < last or self._is_autoencoder else kernels.LINEAR
        n_out = wide // 2 if kind == kernels.MAXOUT else wide
        each = len(state.memory) // (2 * len(state.weights))
        own = state.memory[2 * k * each : 2 * (k + 1) * each]
        memory = [*own[:each], *[_NO_MATRIX] * (2 - each)]
        memory += [*(m[None, :] for m in own[each:]), *[_NO_MATRIX] * (2 - each)]
        pulls = _NO_MATRIX, _NO_MATRIX
        if center is not None:
            pulls = center.weights[k], center.biases[k][None, :]
        widths = (wide, n_out, wide, n_in if k else 0)
        rows = [np.empty((size, n), np.float32) for n in widths]
        sums = [np.empty((n_in - (0 if k else n_places), wide), np.float32) for _ in range(2)]
        return _Layer(w, b[None, :], kind, tuple(memory), pulls, *rows, *sums)

    def learn(self, rows: Batch) -> None:
        """Learn from rows, `size` of them at once."""
        for start in range(0, len(rows.numbers), self.size):
            self._step(rows.take(slice(start, start + self.size)))

    def _step(self, batch: Batch) -> None:
        n = len(batch.numbers)
        net = [layer.of_rows(n) for layer in self._layers]
        masks = self._masks(n)
        a, places = self._after_dropout(batch)
        inputs = [a, *(layer.a for layer in net[:-1])]
        levels = [places, *[_NOWHERE] * (len(net) - 1)]
        for k, to in enumerate(net):
            layers.forward(inputs[k], to.w, to.b[0], levels[k], to.kind, masks[k], to.z, to.a)
        self._output_deltas(batch, net[-1])
        for k in range(len(net) - 1, -1, -1):
            to = net[k]
            self._set_rates(k)
            layers.backward(
                to.w, to.b, *to.memory, *to.pulls, inputs[k], levels[k], to.delta, self._rule,
                to.g, to.g2, to.below,
            )  # fmt: skip
            self._limit(k, inputs[k])
            if k:
                last = net[k - 1]
                kernels.slope(last.kind, to.below, last.z, last.a, masks[k - 1], last.delta)
        self.state.n_samples += n

    def _output_deltas(self, batch: Batch, last: _Layer) -> None:
        loss, out = self.loss, last.a
        if self._is_autoencoder:
            layers.autoencoder_deltas(batch.places, batch.numbers, out)
        else:
            assert batch.y is not None
            offset = _NOTHING if batch.offset is None else batch.offset
            layers.output_deltas(loss.code, loss.is_softmax, loss.param, batch.y, offset, out)
        if self.params.n_average > 1:
            out /= np.float32(self.params.n_average)
        kernels.slope(kernels.LINEAR, out, out, out, _NO_MATRIX, last.delta)

    def _set_rates(self, k: int) -> None:
        p, at = self.params, self.state.n_samples
        if not p.adaptive_rate:
            self._rule[kernels.RATE] = p.rate_of(k, at)
            self._rule[kernels.MOMENTUM] = p.momentum(at)

    # ---- dropout and limits

    def _after_dropout(self, rows: Batch) -> tuple[F32, I32]:
        ratio = self.params.input_dropout
        if not ratio:
            return rows.numbers, rows.places
        numbers = rows.numbers * (self.rng.random(rows.numbers.shape, np.float32) >= ratio)
        kept = self.rng.random(rows.places.shape, np.float32) >= ratio
        return numbers, np.where(kept, rows.places, np.int32(-1))

    def _masks(self, n: int) -> list[F32]:
        """Return for each layer 1 where a unit stays in a row, else 0; nothing if all do."""
        ratios = (*self.params.dropouts, 0.0)
        if not any(ratios):
            return [_NO_MATRIX] * len(self._layers)
        return [
            (self.rng.random((n, layer.a.shape[1]), np.float32) >= ratio).astype(np.float32)
            if ratio
            else _NO_MATRIX
            for layer, ratio in zip(self._layers, ratios, strict=True)
        ]

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


def _rule(p: SgdParams) -> F32:
    """Return what the optimisers' kernels must know, by the numbers that `kernels` has."""
    rule = np.zeros(kernels.ADAPTIVE + 1, np.float32)
    rule[kernels.FORGET], rule[kernels.RHO] = -np.log(p.rho), p.rho
    rule[kernels.EPSILON], rule[kernels.ELASTIC] = p.epsilon, p.elastic or 0.0
    rule[kernels.L1], rule[kernels.L2] = p.l1, p.l2
    rule[kernels.NESTEROV], rule[kernels.ADAPTIVE] = p.nesterov, p.adaptive_rate
    return rule
