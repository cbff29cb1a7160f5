"""MOJOs of K-means and principal components: round trip, H2O's own files, and H2O's scorer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from dh2o.estimators.builder import start_build
from dh2o.models.mojo import MojoError, mojo_bytes, read_mojo
from dh2o.models.predict_local import predict_table
from dh2o.mrtask import Engine
from tests.estimators import h2o_unsupervised as known
from tests.models.mojo.test_hostile import entries, zipped

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "kmeans": ("kmeans", {"k": 4, "seed": 1}),
    "kmeans raw": ("kmeans", {"k": 4, "seed": 1, "standardize": False}),
    "pca": ("pca", {"k": 3, "transform": "STANDARDIZE"}),
    "pca all levels": ("pca", {"k": 2, "use_all_factor_levels": True}),
}


def model_of(engine: Engine, case: str) -> Any:
    known.frame("mojo_known")
    algo, params = CASES[case]
    return start_build(engine, algo, {"training_frame": "mojo_known", **params}).result(600)


def rows_for(case: str) -> pd.DataFrame:
    """Return rows; without standardising a MOJO of K-means does not know what stands in for NA."""
    rows = known.table(60)
    return rows.dropna() if case == "kmeans raw" else rows


@pytest.mark.parametrize("case", CASES)
def test_a_mojo_is_read_as_it_was_written(engine: Engine, case: str) -> None:
    model = model_of(engine, case)
    back = read_mojo(mojo_bytes(model), "back")
    first, second = (predict_table(m, rows_for(case)) for m in (model, back))
    assert list(first) == list(second)
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])


@pytest.mark.h2o
@pytest.mark.parametrize("case", CASES)
def test_the_jar_predicts_the_same(engine: Engine, case: str, predict_csv: Any) -> None:
    model, rows = model_of(engine, case), rows_for(case)
    found = predict_csv(mojo_bytes(model), rows)
    expected = predict_table(model, rows)
    for mine, theirs in zip(expected.values(), found.to_numpy().T, strict=True):
        np.testing.assert_allclose(theirs.astype(float), np.asarray(mine, float), atol=1e-9)


@pytest.mark.parametrize("case", ["kmeans", "pca"])
@pytest.mark.parametrize("line", ["center_num", "center_0", "catOffsets", "permutation", "k"])
def test_a_damaged_mojo_is_refused(engine: Engine, case: str, line: str) -> None:
    data = mojo_bytes(model_of(engine, case))
    files = entries(data)
    ini = files["model.ini"].decode().splitlines()
    kept = [text if not text.startswith(f"{line} =") else f"{line} = 7" for text in ini]
    if kept == ini:
        return  # the other algorithm's line
    with pytest.raises(MojoError):
        read_mojo(zipped({**files, "model.ini": "\n".join(kept).encode()}), "back")
