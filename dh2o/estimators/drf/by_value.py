"""Random forests by H2O's own rules: every node bins the values of its rows anew.

With the histogram type Random these are extremely randomised trees (Geurts, Ernst, Wehenkel 2006).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dh2o.estimators.drf.bagging import Bagger
from dh2o.estimators.drf.response import ResponseFacts
from dh2o.estimators.trees.adaptive.bagged import BagOfValues, build_bagged_values
from dh2o.estimators.trees.adaptive.columns import ColumnTable, HistogramType
from dh2o.estimators.trees.adaptive.grower import ColumnChoice, ValueGrower, ValueParams
from dh2o.estimators.trees.adaptive.steps import LeafFacts, Residuals, StartValues
from dh2o.estimators.trees.adaptive.terms import TARGET, scale_of
from dh2o.estimators.trees.adaptive.value_tree import ValueTree, forest_of_values
from dh2o.estimators.trees.arrays import F64
from dh2o.estimators.trees.keys import Stream
from dh2o.estimators.trees.rounds import Grown
from dh2o.models.drf import DRFModel
from dh2o.models.forest import Forest
from dh2o.mrtask import LocalState

if TYPE_CHECKING:
    from dh2o.estimators.spec import TrainSpec
    from dh2o.frame import Frame
    from dh2o.mrtask import JobContext

__all__ = ["ValueBagger"]

_DIM = 3  # sums of w, w y and w y² a bin


class ValueBagger(Bagger):
    """Grows trees over the values of `columns`."""

    def __init__(
        self, ctx: JobContext, spec: TrainSpec, facts: ResponseFacts, columns: ColumnTable,
        before: DRFModel | None = None,
    ) -> None:  # fmt: skip
        super().__init__(ctx, spec, facts, before)
        self.columns = columns
        self.grower = ValueGrower(columns, self._tree_params(), _DIM)
        self.scales = self._scales()

    def _tree_params(self) -> ValueParams:
        names = [n for n in ValueParams.__dataclass_fields__ if n != "histogram_type"]
        kind = HistogramType[self.params["histogram_type"]]
        return ValueParams(**{name: self.params[name] for name in names}, histogram_type=kind)

    def _scales(self) -> F64:
        """Return the scales of the sums of w, w y, w y², w y and w."""
        facts, most = self.facts, self.facts.max_weight
        y = 1.0 if self.spec.category.is_classifier else max(abs(facts.min), abs(facts.max))
        bounds = (most, y * most, y * y * most, y * most, most)
        scales = np.array([scale_of(facts.n_rows, bound) for bound in bounds])
        if facts.whole_weights and facts.total_weight < 2**61:
            scales[0] = 1.0
        return scales

    def forest(self, grown: Grown) -> Forest:
        """Return all trees as they score, those of the model before first."""
        forest = forest_of_values(grown.trees, self.n_trees_a_round, self.columns.n_columns)
        return forest if self.before is None else self.before.forest.then(forest)

    def _tree(self, state: LocalState, k: int) -> ValueTree:
        start = StartValues(
            pending=self._take_pending(),
            residuals=Residuals(TARGET, 0.0, self._target(k)),
            scales=self.scales,
            key=int(self.keys[self.n_rounds]),
            rates=self.rates,
        )
        params, key = self.params, self._key(Stream.COLUMNS, k)
        chosen = ColumnChoice.draw(
            self.columns.n_columns, params["col_sample_rate_per_tree"], self._n_tries(),
            params["col_sample_rate_change_per_level"], key,
        )  # fmt: skip
        tree, facts = self.grower.grow(start, chosen, key, state.run)
        self._set_values(tree, facts, k)
        return tree

    def _set_values(self, tree: ValueTree, facts: LeafFacts, k: int) -> None:
        """Set each node's value to the mean target of its rows; without rows it is the prior."""
        sums = np.zeros((tree.n_nodes, 2))
        sums[tree.leaves] = facts.sums[:, :2] / self.scales[[0, 3]]
        for node in np.flatnonzero(tree.nodes[:, 2] >= 0)[::-1]:  # children follow their parent
            left = tree.nodes[node, 2]
            sums[node] = sums[left] + sums[left + 1]
        weights = sums[:, 0]
        means = sums[:, 1] / np.where(weights > 0, weights, 1.0)
        tree.values = np.where(weights > 0, means, self.facts.prior(k)).astype(np.float32)
        tree.weights = weights.astype(np.float32)

    # ---- states

    def _state_spec(self, weights: str | None, learns: bool) -> BagOfValues:
        return BagOfValues(
            columns=self.columns,
            response=str(self.spec.response),
            weights=weights,
            offset=None,
            init=(0.0,) * self.n_trees_a_round,
            dim=_DIM if learns else 0,
            as_float=False,
            bag=self._bag(learns),
        )

    def _state(self, frame: Frame, weights: str | None, learns: bool) -> LocalState:
        return self.ctx.engine.local(frame, build_bagged_values, self._state_spec(weights, learns))
