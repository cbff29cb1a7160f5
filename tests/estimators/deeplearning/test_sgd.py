"""The optimisers against the same rules written out row by row."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from dh2o.estimators.deeplearning.losses import Loss, derivative
from dh2o.estimators.deeplearning.sgd import Batch, NetState, Sgd, SgdParams
from dh2o.models.deeplearning.network import ACTIVATIONS

UNITS = (5, 7, 6, 3)


def params(**changes: object) -> SgdParams:
    given: dict[str, object] = {
        "activation": "Tanh", "output": "", "adaptive_rate": True, "rho": 0.95, "epsilon": 1e-6,
        "rate": 0.01, "rate_annealing": 1e-3, "rate_decay": 0.9, "momentum_start": 0.3,
        "momentum_ramp": 10.0, "momentum_stable": 0.6, "nesterov": True, "input_dropout": 0.0,
        "dropouts": (0.0, 0.0), "l1": 0.0, "l2": 0.0, "max_w2": 3.4e38, "sparsity_beta": 0.0,
        "average_activation": 0.0, "n_batch": 1, "n_average": 1,
    }  # fmt: skip
    return SgdParams(**{**given, **changes})  # type: ignore[arg-type]


def start(n_memory: int, seed: int = 3, n_channels: int = 1) -> NetState:
    rng = np.random.default_rng(seed)
    shapes = [(a, b * (n_channels if b > 3 else 1)) for a, b in itertools.pairwise(UNITS)]
    weights = [rng.normal(0, 0.5, shape).astype(np.float32) for shape in shapes]
    biases = [rng.normal(0, 0.1, n).astype(np.float32) for _, n in shapes]
    pairs = [a for pair in zip(weights, biases, strict=True) for a in pair]
    return NetState(weights, biases, [np.zeros_like(a) for a in pairs for _ in range(n_memory)])


def rows(n: int, seed: int = 4) -> Batch:
    rng = np.random.default_rng(seed)
    places = rng.integers(-1, 2, (n, 1)).astype(np.int32)
    numbers = rng.normal(size=(n, UNITS[0] - 2)).astype(np.float32)
    return Batch(places, numbers, rng.integers(0, 3, n).astype(np.float32), None)


def learner(state: NetState, kind: SgdParams, **given: Any) -> Sgd:
    rng = np.random.default_rng(0)
    return Sgd(state, kind, Loss("CrossEntropy", True), rng, size=16, n_places=2, **given)


def dense(batch: Batch) -> np.ndarray:
    x = np.zeros((len(batch.numbers), UNITS[0]))
    x[:, 2:] = batch.numbers
    for i, place in enumerate(batch.places[:, 0]):
        if place >= 0:
            x[i, place] = 1
    return x


def one(batch: Batch, i: int) -> Batch:
    some = slice(i, i + 1)
    assert batch.y is not None
    return Batch(batch.places[some], batch.numbers[some], batch.y[some], None)


def cross_entropy(state: NetState, x: np.ndarray, y: int, activation: str = "Tanh") -> float:
    a = x[None, :]
    for k, (w, b) in enumerate(zip(state.weights, state.biases, strict=True)):
        a = a @ w.astype(np.float64) + b
        if k < len(state.weights) - 1:
            a = ACTIVATIONS[activation](a)
    return float(np.log(np.exp(a).sum()) - a[0, y])


def gradients(state: NetState, x: np.ndarray, y: int, activation: str = "Tanh") -> list[Any]:
    """Return dE/dw of all weights by central differences, layer after layer: weights, biases."""
    found = []
    for pair in zip(state.weights, state.biases, strict=True):
        for array in pair:
            g = np.zeros(array.shape)
            for at in np.ndindex(array.shape):
                kept = array[at]
                array[at] = kept + np.float32(1e-3)
                up, step_up = cross_entropy(state, x, y, activation), float(array[at]) - float(kept)
                array[at] = kept - np.float32(1e-3)
                down, step_down = (
                    cross_entropy(state, x, y, activation),
                    float(kept) - float(array[at]),
                )
                array[at] = kept
                g[at] = (up - down) / (step_up + step_down)
            found.append(g)
    return found


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_plain_gradient_descent_follows_the_gradient(activation: str) -> None:
    state = start(0, n_channels=2 if activation == "Maxout" else 1)
    flat = params(
        activation=activation,
        adaptive_rate=False, momentum_start=0.0, momentum_stable=0.0, rate_annealing=0.0,
        rate_decay=1.0,
    )  # fmt: skip
    batch = rows(6)
    x = dense(batch)
    assert batch.y is not None
    found = [gradients(state, x[i], int(batch.y[i]), activation) for i in range(6)]
    total = [sum(parts) for parts in zip(*found, strict=True)]
    before = state.copy()
    learner(state, flat).learn(batch)
    places = [a for pair in zip(state.weights, state.biases, strict=True) for a in pair]
    olds = [a for pair in zip(before.weights, before.biases, strict=True) for a in pair]
    for new, old, g in zip(places, olds, total, strict=True):
        np.testing.assert_allclose((old - new) / 0.01, g, atol=2e-3)


def test_adadelta_of_single_rows_is_zeilers_rule() -> None:
    state = start(2)
    reference = state.copy()
    sgd = Sgd(
        state, params(), Loss("CrossEntropy", True), np.random.default_rng(0), size=16, n_places=2
    )
    rho, eps = 0.95, 1e-6
    means = {k: (np.zeros(w.shape), np.zeros(w.shape)) for k, w in enumerate(state.weights)}
    batch = rows(5)
    x = dense(batch)
    assert batch.y is not None
    for i in range(5):
        found = gradients(reference, x[i], int(batch.y[i]))
        sgd.learn(one(batch, i))
        for k, w in enumerate(reference.weights):
            g = found[2 * k]
            touched = np.ones(w.shape, bool)
            if k == 0:
                touched[x[i] == 0] = False
            squares, steps = means[k]
            squares[touched] = (rho * squares + (1 - rho) * g * g)[touched]
            rate = np.sqrt((steps + eps) / (squares + eps))
            steps[touched] = (rho * steps + (1 - rho) * (rate * g) ** 2)[touched]
            moved = np.where(touched, rate * g, 0.0)
            np.testing.assert_allclose(state.weights[k], w - moved, atol=3e-4)
        reference = state.copy()


@pytest.mark.parametrize("adaptive", [True, False])
def test_a_batch_goes_about_where_its_rows_would(adaptive: bool) -> None:
    kind = params(adaptive_rate=adaptive, rate=0.001)
    batch = rows(16)
    alone, together = start(2 if adaptive else 1), start(2 if adaptive else 1)
    for state in (alone, together):  # both beyond ADADELTA's slow start
        warm = learner(state, kind)
        for seed in range(300):
            warm.learn(rows(1, seed))
    first = alone.copy()
    sgd = learner(alone, kind)
    for i in range(16):
        sgd.learn(one(batch, i))
    learner(together, kind).learn(batch)
    for a, b, start_ in zip(alone.weights, together.weights, first.weights, strict=True):
        moved, gap = np.abs(a - start_), np.abs(a - b)
        assert gap.mean() < 0.25 * moved.mean()
    assert alone.n_samples == together.n_samples == 316


def test_the_rate_anneals_decays_and_ramps_up_momentum() -> None:
    p = params(adaptive_rate=False)
    assert p.momentum(0) == pytest.approx(0.3)
    assert p.momentum(5) == pytest.approx(0.45)
    assert p.momentum(1e9) == pytest.approx(0.6)
    assert p.rate_of(2, 1000) == pytest.approx(0.01 * 0.81 / 2 * 0.4)


def test_weights_stay_below_max_w2_and_dropout_leaves_units_out() -> None:
    state = start(2)
    p = params(max_w2=0.5, dropouts=(0.5, 0.5), input_dropout=0.2, activation="Rectifier")
    sgd = learner(state, p)
    for seed in range(20):
        sgd.learn(rows(4, seed))
    for w in state.weights:
        assert (w.astype(float) ** 2).sum(axis=0).max() <= 0.5001
    assert state.is_stable


@pytest.mark.parametrize(
    ("name", "param", "y", "f", "expected"),
    [
        ("gaussian", 0.0, 3.0, 1.0, -4.0),
        ("laplace", 0.0, 3.0, 1.0, -1.0),
        ("quantile", 0.2, 3.0, 1.0, -0.2),
        ("quantile", 0.2, 1.0, 3.0, 0.8),
        ("huber", 0.5, 3.0, 1.0, -1.0),
        ("poisson", 0.0, 2.0, 0.0, -2.0),
        ("gamma", 0.0, 2.0, 0.0, -2.0),
        ("tweedie", 1.5, 2.0, 0.0, -2.0),
    ],
)
def test_derivatives_are_twice_those_of_half_the_deviance(
    name: str, param: float, y: float, f: float, expected: float
) -> None:
    got = derivative(Loss(name, False, param).code, param, y, f)
    assert got == pytest.approx(expected)


@pytest.mark.parametrize("adaptive", [True, False])
def test_elastic_weights_are_pulled_to_their_centre(adaptive: bool) -> None:
    center = start(2 if adaptive else 1)
    apart = {}
    for strength in (None, 0.0, 5.0):
        state = center.copy()
        kind = params(adaptive_rate=adaptive, elastic=strength)
        sgd = learner(state, kind, center=center)
        for seed in range(50):
            sgd.learn(rows(4, seed))
        moved = [a - b for a, b in zip(state.weights, center.weights, strict=True)]
        apart[strength] = max(float(np.abs(m).max()) for m in moved)
    assert apart[0.0] == apart[None]
    assert apart[5.0] < 0.7 * apart[None]
