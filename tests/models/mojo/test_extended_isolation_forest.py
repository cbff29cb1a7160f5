"""MOJOs of extended isolation forests: round trip, H2O's scorer, and damage."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from dh2o.estimators import start_build
from dh2o.frame import Frame
from dh2o.models.mojo import MojoError, mojo_bytes, read_mojo
from dh2o.models.predict_local import predict_table
from dh2o.mrtask import Engine
from tests.models.mojo.made import table
from tests.models.mojo.test_hostile import entries, zipped

pytestmark = pytest.mark.filterwarnings("ignore:Test/Validation dataset column:RuntimeWarning")


@pytest.fixture
def rows(rng: np.random.Generator) -> pd.DataFrame:
    """Rows with NAs and unseen levels."""
    return table(rng)


@pytest.fixture
def model(engine: Engine, rows: pd.DataFrame) -> Any:
    """A model whose cuts depend on two columns."""
    used = rows[["x", "few", "k"]].dropna()
    Frame.from_pandas(used).put("mojo_eif")
    params = {"ntrees": 4, "sample_size": len(used), "extension_level": 1, "seed": 3}
    raw = {"training_frame": "mojo_eif", **params}
    return start_build(engine, "extendedisolationforest", raw).result()


def test_a_mojo_is_read_as_it_was_written(model: Any, rows: pd.DataFrame) -> None:
    back = read_mojo(mojo_bytes(model), "back")
    first, second = (predict_table(m, rows) for m in (model, back))
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name])


@pytest.mark.h2o
def test_the_jar_predicts_the_same(model: Any, rows: pd.DataFrame, predict_csv: Any) -> None:
    found = predict_csv(mojo_bytes(model), rows, "--setConvertInvalidNum")
    for name, values in predict_table(model, rows).items():
        np.testing.assert_allclose(found[name], values, rtol=1e-12)


@pytest.mark.parametrize("damage", ["short", "width", "kind", "missing"])
def test_a_damaged_mojo_is_refused(model: Any, damage: str) -> None:
    parts = entries(mojo_bytes(model))
    tree = parts["trees/t01.bin"]
    parts["trees/t01.bin"] = {
        "short": tree[:-3],
        "width": (7).to_bytes(4, "little") + tree[4:],
        "kind": tree[:8] + b"Q" + tree[9:],
        "missing": tree[:4] + (1).to_bytes(4, "little") + tree[8:],
    }[damage]
    with pytest.raises(MojoError, match="t01"):
        read_mojo(zipped(parts), "damaged")
