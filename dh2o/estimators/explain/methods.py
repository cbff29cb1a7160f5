"""H2O's methods that explain a trained model, lent to every estimator."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dh2o.estimators.building.inputs import as_frame
from dh2o.models import Model, TwoDimTable
from dh2o.models.explain.contributions import Ranking
from dh2o.models.explain.raw_score import tree_model_of
from dh2o.mrtask import current_engine

if TYPE_CHECKING:
    from dh2o.estimators.explain.h2o_tree import H2OTree
    from dh2o.rapids import H2OFrame

__all__ = ["ExplainSide"]


class ExplainSide:
    """Contributions, leaves, staged predictions and what else tells why a model says what it says.

    ``test_data`` is anything that ``predict`` takes; answers are frames of the cluster.
    """

    _model: Model | None

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
        """Return the leaf of each row in each tree: its ``Path`` (LRL), or its ``Node_ID``.

        Parameters
        ----------
        test_data
            The rows.
        type : {"Path", "Node_ID"}
            Left and right turns from the root, or the number of the node.

        Returns
        -------
        H2OFrame
            A column for each tree, ``T1.C1`` for the first tree of the first class.

        Raises
        ------
        ModelError
            The model has no trees.
        """
        from dh2o.estimators.explain.tree_views import leaf_assignment

        return _shown(leaf_assignment(self.model, as_frame(test_data), type))

    def staged_predict_proba(self, test_data: Any) -> H2OFrame:
        """Return the predictions after each tree of a boosted model.

        Parameters
        ----------
        test_data
            The rows.

        Returns
        -------
        H2OFrame
            A column for each tree and class, ``T1.C1``, ….
        """
        from dh2o.estimators.explain.tree_views import staged_predictions

        return _shown(staged_predictions(self.model, as_frame(test_data)))

    def feature_frequencies(self, test_data: Any) -> H2OFrame:
        """Return how often the trees ask each row about each feature.

        Parameters
        ----------
        test_data
            The rows.

        Returns
        -------
        H2OFrame
            A column for each predictor.
        """
        from dh2o.estimators.explain.tree_views import feature_frequencies

        return _shown(feature_frequencies(self.model, as_frame(test_data)))

    def row_to_tree_assignment(self, test_data: Any) -> H2OFrame:
        """Return which rows of the training frame each tree was grown on (levels 0 and 1).

        Parameters
        ----------
        test_data
            The training frame.
        """
        from dh2o.estimators.explain.sampled_rows import row_to_tree

        return _shown(row_to_tree(self.model, as_frame(test_data)))

    def update_tree_weights(self, frame: Any, weights_column: str) -> None:
        """Count the weights of the trees' nodes on the rows of `frame`.

        Contributions then compare with those rows instead of the training rows.

        Parameters
        ----------
        frame
            The rows.
        weights_column : str
            Its column that says how often a row counts.
        """
        from dh2o.estimators.explain.reweight import store_reweighted

        told = store_reweighted(self.model, as_frame(frame), weights_column)
        self._model = current_engine().dkv.get(self.model.key)
        if told != "OK":
            warnings.warn(told, RuntimeWarning, stacklevel=2)

    def tree(self, tree_number: int = 0, tree_class: str | None = None) -> H2OTree:
        """Return one tree of the model.

        Parameters
        ----------
        tree_number : int
            Number of the tree, from 0.
        tree_class : str, optional
            Level of the response whose tree is meant; only where there are several.
        """
        from dh2o.estimators.explain.h2o_tree import H2OTree

        return H2OTree(self.model, tree_number, tree_class)

    def partial_dependence(  # noqa: PLR0913
        self,
        frame: Any,
        cols: Sequence[str] | None = None,
        *,
        nbins: int = 20,
        weight_column: str | None = None,
        include_na: bool = False,
        user_splits: Mapping[str, Sequence[Any]] | None = None,
        col_pairs_2dpdp: Sequence[Sequence[str]] | None = None,
        row_index: int | None = None,
        targets: Sequence[str] | None = None,
    ) -> list[TwoDimTable]:
        """Return the mean prediction by value of each column, and by values of each pair.

        Parameters
        ----------
        frame
            The rows over which the mean is taken.
        cols
            Columns; the ten most important ones if neither these nor pairs are given.
        nbins
            Values tried of a numeric column, from its minimum to its maximum.
        weight_column
            Column with the weights of the rows.
        include_na
            Whether NA is one of the values.
        user_splits
            Values of your own by column; of a categorical column its levels.
        col_pairs_2dpdp
            Pairs of columns that are varied together.
        row_index
            Look at this row alone.
        targets
            Classes to look at, of a model of several classes.
        """
        from dh2o.estimators.explain.partial import (
            PartialRequest,
            coded_splits,
            partial_dependence,
        )

        data = as_frame(frame)
        request = PartialRequest(
            columns=tuple(cols or ()),
            pairs=tuple((pair[0], pair[1]) for pair in col_pairs_2dpdp or ()),
            nbins=nbins,
            weights=weight_column,
            with_na=include_na,
            user_splits=coded_splits(data, user_splits or {}),
            row=row_index,
            targets=tuple(targets or ()),
        )
        return list(partial_dependence(self.model, data, request).tables)

    def permutation_importance(  # H2O's signature
        self,
        frame: Any,
        metric: str = "AUTO",
        n_samples: int = 10_000,
        n_repeats: int = 1,
        features: Sequence[str] | None = None,
        seed: int = -1,
        use_pandas: bool = False,
    ) -> Any:
        """Return how far `metric` moves when one column is shuffled, by column.

        Parameters
        ----------
        frame
            Rows with predictors and response.
        metric : str
            "AUTO" (AUC of two classes, logloss of more, RMSE of numbers), or a name such as "MSE".
        n_samples : int
            How many rows are drawn; -1: all.
        n_repeats : int
            How often each column is shuffled; several repeats give one column each.
        features : list of str, optional
            The columns; default: all predictors.
        seed : int
            -1: other draws each time.
        use_pandas : bool
            As a pandas frame with the variables as its index.

        Returns
        -------
        TwoDimTable or pandas.DataFrame
            Variables by falling importance, with Relative Importance, Scaled Importance and
            Percentage, or ``Run 1``, ``Run 2``, ….

        Raises
        ------
        ParameterError
            The model has no such metric; the message names those it has.
        """
        from dh2o.estimators.explain.permutation import PermutationRequest, permutation_importance

        data = as_frame(frame)
        request = PermutationRequest(
            metric=metric,
            n_samples=-1 if n_samples > data.n_rows else n_samples,
            n_repeats=n_repeats,
            features=tuple(features or ()),
            seed=seed,
        )
        table = permutation_importance(self.model, data, request)
        return table.as_data_frame().set_index("Variable") if use_pandas else table

    def feature_interaction(
        self, max_interaction_depth: int = 100, max_tree_depth: int = 100, max_deepening: int = -1
    ) -> list[TwoDimTable]:
        """Return which features are split one after the other and what that gains (XGBFI).

        Parameters
        ----------
        max_interaction_depth : int
            How many splits may follow the first one of an interaction.
        max_tree_depth : int
            How many levels of a tree are read.
        max_deepening : int
            The deepest level at which an interaction may start, 0 the root; -1: anywhere.

        Returns
        -------
        list of TwoDimTable
            A table for each depth of interaction, then leaves and split values.
        """
        from dh2o.models.explain.interactions import InteractionLimits, feature_interactions

        model = tree_model_of(self.model, "feature_interaction")
        limits = InteractionLimits(max_interaction_depth, max_tree_depth, max_deepening)
        return feature_interactions(model, limits)

    def h(self, frame: Any, variables: Sequence[str]) -> float:
        """Return Friedman and Popescu's H of columns: 0 where they do not interact.

        Parameters
        ----------
        frame
            The rows over which it is taken.
        variables : list of str
            The columns that may interact.

        Notes
        -----
        J. H. Friedman, B. E. Popescu: Predictive Learning via Rule Ensembles, 2008.
        """
        from dh2o.estimators.explain.interactions import friedman_h

        return friedman_h(self.model, as_frame(frame), list(variables))

    def fairness_metrics(
        self,
        frame: Any,
        protected_columns: Sequence[str],
        reference: Sequence[str] | None,
        favorable_class: str,
    ) -> dict[str, H2OFrame]:
        """Return metrics of a binomial model by group of the protected columns (``overview``).

        The other frames hold the thresholds of each group; ratios are to the `reference` group,
        the largest if None.

        Parameters
        ----------
        frame
            Rows with predictors, response and protected columns.
        protected_columns : list of str
            The columns whose combinations of levels are the groups.
        reference : list of str or None
            The group that ratios are to, a level of each protected column.
        favorable_class : str
            The level of the response that is good to get.

        Returns
        -------
        dict of H2OFrame
            ``overview`` has a row for each group.
        """
        from dh2o.estimators.explain.fairness import fairness_metrics

        made = fairness_metrics(
            self.model, as_frame(frame), protected_columns, reference, favorable_class
        )
        return {name: _shown(frame) for name, frame in made.items()}


def _shown(frame: Any) -> H2OFrame:
    from dh2o.rapids import H2OFrame

    return H2OFrame(frame)
