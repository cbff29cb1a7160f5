"""Statistics beside those of H2O 3.46.0.12 for the same file (GET /3/Frames/{id}/summary)."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest

from dh2o.frame import Frame
from dh2o.mrtask import Engine

H2O = {
    "i": {
        "bins": 304,
        "base": -3.0,
        "stats": [
            156.10526315789477,
            93.683387480296,
            -3.0,
            0.0,
            1.0,
            1.0,
            2.0,
            300.0,
            298.0,
            298.0,
            297.0,
            296.0,
        ],
        "percentiles": [
            -2.49,
            0.7000000000000002,
            19.0,
            63.0,
            79.5,
            89.0,
            104.66666666666666,
            121.0,
            157.0,
            188.0,
            223.33333333333331,
            231.99999999999997,
            250.5,
            256.0,
            275.0,
            298.0,
            299.66,
        ],
    },
    "r": {
        "bins": 1000,
        "base": -2.8963,
        "stats": [
            -0.090914364640884,
            0.9504111744767567,
            -2.8963,
            -2.374,
            -2.0611,
            -1.9908,
            -1.9254,
            2.568,
            2.0608,
            1.8761,
            1.8707,
            1.7851,
        ],
        "percentiles": [
            -2.80286047,
            -2.12801942,
            -1.2570100000000002,
            -0.9619378000000001,
            -0.7925445,
            -0.6723299000000003,
            -0.5575796,
            -0.38272200000000023,
            -0.00022100000000024878,
            0.16370799999999974,
            0.30031549999999996,
            0.3658870999999998,
            0.5407446999999999,
            0.6882807999999998,
            1.1144961999999996,
            1.9111911399999977,
            2.4720468919999963,
        ],
    },
}


def columns() -> pa.Table:
    """Return the columns as they were written to the file that H2O read."""
    rng = random.Random(1)
    ints: list[int | None] = []
    reals: list[float | None] = []
    for row in range(200):
        ints.append(rng.randint(-5, 300) if row % 7 else None)
        reals.append(round(rng.gauss(0, 1), 4) if row % 11 else None)
        if row % 5:
            rng.choice("xyz")
    return pa.table({"i": ints, "r": reals})


@pytest.mark.parametrize("name", ["i", "r"])
@pytest.mark.parametrize("layout", [(200,), (50, 0, 90, 60)])
def test_numbers(engine: Engine, name: str, layout: tuple[int, ...]) -> None:
    frame = Frame.from_arrow(columns()).rebalance(layout).select(name)
    rolled, histogram, want = frame.rollups()[0], frame.histogram(name), H2O[name]
    got = [rolled.mean, rolled.sigma, *rolled.mins, *rolled.maxs]
    np.testing.assert_allclose(got, want["stats"], rtol=1e-12)
    np.testing.assert_allclose(histogram.percentiles, want["percentiles"], rtol=1e-12)
    assert (len(histogram.bins), histogram.base) == (want["bins"], want["base"])
