"""One build of a builder, with what the algorithm need not know of: sorted levels, balance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dh2o.estimators.building import balance
from dh2o.estimators.building.encode_frame import sorted_by_response

if TYPE_CHECKING:
    from dh2o.estimators.builder import ModelBuilder
    from dh2o.estimators.spec import TrainSpec
    from dh2o.models import Model
    from dh2o.mrtask import JobContext

__all__ = ["build_one"]


def build_one(ctx: JobContext, builder: ModelBuilder, spec: TrainSpec) -> Model:
    """Return the model of `spec`; its output names the columns that the user knows.

    What depends on the rows that learn (order of levels, shares of classes) is found for each fold
    of a cross-validation on its own.
    """
    if "balance_classes" in builder.params:
        spec = balance.with_prior(spec)
    used = balance.balanced(sorted_by_response(spec))
    model = builder.build(ctx, used)
    output = balance.without_column(model.output, balance.WEIGHTS, spec.weights)
    return model.replace(output=output)
