"""What makes an H2O estimator a scikit-learn estimator: fit, predict_proba, score, tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import ParameterError
from dh2o.models import Model

_CLASSIFYING = frozenset({"bernoulli", "multinomial", "binomial", "ordinal", "quasibinomial"})
_WEIGHTS = "_dh2o_weights"
_RESPONSE = "_dh2o_response"


class SklearnSide:
    """fit/predict/score over local tables. Mixed into H2OEstimator."""

    if TYPE_CHECKING:
        model: Any
    _labels: NDArray[Any] | None = None
    #: ``classifier`` or ``regressor`` where the class says which; else the response decides.
    _sklearn_type: str | None = None

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, **options: Any) -> Any:
        """Train on a table of predictors and an array of responses; returns self.

        Texts, categories and booleans in `y` are classes; numbers are classes only if the
        ``distribution`` (or ``family``) is one of classes, which also tells scikit-learn's tools
        to stratify their splits. H2O and Dask frames work too, with `y`
        the name of the response column or a one-column frame.

        Parameters
        ----------
        X : table or array, shape (n_rows, n_columns)
            The predictors.
        y : array, shape (n_rows,), or str
            The response; left out by models that have none.
        sample_weight : array, shape (n_rows,), optional
            How often each row counts.
        **options
            Those of `train`.

        Raises
        ------
        ParameterError
            X and y have different numbers of rows.
        """
        if isinstance(y, str):
            return self.train(y=y, training_frame=X, **options)  # type: ignore[attr-defined]
        table = local_columns(X)
        names = list(table)
        if y is not None:
            values = np.asarray(y).ravel()
            if len(values) != _n_rows(table):
                raise ParameterError(f"X has {_n_rows(table)} rows, y has {len(values)}.")
            table[_RESPONSE] = self._response(values)
        if sample_weight is not None:
            table[_WEIGHTS] = np.asarray(sample_weight, dtype=np.float64).ravel()
            options["weights_column"] = _WEIGHTS
        import pyarrow as pa

        frame = pa.table(table)
        response = {} if y is None else {"y": _RESPONSE}
        self.train(x=names, training_frame=frame, **response, **options)  # type: ignore[attr-defined]
        self.n_features_in_ = len(names)
        if not isinstance(X, np.ndarray | list):
            self.feature_names_in_ = np.array(names, dtype=object)
        return self

    def _response(self, values: NDArray[Any]) -> Any:
        import pyarrow as pa

        is_class = values.dtype.kind in "OUSb" or self._classifies()
        if values.dtype.kind == "O" and not self._classifies():
            is_class = any(isinstance(value, str | bool) for value in values)
        if self._sklearn_type == "regressor":
            is_class = False
        if not is_class:
            return pa.array(values.astype(np.float64))
        self._labels, codes = np.unique(values, return_inverse=True)
        texts = [str(label) for label in self._labels]
        return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(texts))

    def _classifies(self) -> bool:
        if self._sklearn_type is not None:
            return self._sklearn_type == "classifier"
        kind = getattr(self, "distribution", None) or getattr(self, "family", None)
        return str(kind).lower() in _CLASSIFYING

    @property
    def classes_(self) -> NDArray[Any]:
        """The classes, in the order of the columns of `predict_proba`."""
        domain = self.model.output.response_domain
        if domain is None:
            raise AttributeError("classes_: this model predicts numbers.")
        return _original(self._labels, domain)

    def _predict_local(self, data: Any) -> NDArray[Any]:
        from dh2o.models.predict_local import score_table

        model: Model = self.model
        raw = score_table(model, data)
        if not model.output.category.is_classifier:
            return np.ascontiguousarray(raw[:, 0])
        codes = model.labels(raw)
        labels = self.classes_
        if (codes < 0).any():
            labels = np.array([*labels, None], dtype=object)
        return labels[codes]

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the class probabilities of a local table, one column per class.

        Parameters
        ----------
        X : table or array, shape (n_rows, n_columns)
            The predictors.

        Returns
        -------
        numpy.ndarray, shape (n_rows, n_classes)
            In the order of `classes_`.
        """
        from dh2o.models.predict_local import score_table

        if not self.model.output.category.is_classifier:
            raise AttributeError(
                "predict_proba: this model predicts numbers. For numbers that are classes give the "
                "estimator distribution='bernoulli' or 'multinomial' (GLM: family='binomial')."
            )
        return score_table(self.model, X)[:, : self.model.n_outputs]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy of a classifier, the R² of a regressor.

        Parameters
        ----------
        X : table or array, shape (n_rows, n_columns)
            The predictors.
        y : array, shape (n_rows,)
            The response.
        sample_weight : array, shape (n_rows,), optional
            How often each row counts.
        """
        predicted = self._predict_local(X)
        actual = np.asarray(y).ravel()
        if self.model.output.category.is_classifier:
            return float(np.average(predicted == actual, weights=sample_weight))
        actual = actual.astype(np.float64)
        mean = np.average(actual, weights=sample_weight)
        errors = np.average((actual - predicted) ** 2, weights=sample_weight)
        spread = np.average((actual - mean) ** 2, weights=sample_weight)
        return float(1.0 - errors / spread) if spread > 0 else 0.0

    def __sklearn_is_fitted__(self) -> bool:
        return getattr(self, "_model", None) is not None

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn asks of an estimator, classifier or regressor included."""
        from sklearn.utils import ClassifierTags, InputTags, RegressorTags, Tags, TargetTags

        fitted = getattr(self, "_model", None)
        classifies = fitted.output.category.is_classifier if fitted else self._classifies()
        return Tags(
            estimator_type="classifier" if classifies else "regressor",
            target_tags=TargetTags(required=True),
            transformer_tags=None,
            classifier_tags=ClassifierTags() if classifies else None,
            regressor_tags=None if classifies else RegressorTags(),
            input_tags=InputTags(allow_nan=True, string=True, categorical=True),
        )


def _original(labels: NDArray[Any] | None, domain: tuple[str, ...]) -> NDArray[Any]:
    """Return the labels that were given to fit, in the order of the domain."""
    if labels is None:
        return np.array(domain, dtype=object)
    by_text = {str(label): label for label in labels}
    return np.array([by_text.get(level, level) for level in domain], dtype=labels.dtype)


def local_columns(X: Any) -> dict[str, Any]:
    """Return the columns of a local table by name; those of a bare array are C1, C2, …."""
    import pyarrow as pa

    if isinstance(X, Mapping):
        return dict(X)
    if hasattr(X, "iloc"):  # pandas, whose own way to Arrow takes the index for a column
        X = pa.Table.from_pandas(X, preserve_index=False)
    if hasattr(X, "__arrow_c_stream__") or isinstance(X, pa.Table):
        table = pa.table(X)
        return dict(zip(table.column_names, table.columns, strict=True))
    if hasattr(X, "to_arrow"):
        return local_columns(X.to_arrow())
    array = np.asarray(X)
    if array.ndim != 2:
        raise ParameterError(f"X: expected a table or a two-dimensional array, got {array.ndim}-d.")
    as_list = array.dtype == object
    return {
        f"C{i + 1}": pa.array(array[:, i].tolist())
        if as_list
        else np.ascontiguousarray(array[:, i])
        for i in range(array.shape[1])
    }


def _n_rows(table: dict[str, Any]) -> int:
    return len(next(iter(table.values()))) if table else 0
