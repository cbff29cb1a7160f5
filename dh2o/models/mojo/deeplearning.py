"""MOJOs of neural networks: all of it is text in ``model.ini``."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import ModelError
from dh2o.models.category import ModelCategory
from dh2o.models.deeplearning import DeepLearningModel, Inputs, Network
from dh2o.models.model import Model
from dh2o.models.mojo.draft import MojoDraft
from dh2o.models.mojo.encodings import read_encoding, write_encoding
from dh2o.models.mojo.errors import MojoError
from dh2o.models.mojo.kinds import MojoKind, register_kind
from dh2o.models.mojo.source import MojoSource
from dh2o.models.output import ModelOutput

__all__ = ["DeepLearningMojo"]

_MAX = 100_000_000
_CHANNELS = 2  # of a maxout unit
_WITH_DROPOUT = "WithDropout"
#: Encodings that H2O's scorer of networks cannot undo.
_FOREIGN_ENCODINGS = ("OneHotExplicit", "EnumLimited")
#: Distributions of H2O whose scores its MOJO scorer makes of the network's output.
_DISTRIBUTIONS = (
    "gaussian", "bernoulli", "multinomial", "poisson", "gamma", "tweedie", "laplace", "quantile",
    "huber",
)  # fmt: skip
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]


@register_kind
class DeepLearningMojo(MojoKind):
    """Weights and biases, and how columns become input units."""

    algorithm: ClassVar[str] = DeepLearningModel.algo_full_name
    algo: ClassVar[str] = DeepLearningModel.algo
    version: ClassVar[str] = "1.10"

    def columns(self, model: Model) -> tuple[str, ...]:
        """Return the predictors: categoricals, then numbers."""
        assert isinstance(model, DeepLearningModel)
        return (*model.inputs.categoricals, *model.inputs.numerics)

    def check(self, model: Model) -> None:
        """Raise `MojoError` for what H2O's scorer of networks would score otherwise."""
        assert isinstance(model, DeepLearningModel)
        if model.output.offset is not None:
            raise MojoError(
                "A MOJO cannot hold a neural network with an offset: H2O's scorer leaves the "
                "offset out. Save the model in dh2o's own format."
            )
        encoding = model.output.encoding
        if encoding is not None and encoding.scheme in _FOREIGN_ENCODINGS:
            raise MojoError(
                f"A MOJO cannot hold a neural network with categorical_encoding {encoding.scheme}; "
                "OneHotInternal, Binary, Eigen, LabelEncoder and SortByResponse can be written."
            )
        if model.inputs.n_hashed:
            raise MojoError(
                "A MOJO cannot hold a neural network whose levels share units "
                "(max_categorical_features). Save the model in dh2o's own format."
            )

    def write(self, model: Model, draft: MojoDraft) -> None:
        """Add the input layer, the weights of all layers, and the encoding."""
        assert isinstance(model, DeepLearningModel)
        inputs, net = _with_na_as_encoded(model)
        draft.put("mini_batch_size", int(model.params.get("mini_batch_size", 1)))
        draft.put("nums", len(inputs.numerics))
        draft.put("cats", len(inputs.categoricals))
        draft.put("cat_offsets", list(inputs.starts))
        is_scaled = bool(inputs.shift.any() or (inputs.scale != 1).any())
        draft.put("norm_mul", inputs.scale if is_scaled else None)
        draft.put("norm_sub", inputs.shift if is_scaled else None)
        to_response = (model.response_scale, model.response_shift)
        is_scaled = to_response != (1.0, 0.0)
        draft.put("norm_resp_mul", [to_response[0]] if is_scaled else None)
        draft.put("norm_resp_sub", [to_response[1]] if is_scaled else None)
        draft.put("use_all_factor_levels", inputs.all_levels)
        dropout = _WITH_DROPOUT if any(net.dropouts) else ""
        draft.put("activation", net.activation + dropout)
        draft.put("distribution", model.distribution)
        imputes = model.params.get("missing_values_handling", "MeanImputation") != "Skip"
        draft.put("mean_imputation", imputes)
        if imputes and inputs.categoricals:
            ends = np.asarray(inputs.starts)
            draft.put("cat_modes", ends[1:] - ends[:-1] - (1 if inputs.all_levels else 0))
        draft.put("neural_network_sizes", [net.units(k) for k in range(len(net.weights) + 1)])
        for k, (weights, biases) in enumerate(zip(net.weights, net.biases, strict=True)):
            n_channels = weights.shape[1] // net.units(k + 1)
            by_unit = weights.reshape(len(weights), -1, n_channels).transpose(1, 0, 2)
            draft.put(f"weight_layer{k}", _text(by_unit.ravel()))
            draft.put(f"bias_layer{k}", _text(biases))
        draft.put("hidden_dropout_ratios", [*map(float, net.dropouts), 0.0])
        write_encoding(model.output, draft)

    def read(self, source: MojoSource) -> Model:
        """Return the network; what its optimiser remembered is not in a MOJO."""
        output = _without_offset(source.output())
        output = output.replace(encoding=read_encoding(source, output))
        inputs = _inputs(source)
        distribution = source.ini.text("distribution")
        if distribution not in _DISTRIBUTIONS:
            raise MojoError(f"The MOJO has distribution {distribution[:40]!r}, which is not known.")
        shift, scale = _response(source, output)
        model = DeepLearningModel(
            source.key, source.params(), output, inputs, _network(source, output), distribution,
            shift, scale,
        )  # fmt: skip
        try:
            model.check()
        except ModelError as err:
            raise MojoError(str(err)) from None
        return model


def _with_na_as_encoded(model: DeepLearningModel) -> tuple[Inputs, Network]:
    """Return the layers with binary-encoded numbers scaled only, not shifted.

    A frame's NA have all bits 0, but H2O's scorer of single rows gives those units 0. So what the
    shift adds moves into the biases of the first layer, where both are the same.
    """
    inputs, net = model.inputs, model.network
    encoding = model.output.encoding
    if encoding is None or encoding.scheme != "Binary" or model.is_autoencoder:
        return inputs, net
    bits = {name for step in encoding.steps for name in step.names}
    shift = np.array(
        [s if n in bits else 0.0 for n, s in zip(inputs.numerics, inputs.shift, strict=True)]
    )
    weights = net.weights[0][inputs.n_places :].astype(np.float64)
    moved = net.biases[0] - (shift * inputs.scale) @ weights
    return (
        dataclasses.replace(inputs, shift=inputs.shift - shift),
        dataclasses.replace(net, biases=(moved.astype(np.float32), *net.biases[1:])),
    )


def _text(values: F32) -> str:
    """Return the shortest digits that give the same floats again, in square brackets."""
    if not np.isfinite(values).all():
        raise MojoError("A MOJO cannot hold a neural network with infinite weights.")
    return f"[{', '.join(values.astype(np.float32).astype(str).tolist())}]"


def _without_offset(output: ModelOutput) -> ModelOutput:
    """Return the output without the offset, as H2O's scorer of networks leaves it out."""
    kept = [k for k, name in enumerate(output.names) if name != output.offset]
    return output.replace(
        offset=None,
        names=tuple(output.names[k] for k in kept),
        domains=tuple(output.domains[k] for k in kept),
        column_types=tuple(output.column_types[k] for k in kept),
    )


def _inputs(source: MojoSource) -> Inputs:
    ini, columns = source.ini, source.features
    n_cats, n_nums = ini.count("cats", _MAX), ini.count("nums", _MAX)
    if n_cats + n_nums != len(columns):
        raise MojoError(f"The MOJO has {n_cats} + {n_nums} predictors, but {len(columns)} columns.")
    levels = source.feature_domains[:n_cats]
    if any(domain is None for domain in levels):
        raise MojoError("A categorical column of the MOJO has no levels.")
    known = tuple(domain or () for domain in levels)

    def numbers(key: str, default: float) -> F64:
        values = ini.numbers(key) if ini.has(key) else np.zeros(0)
        values = values if len(values) else np.full(n_nums, default)
        if len(values) != n_nums or not np.isfinite(values).all():
            raise MojoError(f"{key} of the MOJO does not say of each number how it is scaled.")
        return values

    shift, scale = numbers("norm_sub", 0.0), numbers("norm_mul", 1.0)
    inputs = Inputs(
        columns[:n_cats], known, columns[n_cats:], shift, scale, ini.flag("use_all_factor_levels")
    )
    if list(inputs.starts) != ini.integers("cat_offsets", [0]):
        raise MojoError("cat_offsets of the MOJO do not fit the levels of its columns.")
    return inputs


def _response(source: MojoSource, output: ModelOutput) -> tuple[float, float]:
    """Return what was taken off a number to be predicted, and its factor."""
    found: list[float] = []
    for key, default in (("norm_resp_sub", 0.0), ("norm_resp_mul", 1.0)):
        values = source.ini.numbers(key) if source.ini.has(key) else np.zeros(0)
        found.append(float(values[0]) if len(values) else default)
    if output.category is not ModelCategory.REGRESSION:
        return 0.0, 1.0
    if not np.isfinite(found).all() or found[1] == 0:
        raise MojoError("The MOJO does not say how its response is scaled.")
    return found[0], found[1]


def _network(source: MojoSource, output: ModelOutput) -> Network:
    ini = source.ini
    sizes = ini.integers("neural_network_sizes")
    if len(sizes) < 2 or len(sizes) > 10_000 or min(sizes) < 1 or max(sizes) > _MAX:
        raise MojoError("neural_network_sizes of the MOJO are no sizes of layers.")
    activation = ini.text("activation").removesuffix(_WITH_DROPOUT)
    weights: list[Any] = []
    biases: list[Any] = []
    for k in range(len(sizes) - 1):
        n_in, n_out = sizes[k], sizes[k + 1]
        is_hidden = k < len(sizes) - 2
        n_channels = _CHANNELS if activation == "Maxout" and is_hidden else 1
        flat, bias = ini.numbers(f"weight_layer{k}"), ini.numbers(f"bias_layer{k}")
        if len(flat) != n_in * n_out * n_channels or len(bias) != n_out * n_channels:
            raise MojoError(f"Layer {k} of the MOJO does not have {n_in} x {n_out} weights.")
        by_unit = flat.astype(np.float32).reshape(n_out, n_in, n_channels)
        by_input = by_unit.transpose(1, 0, 2).reshape(n_in, -1)
        weights.append(np.ascontiguousarray(by_input))
        biases.append(bias.astype(np.float32))
    ratios = ini.numbers("hidden_dropout_ratios", [0.0] * (len(sizes) - 1))[: len(sizes) - 2]
    if not ((ratios >= 0) & (ratios < 1)).all():
        raise MojoError("hidden_dropout_ratios of the MOJO are not between 0 and 1.")
    has_dropout = ini.text("activation").endswith(_WITH_DROPOUT)
    dropouts = tuple(float(ratio) if has_dropout else 0.0 for ratio in ratios)
    last = "softmax" if output.category.is_classifier else "linear"
    if output.category is ModelCategory.AUTO_ENCODER:
        last = "activation"
    return Network(activation, last, tuple(weights), tuple(biases), dropouts)
