"""MOJOs of isolation forests."""

from __future__ import annotations

import math
from typing import ClassVar

from dh2o.models.isolation_forest import IsolationForestModel
from dh2o.models.model import Model
from dh2o.models.mojo.draft import MojoDraft
from dh2o.models.mojo.errors import MojoError
from dh2o.models.mojo.kinds import MojoKind, register_kind
from dh2o.models.mojo.source import MojoSource
from dh2o.models.mojo.trees import TREES_VERSION, read_trees, tree_output, write_trees

__all__ = ["IsolationForestMojo"]


@register_kind
class IsolationForestMojo(MojoKind):
    """Trees of path lengths, and the shortest and longest sum of training rows."""

    algorithm: ClassVar[str] = IsolationForestModel.algo_full_name
    algo: ClassVar[str] = IsolationForestModel.algo
    version: ClassVar[str] = TREES_VERSION

    def check(self, model: Model) -> None:
        """Raise `MojoError` where H2O writes no MOJO either."""
        if model.output.encoding is not None:
            raise MojoError("Only default categorical encoding scheme is supported for MOJO")

    def write(self, model: Model, draft: MojoDraft) -> None:
        """Add trees, path lengths, and whether rows are called anomalies."""
        assert isinstance(model, IsolationForestModel)
        write_trees(model, draft)
        draft.put("max_path_length", int(model.max_path_length))
        draft.put("min_path_length", int(model.min_path_length))
        draft.put("output_anomaly_flag", model.flags_anomalies)

    def read(self, source: MojoSource) -> Model:
        """Return the model."""
        flags = source.ini.flag("output_anomaly_flag")
        output = tree_output(source)
        forest = read_trees(source, 1)
        # H2O's scorer asks whether a score is above the threshold, the model whether it reaches it
        threshold = math.nextafter(output.default_threshold, math.inf) if flags else -1.0
        output = output.replace(threshold=threshold)
        return IsolationForestModel(
            source.key,
            source.params(),
            output,
            forest,
            source.ini.integer("min_path_length", 0),
            source.ini.integer("max_path_length", 0),
        )
