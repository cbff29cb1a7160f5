"""Fits on the columns that may be needed are those on all columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dh2o.estimators.glm.screening import Screen
from dh2o.models.glm import GLMModel
from dh2o.mrtask import Engine
from tests.estimators.glm.data import levels, store, train

RNG = np.random.default_rng(5)
N, WIDE = 300, 70
X = RNG.normal(size=(N, WIDE))
CODES = RNG.integers(0, 12, N)
ETA = X[:, :4] @ [1.0, -1.0, 0.5, 0.5] + (CODES == 3) - (CODES == 7)
RESPONSES = {
    "binomial": levels([str(v) for v in (ETA + RNG.logistic(size=N) > 0).astype(int)]),
    "poisson": RNG.poisson(np.exp(ETA / 2)).astype(float),
    "multinomial": levels(
        [str(v) for v in (np.stack([ETA, 0 * ETA, X[:, 9]], 1) + RNG.gumbel(size=(N, 3))).argmax(1)]
    ),
}


def path_of(engine: Engine, family: str, **params: Any) -> GLMModel:
    columns = {f"x{j}": X[:, j] for j in range(WIDE)}
    colour = levels([f"{code:02d}" for code in CODES])
    frame = store("screening", {**columns, "colour": colour, "y": RESPONSES[family]}, 2)
    return train(
        engine, frame, "y", family=family, lambda_search=True, nlambdas=12, lambda_min_ratio=0.02,
        early_stopping=False, **params,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("family", "params"),
    [
        ("binomial", {"alpha": [1.0]}),
        ("binomial", {"alpha": [0.5], "non_negative": True}),
        ("binomial", {"alpha": [0.2, 1.0], "cold_start": True}),
        ("poisson", {"alpha": [0.9]}),
        ("multinomial", {"alpha": [1.0]}),
    ],
)
def test_paths_are_those_of_all_columns(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, family: str, params: dict[str, Any]
) -> None:
    widths = []
    fit_part = Screen._fit_part

    def watched(self: Screen, inside: Any, *rest: Any) -> None:
        widths.append(int(inside.sum()))
        fit_part(self, inside, *rest)

    monkeypatch.setattr(Screen, "_fit_part", watched)
    screened = path_of(engine, family, **params)
    monkeypatch.setattr(Screen, "helps", lambda *_: False)
    whole = path_of(engine, family, **params)
    assert min(widths) < WIDE / 4
    assert screened.path_beta is not None
    np.testing.assert_allclose(screened.path_beta, whole.path_beta, atol=1e-8)
    np.testing.assert_allclose(screened.path_deviance, whole.path_deviance, rtol=1e-8)


def test_columns_that_the_rule_missed_are_taken_in(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = path_of(engine, "binomial", alpha=[1.0])
    restart = Screen.__init__

    def blind(self: Screen, problem: Any, gradient: Any, l1: float) -> None:
        restart(self, problem, np.zeros_like(gradient), l1)

    monkeypatch.setattr(Screen, "__init__", blind)
    found = path_of(engine, "binomial", alpha=[1.0])
    assert wanted.path_beta is not None
    np.testing.assert_allclose(found.path_beta, wanted.path_beta, atol=1e-8)
