"""MOJOs of random forests."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from dh2o.models.drf import DRFModel
from dh2o.models.model import Model
from dh2o.models.mojo.draft import MojoDraft
from dh2o.models.mojo.kinds import MojoKind, register_kind
from dh2o.models.mojo.source import MojoSource
from dh2o.models.mojo.trees import TREES_VERSION, read_trees, tree_output, write_trees

__all__ = ["DRFMojo"]


@register_kind
class DRFMojo(MojoKind):
    """Trees of means or of shares of classes."""

    algorithm: ClassVar[str] = DRFModel.algo_full_name
    algo: ClassVar[str] = DRFModel.algo
    version: ClassVar[str] = TREES_VERSION

    def write(self, model: Model, draft: MojoDraft) -> None:
        """Add trees, and whether two classes have a tree each."""
        assert isinstance(model, DRFModel)
        write_trees(model, draft)
        draft.put("binomial_double_trees", model.binomial_double_trees)

    def read(self, source: MojoSource) -> Model:
        """Return the model."""
        output = tree_output(source)
        double = source.ini.flag("binomial_double_trees")
        n_classes = 1 if output.n_classes == 2 and not double else output.n_classes
        forest = read_trees(source, n_classes)
        keys = np.zeros(forest.n_trees, np.int64)
        return DRFModel(source.key, source.params(), output, forest, keys)
