"""When a growing model is measured."""

from __future__ import annotations

import itertools

import pytest

from dh2o.estimators.building.cadence import Cadence


def measured_at(takes: float, step: float, until: float) -> list[float]:
    """Return when a model is measured that grows an iteration every `step` seconds."""
    cadence, now, found = Cadence(), 0.0, []
    while now <= until:
        if cadence.is_due(now):
            cadence.measured(now, now + takes)
            found.append(round(now, 6))
            now += takes
        now += step
    return found


def test_cheap_measurements_follow_each_iteration_for_four_seconds() -> None:
    found = measured_at(0.001, 0.1, 20.0)
    early = [t for t in found if t < 4]
    assert len(early) == pytest.approx(40, abs=2)
    gaps = [b - a for a, b in itertools.pairwise(found) if a >= 4]
    assert all(4 < gap < 4.3 for gap in gaps)
    assert len(gaps) == 3


@pytest.mark.parametrize("takes", [0.02, 0.2, 1.0])
def test_dear_measurements_take_a_tenth_of_the_time(takes: float) -> None:
    found = measured_at(takes, 0.05, 100.0)
    assert found[0] == 0.0
    assert len(found) * takes <= 0.12 * 100 + takes
