"""Custom distributions, and what else users may bring along or ask to be kept."""

# ruff: noqa: ARG002  (the methods have the arguments that H2O names)
from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dh2o.errors import ParameterError
from dh2o.estimators.gbm.custom import CustomDistribution, upload_distribution
from dh2o.estimators.messages import BuilderError
from dh2o.models import load_model

from .conftest import Train


class Gaussian:
    def link(self) -> str:
        return "identity"

    def init(self, w: Any, o: Any, y: Any) -> list[Any]:
        return [w * (y - o), w]

    def gradient(self, y: Any, f: Any) -> Any:
        return y - f

    def gamma(self, w: Any, y: Any, z: Any, f: Any) -> list[Any]:
        return [w * z, w]


class Bernoulli(Gaussian):
    """Its gradient takes no arrays: it is called row by row."""

    def link(self) -> str:
        return "logit"

    def gradient(self, y: float, f: float) -> float:
        return y - 1 / (1 + min(1e19, math.exp(-f)))

    def gamma(self, w: Any, y: Any, z: Any, f: Any) -> list[Any]:
        p = y - z
        return [w * z, w * p * (1 - p)]


class Multinomial(Gaussian):
    def gradient(self, y: float, f: float, l: int) -> float:  # type: ignore[override]  # noqa: E741
        return (1.0 if int(y) == int(l) else 0.0) - f

    def gamma(self, w: Any, y: Any, z: Any, f: Any) -> list[Any]:
        size = abs(z)
        return [w * z, w * size * (1 - size)]


@pytest.mark.parametrize(
    ("y", "given", "name", "params"),
    [
        ("number", Gaussian, "gaussian", {}),
        ("number", Gaussian(), "gaussian", {"weights_column": "w", "offset_column": "o"}),
        ("two", Bernoulli, "bernoulli", {}),
        ("three", Multinomial, "multinomial", {"ntrees": 4}),
    ],
)
def test_a_custom_distribution_is_as_good_as_a_built_in_one(
    train: Train, y: str, given: Any, name: str, params: dict[str, Any]
) -> None:
    own = train(
        y, distribution="custom", custom_distribution_func=upload_distribution(given), **params
    )
    same = train(y, distribution=name, histogram_type="UniformAdaptive", **params)
    for key, array in own.forest.to_arrays().items():
        np.testing.assert_array_equal(array, same.forest.to_arrays()[key], err_msg=key)
    assert own.init_f == pytest.approx(same.init_f, abs=1e-12)
    assert own.params["histogram_type"] == "UniformAdaptive"


def test_what_is_no_distribution_is_refused_by_name() -> None:
    with pytest.raises(ParameterError, match="gradient"):
        CustomDistribution.of(object(), "nothing")
    with pytest.raises(ParameterError, match="link of Odd"):
        CustomDistribution.of(type("Odd", (Gaussian,), {"link": lambda _self: "odd"}))


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"custom_distribution_func": "python:nowhere=nothing"}, "not run here"),
        ({}, "Custom requires custom function loaded"),
    ],
)
def test_a_reference_that_leads_nowhere(train: Train, params: dict[str, Any], text: str) -> None:
    with pytest.raises(BuilderError, match=text):
        train("number", distribution="custom", **params)


def test_an_error_in_the_user_s_code_is_told(train: Train) -> None:
    class Broken(Gaussian):
        def gradient(self, y: Any, f: Any) -> Any:
            raise KeyError("lost")

    with pytest.raises(Exception, match=r"Broken\.gradient failed: KeyError"):
        train("number", distribution="custom", custom_distribution_func=upload_distribution(Broken))


@pytest.mark.parametrize("kind", ["AUTO", "UniformAdaptive"])
def test_unfinished_models_are_kept_and_can_be_continued(
    train: Train, tmp_path: Path, engine: Any, kind: str
) -> None:
    whole = train(
        "number", ntrees=5, histogram_type=kind, in_training_checkpoints_dir=str(tmp_path),
        in_training_checkpoints_tree_interval=2,
    )  # fmt: skip
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"{whole.key}.ntrees_2", f"{whole.key}.ntrees_4"]
    part = load_model(tmp_path / names[0])
    assert part.forest.n_trees == 2
    engine.dkv.put(part.key, part, kind="model")
    again = train("number", ntrees=5, histogram_type=kind, checkpoint=part.key)
    np.testing.assert_array_equal(again.forest.values, whole.forest.values)


def test_noise_disturbs_training_not_the_model(train: Train) -> None:
    plain = train("number", ntrees=1, histogram_type="UniformAdaptive")
    noisy = train("number", ntrees=1, histogram_type="UniformAdaptive", pred_noise_bandwidth=0.5)
    np.testing.assert_array_equal(plain.forest.values, noisy.forest.values)
    metrics = [model.output.training_metrics for model in (plain, noisy)]
    assert metrics[0].mse != pytest.approx(metrics[1].mse, rel=1e-4)
