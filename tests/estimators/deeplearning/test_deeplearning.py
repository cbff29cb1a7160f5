"""Deep learning as users meet it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import dh2o
from dh2o.errors import DH2OError
from dh2o.estimators import BuilderError, H2OAutoEncoderEstimator, H2ODeepLearningEstimator
from dh2o.models import load_model, save_model
from dh2o.models.deeplearning import DeepLearningModel
from dh2o.mrtask import Engine, use_engine
from dh2o.scorer import Scorer

ACTIVATIONS = (
    "Tanh", "TanhWithDropout", "Rectifier", "RectifierWithDropout", "Maxout", "MaxoutWithDropout",
    "ExpRectifier",
)  # fmt: skip


def circles(n: int = 1200, seed: int = 1) -> pd.DataFrame:
    """Two classes that no line divides, a categorical that matters, and NA."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, n))
    side = rng.choice(["in", "out", "out"], n)
    inside = (a * a + b * b < 1.2) == (side == "in")
    a[::31] = np.nan
    return pd.DataFrame(
        {
            "a": a,
            "b": b,
            "side": pd.Categorical(side),
            "count": rng.poisson(np.exp(0.4 * b)),
            "num": 3 * b + (side == "in") + rng.normal(0, 0.3, n),
            "three": pd.Categorical(np.where(inside, "x", np.where(b > 0, "y", "z"))),
            "y": pd.Categorical(np.where(inside, "yes", "no")),
        }
    )


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return circles()


def trained(table: pd.DataFrame, y: str, **params: Any) -> H2ODeepLearningEstimator:
    given = {"hidden": [24, 24], "epochs": 30, "seed": 5, "reproducible": True, **params}
    model = H2ODeepLearningEstimator(**given)
    model.train(x=["a", "b", "side"], y=y, training_frame=dh2o.H2OFrame(table))
    return model


def test_a_network_learns_what_is_not_linear(engine: Engine, table: pd.DataFrame) -> None:
    model = trained(table, "y")
    test = dh2o.H2OFrame(circles(seed=2))
    assert model.model_performance(test).auc() > 0.97
    assert model.scoring_history() is not None
    assert model.varimp()[0][0] in ("a", "b", "side.in", "side.out")


def test_three_classes_and_numbers(engine: Engine, table: pd.DataFrame) -> None:
    assert trained(table, "three").logloss() < 0.35
    number = trained(table, "num")
    assert number.r2() > 0.97
    predicted = number.predict(dh2o.H2OFrame(table)).to_pandas()["predict"]
    assert np.corrcoef(predicted, table["num"])[0, 1] > 0.985


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_beats_the_prior(
    engine: Engine, table: pd.DataFrame, activation: str
) -> None:
    model = trained(table, "y", activation=activation, epochs=15, hidden=[32])
    share = (table["y"] == "yes").mean()
    prior = -share * np.log(share) - (1 - share) * np.log(1 - share)
    slow = "Dropout" in activation or activation == "ExpRectifier"
    assert model.logloss() < (0.95 if slow else 0.8) * prior


@pytest.mark.parametrize(
    "distribution", ["gaussian", "poisson", "gamma", "tweedie", "laplace", "quantile", "huber"]
)
def test_every_distribution_learns_counts(
    engine: Engine, table: pd.DataFrame, distribution: str
) -> None:
    rows = table.assign(count=table["count"] + (1 if distribution == "gamma" else 0))
    model = trained(rows, "count", distribution=distribution, epochs=12, hidden=[16])
    predicted = model.predict(dh2o.H2OFrame(rows)).to_pandas()["predict"]
    assert np.isfinite(predicted).all()
    assert np.corrcoef(predicted, np.exp(0.4 * rows["b"]))[0, 1] > 0.7


def test_momentum_instead_of_adadelta(engine: Engine, table: pd.DataFrame) -> None:
    model = trained(
        table, "y", adaptive_rate=False, rate=0.02, momentum_start=0.5, momentum_stable=0.9,
        momentum_ramp=1e4, l1=1e-6, l2=1e-6, input_dropout_ratio=0.05,
    )  # fmt: skip
    assert model.auc() > 0.93


def test_momentum_does_not_explode_on_many_rows(engine: Engine) -> None:
    given = {"momentum_start": 0.5, "momentum_ramp": 1e4, "momentum_stable": 0.9}
    model = trained(circles(5000), "num", hidden=[40], epochs=8, adaptive_rate=False, **given)
    assert model.rmse() < 0.6  # the noise alone is 0.3, the spread 3


def test_same_seed_same_network_on_one_and_three_workers(
    engine: Engine, cluster3: Engine, table: pd.DataFrame
) -> None:
    found = []
    for one in (engine, cluster3):
        with use_engine(one):
            model = trained(table, "y", epochs=3).model
            assert isinstance(model, DeepLearningModel)
            found.append(model.network)
    for a, b in zip(found[0].weights, found[1].weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_workers_learn_side_by_side_and_are_averaged(cluster3: Engine, table: pd.DataFrame) -> None:
    with use_engine(cluster3):
        model = trained(circles(6000), "y", reproducible=False, train_samples_per_iteration=1500)
        assert model.auc() > 0.95
        history = model.model.output.scoring_history
        assert history is not None
        assert history["samples"][-1] == pytest.approx(30 * 6000, rel=0.01)


def test_elastic_averaging_keeps_a_network_on_each_worker(cluster3: Engine) -> None:
    given = {"reproducible": False, "elastic_averaging": True, "epochs": 6}
    rows = circles(6000)
    with use_engine(cluster3):
        first = trained(rows, "y", **given, elastic_averaging_moving_rate=1.0)
        second = trained(rows, "y", **given, elastic_averaging_moving_rate=0.5)
        plain = trained(rows, "y", **{**given, "elastic_averaging": False})
    aucs = [m.auc() for m in (first, second, plain)]
    assert min(aucs) > 0.9
    assert len(set(aucs)) == 3


def test_levels_share_units_when_there_are_too_many(engine: Engine) -> None:
    rng = np.random.default_rng(3)
    level = rng.integers(0, 60, 1500)
    table = pd.DataFrame(
        {
            "a": pd.Categorical([f"L{i}" for i in level]),
            "b": rng.normal(size=1500),
            "side": pd.Categorical(rng.choice(["l", "r"], 1500)),
            "y": pd.Categorical(np.where(level % 2 == 0, "even", "odd")),
        }
    )
    model = trained(table, "y", max_categorical_features=40, epochs=5)
    assert model.model.inputs.n_units == 41
    assert model.model.network.units(0) == 41
    assert model.auc() > 0.85  # most, but not all levels have a unit of their own
    assert model.varimp()[0][0].startswith("categorical.hash")
    assert trained(table, "y", max_categorical_features=64, epochs=1).model.inputs.n_units == 65
    with pytest.raises(DH2OError, match="max_categorical_features"):
        H2OAutoEncoderEstimator(hidden=[3], epochs=1, max_categorical_features=9).train(
            x=["a", "b"], training_frame=dh2o.H2OFrame(table)
        )


def test_folds_that_stop_early_say_how_long_the_main_model_learns(
    engine: Engine, table: pd.DataFrame
) -> None:
    given = {"nfolds": 2, "epochs": 200, "stopping_rounds": 1, "stopping_tolerance": 0.1}
    model = trained(table.head(400), "y", hidden=[8], score_each_iteration=True, **given)
    folds = [m.model.output.extra["epochs"] for m in model.cross_validation_models()]
    assert max(folds) < 200
    assert model.model.output.extra["epochs"] == pytest.approx(np.mean(folds), abs=0.01)
    assert model.actual_params["epochs"] == pytest.approx(np.mean(folds))
    assert model.actual_params["overwrite_with_best_model"] is False
    assert model.actual_params["stopping_metric"] is None  # nothing stops it: as H2O shows it


@pytest.mark.parametrize(("n_rounds", "shown"), [(2, "logloss"), (0, None)])
def test_a_stopping_metric_is_shown_where_it_can_stop(
    engine: Engine, table: pd.DataFrame, n_rounds: int, shown: str | None
) -> None:
    model = trained(table.head(100), "y", hidden=[2], epochs=1, stopping_rounds=n_rounds)
    assert model.actual_params["stopping_metric"] == shown


def test_weights_draw_rows_and_zero_leaves_them_out(engine: Engine, table: pd.DataFrame) -> None:
    rows = table.assign(w=np.where(table["side"] == "in", 0.0, 2.5))
    frame = dh2o.H2OFrame(rows)
    model = H2ODeepLearningEstimator(hidden=[16], epochs=20, seed=1, reproducible=True)
    model.train(x=["a", "b"], y="y", training_frame=frame, weights_column="w")
    kept = dh2o.H2OFrame(rows[rows["w"] > 0].drop(columns="w"))
    again = H2ODeepLearningEstimator(hidden=[16], epochs=20, seed=1, reproducible=True)
    again.train(x=["a", "b"], y="y", training_frame=kept)
    assert model.auc() > 0.95
    assert abs(model.logloss() - again.logloss()) < 0.05


def test_checkpoint_goes_on_and_needs_more_epochs(engine: Engine, table: pd.DataFrame) -> None:
    first = trained(table, "y", epochs=2)
    more = trained(table, "y", epochs=20, checkpoint=first.model_id)
    assert more.logloss() < first.logloss()
    assert more.model.n_samples == pytest.approx(20 * 1200)
    with pytest.raises(BuilderError, match="epochs must be larger"):
        trained(table, "y", epochs=2, checkpoint=first.model_id)
    with pytest.raises(BuilderError, match="_hidden cannot be modified"):
        trained(table, "y", epochs=9, hidden=[5], checkpoint=first.model_id)


def test_an_autoencoder_finds_what_is_odd(engine: Engine, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=800)
    rows = pd.DataFrame({"a": a, "b": 2 * a + rng.normal(0, 0.05, 800), "c": -a})
    rows.loc[799, "b"] = -rows.loc[799, "a"] * 5 - 6
    frame = dh2o.H2OFrame(rows)
    model = H2OAutoEncoderEstimator(
        hidden=[2], activation="Tanh", epochs=60, seed=2, reproducible=True
    )
    model.train(x=["a", "b", "c"], training_frame=frame)
    errors = model.anomaly(frame).to_pandas()["Reconstruction.MSE"]
    assert errors.idxmax() == 799
    per_unit = model.anomaly(frame, per_feature=True).to_pandas()
    assert list(per_unit) == ["reconstr_a.SE", "reconstr_b.SE", "reconstr_c.SE"]
    np.testing.assert_allclose(per_unit.mean(axis=1), errors, rtol=1e-9)
    assert model.mse() == pytest.approx(errors.mean(), rel=1e-6)
    assert list(model.predict(frame).to_pandas()) == ["reconstr_a", "reconstr_b", "reconstr_c"]
    again = load_model(save_model(model.model, tmp_path / "saved"))
    assert again.output.training_metrics.mse == model.mse()
    scorer = Scorer(again)
    assert scorer.predict_row(rows.iloc[0].to_dict()) == {
        name: values[0] for name, values in scorer.predict_table(rows).items()
    }
    features = model.deepfeatures(frame, 0).to_pandas()
    assert list(features) == ["DF.L1.C1", "DF.L1.C2"]
    assert features.abs().to_numpy().max() <= 1.0
    labelled = dh2o.H2OFrame(rows.assign(y=rows["a"] ** 2))
    onward = H2ODeepLearningEstimator(
        hidden=[2], activation="Tanh", epochs=0, pretrained_autoencoder=model.model_id
    )
    onward.train(x=["a", "b", "c"], y="y", training_frame=labelled)
    np.testing.assert_array_equal(onward.model.network.weights[0], model.model.network.weights[0])


def test_saved_and_read_again(engine: Engine, table: pd.DataFrame, tmp_path: Path) -> None:
    model = trained(table, "three", epochs=2, export_weights_and_biases=True)
    path = dh2o.save_model(model, str(tmp_path / "net.dh2o"))
    frame = dh2o.H2OFrame(table)
    before = model.predict(frame).to_pandas()
    pd.testing.assert_frame_equal(dh2o.load_model(path).predict(frame).to_pandas(), before)
    weights = model.weights(0).to_pandas().to_numpy()
    np.testing.assert_allclose(weights, model.model.network.weights[0].T, rtol=1e-6)
    assert model.biases(2).nrow == 3


def test_cross_validation_early_stopping_and_offset(engine: Engine, table: pd.DataFrame) -> None:
    frame = dh2o.H2OFrame(table.assign(off=5.0))
    model = H2ODeepLearningEstimator(hidden=[8], epochs=4, seed=1, nfolds=3)
    model.train(x=["a", "b", "side"], y="y", training_frame=frame)
    assert 0.5 < model.auc(xval=True) <= 1.0
    shifted = H2ODeepLearningEstimator(hidden=[8], epochs=20, seed=1, reproducible=True)
    shifted.train(x=["b", "side"], y="num", training_frame=frame, offset_column="off")
    mean = shifted.predict(frame).to_pandas()["predict"].mean()
    assert mean == pytest.approx(table["num"].mean(), abs=0.2)


def test_little_and_missing_data(engine: Engine, table: pd.DataFrame) -> None:
    two = trained(table[1:3], "num", epochs=1, ignore_const_cols=False)
    assert np.isfinite(two.predict(dh2o.H2OFrame(table[:3])).to_pandas()["predict"]).all()
    holes = table.assign(b=np.nan)
    frame = dh2o.H2OFrame(holes)
    model = H2ODeepLearningEstimator(hidden=[4], epochs=1, seed=1)
    with pytest.warns(RuntimeWarning, match="constant columns: \\[b\\]"):
        model.train(x=["a", "b"], y="num", training_frame=frame)
    assert model.model.output.x == ("a",)
    skip = H2ODeepLearningEstimator(hidden=[4], epochs=1, missing_values_handling="Skip")
    nowhere = dh2o.H2OFrame(table[:2].assign(b=[1.0, np.nan], a=[np.nan, 2.0]))
    with pytest.raises(DH2OError, match="no usable row"):
        skip.set_params(ignore_const_cols=False).train(
            x=["a", "b"], y="num", training_frame=nowhere
        )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"hidden_dropout_ratios": [0.5]}, "non-dropout activation"),
        ({"activation": "TanhWithDropout", "hidden_dropout_ratios": [0.5]}, "Must have 2"),
        ({"distribution": "poisson"}, "needs a numeric response"),
        ({"loss": "Huber"}, "must be CrossEntropy or Quadratic"),
        ({"sparsity_beta": 0.1}, "autoencoders"),
    ],
)
def test_what_does_not_fit_is_refused(
    engine: Engine, table: pd.DataFrame, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(BuilderError, match=words):
        trained(table, "y", **changes)


def test_weights_that_grow_without_bound_are_an_error(engine: Engine, table: pd.DataFrame) -> None:
    with pytest.raises(DH2OError, match="numerically unstable"):
        trained(table, "num", adaptive_rate=False, rate=50.0, epochs=3)
