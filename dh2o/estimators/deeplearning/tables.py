"""Tables of a trained network: its layers, and how much each input matters."""

from __future__ import annotations

from typing import Any

import numpy as np

from dh2o.estimators.deeplearning.sgd import NetState, SgdParams
from dh2o.estimators.spec import TrainSpec
from dh2o.models import TwoDimTable
from dh2o.models.deeplearning import DeepLearningModel

__all__ = ["importance_table", "layer_table"]

_DOUBLES = (
    "mean_rate", "rate_rms", "momentum", "mean_weight", "weight_rms", "mean_bias", "bias_rms",
)  # fmt: skip


def layer_table(
    spec: TrainSpec, model: DeepLearningModel, state: NetState, params: SgdParams
) -> TwoDimTable:
    """Return H2O's status of neuron layers."""
    net = model.network
    n = len(net.weights)
    hidden_type = spec.params["activation"].replace("WithDropout", "Dropout")
    last = {"softmax": "Softmax", "linear": "Linear"}.get(
        net.output, hidden_type.replace("Dropout", "")
    )
    columns: dict[str, list[Any]] = {
        "layer": list(range(1, n + 2)),
        "units": [net.units(k) for k in range(n + 1)],
        "type": ["Input", *([hidden_type] * (n - 1)), last],
        "dropout": [100.0 * params.input_dropout, *(100.0 * d for d in net.dropouts), None],
        "l1": [None, *([params.l1] * n)],
        "l2": [None, *([params.l2] * n)],
    }
    rows = [_statistics(k, state, params) for k in range(n)]
    for i, name in enumerate(_DOUBLES):
        columns[name] = [None, *(row[i] for row in rows)]
    kinds = {"layer": "int", "units": "int", "type": "string"}
    table = {"": ("string", [""] * (n + 1))}
    table |= {name: (kinds.get(name, "double"), values) for name, values in columns.items()}
    return TwoDimTable.of("Status of Neuron Layers", table, _what(spec, model))


def _what(spec: TrainSpec, model: DeepLearningModel) -> str:
    net = model.network
    if model.is_autoencoder:
        goal = "auto-encoder"
    elif spec.category.is_classifier:
        goal = f"predicting {spec.response}, {spec.n_classes}-class classification"
    else:
        goal = f"predicting {spec.response}, regression"
    params = spec.params
    n_bytes = 4 * (net.n_weights + sum(m.size for m in model.memory))
    return (
        f"{goal}, {params['distribution']} distribution, {params['loss']} loss, "
        f"{net.n_weights:,} weights/biases, {n_bytes / 1024:,.1f} KB, "
        f"{round(model.n_samples):,} training samples, mini-batch size "
        f"{params['mini_batch_size']}"
    )


def _statistics(k: int, state: NetState, params: SgdParams) -> tuple[float, ...]:
    w, b = state.weights[k], state.biases[k]
    if params.adaptive_rate:
        mean_g2, mean_dx2 = state.memory[4 * k : 4 * k + 2]
        eps = params.epsilon
        rates = np.sqrt((mean_dx2 + eps) / (mean_g2 + eps))
        rate, spread, momentum = float(rates.mean()), float(rates.std()), 0.0
    else:
        rate, spread = params.rate_of(k, state.n_samples), 0.0
        momentum = params.momentum(state.n_samples)
    return (
        rate, spread, momentum, float(w.mean()), float(w.std()), float(b.mean()), float(b.std()),
    )  # fmt: skip


def importance_table(model: DeepLearningModel, saw_missing: list[bool]) -> TwoDimTable:
    """Return the importance of the input units by their weights into the first two layers.

    Gedeon (1997), "Data mining of inputs: analysing magnitude and functional measures".
    ``saw_missing`` says of each categorical whether training data had NA there.
    """
    weights = [np.abs(w.astype(np.float64)) for w in model.network.weights[:2]]
    with np.errstate(divide="ignore", invalid="ignore"):
        if len(weights) == 1:
            found = weights[0].sum(axis=1)
        else:
            first = weights[0]
            if model.network.activation == "Maxout":  # a unit is as strong as its channels
                first = first.reshape(len(first), -1, 2).mean(axis=2)
            shares = (first / first.sum(axis=0)) @ (weights[1] / weights[1].sum(axis=0))
            found = (shares / shares.sum(axis=0)).sum(axis=1)
        found = np.nan_to_num(found / found.max())
    ends = () if model.inputs.n_hashed else model.inputs.starts[1:]
    saw_missing = saw_missing[: len(ends)]
    found[[end - 1 for end, saw in zip(ends, saw_missing, strict=True) if not saw]] = 0.0
    order = np.argsort(-found, kind="stable")
    total = float(found.sum())
    names = model.inputs.names
    return TwoDimTable.of(
        "Variable Importances",
        {
            "variable": ("string", [names[i] for i in order]),
            "relative_importance": ("double", [float(found[i]) for i in order]),
            "scaled_importance": ("double", [float(found[i]) for i in order]),
            "percentage": ("double", [float(found[i]) / total if total else 0.0 for i in order]),
        },
    )
