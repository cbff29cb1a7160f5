"""Quick ways of tile operations, and the slow ones whose answers they give."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dh2o.rapids.tile_ops import _code_of, _place_of_integers
from dh2o.rapids.tile_times import _time_part

whole = st.integers(-60, 60).map(float)
awkward = st.sampled_from([np.nan, np.inf, -np.inf, -0.0, 0.5, 1e300, 2.0**63])


@settings(max_examples=200)
@given(
    arrays(np.float64, st.integers(1, 30), elements=whole),
    arrays(np.float64, st.integers(0, 60), elements=st.one_of(whole, awkward)),
)
def test_places_of_integers_are_those_of_any_numbers(table: np.ndarray, values: np.ndarray) -> None:
    table = np.unique(table)
    want = [float(np.flatnonzero(table == v)[0]) if v in table else np.nan for v in values]
    found = _place_of_integers(values, table, int(table[-1] - table[0]))
    np.testing.assert_array_equal(found, want)
    np.testing.assert_array_equal(_code_of([values], (table,), len(values)), want)
    np.testing.assert_array_equal(_code_of([values / 3], (table / 3,), len(values)), want)


def test_parts_of_times_in_utc_are_those_of_a_zone_without_changes() -> None:
    draw = np.random.default_rng(1)
    times = np.append(draw.integers(-(10**13), 10**13, 500) / 1.0, [np.nan, 1e300, -1.0, 0.0])
    for part in ("year", "month", "day", "hour", "minute", "second", "millis", "week", "dayOfWeek"):
        found, want = (_time_part([times], (part, z), len(times)) for z in ("UTC", "Etc/GMT"))
        np.testing.assert_array_equal(found, want)
