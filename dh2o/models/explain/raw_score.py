"""What Shapley values of a tree model add up to: its score before the inverse link."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dh2o.errors import ModelError
from dh2o.models.forest import F64
from dh2o.models.model import Model
from dh2o.models.tree_model import TreeModel

__all__ = ["RawScore", "inverse_link", "raw_score_of", "tree_model_of"]


@dataclass(frozen=True, slots=True)
class RawScore:
    """``sign * trees / divisor + bias``, for each of the classes; one score has the class ""."""

    classes: tuple[str, ...]
    divisor: float = 1.0
    sign: float = 1.0
    bias: float = 0.0
    shared_bias: bool = False

    def apply(self, values: F64) -> F64:
        """Return contributions to the score; the last column is the bias.   May change `values`."""
        values *= self.sign / self.divisor
        if self.shared_bias:
            # H2O spreads the constant of p1 = 1 - p0 evenly over the features and the bias.
            values += self.bias / values.shape[-1]
        else:
            values[..., -1] += self.bias
        return values


def tree_model_of(model: Model, what: str) -> TreeModel:
    """Return `model`, or the model in it, if it is made of trees; raise `ModelError` otherwise."""
    model = getattr(model, "inner", model)
    if not isinstance(model, TreeModel):
        raise ModelError(f"{what}: {model.algo_full_name} model {model.key} is not made of trees.")
    return model


def raw_score_of(model: TreeModel, *, spread: bool = False) -> RawScore:
    """Return what the sums over trees of `model` mean.

    With `spread`, a random forest of one tree per pair of classes shares its constant among all
    columns, as H2O does where there is no background frame.
    """
    forest, output = model.forest, model.output
    domain = output.response_domain if output.category.is_classifier else None
    init_f = getattr(model, "init_f", None)
    if init_f is not None:
        classes = tuple(domain or ()) if forest.n_classes > 1 else ("",)
        return RawScore(classes, bias=float(init_f))
    n_trees, shared = float(max(forest.n_trees, 1)), spread and model.algo == "drf"
    if domain is not None and len(domain) == 2 and forest.n_classes == 1:
        return RawScore(("",), n_trees, sign=-1.0, bias=1.0, shared_bias=shared)
    if domain is not None and forest.n_classes > 1:
        return RawScore(tuple(domain), n_trees)
    return RawScore(("",), n_trees)


def inverse_link(model: TreeModel) -> Callable[[F64], F64] | None:
    """Return what makes predictions (p1 of two classes) of scores; None if they are the same."""
    distribution = getattr(model, "distribution", None)
    if distribution is None or getattr(model, "init_f", None) is None:
        return None
    from dh2o.models.gbm import response_scale

    return lambda f: np.ascontiguousarray(response_scale(distribution, f[None, :])[:, -1])
