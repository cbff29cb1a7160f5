"""Frames to boost on, and a short way to train."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from dh2o.models.gbm import GBMModel
from tests.estimators import tree_models
from tests.estimators.tree_models import X, mixed, stored

__all__ = ["Train", "X", "build", "mixed", "stored", "train"]

Train = Callable[..., GBMModel]
build: Train = functools.partial(tree_models.build, "gbm")


@pytest.fixture
def train(engine: Any) -> Train:
    """Train on the mixed table, by name of the response."""
    if not engine.dkv.contains("gbm_mixed"):
        stored(mixed(3000), "gbm_mixed", (900, 0, 1100, 1, 999))
        stored(mixed(1500, seed=1), "gbm_valid")

    def run(y: str, **params: Any) -> GBMModel:
        return build(y, params.pop("frame", "gbm_mixed"), **params)

    return run
