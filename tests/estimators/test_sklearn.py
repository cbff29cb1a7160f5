"""Estimators as scikit-learn meets them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import check_is_fitted

from dh2o.errors import ParameterError
from dh2o.mrtask import Engine
from tests.estimators.mean_builder import MeanEstimator

pytestmark = pytest.mark.usefixtures("engine", "_quiet")


@pytest.fixture
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


X = np.random.default_rng(0).normal(size=(60, 2))
NUMBERS = X[:, 0] * 3
LABELS = np.where(X[:, 0] > 0.3, "pos", "neg")


def test_clone_keeps_parameters_and_forgets_the_model() -> None:
    fitted = MeanEstimator(steps=2, shift=0.5).fit(X, NUMBERS)
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    check_is_fitted(fitted)
    with pytest.raises(Exception, match="not fitted"):
        check_is_fitted(copy)


def test_regression_on_arrays() -> None:
    fitted = MeanEstimator().fit(X, NUMBERS)
    np.testing.assert_allclose(fitted.predict(X), NUMBERS.mean())
    assert fitted.score(X, NUMBERS) == pytest.approx(0.0, abs=1e-12)
    assert fitted.n_features_in_ == 2
    assert is_regressor(fitted)
    with pytest.raises(AttributeError):
        fitted.predict_proba(X)


@pytest.mark.parametrize("labels", [LABELS, LABELS == "pos", pd.Categorical(LABELS)])
def test_classes_come_back_as_they_were(labels: np.ndarray) -> None:
    table = pd.DataFrame(X, columns=["a", "b"])
    fitted = MeanEstimator().fit(table, labels)
    assert is_classifier(fitted)
    assert list(fitted.classes_) == sorted(set(labels))
    assert fitted.predict(table).dtype == np.asarray(labels).dtype
    assert set(fitted.predict(table)) <= set(labels)
    np.testing.assert_allclose(fitted.predict_proba(table).sum(axis=1), 1.0)
    assert fitted.score(table, labels) == np.mean(np.asarray(labels) == fitted.predict(table)[0])
    assert list(fitted.feature_names_in_) == ["a", "b"]


def test_the_index_is_no_predictor() -> None:
    table = pd.DataFrame(X, columns=["a", "b"])
    table.index = pd.Index(NUMBERS, name="id")  # it would give the response away
    fitted = MeanEstimator().fit(table[::2], NUMBERS[::2])
    assert list(fitted.feature_names_in_) == ["a", "b"]
    assert fitted.model.output.names == ("a", "b", "_dh2o_response")


def test_numbers_are_classes_if_the_distribution_says_so() -> None:
    y = (X[:, 0] > 0).astype(int) * 10
    fitted = MeanEstimator(distribution="bernoulli").fit(X, y)
    assert list(fitted.classes_) == [0, 10]
    assert set(fitted.predict(X)) <= {0, 10}
    assert is_classifier(MeanEstimator(distribution="bernoulli"))


def test_sample_weight() -> None:
    w = np.where(NUMBERS > 0, 2.0, 0.0)
    fitted = MeanEstimator().fit(X, NUMBERS, sample_weight=w)
    np.testing.assert_allclose(fitted.predict(X)[0], np.average(NUMBERS, weights=w))


def test_pipelines_searches_and_cross_validation() -> None:
    pipeline = make_pipeline(FunctionTransformer(), MeanEstimator())
    assert len(pipeline.fit(X, LABELS).predict(X)) == 60
    scores = cross_val_score(MeanEstimator(), X, NUMBERS, cv=3)
    assert scores.shape == (3,)
    assert np.isfinite(scores).all()
    search = GridSearchCV(MeanEstimator(), {"shift": [5.0, 0.0]}, cv=2).fit(X, NUMBERS)
    assert search.best_params_ == {"shift": 0.0}


def test_lengths_must_agree(engine: Engine) -> None:
    with pytest.raises(ParameterError, match="X has 60 rows, y has 3"):
        MeanEstimator().fit(X, [1, 2, 3])


@pytest.mark.usefixtures("engine")
def test_named_classifiers_and_regressors_say_so_before_they_are_fitted() -> None:
    from sklearn.base import clone, is_classifier, is_regressor
    from sklearn.model_selection import cross_val_score

    from dh2o.estimators import H2OGradientBoostingClassifier, H2OGradientBoostingRegressor

    rng = np.random.default_rng(0)
    x = rng.normal(size=(90, 2))
    classes = np.repeat([1, 2, 3], 30)  # sorted: folds that are not stratified would miss some
    x[:, 0] += 3 * classes
    classifier = H2OGradientBoostingClassifier(ntrees=3, min_rows=2, seed=1)
    assert is_classifier(clone(classifier))
    assert cross_val_score(classifier, x, classes, cv=3).min() > 0.6
    regressor = H2OGradientBoostingRegressor(ntrees=3, min_rows=2, seed=1)
    assert is_regressor(regressor)
    assert regressor.fit(x, classes).predict(x).dtype == np.float64
