"""The estimator that users call."""

from __future__ import annotations

from typing import Any

from dh2o.estimators.estimator import H2OEstimator
from dh2o.estimators.naive_bayes.params import PARAMS


class H2ONaiveBayesEstimator(H2OEstimator, table=PARAMS):
    """Naive Bayes classifier of numeric (Gaussian) and categorical columns."""

    algo = "naivebayes"

    def _classifies(self) -> bool:
        return True

    def apriori(self) -> Any:
        """Return the table of the classes' probabilities."""
        return self.model.output.extra["apriori"]

    def conditional_probabilities(self) -> list[Any]:
        """Return one table for each column: probabilities of levels, or mean and deviation."""
        return list(self.model.output.extra["pcond"])
