"""The network before its first step: random weights, those of frames, or those of another model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dh2o.errors import ModelError
from dh2o.estimators.deeplearning.sgd import NetState
from dh2o.estimators.spec import TrainSpec
from dh2o.models.deeplearning import DeepLearningModel

__all__ = ["first_state", "memory_of", "state_of_model"]

_STREAM = 0xBAD5EED


def first_state(spec: TrainSpec, units: Sequence[int], n_channels: int) -> NetState:
    """Return random weights as H2O draws them, and biases by activation.

    UniformAdaptive is Glorot and Bengio (2010), four times as wide before a softmax.
    """
    params = spec.params
    n = len(units) - 1
    weights, biases = [], []
    softmax = spec.category.is_classifier
    for k in range(n):
        rng = np.random.Generator(np.random.Philox(key=[(spec.seed + _STREAM) & (2**63 - 1), k]))
        wide = units[k + 1] * (n_channels if k < n - 1 else 1)
        shape, scale = (units[k], wide), params["initial_weight_scale"]
        kind = params["initial_weight_distribution"]
        if kind == "Normal":
            drawn = rng.normal(0.0, scale, shape)
        else:
            if kind == "UniformAdaptive":
                scale = np.sqrt(6.0 / (units[k] + units[k + 1]))
                scale *= 4.0 if softmax and k == n - 1 else 1.0
            drawn = rng.uniform(-scale, scale, shape)
        weights.append(drawn.astype(np.float32))
        biases.append(np.full(wide, _bias(params["activation"], k, n), np.float32))
    _from_frames(spec, weights, biases)
    _from_autoencoder(spec, weights, biases)
    state = NetState(weights, biases, [])
    state.memory = memory_of(spec, state)
    return state


def _bias(activation: str, k: int, n: int) -> float:
    if k == n - 1 or not activation.startswith(("Rectifier", "Maxout")):
        return 0.0
    return 0.5 if k == 0 else 1.0


def memory_of(spec: TrainSpec, state: NetState) -> list[Any]:
    """Return what the optimiser remembers at the start: nothing yet."""
    params = spec.params
    if params["adaptive_rate"]:
        each = 2
    else:
        each = 1 if params["momentum_start"] or params["momentum_stable"] else 0
    return [
        np.zeros_like(array)
        for pair in zip(state.weights, state.biases, strict=True)
        for array in pair
        for _ in range(each)
    ]


def state_of_model(spec: TrainSpec, model: DeepLearningModel) -> NetState:
    """Return the state of a trained model, to go on from there."""
    net = model.network
    state = NetState(
        [np.array(w, np.float32) for w in net.weights],
        [np.array(b, np.float32) for b in net.biases],
        [np.array(m, np.float32) for m in model.memory],
        model.n_samples,
    )
    fresh = memory_of(spec, state)
    if [m.shape for m in fresh] != [m.shape for m in state.memory]:
        state.memory = fresh
    return state


def _from_frames(spec: TrainSpec, weights: list[Any], biases: list[Any]) -> None:
    from dh2o.frame import Frame

    for name, arrays in (("initial_weights", weights), ("initial_biases", biases)):
        keys = spec.params[name]
        if not keys:
            continue
        if len(keys) != len(arrays):
            raise ModelError(
                f"{name} needs one frame (or None) for each of the {len(arrays)} layers, "
                f"got {len(keys)}."
            )
        for k, key in enumerate(keys):
            if not key:
                continue
            given = Frame.get(str(key)).to_numpy().astype(np.float32)
            wanted = arrays[k].T.shape if name == "initial_weights" else (arrays[k].size, 1)
            if given.shape != wanted:
                raise ModelError(
                    f"Dimensionality mismatch: {name} frame {k} should have {wanted[0]} rows and "
                    f"{wanted[1]} columns, but has {given.shape[0]} rows and {given.shape[1]} "
                    "columns."
                )
            given = given.T if name == "initial_weights" else given[:, 0]
            np.copyto(arrays[k], given, where=~np.isnan(given))  # NA: as drawn


def _from_autoencoder(spec: TrainSpec, weights: list[Any], biases: list[Any]) -> None:
    from dh2o.mrtask import current_engine

    key = spec.params["pretrained_autoencoder"]
    if key is None:
        return
    model = current_engine().dkv.get(key)
    if not isinstance(model, DeepLearningModel) or not model.is_autoencoder:
        raise ModelError(f"pretrained_autoencoder: '{key}' is no autoencoder.")
    net = model.network
    for k in range(len(weights) - 1):
        if k >= net.n_hidden or net.weights[k].shape != weights[k].shape:
            raise ModelError(
                f"pretrained_autoencoder: hidden layer {k + 1} of '{key}' has another shape. "
                "Give both models the same columns, levels and hidden layers."
            )
        weights[k][...] = net.weights[k]
        biases[k][...] = net.biases[k]
