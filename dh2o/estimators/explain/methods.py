"""H2O's methods that explain a trained model, lent to every estimator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dh2o.estimators.inputs import as_frame
from dh2o.models import Model
from dh2o.models.explain.contributions import Ranking

if TYPE_CHECKING:
    from dh2o.rapids import H2OFrame

__all__ = ["ExplainSide"]


class ExplainSide:
    """Contributions, leaves, staged predictions and what else tells why a model says what it says.

    ``test_data`` is anything that ``predict`` takes; answers are frames of the cluster.
    """

    @property
    def model(self) -> Model:
        """The trained model; the estimator defines it."""
        raise NotImplementedError

    def predict_contributions(  # H2O's signature
        self,
        test_data: Any,
        output_format: str | None = None,
        top_n: int = 0,
        bottom_n: int = 0,
        compare_abs: bool = False,
        background_frame: Any = None,
        output_space: bool = False,
        output_per_reference: bool = False,
    ) -> H2OFrame:
        """Return the exact Shapley value of each feature for each row, and ``BiasTerm``.

        A row's values add up to its prediction before the inverse link. A model of several classes
        has columns ``feature.class``.

        Parameters
        ----------
        test_data
            The rows to explain.
        output_format
            ``Compact`` adds up the levels of a categorical where a `background_frame` is given.
        top_n, bottom_n, compare_abs
            Only the largest and smallest contributions, as pairs of feature and value; negative
            for all; by size whatever the sign.
        background_frame
            Rows to compare with, instead of the training rows (needed by a GLM).
        output_space
            With a `background_frame`: scaled to add up to the prediction itself.
        output_per_reference
            With a `background_frame`: one row for each of its rows, instead of the mean.
        """
        from dh2o.estimators.explain.contributions import contribution_frame

        return _shown(
            contribution_frame(
                self.model,
                as_frame(test_data),
                output_format=output_format,
                ranking=Ranking(top_n or 0, bottom_n or 0, bool(compare_abs)),
                background=None if background_frame is None else as_frame(background_frame),
                output_space=output_space,
                per_reference=output_per_reference,
            )
        )

    def predict_leaf_node_assignment(self, test_data: Any, type: str = "Path") -> H2OFrame:  # noqa: A002  # H2O's name
        """Return the leaf of each row in each tree: its ``Path`` (LRL), or its ``Node_ID``."""
        from dh2o.estimators.explain.tree_views import leaf_assignment

        return _shown(leaf_assignment(self.model, as_frame(test_data), type))

    def staged_predict_proba(self, test_data: Any) -> H2OFrame:
        """Return the predictions after each tree of a boosted model."""
        from dh2o.estimators.explain.tree_views import staged_predictions

        return _shown(staged_predictions(self.model, as_frame(test_data)))

    def feature_frequencies(self, test_data: Any) -> H2OFrame:
        """Return how often the trees ask each row about each feature."""
        from dh2o.estimators.explain.tree_views import feature_frequencies

        return _shown(feature_frequencies(self.model, as_frame(test_data)))


def _shown(frame: Any) -> H2OFrame:
    from dh2o.rapids import H2OFrame

    return H2OFrame(frame)
