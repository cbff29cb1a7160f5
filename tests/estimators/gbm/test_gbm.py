"""GBM end to end on one small table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dh2o.estimators.messages import BuilderError
from dh2o.estimators.scoring import model_metrics, predict_frame
from dh2o.frame import Frame
from dh2o.mrtask import Engine

from .conftest import Train, build, mixed, stored

RESPONSES = {
    "number": "gaussian",
    "count": "poisson",
    "positive": "gamma",
    "two": "bernoulli",
    "three": "multinomial",
}


@pytest.mark.parametrize("y", RESPONSES)
def test_running_metrics_are_those_of_the_finished_model(train: Train, y: str) -> None:
    model = train(y, distribution=RESPONSES[y], validation_frame="gbm_valid", max_depth=4)
    for metrics, frame in (
        (model.output.training_metrics, "gbm_mixed"),
        (model.output.validation_metrics, "gbm_valid"),
    ):
        again = model_metrics(model, Frame.get(frame))
        assert metrics.mse == pytest.approx(again.mse, rel=1e-9)
        assert metrics.n_obs == again.n_obs


@pytest.mark.parametrize("y", RESPONSES)
def test_trees_learn(train: Train, y: str) -> None:
    model = train(y, distribution=RESPONSES[y], ntrees=30)
    history = model.output.scoring_history
    first, *_, last = history.column("training_rmse")
    assert history.column("number_of_trees")[0] == 0
    assert history.column("number_of_trees")[-1] == 30
    assert last < 0.85 * first


def test_first_tree_is_that_of_exhaustive_search(train: Train) -> None:
    table = mixed(400).dropna()
    stored(table, "gbm_small")
    limits = {"max_depth": 1, "min_rows": 5, "nbins": 255}
    model = build("number", "gbm_small", ("i",), ntrees=1, learn_rate=1.0, **limits)
    y, i = table["number"].to_numpy(), table["i"].to_numpy()
    errors = {
        cut: ((y[i < cut] - y[i < cut].mean()) ** 2).sum()
        + ((y[i >= cut] - y[i >= cut].mean()) ** 2).sum()
        for cut in np.unique(i)[1:]
        if min((i < cut).sum(), (i >= cut).sum()) >= 5
    }
    best = min(errors, key=errors.__getitem__)
    p = predict_frame(model, Frame.get("gbm_small")).to_pandas()["predict"].to_numpy()
    np.testing.assert_allclose(p[i < best], y[i < best].mean(), rtol=1e-5)
    np.testing.assert_allclose(p[i >= best], y[i >= best].mean(), rtol=1e-5)
    gain = model.output.variable_importances.column("relative_importance")[0]
    total = ((y - y.mean()) ** 2).sum()
    assert gain == pytest.approx(total - errors[best], rel=1e-4)


def test_same_seed_same_trees_and_another_seed_others(train: Train) -> None:
    sampled = {"sample_rate": 0.7, "col_sample_rate": 0.6, "col_sample_rate_per_tree": 0.8}
    one, same, other = (train("two", seed=s, **sampled).forest for s in (7, 7, 8))
    assert all((one.to_arrays()[k] == same.to_arrays()[k]).all() for k in one.to_arrays())
    assert len(one.values) != len(other.values) or (one.values != other.values).any()


def test_blocks_do_not_matter(train: Train) -> None:
    stored(mixed(), "gbm_other_layout", (3000,))
    a, b = (train("two", frame=f, sample_rate=0.8) for f in ("gbm_mixed", "gbm_other_layout"))
    for name, array in a.forest.to_arrays().items():
        np.testing.assert_array_equal(array, b.forest.to_arrays()[name])


def test_integer_weights_are_repeated_rows(train: Train) -> None:
    table = mixed(800)
    stored(table, "gbm_weighted")
    stored(table.loc[table.index.repeat(table["w"].astype(int))].reset_index(drop=True), "gbm_rep")
    a = build("number", "gbm_weighted", weights_column="w", ntrees=5)
    b = build("number", "gbm_rep", ntrees=5)
    assert a.output.training_metrics.mse == pytest.approx(b.output.training_metrics.mse, rel=1e-5)
    pa, pb = (predict_frame(m, Frame.get("gbm_weighted")).to_pandas()["predict"] for m in (a, b))
    learned = table["w"].to_numpy() > 0
    np.testing.assert_allclose(pa[learned], pb[learned], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("y", ["number", "two", "count"])
def test_offset_is_part_of_the_score(train: Train, y: str) -> None:
    model = train(y, distribution=RESPONSES[y], offset_column="o")
    again = model_metrics(model, Frame.get("gbm_mixed"))
    assert model.output.training_metrics.mse == pytest.approx(again.mse, rel=1e-9)
    without = model_metrics(train(y, distribution=RESPONSES[y]), Frame.get("gbm_mixed"))
    assert model.init_f != pytest.approx(without.mse)


@pytest.mark.parametrize("y", ["number", "three"])
def test_a_checkpoint_is_continued(train: Train, y: str) -> None:
    whole = train(y, ntrees=9, sample_rate=0.8)
    half = train(y, ntrees=4, sample_rate=0.8)
    rest = train(y, ntrees=9, sample_rate=0.8, checkpoint=half.key)
    np.testing.assert_array_equal(rest.forest.features, whole.forest.features)
    np.testing.assert_allclose(rest.forest.values, whole.forest.values, rtol=1e-5, atol=1e-7)
    assert rest.output.training_metrics.mse == pytest.approx(whole.output.training_metrics.mse)
    assert rest.output.scoring_history.column("number_of_trees")[0] == 4


@pytest.mark.parametrize(("y", "sign"), [("number", 1), ("number", -1), ("two", 1)])
def test_predictions_are_monotone_where_they_must(train: Train, y: str, sign: int) -> None:
    model = train(y, monotone_constraints={"i": sign}, max_depth=6, min_rows=5, ntrees=20)
    table = mixed(40).assign(i=0)
    grid = pd.concat([table.assign(i=k) for k in range(30)], ignore_index=True)
    stored(grid, "gbm_grid")
    column = "predict" if y == "number" else "yes"
    p = predict_frame(model, Frame.get("gbm_grid")).to_pandas()[column].to_numpy()
    steps = np.diff(p.reshape(30, 40), axis=0) * sign
    assert steps.min() >= -1e-9
    assert steps.max() > 0 or sign == -1  # the data rise with i


def test_columns_meet_on_a_path_only_within_their_group(train: Train) -> None:
    forest = train("number", interaction_constraints=[["x", "i"], ["wide", "i"]]).forest
    assert 2 not in forest.features
    for tree in range(forest.n_trees):
        first = forest.starts[tree]
        stack = [(0, frozenset[int]())]
        while stack:
            node, met = stack.pop()
            feature = int(forest.features[first + node])
            if feature < 0:
                continue
            met = met | {feature}
            assert not {0, 3} <= met
            left = int(forest.left[first + node])
            stack += [(left, met), (left + 1, met)]


def test_limits_of_trees_hold(train: Train) -> None:
    forest = train("number", max_depth=3, min_rows=200, max_abs_leafnode_pred=0.01).forest
    assert forest.depths.max() <= 3
    assert forest.weights[forest.is_leaf].min() >= 200
    assert np.abs(forest.values).max() <= np.float32(0.01)


def test_learn_rate_annealing_shrinks_trees(train: Train) -> None:
    forest = train("number", learn_rate=0.5, learn_rate_annealing=0.5, ntrees=8).forest
    sizes = [
        np.abs(forest.values[a:b]).max()
        for a, b in zip(forest.starts[:-1], forest.starts[1:], strict=True)
    ]
    assert sizes[7] < 0.05 * sizes[0]


def test_early_stopping_stops(train: Train) -> None:
    params = {"stopping_rounds": 2, "stopping_tolerance": 0.05, "score_each_iteration": True}
    model = train("two", ntrees=300, validation_frame="gbm_valid", **params)
    assert 4 <= model.forest.n_trees < 100
    assert (model.params["ntrees"], model.params.input("ntrees")) == (model.forest.n_trees, 300)


def test_history_is_scored_at_the_interval(train: Train) -> None:
    history = train("two", score_tree_interval=4).output.scoring_history
    assert history.column("number_of_trees") == [0, 4, 8, 10]


def test_time_limit_leaves_a_smaller_model(train: Train) -> None:
    model = train("number", ntrees=10_000, max_runtime_secs=0.5)
    assert 0 < model.forest.n_trees < 10_000


@pytest.mark.parametrize(
    ("name", "alpha"), [("laplace", 0.5), ("quantile", 0.2), ("quantile", 0.9)]
)
def test_leaves_hold_quantiles(train: Train, name: str, alpha: float) -> None:
    params = {"quantile_alpha": alpha} if name == "quantile" else {}
    model = train("number", distribution=name, max_depth=3, ntrees=1, learn_rate=1.0, **params)
    y = mixed()["number"].to_numpy()
    assert model.init_f == pytest.approx(np.quantile(y, alpha), rel=1e-6)
    p = predict_frame(model, Frame.get("gbm_mixed")).to_pandas()["predict"].to_numpy()
    for value in np.unique(p):
        assert value == pytest.approx(np.quantile(y[p == value], alpha), rel=1e-5, abs=1e-6)


def test_huber_leaves_are_medians_moved_by_clipped_means(train: Train) -> None:
    params = {"max_depth": 2, "ntrees": 1, "learn_rate": 1.0, "huber_alpha": 0.8}
    model = train("number", distribution="huber", **params)
    y = mixed()["number"].to_numpy()
    r = y - np.median(y)
    delta = np.quantile(np.abs(r), 0.8)
    p = predict_frame(model, Frame.get("gbm_mixed")).to_pandas()["predict"].to_numpy()
    for value in np.unique(p):
        inside = r[p == value]
        beyond = np.clip(inside - np.median(inside), -delta, delta)
        expected = np.median(y) + np.median(inside) + beyond.mean()
        assert value == pytest.approx(expected, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({"calibrate_model": True}, "calibrate_model"),
        ({"interaction_constraints": [["x", "o"]]}, "interaction_constraints"),
        ({"checkpoint": "nowhere"}, "checkpoint"),
        ({"distribution": "poisson"}, "distribution"),
        ({"sample_rate_per_class": [0.5]}, "sample_rate_per_class"),
        ({"monotone_constraints": {"small": 1}}, "monotone_constraints"),
        ({"ntrees": 0}, "ntrees"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(
    train: Train, params: dict[str, object], name: str
) -> None:
    with pytest.raises(BuilderError, match=name):
        train("two", **params)


@pytest.mark.usefixtures("engine")
class TestEdges:
    """Tables that leave little to learn from."""

    def rows(self, n: int) -> pd.DataFrame:
        rng = np.random.default_rng(0)
        return pd.DataFrame({"x": rng.normal(size=n), "y": np.arange(n, dtype=float)})

    def test_one_row(self) -> None:
        stored(self.rows(1), "gbm_edge")
        extra = {"check_constant_response": False, "ignore_const_cols": False, "min_rows": 0.5}
        model = build("y", "gbm_edge", ("x",), **extra)
        assert predict_frame(model, Frame.get("gbm_edge")).to_pandas()["predict"].tolist() == [0.0]

    def test_fewer_rows_than_two_leaves_need(self) -> None:
        stored(self.rows(8), "gbm_edge")
        with pytest.raises(BuilderError, match=r"20\.0 .weighted. rows, but have only 8\.0"):
            build("y", "gbm_edge", ("x",))

    def test_constant_and_all_na_columns(self) -> None:
        table = self.rows(60).assign(c=1.0, n=np.nan, i=np.inf)
        table["e"] = pd.Categorical(["only"] * 60)
        stored(table, "gbm_edge")
        model = build("y", "gbm_edge", ("x", "c", "n", "e", "i"), ignore_const_cols=False)
        assert set(model.forest.features[~model.forest.is_leaf].tolist()) <= {0}

    def test_infinite_values_split_like_large_ones(self) -> None:
        x = np.repeat([-np.inf, 0.0, 1.0, np.inf], 20)
        stored(pd.DataFrame({"x": x, "y": np.repeat([1.0, 2.0, 3.0, 4.0], 20)}), "gbm_edge")
        model = build("y", "gbm_edge", ("x",), learn_rate=1.0, ntrees=3)
        p = predict_frame(model, Frame.get("gbm_edge")).to_pandas()["predict"]
        np.testing.assert_allclose(p, np.repeat([1.0, 2.0, 3.0, 4.0], 20), rtol=1e-5)

    def test_rows_without_response_or_weight_are_left_out(self) -> None:
        table = self.rows(200).assign(w=1.0)
        table.loc[:49, "y"] = np.nan
        table.loc[150:, "w"] = 0.0
        stored(table, "gbm_edge")
        stored(table.loc[50:149].reset_index(drop=True), "gbm_kept")
        a = build("y", "gbm_edge", ("x",), weights_column="w")
        b = build("y", "gbm_kept", ("x",))
        np.testing.assert_array_equal(a.forest.values, b.forest.values)
        assert a.output.training_metrics.n_obs == 100

    def test_thousands_of_levels(self) -> None:
        rng = np.random.default_rng(0)
        codes = rng.integers(0, 5000, 30_000)
        effect = rng.normal(size=5000)
        levels = [f"l{k}" for k in range(5000)]
        table = pd.DataFrame({"c": pd.Categorical.from_codes(codes, levels), "y": effect[codes]})
        stored(table, "gbm_edge")
        few = build("y", "gbm_edge", ("c",), min_rows=1, nbins_cats=1024)
        many = build("y", "gbm_edge", ("c",), min_rows=1, nbins_cats=6000)
        assert many.output.training_metrics.mse < 0.3 * few.output.training_metrics.mse

    def test_split_on_na_alone(self) -> None:
        x = np.where(np.arange(100) % 2 == 0, np.nan, 5.0)
        stored(pd.DataFrame({"x": x, "y": (np.arange(100) % 2) * 1.0}), "gbm_edge")
        model = build("y", "gbm_edge", ("x",), learn_rate=1.0, ntrees=1)
        p = predict_frame(model, Frame.get("gbm_edge")).to_pandas()["predict"]
        np.testing.assert_allclose(p, np.arange(100) % 2, atol=1e-6)


def test_levels_are_free_where_no_improvement_is_asked_for(engine: Engine) -> None:
    """Then splits on levels are those of H2O's histograms, however few rows a level has."""
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 4, (64, 3))
    data = pd.DataFrame(
        {f"x{i}": pd.Categorical.from_codes(codes[:, i], list("abcd")) for i in range(3)}
    )
    data["y"] = codes.sum(axis=1) * 0.3 + rng.normal(size=64)
    stored(data, "gbm_levels")
    raw = {"ntrees": 40, "max_depth": 1, "min_rows": 1, "min_split_improvement": 0}
    ours, h2os = (
        build("y", "gbm_levels", ("x0", "x1", "x2"), histogram_type=kind, **raw)
        for kind in ("AUTO", "UniformAdaptive")
    )
    p, q = (predict_frame(m, Frame.get("gbm_levels")).to_pandas() for m in (ours, h2os))
    np.testing.assert_allclose(p["predict"], q["predict"], rtol=1e-4)


def test_quasibinomial_takes_the_numbers_0_and_1(train: Train) -> None:
    """Its model is that of the same response as two levels."""
    data = Frame.get("gbm_mixed").to_pandas()
    data["number01"] = data["two"].cat.codes.astype(float).replace(-1.0, np.nan)
    stored(data, "gbm_quasi")
    numbers = build("number01", "gbm_quasi", distribution="quasibinomial")
    levels = build("two", "gbm_quasi", distribution="bernoulli")
    assert numbers.output.response_domain == ("0", "1")
    p, q = (predict_frame(m, Frame.get("gbm_quasi")).to_pandas() for m in (numbers, levels))
    np.testing.assert_array_equal(p.iloc[:, 2], q.iloc[:, 2])
    again = model_metrics(numbers, Frame.get("gbm_quasi"))
    assert again.auc == pytest.approx(levels.output.training_metrics.auc)
    with pytest.raises(BuilderError, match="must hold the numbers 0 and 1"):
        build("number", "gbm_quasi", distribution="quasibinomial")
