"""The estimators that users call."""

from __future__ import annotations

from typing import Any

from dh2o.errors import ModelError
from dh2o.estimators.building.inputs import as_frame
from dh2o.estimators.deeplearning.outputs import anomaly_frame, deep_feature_frame
from dh2o.estimators.deeplearning.parameters import PARAMS
from dh2o.estimators.estimator import H2OEstimator
from dh2o.frame import Frame
from dh2o.rapids import H2OFrame

__all__ = ["H2OAutoEncoderEstimator", "H2ODeepLearningEstimator"]


class H2ODeepLearningEstimator(H2OEstimator, table=PARAMS):
    """Multilayer perceptron, trained by stochastic gradient descent; or an autoencoder."""

    @property
    def needs_response(self) -> bool:
        """Whether training asks for a response column."""
        return not getattr(self, "autoencoder", False)

    def deepfeatures(self, test_data: Any, layer: int | str) -> H2OFrame:
        """Return the activations of a hidden layer (from 0), columns ``DF.L1.C1``, ….

        Parameters
        ----------
        test_data : H2OFrame
            Rows with the predictors.
        layer : int
            Number of the hidden layer, from 0.
        """
        frame = as_frame(test_data)
        return H2OFrame(deep_feature_frame(self.model, frame, int(layer)))

    def anomaly(self, test_data: Any, per_feature: bool = False) -> H2OFrame:
        """Return an autoencoder's reconstruction error of each row, or of each input unit.

        Parameters
        ----------
        test_data : H2OFrame
            Rows with the predictors.
        per_feature : bool
            A column with the squared error of each input unit, instead of ``Reconstruction.MSE``.

        Raises
        ------
        ModelError
            The model is no autoencoder.
        """
        frame = as_frame(test_data)
        return H2OFrame(anomaly_frame(self.model, frame, per_feature))

    def weights(self, matrix_id: int = 0) -> H2OFrame:
        """Return a layer's weights, a row for each of its units (``export_weights_and_biases``).

        Parameters
        ----------
        matrix_id : int
            Number of the layer, from 0.

        Raises
        ------
        ModelError
            The model kept no weights, or has no such layer.
        """
        return self._exported("weights", matrix_id)

    def biases(self, vector_id: int = 0) -> H2OFrame:
        """Return a layer's biases (``export_weights_and_biases``).

        Parameters
        ----------
        vector_id : int
            Number of the layer, from 0.

        Raises
        ------
        ModelError
            The model kept no biases, or has no such layer.
        """
        return self._exported("biases", vector_id)

    def _exported(self, name: str, number: int) -> H2OFrame:
        keys = self.model.output.extra.get(name)
        if not keys:
            raise ModelError(
                f"The model kept no {name}: train it with export_weights_and_biases=True."
            )
        if not 0 <= number < len(keys):
            raise ModelError(f"The model has {len(keys)} layers of {name}, there is no {number}.")
        return H2OFrame(Frame.get(keys[number]["name"]))


class H2OAutoEncoderEstimator(H2ODeepLearningEstimator):
    """Deep learning that reproduces its inputs: for anomalies and for features.

    Parameters
    ----------
    **params
        Those of `H2ODeepLearningEstimator`; ``autoencoder`` is True.
    """

    def __init__(self, **params: Any) -> None:
        super().__init__(**{"autoencoder": True, **params})
