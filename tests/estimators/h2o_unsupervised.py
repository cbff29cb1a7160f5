"""A table, and what H2O 3.46.0.11 made of it with the same parameters and seeds.

``h2o_unsupervised.json`` holds H2O's answers.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dh2o.frame import Frame

LEVELS = ("u", "v", "w")


def table(n: int = 400) -> pd.DataFrame:
    """Return numbers of different spread in five heaps, categories, and NA among them."""
    rng = np.random.default_rng(1)
    heaps = rng.integers(0, 5, n)[:, None] * 2
    x = rng.normal(size=(n, 2)) * [1.0, 5.0] + heaps * [1.0, -3.0]
    made = pd.DataFrame(np.round(x, 4), columns=["a", "b"])
    made["c"] = rng.choice(LEVELS, n, p=[0.5, 0.3, 0.2])
    made["g"] = rng.choice([f"l{i}" for i in range(6)], n)
    made["i"] = rng.integers(0, 4, n)
    made.loc[rng.integers(0, n, 9), "a"] = np.nan
    made.loc[rng.integers(0, n, 9), "c"] = None
    return made


def frame(key: str, layout: tuple[int, ...] = (150, 0, 130, 120)) -> Frame:
    """Return the table as a stored frame, cut into blocks of `layout`."""
    rows = table(sum(layout))
    for name in ("c", "g"):
        rows[name] = pd.Categorical(rows[name])
    made = Frame.from_pandas(rows).rebalance(layout)
    made.put(key)
    return Frame.get(key)


def answers() -> dict[str, Any]:
    """Return what H2O said."""
    found: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text())
    return found
