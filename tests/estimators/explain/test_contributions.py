"""Contributions as frames: what they add up to, how they are ranked, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dh2o.errors import DH2OError, ModelError, ParameterError
from dh2o.estimators import H2OGeneralizedLinearEstimator, H2OGradientBoostingEstimator
from dh2o.frame import Frame
from dh2o.models.glm import GLMModel
from dh2o.mrtask import Engine

from .conftest import X, table

Train = Callable[..., Any]


def pandas(frame: Any) -> pd.DataFrame:
    return frame.as_data_frame()


def test_numbers_add_up_to_the_prediction(gbm: Train, drf: Train, frame: Frame) -> None:
    for model in (gbm("number"), drf("number")):
        values = pandas(model.predict_contributions(frame))
        assert list(values) == [*X, "BiasTerm"]
        expected = pandas(model.predict(frame))["predict"]
        np.testing.assert_allclose(values.sum(axis=1), expected, atol=1e-9)


def test_two_classes_add_up_before_the_link(gbm: Train, drf: Train, frame: Frame) -> None:
    model = gbm("two")
    total = pandas(model.predict_contributions(frame)).sum(axis=1)
    expected = pandas(model.predict(frame))["yes"]
    np.testing.assert_allclose(1 / (1 + np.exp(-total)), expected, atol=1e-9)
    model = drf("two")
    total = pandas(model.predict_contributions(frame)).sum(axis=1)
    np.testing.assert_allclose(total, pandas(model.predict(frame))["yes"], atol=1e-6)


def test_three_classes_have_columns_each(gbm: Train, frame: Frame) -> None:
    model = gbm("three")
    values = pandas(model.predict_contributions(frame))
    assert list(values) == [f"{name}.{k}" for k in "uvw" for name in (*X, "BiasTerm")]
    f = np.stack([values.filter(regex=rf"\.{k}$").sum(axis=1) for k in "uvw"])
    odds = np.exp(f - f.max(axis=0))
    expected = pandas(model.predict(frame))[["u", "v", "w"]].to_numpy()
    np.testing.assert_allclose((odds / odds.sum(axis=0)).T, expected, atol=1e-9)
    with pytest.raises(ParameterError, match="several classes"):
        model.predict_contributions(frame, top_n=1)


@pytest.mark.parametrize(
    ("top", "bottom", "names"),
    [
        (1, 0, ["top_feature_1", "top_value_1"]),
        (0, 1, ["bottom_feature_1", "bottom_value_1"]),
        (-1, 0, [f"top_{w}_{i}" for i in (1, 2, 3) for w in ("feature", "value")]),
        (2, 1, ["top_feature_1", "top_value_1", "top_feature_2", "top_value_2",
                "bottom_feature_1", "bottom_value_1"]),
    ],
)  # fmt: skip
def test_ranked_contributions_are_sorted(
    gbm: Train, frame: Frame, top: int, bottom: int, names: list[str]
) -> None:
    model = gbm("number")
    values = pandas(model.predict_contributions(frame))
    for by_size in (False, True):
        found = pandas(model.predict_contributions(frame, None, top, bottom, by_size))
        assert list(found) == [*names, "BiasTerm"]
        for i in range(0, 400, 37):
            row = values.loc[i, X].sort_values(key=abs if by_size else None, ascending=False)
            expected = [*row.iloc[: 3 if top < 0 else top], *row.iloc[::-1].iloc[:bottom]]
            shown = [found.loc[i, name] for name in names if "_value_" in name]
            np.testing.assert_allclose(shown, expected)


def test_against_a_background_they_add_up_too(gbm: Train, drf: Train, frame: Frame) -> None:
    few, background = frame.slice_rows(0, 12), frame.slice_rows(100, 107)
    for model in (gbm("two"), drf("two")):
        expected = pandas(model.predict(few))["yes"]
        wide = pandas(
            model.predict_contributions(few, background_frame=background, output_space=True)
        )
        assert list(wide) == ["a", "b", "c.x", "c.y", "c.z", "c.missing(NA)", "BiasTerm"]
        np.testing.assert_allclose(wide.sum(axis=1), expected, atol=1e-6)
        each = pandas(
            model.predict_contributions(
                few, "Compact", background_frame=background, output_per_reference=True
            )
        )
        assert len(each) == 12 * 7
        assert each["BackgroundRowIdx"].tolist() == [*range(7)] * 12
        mean = each.groupby("RowIdx")["a"].mean()
        whole = pandas(model.predict_contributions(few, "Compact", background_frame=background))
        np.testing.assert_allclose(whole["a"], mean, atol=1e-12)


def test_a_linear_model_is_explained_against_a_background(frame: Frame) -> None:
    model = H2OGeneralizedLinearEstimator(family="binomial", lambda_=0)
    model.train(x=X, y="two", training_frame=frame)
    few = frame.slice_rows(0, 12)
    values = pandas(model.predict_contributions(few, background_frame=frame, output_space=True))
    expected = pandas(model.predict(few))["yes"]
    np.testing.assert_allclose(values.sum(axis=1), expected, atol=1e-9)
    assert isinstance(model.model, GLMModel)
    assert list(values) == [*model.model.design.names[:-1], "BiasTerm"]
    with pytest.raises(ModelError, match="only with a background_frame"):
        model.predict_contributions(few)


def test_what_does_not_fit_is_refused(gbm: Train, frame: Frame) -> None:
    model = gbm("number")
    empty = frame.slice_rows(0, 0)
    assert model.predict_contributions(empty).shape == (0, 4)
    bad: list[tuple[dict[str, Any], str]] = [
        ({"output_format": "Wide"}, "output_format"),
        ({"output_per_reference": True}, "background_frame"),
        ({"background_frame": frame, "top_n": 1}, "top_n"),
        ({"background_frame": empty}, "no rows"),
    ]
    for options, words in bad:
        with pytest.raises(DH2OError, match=words):
            model.predict_contributions(frame, **options)


@pytest.mark.cluster
def test_same_bits_on_one_and_three_workers(engine: Engine, cluster3: Engine) -> None:
    from dh2o.mrtask import use_engine

    found = []
    for one in (engine, cluster3):
        with use_engine(one):
            frame = Frame.from_pandas(table()).rebalance((150, 150, 100))
            model = H2OGradientBoostingEstimator(ntrees=3, max_depth=3, seed=1)
            model.train(x=X, y="number", training_frame=frame)
            found.append(pandas(model.predict_contributions(frame)).to_numpy())
    assert (found[0] == found[1]).all()


def test_isolation_forests_and_decision_trees_add_up(frame: Frame) -> None:
    from dh2o.estimators import H2ODecisionTreeEstimator, H2OIsolationForestEstimator

    forest = H2OIsolationForestEstimator(ntrees=5, seed=1)
    forest.train(x=X, training_frame=frame)
    total = pandas(forest.predict_contributions(frame)).sum(axis=1)
    expected = pandas(forest.predict(frame))["mean_length"]
    np.testing.assert_allclose(total, expected, atol=1e-6)
    numbers = frame.select(["b", "w", "two"])
    tree = H2ODecisionTreeEstimator(max_depth=3)
    tree.train(x=["b", "w"], y="two", training_frame=numbers)
    values = pandas(tree.predict_contributions(numbers))
    expected = pandas(tree.predict(numbers))["yes"]
    np.testing.assert_allclose(values.sum(axis=1), expected, atol=1e-6)
