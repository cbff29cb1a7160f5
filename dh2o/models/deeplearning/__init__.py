"""Trained neural networks: how rows enter, the layers, what comes out."""

from __future__ import annotations

from dh2o.models.deeplearning.inputs import Inputs, dense_units
from dh2o.models.deeplearning.model import DeepLearningModel
from dh2o.models.deeplearning.network import Network

__all__ = ["DeepLearningModel", "Inputs", "Network", "dense_units"]
