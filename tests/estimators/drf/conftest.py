"""Frames to grow forests on, and a short way to train."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from dh2o.models.drf import DRFModel
from tests.estimators import tree_models
from tests.estimators.tree_models import X, mixed, stored

__all__ = ["Train", "X", "build", "mixed", "stored", "train"]

Train = Callable[..., DRFModel]
build: Train = functools.partial(tree_models.build, "drf")


@pytest.fixture
def train(engine: Any) -> Train:
    """Train on the mixed table, by name of the response."""
    if not engine.dkv.contains("drf_mixed"):
        stored(mixed(), "drf_mixed", (900, 0, 1100, 1, 999))
        stored(mixed(1500, seed=1), "drf_valid")

    def run(y: str, **params: Any) -> DRFModel:
        return build(y, params.pop("frame", "drf_mixed"), **params)

    return run
