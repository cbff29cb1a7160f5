"""Going on from an earlier model: which one, and whether it fits."""

from __future__ import annotations

from collections.abc import Iterable

from dh2o.errors import KeyNotFoundError
from dh2o.estimators.messages import Message
from dh2o.estimators.spec import TrainSpec
from dh2o.models.gbm import GBMModel
from dh2o.mrtask import current_engine

__all__ = ["check_checkpoint", "model_before"]

# What must be as it was: the trees before were grown with it.
_FIXED = (
    "max_depth", "min_rows", "nbins", "nbins_cats", "sample_rate", "sample_rate_per_class",
    "col_sample_rate", "distribution", "histogram_type", "categorical_encoding",
)  # fmt: skip


def model_before(spec: TrainSpec) -> GBMModel | None:
    """Return the model that `spec` goes on from, None if it starts anew."""
    key = spec.params["checkpoint"]
    if key is None or spec.is_cv_model:
        return None
    model = current_engine().dkv.get(key)
    return model if isinstance(model, GBMModel) else None


def check_checkpoint(spec: TrainSpec) -> Iterable[Message]:
    """Return why the earlier model cannot be continued as asked."""
    key = spec.params["checkpoint"]
    if key is None:
        return
    try:
        model = model_before(spec)
    except KeyNotFoundError:
        yield Message.error("checkpoint", f"Model '{key}' to continue was not found.")
        return
    if model is None:
        yield Message.error("checkpoint", f"'{key}' is not a GBM model.")
        return
    n_trees = model.forest.n_trees
    if spec.params["ntrees"] <= n_trees:
        yield Message.error(
            "ntrees",
            "If checkpoint is specified then requested ntrees must be higher than "
            f"{n_trees}, the number of trees of '{key}'.",
        )
    for name in _FIXED:
        if spec.params[name] != model.params[name]:
            yield Message.error(
                name,
                f"Field _{name} cannot be modified if checkpoint is specified: it was "
                f"{model.params[name]}, not {spec.params[name]}.",
            )
    domains = [spec.train.vec(name).domain for name in spec.x]
    if model.output.x != spec.x or domains != [model.output.domain_of(n) for n in spec.x]:
        yield Message.error(
            "checkpoint",
            f"The columns or levels of the training frame are not those of '{key}': "
            f"{', '.join(model.output.x[:8])}.",
        )
    elif model.output.response != spec.response:
        yield Message.error("checkpoint", f"The response of '{key}' was {model.output.response}.")
