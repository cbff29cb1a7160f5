"""``checkpoint``: going on from an earlier model, and whether it fits. The rules are H2O's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from dh2o.errors import KeyNotFoundError
from dh2o.estimators.messages import Message
from dh2o.estimators.spec import TrainSpec
from dh2o.models import Model
from dh2o.models.encoding import Encoding
from dh2o.mrtask import current_engine

__all__ = ["TREE_FIXED", "check_checkpoint", "encoding_before", "model_before"]

M = TypeVar("M", bound=Model)

#: What the trees before were grown with: it must be given as it was.
TREE_FIXED = (
    "build_tree_one_node", "sample_rate", "max_depth", "min_rows", "nbins", "nbins_cats",
    "nbins_top_level",
)  # fmt: skip


def model_before(spec: TrainSpec, kind: type[M]) -> M | None:
    """Return the model that `spec` goes on from, None if it starts anew.

    Raises
    ------
    KeyNotFoundError
        There is no such model.
    """
    key = spec.params.get("checkpoint")
    if key is None:
        return None
    model = current_engine().dkv.get(key)
    return model if isinstance(model, kind) else None


def encoding_before(spec: TrainSpec) -> Encoding | None:
    """Return how the model that `spec` goes on from encodes categorical columns."""
    key = spec.params.get("checkpoint")
    model: Model | None = None if key is None else current_engine().dkv.get(key)
    return None if model is None else model.output.encoding


def check_checkpoint(
    spec: TrainSpec, kind: type[M], fixed: Iterable[str], n_done: Callable[[M], int] | None = None
) -> Iterable[Message]:
    """Return why the earlier model cannot be continued as asked.

    `fixed` are the parameters that may not change; they are compared as the user gave them.
    `n_done` tells the number of trees of the earlier model, where ``ntrees`` counts them.
    """
    key = spec.params.get("checkpoint")
    if key is None:
        return
    if spec.params.get("nfolds", 0) > 1 or spec.fold is not None:
        yield Message.error("checkpoint", "Cannot run cross-validation with a checkpoint.")
        return
    try:
        model = model_before(spec, kind)
    except KeyNotFoundError:
        yield Message.error("checkpoint", "Checkpoint has to point to existing model!")
        return
    if model is None:
        yield Message.error("checkpoint", f"'{key}' is not a {kind.algo.upper()} model.")
        return
    for name in fixed:
        if name in model.params and spec.params.input(name) != model.params.input(name):
            yield Message.error(
                name,
                f"Field _{name} cannot be modified if checkpoint is specified! "
                f"It was {model.params.input(name)}, not {spec.params.input(name)}.",
            )
    if n_done is not None and spec.params["ntrees"] <= n_done(model):
        yield Message.error(
            "ntrees",
            "If checkpoint is specified then requested ntrees must be higher than "
            f"{n_done(model) + 1}",
        )
    yield from _check_columns(spec, model)


def _check_columns(spec: TrainSpec, model: Model) -> Iterable[Message]:
    output = model.output
    names = output.input_names
    before = dict(zip(output.names, output.domains, strict=True))
    if output.encoding is not None:
        before |= dict(zip(output.encoding.names, output.encoding.domains, strict=True))
    if (spec.response_domain is None) != (output.response_domain is None):
        text = "Response type must be the same as for the checkpointed model."
    elif (names, output.response) != (spec.x, spec.response):
        text = (
            "The columns of the training data must be the same as for the checkpointed model: "
            f"{', '.join(names[:8])}{'…' if len(names) > 8 else ''}; response {output.response}."
        )
    else:
        columns = (*names, str(output.response))
        differ = [name for name in columns if before[name] != spec.train.vec(name).domain]
        if not differ:
            return
        text = (
            "Categorical factor levels of the training data must be the same as for the "
            f"checkpointed model; those of {', '.join(differ[:8])} differ."
        )
    yield Message.error("checkpoint", text)
