"""Building a network: resolve, look at the columns, train, report."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from dh2o.errors import ModelError
from dh2o.estimators.builder import ModelBuilder, register
from dh2o.estimators.checkpoint import check_checkpoint, model_before
from dh2o.estimators.deeplearning.exported import export_layers
from dh2o.estimators.deeplearning.initial import first_state, state_of_model
from dh2o.estimators.deeplearning.losses import Loss
from dh2o.estimators.deeplearning.moments import Moments, moments_of
from dh2o.estimators.deeplearning.parameters import PARAMS
from dh2o.estimators.deeplearning.rows import Roles, RowSpec
from dh2o.estimators.deeplearning.sgd import SgdParams
from dh2o.estimators.deeplearning.tables import importance_table, layer_table
from dh2o.estimators.deeplearning.training import Trained, Training
from dh2o.estimators.messages import Message
from dh2o.estimators.spec import TrainSpec
from dh2o.models import Model, ModelCategory, ModelParameters
from dh2o.models.deeplearning import DeepLearningModel, Inputs, Network

if TYPE_CHECKING:
    from dh2o.frame import Vec
    from dh2o.mrtask import JobContext

__all__ = ["DeepLearningBuilder"]

_LOG_LINK = ("poisson", "gamma", "tweedie")
_LOSS_OF = {
    "gaussian": "Quadratic", "laplace": "Absolute", "huber": "Huber", "quantile": "Quantile",
    "bernoulli": "CrossEntropy", "multinomial": "CrossEntropy",
}  # fmt: skip
_DISTRIBUTION_OF = {"Absolute": "laplace", "Huber": "huber", "Quantile": "quantile"}
# H2O: what may not change when training goes on from an earlier network.
_FIXED = (
    "activation", "hidden", "autoencoder", "use_all_factor_levels", "adaptive_rate", "standardize",
    "sparse", "distribution", "loss", "missing_values_handling", "momentum_start",
    "momentum_stable", "categorical_encoding",
)  # fmt: skip
_MANY_UPDATES = 1000  # updates below which rows are learned from one at a time
_FEW_UPDATES = 300  # that limit where each update is dear
_DEAR = 5e8  # rows times weights of a training from where on updates are dear
_MAX_BATCH = 32  # rows that see the same weights; more learn visibly less an epoch


class DeepLearningBuilder(ModelBuilder):
    """Multilayer perceptrons and autoencoders by stochastic gradient descent, as H2O's."""

    algo = "deeplearning"
    algo_full_name = "Deep Learning"
    params = PARAMS
    model_class = DeepLearningModel
    can_build = (
        ModelCategory.REGRESSION,
        ModelCategory.BINOMIAL,
        ModelCategory.MULTINOMIAL,
        ModelCategory.AUTO_ENCODER,
    )

    def needs_response(self, params: ModelParameters) -> bool:
        """Return whether there is a response: not for an autoencoder."""
        return not params["autoencoder"]

    def category_of(self, params: ModelParameters, response: Vec | None) -> ModelCategory:
        """Return what kind of model it is."""
        if params["autoencoder"]:
            return ModelCategory.AUTO_ENCODER
        return super().category_of(params, response)

    def resolve(self, spec: TrainSpec) -> TrainSpec:
        """Return the spec with distribution, loss and dropouts that the parameters mean."""
        params = spec.params
        distribution, loss = params["distribution"], params["loss"]
        if distribution == "AUTO":
            distribution = {
                ModelCategory.BINOMIAL: "bernoulli",
                ModelCategory.MULTINOMIAL: "multinomial",
            }.get(spec.category, _DISTRIBUTION_OF.get(loss, "gaussian"))
        if loss == "Automatic":
            loss = _LOSS_OF.get(distribution, "Quadratic")
        dropouts = params["hidden_dropout_ratios"]
        hidden = params["hidden"]
        if not dropouts and params["activation"].endswith("WithDropout"):
            dropouts = (0.5,) * len(hidden)
        actual: dict[str, Any] = {
            "distribution": distribution,
            "loss": loss,
            "hidden_dropout_ratios": dropouts,
        }
        if params["categorical_encoding"] == "AUTO":
            actual["categorical_encoding"] = "OneHotInternal"
        if params["stopping_metric"] == "AUTO" and params["stopping_rounds"] > 0:
            metric = "logloss" if spec.category.is_classifier else "deviance"
            automatic = spec.category is ModelCategory.AUTO_ENCODER
            actual["stopping_metric"] = "MSE" if automatic else metric
        return spec.with_actual(**actual)

    def check(self, spec: TrainSpec) -> Iterable[Message]:
        """Return what does not go together."""
        yield from _check_kind(spec)
        yield from _check_layers(spec)
        yield from _check_momentum(spec)
        yield from check_checkpoint(spec, DeepLearningModel, _FIXED)

    def build(self, ctx: JobContext, spec: TrainSpec) -> Model:
        """Return the model."""
        roles = _roles(spec)
        numerics = tuple(n for n in spec.x if not spec.train.vec(n).is_enum)
        measured = (*numerics, *([str(spec.response)] if _is_regression(spec) else []))
        moments = moments_of(spec.train, measured, roles)
        if moments.n_rows == 0:
            raise ModelError(
                f"Training frame {spec.training_frame} has no usable row: every row misses the "
                "response, its weight or (with missing_values_handling Skip) a predictor."
            )
        _check_finite(spec, measured, moments)
        inputs = _inputs(spec, numerics, moments)
        shift, scale = _response_scaling(spec, moments)
        shell = _shell(spec, inputs, shift, scale)
        before = model_before(spec, DeepLearningModel)
        first = (
            first_state(spec, _units(spec, inputs), 2 if _is_maxout(spec) else 1)
            if before is None
            else state_of_model(spec, before)
        )
        params = sgd_params(spec, moments.n_rows, sum(w.size for w in first.weights))
        rows = RowSpec(inputs, roles, shift, scale)
        training = Training(ctx, spec, shell, rows, params, _loss(spec), first, moments.n_rows)
        return _model(spec, training, training.run(), params, moments.n_rows)

    def cv_facts(self, model: Model) -> dict[str, Any]:
        """Return how long a fold's model was trained."""
        epochs = model.output.extra.get("epochs")
        return {} if epochs is None else {"epochs": epochs}


def _is_regression(spec: TrainSpec) -> bool:
    return spec.category is ModelCategory.REGRESSION


def _is_maxout(spec: TrainSpec) -> bool:
    return str(spec.params["activation"]).startswith("Maxout")


def _roles(spec: TrainSpec) -> Roles:
    needed = spec.x if spec.params["missing_values_handling"] == "Skip" else ()
    return Roles(spec.response, spec.weights, spec.offset, needed)


def _inputs(spec: TrainSpec, numerics: tuple[str, ...], moments: Moments) -> Inputs:
    """Return the input layer: numbers standardised, of an autoencoder divided by their range."""
    params, train = spec.params, spec.train
    enums = [n for n in spec.x if train.vec(n).is_enum]
    enums.sort(key=lambda name: -train.vec(name).n_levels)
    n = len(numerics)
    shift, scale = np.zeros(n), np.ones(n)
    if params["standardize"]:
        spread = moments.sigma[:n]
        if params["autoencoder"]:
            spread = np.where(
                moments.high[:n] > moments.low[:n], moments.high[:n] - moments.low[:n], 0
            )
        scale = np.divide(1.0, spread, out=np.ones(n), where=spread > 0)
        if params["autoencoder"] or not params["sparse"]:
            shift = moments.mean[:n].copy()
    return Inputs(
        tuple(enums),
        tuple(train.vec(name).domain or () for name in enums),
        numerics,
        shift,
        scale,
        bool(params["use_all_factor_levels"] or params["autoencoder"]),
    )


def _response_scaling(spec: TrainSpec, moments: Moments) -> tuple[float, float]:
    standardised = _is_regression(spec) and spec.params["standardize"]
    if not standardised or spec.params["distribution"] in _LOG_LINK:
        return 0.0, 1.0
    sigma = float(moments.sigma[-1])
    return float(moments.mean[-1]), 1.0 / sigma if sigma > 0 else 1.0


def _units(spec: TrainSpec, inputs: Inputs) -> list[int]:
    last = inputs.n_units if spec.params["autoencoder"] else spec.n_classes
    return [inputs.n_units, *spec.params["hidden"], last]


def _shell(spec: TrainSpec, inputs: Inputs, shift: float, scale: float) -> DeepLearningModel:
    """Return the model without weights."""
    params = spec.params
    output = "softmax" if spec.category.is_classifier else "linear"
    network = Network(
        params["activation"].replace("WithDropout", ""),
        "activation" if params["autoencoder"] else output,
        (),
        (),
        _dropouts(spec),
    )
    return DeepLearningModel(
        spec.model_key, params, spec.output(), inputs, network, params["distribution"], shift, scale
    )


def _dropouts(spec: TrainSpec) -> tuple[float, ...]:
    if spec.params["activation"].endswith("WithDropout"):
        return tuple(spec.params["hidden_dropout_ratios"])
    return (0.0,) * len(spec.params["hidden"])


def _loss(spec: TrainSpec) -> Loss:
    params = spec.params
    if spec.category.is_classifier:
        return Loss(params["loss"], True)
    name = params["distribution"]
    param = {"quantile": "quantile_alpha", "tweedie": "tweedie_power"}.get(name)
    return Loss(name, False, params[param] if param else 0.0)


def sgd_params(spec: TrainSpec, n_rows: int, n_weights: int) -> SgdParams:
    """Return how weights move.

    A batch is as large as the data allow without losing what single rows would teach: on little
    data rows are learned from one by one, as H2O does with ``mini_batch_size`` 1.
    """
    p = spec.params
    asked = p["mini_batch_size"]
    n_seen = p["epochs"] * n_rows
    wanted = _FEW_UPDATES if n_seen * n_weights > _DEAR else _MANY_UPDATES
    n_batch = max(asked, min(max(int(n_seen / wanted), 1), _MAX_BATCH))
    return SgdParams(
        activation=p["activation"].replace("WithDropout", ""),
        output="activation" if p["autoencoder"] else "",
        adaptive_rate=p["adaptive_rate"],
        rho=p["rho"],
        epsilon=p["epsilon"],
        rate=p["rate"],
        rate_annealing=p["rate_annealing"],
        rate_decay=p["rate_decay"],
        momentum_start=p["momentum_start"],
        momentum_ramp=p["momentum_ramp"],
        momentum_stable=p["momentum_stable"],
        nesterov=p["nesterov_accelerated_gradient"],
        input_dropout=p["input_dropout_ratio"],
        dropouts=_dropouts(spec),
        l1=p["l1"],
        l2=p["l2"],
        max_w2=p["max_w2"],
        sparsity_beta=p["sparsity_beta"],
        average_activation=p["average_activation"],
        n_batch=int(n_batch),
        n_average=asked,
    )


def _model(
    spec: TrainSpec, training: Training, trained: Trained, params: SgdParams, n_rows: int
) -> DeepLearningModel:
    state = trained.state
    model = training.model().replace(memory=tuple(state.memory))
    inputs = model.inputs
    is_regression = _is_regression(spec)
    extra: dict[str, Any] = {
        "epochs": state.n_samples / n_rows,
        "normmul": inputs.scale.tolist(),
        "normsub": inputs.shift.tolist(),
        "normrespmul": [model.response_scale] if is_regression else None,
        "normrespsub": [model.response_shift] if is_regression else None,
        "catoffsets": list(inputs.starts),
    }
    if spec.params["export_weights_and_biases"]:
        extra |= export_layers(spec.model_key, state)
    importances = None
    if spec.params["variable_importances"]:
        stats = (
            spec.train.select(list(inputs.categoricals)).rollups() if inputs.categoricals else []
        )
        importances = importance_table(model, [rolled.n_na > 0 for rolled in stats])
    output = spec.output(
        model_summary=layer_table(spec, model, state, params),
        scoring_history=trained.history.table(),
        variable_importances=importances,
        training_metrics=trained.training,
        validation_metrics=trained.validation,
        extra=extra,
    )
    return model.replace(output=output)


# ---- checks


def _check_kind(spec: TrainSpec) -> Iterable[Message]:
    params, category = spec.params, spec.category
    distribution, loss = params["distribution"], params["loss"]
    if category.is_classifier:
        wanted: tuple[str, ...] = ("bernoulli", "multinomial")
        if distribution not in wanted:
            yield Message.error(
                "distribution", f"Distribution {distribution} needs a numeric response."
            )
        if loss not in ("CrossEntropy", "Quadratic"):
            yield Message.error(
                "loss",
                f"For classification, the loss must be CrossEntropy or Quadratic, not {loss}.",
            )
        if spec.offset is not None:
            yield Message.error("offset_column", "Offset is only supported for regression.")
    else:
        if distribution in ("bernoulli", "multinomial"):
            yield Message.error(
                "distribution",
                f"Distribution {distribution} needs a categorical response: use asfactor().",
            )
        if loss == "CrossEntropy":
            yield Message.error("loss", "For regression, the loss cannot be CrossEntropy.")
        fits = _LOSS_OF.get(distribution, "Quadratic")
        if loss not in (fits, "CrossEntropy") and not params["autoencoder"]:
            yield Message.error(
                "loss",
                f"Loss {loss} does not fit distribution {distribution}, whose loss is {fits}.",
            )
    if params["autoencoder"] and distribution != "gaussian":
        yield Message.error("distribution", "Autoencoders use the gaussian distribution.")
    if params["autoencoder"] and spec.offset is not None:
        yield Message.error("offset_column", "Autoencoders have no offset.")


def _check_layers(spec: TrainSpec) -> Iterable[Message]:
    params = spec.params
    hidden, ratios = params["hidden"], params["hidden_dropout_ratios"]
    with_dropout = params["activation"].endswith("WithDropout")
    if ratios and not with_dropout:
        yield Message.error(
            "hidden_dropout_ratios",
            "Cannot specify hidden_dropout_ratios with a non-dropout activation function. "
            "Use 'RectifierWithDropout', 'TanhWithDropout', etc.",
        )
    elif ratios and len(ratios) != len(hidden):
        yield Message.error(
            "hidden_dropout_ratios",
            f"Must have {len(hidden)} hidden layer dropout ratios, got {len(ratios)}.",
        )
    if params["autoencoder"] and _is_maxout(spec):
        yield Message.error("activation", "Maxout activation is not supported for autoencoders.")
    if params["sparsity_beta"] and not params["autoencoder"]:
        yield Message.error("sparsity_beta", "Sparsity beta can only be used for autoencoders.")
    if not params["autoencoder"] and params["average_activation"]:
        yield Message.error(
            "average_activation", "Average activation can only be used for autoencoders."
        )


def _check_momentum(spec: TrainSpec) -> Iterable[Message]:
    params = spec.params
    if params["adaptive_rate"]:
        for name in ("momentum_start", "momentum_stable"):
            if params[name] and params.input(name) is not None:
                yield Message.warn(name, f"{name} is not used with adaptive_rate.")
    key = params["checkpoint"]
    if key is None:
        return
    from dh2o.errors import KeyNotFoundError

    try:
        before = model_before(spec, DeepLearningModel)
    except KeyNotFoundError:
        return
    done = 0.0 if before is None else float(before.output.extra.get("epochs") or 0.0)
    if before is not None and params["epochs"] <= done:
        yield Message.error(
            "epochs",
            f"The model to continue has seen {done:g} epochs: epochs must be larger, got "
            f"{params['epochs']:g}.",
        )


def _check_finite(spec: TrainSpec, names: tuple[Any, ...], moments: Moments) -> None:
    for k, name in enumerate(names):
        if math.isinf(moments.high[k]) and moments.weight[k] > 0:
            raise ModelError(f"Column '{name}' has infinite values: filter or replace those rows.")
        if math.isnan(moments.m2[k]):
            raise ModelError(f"Column '{name}' has infinite values: filter or replace those rows.")
    if spec.params["distribution"] in _LOG_LINK and names and moments.low[-1] < 0:
        raise ModelError(
            f"Distribution {spec.params['distribution']} needs a response that is not negative, "
            f"'{spec.response}' has {moments.low[-1]:g}."
        )


register(DeepLearningBuilder())
