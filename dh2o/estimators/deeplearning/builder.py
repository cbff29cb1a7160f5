"""Building a network: resolve, look at the columns, train, report."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from dh2o.errors import ModelError
from dh2o.estimators.builder import ModelBuilder, register
from dh2o.estimators.building.checkpoint import model_before
from dh2o.estimators.deeplearning.checks import LOG_LINK, LOSS_OF, check_finite, check_spec
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

_DISTRIBUTION_OF = {"Absolute": "laplace", "Huber": "huber", "Quantile": "quantile"}
# Updates below which rows are learned from one at a time, and rows that see the same weights at
# most: more learn visibly less an epoch. The second pair is for trainings whose updates are dear.
_MANY_UPDATES, _MAX_BATCH = 1000, 32
_FEW_UPDATES, _MAX_DEAR_BATCH = 150, 64
_DEAR = 5e8  # rows times weights of a training from where on updates are dear
# Without ADADELTA nothing holds steps back: rate times rows of a batch, beyond which they explode.
_STEADY = 0.02


class DeepLearningBuilder(ModelBuilder):
    """Multilayer perceptrons and autoencoders by stochastic gradient descent, as H2O's."""

    algo = "deeplearning"
    shown_autos = ("distribution",)
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
            loss = LOSS_OF.get(distribution, "Quadratic")
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
        if params["stopping_metric"] == "AUTO":
            metric = "logloss" if spec.category.is_classifier else "deviance"
            automatic = spec.category is ModelCategory.AUTO_ENCODER
            metric = "MSE" if automatic else metric
            actual["stopping_metric"] = metric if params["stopping_rounds"] > 0 else None
        return spec.with_actual(**actual)

    def check(self, spec: TrainSpec) -> Iterable[Message]:
        """Return what does not go together."""
        yield from check_spec(spec)

    def build(self, ctx: JobContext, spec: TrainSpec) -> Model:
        """Return the model."""
        spec = _after_folds(spec)
        roles = _roles(spec)
        numerics = tuple(n for n in spec.x if not spec.train.vec(n).is_enum)
        measured = (*numerics, *([str(spec.response)] if _is_regression(spec) else []))
        moments = moments_of(spec.train, measured, roles)
        if moments.n_rows == 0:
            raise ModelError(
                f"Training frame {spec.training_frame} has no usable row: every row misses the "
                "response, its weight or (with missing_values_handling Skip) a predictor."
            )
        check_finite(spec, measured, moments)
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
        """Return how many epochs a fold's model was trained."""
        return {"epochs": float(model.output.extra["epochs"])}


def _after_folds(spec: TrainSpec) -> TrainSpec:
    """Return the spec of the main model: trained as long as the folds' models were on average.

    H2O: the last network counts, and nothing stops it earlier.
    """
    if not spec.cv_facts:
        return spec
    params = spec.params
    if not params["stopping_rounds"] and not params["max_runtime_secs"]:
        return spec.with_actual(overwrite_with_best_model=False)
    epochs = sum(facts["epochs"] for facts in spec.cv_facts) / len(spec.cv_facts)
    spec = spec.with_actual(overwrite_with_best_model=False, epochs=epochs, stopping_rounds=0)
    is_auto = params.input("stopping_metric") == "AUTO"
    return spec.with_actual(stopping_metric=None) if is_auto else spec


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
    inputs = Inputs(
        tuple(enums),
        tuple(train.vec(name).domain or () for name in enums),
        numerics,
        shift,
        scale,
        bool(params["use_all_factor_levels"] or params["autoencoder"]),
    )
    most = params["max_categorical_features"]
    if most >= inputs.n_places:
        return inputs
    if params["autoencoder"]:
        raise ModelError(
            f"max_categorical_features: the levels have {inputs.n_places} units, and an "
            f"autoencoder cannot reproduce levels that share {most}. Raise the limit, or use "
            "categorical_encoding EnumLimited."
        )
    return dataclasses.replace(inputs, n_hashed=most)


def _response_scaling(spec: TrainSpec, moments: Moments) -> tuple[float, float]:
    standardised = _is_regression(spec) and spec.params["standardize"]
    if not standardised or spec.params["distribution"] in LOG_LINK:
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
    is_dear = n_seen * n_weights > _DEAR
    wanted, most = (_FEW_UPDATES, _MAX_DEAR_BATCH) if is_dear else (_MANY_UPDATES, _MAX_BATCH)
    most = min(most, int(n_seen / wanted))
    if not p["adaptive_rate"]:
        most = min(most, int(_STEADY * asked / p["rate"]))
    n_batch = max(asked, most, 1)
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
        elastic=p["elastic_averaging_regularization"] if p["elastic_averaging"] else None,
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


register(DeepLearningBuilder())
