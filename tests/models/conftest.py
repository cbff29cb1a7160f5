from __future__ import annotations

import pytest

from tests.models.curve_model import CurveModel, curve_model


@pytest.fixture
def model() -> CurveModel:
    return curve_model()
