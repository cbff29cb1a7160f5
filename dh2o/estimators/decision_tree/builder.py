"""Building a decision tree: check, grow, measure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dh2o.estimators.builder import ModelBuilder, register
from dh2o.estimators.decision_tree.growing import grow_decision_tree
from dh2o.estimators.decision_tree.parameters import PARAMS
from dh2o.estimators.decision_tree.passes import Layout
from dh2o.estimators.messages import Message
from dh2o.estimators.scoring import metrics_partial, spec_metric_builder
from dh2o.estimators.spec import TrainSpec
from dh2o.estimators.trees.tables import importance_table, summary_table
from dh2o.frame import VecType
from dh2o.models import Model, ModelCategory
from dh2o.models.decision_tree import DecisionTreeModel

if TYPE_CHECKING:
    from dh2o.mrtask import JobContext

__all__ = ["DecisionTreeBuilder"]

_THRESHOLD = 0.5  # H2O measures no training data, so it has no threshold of the best F1


class DecisionTreeBuilder(ModelBuilder):
    """One tree for two classes, split by information gain, by H2O's rules."""

    algo = "dt"
    algo_full_name = "Decision Tree"
    params = PARAMS
    model_class = DecisionTreeModel
    can_build = (ModelCategory.BINOMIAL,)
    visibility = "Experimental"

    def resolve(self, spec: TrainSpec) -> TrainSpec:
        """Return the spec with AUTO values resolved."""
        if spec.params["categorical_encoding"] == "AUTO":
            return spec.with_actual(categorical_encoding="Enum")
        return spec

    def check(self, spec: TrainSpec) -> Iterable[Message]:
        """Return what a tree of this kind cannot learn from."""
        vec = spec.train.vec(str(spec.response))
        if vec.type is not VecType.ENUM:
            yield Message.error(
                "response_column",
                f"Only categorical response is supported: convert '{spec.response}'.",
            )
        elif vec.n_levels != 2:
            yield Message.error(
                "response_column",
                f"Only binary response is supported: '{spec.response}' has {vec.n_levels} levels.",
            )
        stats = dict(zip(spec.train.names, spec.train.rollups(), strict=True))
        holes = [name for name in spec.x if stats[name].n_na]
        if holes:
            yield Message.error(
                "training_frame",
                f"NaNs are not supported yet: impute, or leave out, {', '.join(holes[:8])}.",
            )
        endless = [name for name in spec.x if stats[name].n_pinf + stats[name].n_ninf]
        if endless:
            yield Message.error(
                "training_frame", f"Infs are not supported: {', '.join(endless[:8])}."
            )

    def build(self, ctx: JobContext, spec: TrainSpec) -> Model:
        """Return the model."""
        levels = tuple(len(spec.train.vec(name).domain or ()) for name in spec.x)
        layout = Layout(spec.x, levels, str(spec.response))
        params = spec.params
        tree = grow_decision_tree(ctx, spec.train, layout, params["max_depth"], params["min_rows"])
        forest = tree.forest(len(spec.x))
        output = spec.output(
            model_summary=summary_table(forest),
            variable_importances=importance_table(spec.x, forest),
            threshold=_THRESHOLD,
        )
        model = DecisionTreeModel(spec.model_key, params, output, forest)
        builder = spec_metric_builder(spec)
        metrics = builder.finish(metrics_partial(model, spec.train, builder, None))
        return model.replace(output=output.replace(training_metrics=metrics))


register(DecisionTreeBuilder())
