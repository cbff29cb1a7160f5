"""What does not go together in the parameters and data of a network."""

from __future__ import annotations

from collections.abc import Iterable

from dh2o.errors import KeyNotFoundError, ModelError
from dh2o.estimators.building.checkpoint import check_checkpoint, model_before
from dh2o.estimators.building.finite import finite_rollups
from dh2o.estimators.deeplearning.moments import Moments
from dh2o.estimators.messages import Message
from dh2o.estimators.spec import TrainSpec
from dh2o.models.deeplearning import DeepLearningModel

__all__ = ["LOG_LINK", "LOSS_OF", "check_finite", "check_spec"]

LOG_LINK = ("poisson", "gamma", "tweedie")
LOSS_OF = {
    "gaussian": "Quadratic", "laplace": "Absolute", "huber": "Huber", "quantile": "Quantile",
    "bernoulli": "CrossEntropy", "multinomial": "CrossEntropy",
}  # fmt: skip
# H2O: what may not change when training goes on from an earlier network.
_FIXED = (
    "activation", "hidden", "autoencoder", "use_all_factor_levels", "adaptive_rate", "standardize",
    "sparse", "distribution", "loss", "missing_values_handling", "momentum_start",
    "momentum_stable", "categorical_encoding", "max_categorical_features",
)  # fmt: skip


def check_spec(spec: TrainSpec) -> Iterable[Message]:
    """Return what does not go together."""
    yield from _check_kind(spec)
    yield from _check_layers(spec)
    yield from _check_momentum(spec)
    yield from check_checkpoint(spec, DeepLearningModel, _FIXED)


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
        fits = LOSS_OF.get(distribution, "Quadratic")
        if loss not in (fits, "CrossEntropy") and not params["autoencoder"]:
            yield Message.error(
                "loss",
                f"Loss {loss} does not fit distribution {distribution}, whose loss is {fits}.",
            )
    if params["autoencoder"]:
        yield from _check_autoencoder(spec)
    if params["categorical_encoding"] == "Enum":
        yield Message.error(
            "categorical_encoding", "Cannot use Enum encoding for categoricals - need numbers!"
        )
    if params["sparse"] and params["elastic_averaging"]:
        yield Message.error(
            "elastic_averaging", "Cannot use elastic averaging for sparse data handling."
        )
    if params["col_major"]:
        yield Message.error("col_major", "Deprecated: Column major data handling not supported.")


def _check_autoencoder(spec: TrainSpec) -> Iterable[Message]:
    params = spec.params
    if params["distribution"] != "gaussian":
        yield Message.error("distribution", "Autoencoders use the gaussian distribution.")
    if spec.offset is not None:
        yield Message.error("offset_column", "Autoencoders have no offset.")
    if params["nfolds"] > 1:
        yield Message.error("nfolds", "N-fold cross-validation is not supported for Autoencoder.")
    if params["custom_metric_func"]:
        yield Message.error("custom_metric_func", "Custom metric is not supported for Autoencoder.")
    if params.input("stopping_metric") not in ("AUTO", "MSE"):
        yield Message.error(
            "stopping_metric", "Stopping metric must either be AUTO or MSE for autoencoder."
        )
    aim = params["average_activation"]
    if params["sparsity_beta"] and params["activation"].startswith("Rectifier") and aim <= 0:
        yield Message.error("average_activation", "Rectifier average activation must be positive.")
    elif params["sparsity_beta"] and abs(aim) >= 1:
        yield Message.error("average_activation", "Tanh average activation must be in (-1,1).")


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
    if params["autoencoder"] and params["activation"].startswith("Maxout"):
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
    if params["checkpoint"] is None:
        return
    if params["initial_weights"] or params["initial_biases"]:
        yield Message.error(
            "checkpoint",
            "Cannot specify initial weights or biases during checkpoint restart. Will use the "
            "checkpoint model's weights and biases.",
        )
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


def check_finite(spec: TrainSpec, names: tuple[str, ...], moments: Moments) -> None:
    """Raise `ModelError` for infinite values and for responses that the distribution excludes."""
    finite_rollups(spec.train, names, "no place in a network")
    if spec.params["distribution"] in LOG_LINK and names and moments.low[-1] < 0:
        raise ModelError(
            f"Distribution {spec.params['distribution']} needs a response that is not negative, "
            f"'{spec.response}' has {moments.low[-1]:g}."
        )
