"""MOJOs of gradient boosting machines."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from dh2o.models.gbm import GBMModel
from dh2o.models.model import Model
from dh2o.models.mojo.draft import MojoDraft
from dh2o.models.mojo.errors import MojoError
from dh2o.models.mojo.kinds import MojoKind, register_kind
from dh2o.models.mojo.source import MojoSource
from dh2o.models.mojo.trees import TREES_VERSION, read_trees, tree_output, write_trees

__all__ = ["GBMMojo"]

_LINKS = {
    "bernoulli": "logit",
    "quasibinomial": "logit",
    "modified_huber": "logit",
    "multinomial": "log",
    "poisson": "log",
    "gamma": "log",
    "tweedie": "log",
}


@register_kind
class GBMMojo(MojoKind):
    """Trees, an initial value and a link."""

    algorithm: ClassVar[str] = GBMModel.algo_full_name
    algo: ClassVar[str] = GBMModel.algo
    version: ClassVar[str] = TREES_VERSION

    def write(self, model: Model, draft: MojoDraft) -> None:
        """Add trees, distribution, link and initial value."""
        assert isinstance(model, GBMModel)
        write_trees(model, draft)
        draft.put("distribution", model.distribution)
        draft.put("link_function", _LINKS.get(model.distribution, "identity"))
        draft.put("init_f", float(model.init_f))

    def read(self, source: MojoSource) -> Model:
        """Return the model."""
        distribution = source.ini.text("distribution")
        link = source.ini.text("link_function", _LINKS.get(distribution, "identity"))
        output = tree_output(source)
        n_classes = 1 if output.n_classes == 2 else output.n_classes
        scored_as = _scored_as(distribution, link, output.n_classes)
        forest, init_f = read_trees(source, n_classes), source.ini.number("init_f")
        if distribution == "multinomial" and output.n_classes == 2:
            # H2O takes the odds of f and -f for the two classes: those of 0 and -2 f, to the bit
            forest = dataclasses.replace(forest, values=forest.values * np.float32(-2))
            init_f, scored_as = -2 * init_f, "bernoulli"
        return GBMModel(source.key, source.params(), output, forest, init_f, scored_as)


def _scored_as(distribution: str, link: str, n_classes: int) -> str:
    """Return a distribution that is scored with `link`, the model's own where that is so."""
    if distribution == "multinomial" and n_classes == 2:
        return distribution
    if distribution == "multinomial" or _LINKS.get(distribution, "identity") == link:
        own = "bernoulli" if distribution == "modified_huber" else distribution
        if (own in ("bernoulli", "quasibinomial")) != (n_classes == 2) or (
            (own == "multinomial") != (n_classes > 2)
        ):
            raise MojoError(f"A {distribution} model cannot have {n_classes} classes.")
        return own
    others = {"logit": "bernoulli", "log": "poisson", "identity": "gaussian"}
    if link not in others or (link == "logit") != (n_classes == 2):
        raise MojoError(f"GBM with distribution {distribution!r} and link {link!r} is not read.")
    return others[link]
