from __future__ import annotations

import numpy as np
import pytest

from dh2o.frame import Frame
from dh2o.mrtask import Engine
from dh2o.rapids import order_statistics
from dh2o.rapids.columns import Table
from dh2o.rapids.order_statistics import quantiles_of, weighted_quantiles

PROBS = [0.0, 0.001, 0.25, 0.5, 0.9, 1.0]
DATA = {
    "normal": np.random.default_rng(0).normal(size=5000),
    "few values": np.random.default_rng(1).integers(0, 3, 5000).astype(float),
    "wide": np.exp(np.random.default_rng(2).normal(size=5000) * 50),
    "one value": np.full(100, 7.5),
    "infinite": np.array([-np.inf, 1.0, 2.0, np.inf, 3.0]),
    "tiny range": 1.0 + np.arange(50) * np.finfo(float).eps,
}


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("fetched", [10, 1 << 18])
def test_quantiles_are_exact(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, name: str, fetched: int
) -> None:
    monkeypatch.setattr(order_statistics, "FETCHED", fetched)  # few: narrow the ranges many times
    values = np.append(DATA[name], np.nan)
    cuts = [len(values) // 3, len(values) - len(values) // 3]
    table = Table.of(Frame.from_python({"x": values}).rebalance(cuts))
    found, n_na = quantiles_of(table, table.columns, PROBS, "low")
    ordered = np.sort(DATA[name])
    expected = [ordered[int(np.floor(p * (len(ordered) - 1)))] for p in PROBS]
    assert found[0] == expected
    assert n_na == [1]


def test_unit_weights_change_nothing(engine: Engine) -> None:
    table = Table.of(Frame.from_python({"x": DATA["normal"], "w": np.ones(5000)}))
    plain = quantiles_of(table, table.columns[:1], PROBS)[0][0]
    weighted = weighted_quantiles(table, table.columns[0], table.columns[1], PROBS, "interpolate")
    assert weighted == pytest.approx(plain)


def test_a_weight_of_two_is_a_row_twice(engine: Engine) -> None:
    once = Table.of(Frame.from_python({"x": [1.0, 2.0, 5.0], "w": [1.0, 2.0, 1.0]}))
    twice = Table.of(Frame.from_python({"x": [1.0, 2.0, 2.0, 5.0]}))
    found = weighted_quantiles(once, once.columns[0], once.columns[1], PROBS, "interpolate")
    assert found == pytest.approx(quantiles_of(twice, twice.columns, PROBS)[0][0])
