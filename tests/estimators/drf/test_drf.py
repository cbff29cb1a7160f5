"""Random forests end to end on one small table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from dh2o.estimators.drf.bagging import columns_to_try
from dh2o.estimators.messages import BuilderError
from dh2o.estimators.scoring import model_metrics, predict_frame
from dh2o.estimators.trees.gradients import uniform
from dh2o.frame import Frame
from dh2o.models import load_model, save_model
from dh2o.models.drf import DRFModel, vote_scale

from .conftest import Train, X, build, mixed, stored

RESPONSES = ("number", "two", "three")


def leaves_by_tree(model: DRFModel, table: pd.DataFrame) -> np.ndarray:
    """Return the value of each row's leaf, shape (rounds, trees a round, rows)."""
    x = np.zeros((len(table), len(X) + 1))
    for k, name in enumerate(X):
        column = table[name]
        codes = column.cat.codes if isinstance(column.dtype, pd.CategoricalDtype) else column
        x[:, k] = codes
        if isinstance(column.dtype, pd.CategoricalDtype):
            x[column.isna(), k] = np.nan
    n = model.forest.n_trees
    return np.stack([model.forest.sums(x, t, t + 1).T for t in range(n)])


def out_of_bag(model: DRFModel, n_rows: int, rate: float) -> np.ndarray:
    """Return which rows each round leaves out, by the rule itself."""
    return np.array(
        [[uniform(int(key), row) >= rate for row in range(n_rows)] for key in model.row_keys]
    )


@pytest.mark.parametrize("histogram_type", ["AUTO", "UniformAdaptive"])
@pytest.mark.parametrize("y", RESPONSES)
def test_training_metrics_are_those_of_rows_left_out(
    train: Train, y: str, histogram_type: str
) -> None:
    model = train(y, ntrees=6, max_depth=6, histogram_type=histogram_type)
    table = mixed()
    leaves, out = leaves_by_tree(model, table), out_of_bag(model, len(table), 0.632)
    votes = out.sum(axis=0)
    sums = (leaves * out[:, None, :]).sum(axis=0)
    rows = votes > 0
    p = vote_scale(model.output.n_classes, sums[:, rows], votes[rows])
    metrics = model.output.training_metrics
    assert metrics.n_obs == rows.sum()
    if y == "number":
        mse = ((p[:, 0] - table[y].to_numpy()[rows]) ** 2).mean()
    else:
        codes = table[y].cat.codes.to_numpy()[rows]
        mse = ((1 - p[np.arange(len(p)), codes]) ** 2).mean()
    assert metrics.mse == pytest.approx(mse, rel=1e-6)
    assert metrics.description == "Metrics reported on Out-Of-Bag training samples"


@pytest.mark.parametrize("y", RESPONSES)
def test_validation_metrics_are_those_of_the_finished_model(train: Train, y: str) -> None:
    model = train(y, validation_frame="drf_valid", max_depth=8)
    again = model_metrics(model, Frame.get("drf_valid"))
    assert model.output.validation_metrics.mse == pytest.approx(again.mse, rel=1e-9)
    assert model.output.validation_metrics.n_obs == again.n_obs


@pytest.mark.parametrize("y", RESPONSES)
def test_more_trees_are_better(train: Train, y: str) -> None:
    history = train(y, ntrees=30, score_tree_interval=5).output.scoring_history
    rmse = history.column("training_rmse")
    assert history.column("number_of_trees") == [0, 5, 10, 15, 20, 25, 30]
    assert np.isnan(rmse[0])
    assert rmse[-1] < 0.95 * rmse[1]


def test_leaves_are_means_of_their_rows(train: Train) -> None:
    model = train("number", ntrees=1, sample_rate=1.0, mtries=-2, max_depth=4, min_rows=20)
    leaves = leaves_by_tree(model, mixed())[0, 0]
    y = mixed()["number"]
    means = y.groupby(leaves).mean()
    np.testing.assert_allclose(means.index, means.to_numpy(), rtol=1e-5)
    assert y.groupby(leaves).size().min() >= 20
    assert model.forest.weights[0] == len(y)


def test_one_tree_of_all_rows_and_columns_is_that_of_exhaustive_search(engine: Any) -> None:
    table = mixed(400).dropna()
    stored(table, "drf_small")
    model = build(
        "two", "drf_small", ("i",), ntrees=1, max_depth=1, sample_rate=1.0, min_rows=5, mtries=-2
    )
    y, i = (table["two"] == "no").to_numpy(float), table["i"].to_numpy()
    errors = {
        cut: ((y[i < cut] - y[i < cut].mean()) ** 2).sum()
        + ((y[i >= cut] - y[i >= cut].mean()) ** 2).sum()
        for cut in np.unique(i)[1:]
        if min((i < cut).sum(), (i >= cut).sum()) >= 5
    }
    best = min(errors, key=errors.__getitem__)
    p = predict_frame(model, Frame.get("drf_small")).to_pandas()["no"].to_numpy()
    np.testing.assert_allclose(p[i < best], y[i < best].mean(), rtol=1e-6)
    np.testing.assert_allclose(p[i >= best], y[i >= best].mean(), rtol=1e-6)


def test_binomial_forest_has_one_tree_a_round_that_votes_for_the_first_class(train: Train) -> None:
    one, two = train("two"), train("two", binomial_double_trees=True)
    assert (one.forest.n_classes, two.forest.n_classes) == (1, 2)
    assert two.binomial_double_trees
    assert not one.binomial_double_trees
    p = predict_frame(one, Frame.get("drf_mixed")).to_pandas()
    mean = leaves_by_tree(one, mixed())[:, 0].mean(axis=0)
    np.testing.assert_allclose(p["no"], mean, rtol=1e-12)
    np.testing.assert_allclose(p["no"] + p["yes"], 1.0)


def test_weights_count_like_repeated_rows_in_a_single_tree(engine: Any) -> None:
    table = mixed(300).dropna()
    repeated = table.loc[table.index.repeat(table["w"].astype(int))].reset_index(drop=True)
    stored(table, "drf_weighted")
    stored(repeated, "drf_repeated")
    same = {"ntrees": 1, "sample_rate": 1.0, "mtries": -2, "max_depth": 5, "min_rows": 4}
    a = build("two", "drf_weighted", ("i", "small"), weights_column="w", **same)
    b = build("two", "drf_repeated", ("i", "small"), **same)
    frame = Frame.get("drf_weighted")
    p, q = (predict_frame(m, frame).to_pandas()["yes"] for m in (a, b))
    np.testing.assert_allclose(p, q, rtol=1e-6)


def test_going_on_from_a_model_gives_what_training_at_once_gives(train: Train) -> None:
    for kind in ("AUTO", "Random"):
        first = train("two", ntrees=4, histogram_type=kind)
        more = train("two", ntrees=9, checkpoint=first.key, histogram_type=kind)
        once = train("two", ntrees=9, histogram_type=kind)
        for name, array in once.forest.to_arrays().items():
            np.testing.assert_array_equal(more.forest.to_arrays()[name], array)
        np.testing.assert_array_equal(more.row_keys, once.row_keys)
        assert more.output.training_metrics.mse == once.output.training_metrics.mse


def test_extremely_randomised_trees_differ_by_seed_and_learn(train: Train) -> None:
    a, b = (train("two", histogram_type="Random", seed=s, ntrees=20) for s in (1, 2))
    assert not np.array_equal(a.forest.thresholds[:9], b.forest.thresholds[:9])
    assert a.output.training_metrics.auc > 0.7


def test_rates_by_class_leave_out_what_they_say(train: Train) -> None:
    model = train("two", sample_rate_per_class=[1.0, 0.25], ntrees=3)
    n_no = (mixed()["two"] == "no").sum()
    n_yes = (mixed()["two"] == "yes").sum()
    roots = model.forest.weights[model.forest.starts[:-1]]
    np.testing.assert_allclose(roots, n_no + 0.25 * n_yes, rtol=0.05)


def test_without_rows_left_out_there_are_no_training_metrics(train: Train) -> None:
    model = train("two", sample_rate=1.0, ntrees=2)
    assert model.output.training_metrics.n_obs == 0
    assert np.isnan(model.output.training_metrics.mse)
    assert any("100%" in text for text in model.output.warnings)


def test_early_stopping_stops(train: Train) -> None:
    model = train(
        "two", ntrees=200, stopping_rounds=1, score_tree_interval=5, stopping_tolerance=0.2
    )
    assert model.params["ntrees"] == model.forest.n_trees < 200


def test_cross_validation_masks_rows(train: Train) -> None:
    model = train("two", nfolds=3, ntrees=12)
    assert model.output.cross_validation_metrics.n_obs == len(mixed())
    assert model.output.cross_validation_metrics.auc > 0.65


def test_saved_and_loaded_models_are_equal(train: Train, tmp_path: Any) -> None:
    model = train("three", ntrees=3)
    save_model(model, tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert isinstance(again, DRFModel)
    p, q = (predict_frame(m, Frame.get("drf_valid")).to_pandas() for m in (model, again))
    pd.testing.assert_frame_equal(p, q)


def test_importance_ranks_what_matters(train: Train) -> None:
    table = mixed()
    table["noise"] = np.random.default_rng(5).normal(size=len(table))
    stored(table, "drf_noise")
    model = build("number", "drf_noise", ("x", "noise"), ntrees=10, max_depth=6)
    assert model.output.variable_importances.column("variable") == ["x", "noise"]


@pytest.mark.parametrize("y", RESPONSES)
def test_awkward_frames(engine: Any, y: str) -> None:
    """An empty block, a column of NA only, and a response that is NA in most rows."""
    table = mixed(40)
    table["small"] = pd.Categorical.from_codes([-1] * 40, list("abcde"))
    table.loc[5:, y] = np.nan
    stored(table, "drf_awkward", (0, 1, 39))
    model = build(
        y, "drf_awkward", ntrees=5, ignore_const_cols=False, check_constant_response=False
    )
    p = predict_frame(model, Frame.get("drf_awkward")).to_pandas()
    assert p.iloc[:, -1].notna().all()
    assert (model.forest.weights[model.forest.starts[:-1]] <= 5).all()


def test_columns_to_try_is_the_rule_of_h2o() -> None:
    assert columns_to_try(-1, 10, is_classifier=True) == 3
    assert columns_to_try(-1, 10, is_classifier=False) == 3
    assert columns_to_try(-1, 2, is_classifier=False) == 1
    assert columns_to_try(-2, 10, is_classifier=True) == 10
    assert columns_to_try(4, 10, is_classifier=True) == 4


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"mtries": 5}, "mtries"),
        ({"mtries": 0}, "mtries"),
        ({"distribution": "gaussian"}, "distribution"),
        ({"sample_rate_per_class": [0.5]}, "sample_rate_per_class"),
        ({"nbins": 30, "nbins_top_level": 20}, "nbins_top_level"),
        ({"sample_rate": 0.0}, "sample_rate"),
    ],
)
def test_bad_parameters_are_named(train: Train, params: dict[str, Any], field: str) -> None:
    with pytest.raises(BuilderError, match=field):
        train("two", **params)
