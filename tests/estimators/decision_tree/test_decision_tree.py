"""Decision trees: the rules one by one, and a whole tree beside the rules written down plainly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from dh2o.estimators import start_build
from dh2o.estimators.decision_tree.splitting import bin_ends, entropy, level_split, number_split
from dh2o.estimators.messages import BuilderError
from dh2o.estimators.scoring import predict_frame
from dh2o.frame import Frame
from dh2o.models import load_model, save_model
from dh2o.models.decision_tree import DecisionTreeModel
from dh2o.mrtask import Engine, current_engine, use_engine
from dh2o.mrtask.start import start_cluster


def table(n: int = 600, seed: int = 0) -> pd.DataFrame:
    """Return numbers to two decimals and levels, and two classes that depend on them."""
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=n).round(2), rng.integers(0, 40, n)
    level = rng.integers(0, 5, n)
    score = x + 0.05 * z * (level == 2) - (level == 4) + 0.7 * rng.normal(size=n)
    return pd.DataFrame(
        {
            "x": x,
            "z": z,
            "level": pd.Categorical.from_codes(level, list("abcde")),
            "y": pd.Categorical(np.where(score > 0.3, "yes", "no")),
        }
    )


def stored(data: pd.DataFrame, key: str = "dt_table") -> None:
    """Store the table in blocks, one of them empty."""
    n = len(data)
    Frame.from_pandas(data).rebalance((n // 2, 0, n - n // 2)).put(key)


def build(frame: str = "dt_table", **params: Any) -> DecisionTreeModel:
    """Return the tree of a stored frame."""
    raw = {"training_frame": frame, "response_column": "y", **params}
    model: DecisionTreeModel = start_build(current_engine(), "dt", raw).result()
    return model


def plain_tree(data: pd.DataFrame, max_depth: int, min_rows: int) -> np.ndarray:
    """Return p0 of each row: the rules written down for one node, on pandas."""
    p0 = np.zeros(len(data))
    is_first = (data["y"] == "no").to_numpy()

    def grow(rows: np.ndarray, depth: int) -> None:
        n0 = is_first[rows].sum()
        n1 = len(rows) - n0
        p0[rows] = n0 / len(rows)
        if depth >= max_depth or n0 <= min_rows or n1 <= min_rows:
            return
        best: tuple[float, np.ndarray] | None = None
        for name in ("x", "z", "level"):
            for left in masks(data[name].iloc[rows], is_first[rows]):
                n_left, n_right = left.sum(), (~left).sum()
                if min(n_left, n_right) < min_rows:
                    continue
                shares = is_first[rows][left].mean(), is_first[rows][~left].mean()
                found = float(entropy(shares[0])) * n_left / len(rows)
                found += float(entropy(shares[1])) * n_right / len(rows)
                if best is None or found < best[0]:
                    best = found, left
        if best is None or abs(float(entropy(n0 / len(rows))) - best[0]) < 1e-6:
            return
        grow(rows[best[1]], depth + 1)
        grow(rows[~best[1]], depth + 1)

    grow(np.arange(len(data)), 0)
    return p0


def masks(column: pd.Series, is_first: np.ndarray) -> list[np.ndarray]:
    """Return which rows go left, for each split that is tried."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = column.cat.codes.to_numpy()
        order = sorted(set(codes), key=lambda c: (is_first[codes == c].sum(), c))
        return [np.isin(codes, order[: k + 1]) for k in range(len(order))]
    values = column.to_numpy(float)
    return [values <= end for end in bin_ends(values.min(), values.max())]


@pytest.mark.parametrize(("max_depth", "min_rows"), [(1, 10), (4, 10), (20, 3)])
def test_tree_is_that_of_the_plain_rules(engine: Engine, max_depth: int, min_rows: int) -> None:
    data = table()
    stored(data)
    model = build(max_depth=max_depth, min_rows=min_rows)
    p = predict_frame(model, Frame.get("dt_table")).to_pandas()
    np.testing.assert_allclose(p["no"], plain_tree(data, max_depth, min_rows), rtol=1e-6)
    assert (p["predict"] == np.where(p["yes"] >= 0.5, "yes", "no")).all()
    assert model.output.model_summary.column("max_depth")[0] <= max_depth


def test_bins_are_ten_of_equal_width_with_rounded_ends() -> None:
    np.testing.assert_allclose(bin_ends(0.0, 1.0)[-2:], [0.9, 1.0])
    assert len(bin_ends(0.0, 10.0)) == 10
    np.testing.assert_allclose(bin_ends(0.123, 10.456)[0], 1.16)
    assert bin_ends(0.123, 10.456)[-1] == 10.456
    assert len(bin_ends(3.0, 3.0)) == 0


def test_entropy() -> None:
    np.testing.assert_allclose(entropy(np.array([0.0, 0.5, 1.0])), [0.0, np.log(2), 0.0])


def test_splits_keep_enough_rows_on_both_sides() -> None:
    counts = np.array([[3, 0], [0, 2], [1, 4]])
    split = number_split(0, np.array([1.0, 2.0, 3.0]), counts, 3)
    assert split is not None
    assert split.cut == 1.0
    assert number_split(0, np.array([1.0, 2.0, 3.0]), counts, 6) is None
    levels = level_split(1, np.array([True, True, True]), counts, 1)
    assert levels is not None
    np.testing.assert_array_equal(levels.left, [False, True, True])


def test_levels_that_are_not_there_go_right() -> None:
    counts = np.array([[0, 5], [0, 0], [5, 0]])
    split = level_split(0, np.array([True, False, True]), counts, 1)
    assert split is not None
    np.testing.assert_array_equal(split.left, [True, False, False])


def test_saved_and_loaded_models_are_equal(engine: Engine, tmp_path: Any) -> None:
    stored(table())
    model = build(max_depth=5)
    save_model(model, tmp_path / "m")
    p, q = (
        predict_frame(m, Frame.get("dt_table")).to_pandas()
        for m in (model, load_model(tmp_path / "m"))
    )
    pd.testing.assert_frame_equal(p, q)
    assert model.output.training_metrics.auc > 0.8


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"x": np.nan}, "NaNs are not supported yet: impute, or leave out, x"),
        ({"x": np.inf}, "Infs are not supported: x"),
        ({"y": 1.5}, "Only categorical response"),
    ],
)
def test_what_it_cannot_learn_from_is_named(
    engine: Engine, change: dict[str, float], text: str
) -> None:
    data = table(50)
    for name, value in change.items():
        if name == "y":
            data[name] = np.arange(50) + value
        else:
            data.loc[3, name] = value
    stored(data, "dt_bad")
    with pytest.raises(BuilderError, match=text):
        build("dt_bad")


def test_three_classes_are_refused(engine: Engine) -> None:
    data = table(60)
    data["y"] = pd.Categorical.from_codes(np.arange(60) % 3, list("abc"))
    stored(data, "dt_three")
    with pytest.raises(BuilderError, match="has 3 levels"):
        build("dt_three")


def test_rows_without_a_class_count_nowhere(engine: Engine) -> None:
    data = table(300)
    without = data.copy()
    without["y"] = without["y"].where(np.arange(300) % 4 > 0)
    stored(without, "dt_holes")
    stored(data[np.arange(300) % 4 > 0].reset_index(drop=True), "dt_full")
    a, b = build("dt_holes"), build("dt_full")
    np.testing.assert_array_equal(a.forest.values, b.forest.values)


@pytest.mark.cluster
def test_same_bits_on_one_and_three_workers(cluster3: Engine) -> None:
    def bits() -> dict[str, bytes]:
        stored(table())
        return {name: a.tobytes() for name, a in build().forest.to_arrays().items()}

    one = start_cluster(n_workers=1, threads_per_worker=1, processes=False)
    with one, use_engine(one):
        expected = bits()
    with use_engine(cluster3):
        assert bits() == expected
