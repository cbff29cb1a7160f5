"""Slopes of levels, counted by level, give the models of the columns that they stand for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dh2o.estimators.glm import slopes
from dh2o.mrtask import Engine
from tests.estimators.glm.data import levels, store, train

RNG = np.random.default_rng(3)
N = 400
SITE, ROAD = RNG.choice(list("abcdefgh"), N), RNG.choice(list("uvwxyz"), N)
X = RNG.normal(size=N) * 2.0 + 30.0
X[::37] = np.nan
ETA = np.where(np.isnan(X), 0.0, X - 30.0) * (1.0 + (SITE < "d")) + (ROAD == "u")
GRADE = np.digitize(ETA + RNG.logistic(size=N), [-2.0, 2.0])
COLUMNS: dict[str, Any] = {
    "x": X, "site": levels([None if i % 53 == 0 else s for i, s in enumerate(SITE)]),
    "road": levels(list(ROAD)), "w": RNG.integers(0, 3, N).astype(float),
    "yes": levels([str(int(g > 0)) for g in GRADE]), "grade": levels([f"g{g}" for g in GRADE]),
}  # fmt: skip


@pytest.mark.parametrize(
    ("y", "params"),
    [
        ("yes", {"lambda_": 0.0}),
        ("yes", {"lambda_": 1e-3, "standardize": False, "missing_values_handling": "Skip"}),
        ("grade", {"lambda_": 1e-3}),
        ("grade", {"lambda_": 1e-3, "alpha": 0.0, "family": "ordinal"}),
    ],
)
def test_slopes_are_products(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, y: str, params: dict[str, Any]
) -> None:
    frame = store("slopes", COLUMNS, 3)
    both = []
    for fewest in (4, 1000):
        monkeypatch.setattr(slopes, "_FEWEST", fewest)
        pairs = [("site", "x"), ("x", "road")]
        model = train(
            engine, frame, y, ("x", "site", "road"), interaction_pairs=pairs, weights_column="w",
            **params,
        )  # fmt: skip
        both.append(model)
    used = [slopes.SlopedNumbers.of(both[0].design, standardise=True).slopes]
    monkeypatch.setattr(slopes, "_FEWEST", 4)
    used.append(slopes.SlopedNumbers.of(both[0].design, standardise=True).slopes)
    assert [len(groups) for groups in used] == [0, 2]
    np.testing.assert_allclose(both[0].norm_beta, both[1].norm_beta, atol=1e-9)
    assert np.count_nonzero(both[0].norm_beta) > 5
