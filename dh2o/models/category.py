"""What kind of question a model answers."""

from __future__ import annotations

from enum import StrEnum


class ModelCategory(StrEnum):
    """H2O's model categories; the names go over REST as they are."""

    UNKNOWN = "Unknown"
    BINOMIAL = "Binomial"
    MULTINOMIAL = "Multinomial"
    ORDINAL = "Ordinal"
    REGRESSION = "Regression"
    CLUSTERING = "Clustering"
    AUTO_ENCODER = "AutoEncoder"
    DIM_REDUCTION = "DimReduction"
    WORD_EMBEDDING = "WordEmbedding"
    COX_PH = "CoxPH"
    ANOMALY = "AnomalyDetection"

    @property
    def is_classifier(self) -> bool:
        """Whether predictions are labels with class probabilities."""
        return self in _CLASSIFIERS


_CLASSIFIERS = frozenset({ModelCategory.BINOMIAL, ModelCategory.MULTINOMIAL, ModelCategory.ORDINAL})
