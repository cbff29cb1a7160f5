"""What a request for predictions may ask for besides predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dh2o.errors import ModelError
from dh2o.estimators.explain.contributions import contribution_frame
from dh2o.estimators.explain.sampled_rows import row_to_tree
from dh2o.estimators.explain.tree_views import (
    feature_frequencies,
    leaf_assignment,
    staged_predictions,
)
from dh2o.models.explain.contributions import Ranking

from .frames import frame_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from dh2o.frame import Frame
    from dh2o.models import Model
    from dh2o.server.schemas.metrics import ModelMetricsListSchemaV3

__all__ = ["special_output"]

#: Answers that no model of dh2o has yet.
_UNKNOWN = (
    "reconstruct_train",
    "project_archetypes",
    "reverse_transform",
)


def special_output(
    args: ModelMetricsListSchemaV3,
) -> tuple[str, Callable[[Model, Frame], Frame]] | None:
    """Return the name of what is asked for and what makes it; None if it is predictions."""
    asked = [name for name in _UNKNOWN if getattr(args, name, False)]
    if asked:
        raise ModelError(f"{', '.join(asked)}: no model has this output.")
    if args.reconstruction_error or args.deep_features_hidden_layer >= 0:
        return _of_network(args)
    if args.leaf_node_assignment:
        kind = args.leaf_node_assignment_type or "Path"
        return "leaf_node_assignment", lambda model, frame: leaf_assignment(model, frame, kind)
    if args.feature_frequencies:
        return "feature_frequencies", feature_frequencies
    if args.predict_staged_proba:
        return "staged_proba", staged_predictions
    if args.predict_contributions:
        return "contributions", _contributions(args)
    if args.row_to_tree_assignment:
        return "row_to_tree_assignment", row_to_tree
    return None


def _of_network(
    args: ModelMetricsListSchemaV3,
) -> tuple[str, Callable[[Model, Frame], Frame]]:
    # imported when asked for: kernels of networks need not be there for the server to start
    from dh2o.estimators.deeplearning.outputs import anomaly_frame, deep_feature_frame

    if args.reconstruction_error:
        per_feature = args.reconstruction_error_per_feature
        return "reconstruction", lambda model, frame: anomaly_frame(model, frame, per_feature)
    layer = args.deep_features_hidden_layer
    return "deepfeatures", lambda model, frame: deep_feature_frame(model, frame, layer)


def _contributions(args: ModelMetricsListSchemaV3) -> Callable[[Model, Frame], Frame]:
    background = None if args.background_frame is None else frame_of(args.background_frame)
    ranking = Ranking(args.top_n, args.bottom_n, args.compare_abs)

    def made(model: Model, frame: Frame) -> Frame:
        return contribution_frame(
            model,
            frame,
            output_format=args.predict_contributions_output_format,
            ranking=ranking,
            background=background,
            output_space=args.output_space,
            per_reference=args.output_per_reference,
        )

    return made
