"""MOJOs of neural networks: round trip, H2O's own scorer, damaged files."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dh2o.models import ModelCategory
from dh2o.models.deeplearning import DeepLearningModel, Inputs, Network
from dh2o.models.generic import GenericModel
from dh2o.models.mojo import MojoError, mojo_bytes, read_mojo
from dh2o.models.predict_local import predict_table
from dh2o.scorer import Scorer
from tests.models.mojo.made import DOMAINS, FEW, MANY, NAMES, encoding, output, params, table
from tests.models.mojo.test_hostile import entries, zipped

pytestmark = pytest.mark.filterwarnings("ignore:Test/Validation dataset column:RuntimeWarning")

CLASSES = {
    ModelCategory.BINOMIAL: ("no", "yes"),
    ModelCategory.MULTINOMIAL: ("a", "b", "c"),
}


def network(
    activation: str = "Rectifier",
    category: ModelCategory = ModelCategory.BINOMIAL,
    distribution: str = "bernoulli",
    *,
    all_levels: bool = True,
    scheme: str | None = None,
    **more: Any,
) -> DeepLearningModel:
    """Return a network of random weights over numbers and levels."""
    rng = np.random.default_rng(5)
    classes, how = CLASSES.get(category), None if scheme is None else encoding(scheme)
    names, domains = NAMES, DOMAINS
    if how is not None:
        names = how.encoded_names(("y",))[:-1]
        domains = tuple(how.domain_of(name) for name in names)
    what = output(category, classes, names=names, domains=domains, encoding=how, **more)
    if category is ModelCategory.AUTO_ENCODER:
        what = dataclasses.replace(
            what, names=NAMES, domains=DOMAINS, column_types=("Numeric",) * 4, response=None
        )
    numerics = tuple(n for n, d in zip(names, domains, strict=True) if d is None)
    cats = tuple(n for n in ("many", "few") if n not in numerics and n in names)
    shift, scale = rng.normal(size=len(numerics)), rng.uniform(0.5, 2, len(numerics))
    levels = tuple({"many": MANY, "few": FEW}[n] for n in cats)
    inputs = Inputs(cats, levels, numerics, shift, scale, all_levels)
    is_auto = category is ModelCategory.AUTO_ENCODER
    n_out = inputs.n_units if is_auto else len(classes or (1,))
    plain = activation.removesuffix("WithDropout")
    net = layers(rng, plain, (inputs.n_units, 6, 4, n_out))
    last = "softmax" if category.is_classifier else "activation" if is_auto else "linear"
    dropouts = (0.25, 0.5) if plain != activation else (0.0, 0.0)
    net = Network(plain, last, *net, dropouts)
    to_response = (3.0, 0.25) if distribution in ("gaussian", "laplace") and not is_auto else (0, 1)
    return DeepLearningModel(
        "made", params(mini_batch_size=1), what, inputs, net, distribution, *map(float, to_response)
    )


def layers(rng: np.random.Generator, activation: str, sizes: tuple[int, ...]) -> tuple[Any, Any]:
    """Return random weights and biases."""
    weights, biases = [], []
    for k in range(len(sizes) - 1):
        wide = sizes[k + 1] * (2 if activation == "Maxout" and k < len(sizes) - 2 else 1)
        weights.append(rng.normal(size=(sizes[k], wide)).astype(np.float32) * np.float32(0.5))
        biases.append(rng.normal(size=wide).astype(np.float32))
    return tuple(weights), tuple(biases)


REGRESSION = ModelCategory.REGRESSION
CASES: dict[str, dict[str, Any]] = {
    **{
        name: {"activation": name}
        for kind in ("Tanh", "Rectifier", "Maxout", "ExpRectifier")
        for name in (kind, f"{kind}WithDropout")
    },
    **{
        name: {"category": REGRESSION, "distribution": name}
        for name in ("gaussian", "poisson", "gamma", "tweedie", "laplace", "quantile", "huber")
    },
    "multinomial": {"category": ModelCategory.MULTINOMIAL, "distribution": "multinomial"},
    "without first levels": {"all_levels": False},
    "balanced": {"prior_class_distrib": (0.7, 0.3), "model_class_distrib": (0.5, 0.5)},
    "autoencoder": {
        "category": ModelCategory.AUTO_ENCODER, "activation": "Tanh", "distribution": "gaussian",
    },
    **{name: {"scheme": name} for name in ("Binary", "LabelEncoder", "Eigen")},
}  # fmt: skip


def made(case: str) -> DeepLearningModel:
    model = network(**CASES[case])
    return model.replace(params=params(balance_classes=True)) if case == "balanced" else model


@pytest.mark.parametrize("case", CASES)
def test_a_network_comes_back_the_same(case: str, rng: np.random.Generator) -> None:
    model, rows = made(case), table(rng)
    data = mojo_bytes(model)
    again = read_mojo(data, "again")
    first, second = predict_table(model, rows), predict_table(again, rows)
    assert list(first) == list(second)
    for name, values in first.items():
        if values.dtype.kind == "f":  # the shift of bits moves into biases, which are float32
            atol = 1e-6 if case == "Binary" else 0.0
            np.testing.assert_allclose(second[name], values, rtol=0, atol=atol)
        else:
            assert list(second[name]) == list(values)


@pytest.mark.h2o
@pytest.mark.parametrize("case", CASES)
def test_the_jar_predicts_the_same(case: str, rng: np.random.Generator, predict_csv: Any) -> None:
    model, rows = made(case), table(rng, 25)
    found = predict_csv(mojo_bytes(model), rows, "--setConvertInvalidNum")
    expected = predict_table(model, rows)
    assert list(found) == list(expected)
    for name, values in expected.items():
        if pd.api.types.is_numeric_dtype(found[name]):
            wanted = np.asarray(values, float)
            np.testing.assert_allclose(found[name], wanted, rtol=0, atol=1e-6, err_msg=name)
        else:
            assert list(found[name]) == list(values)


def test_an_imported_network_scores_a_table_and_one_row(rng: np.random.Generator) -> None:
    model = network()
    imported = GenericModel.of(mojo_bytes(model), "imported")
    assert isinstance(imported.inner, DeepLearningModel)
    rows = table(rng)
    expected = predict_table(model, rows)
    scorer = Scorer(imported)
    found = scorer.predict_table(rows)
    np.testing.assert_array_equal(found["yes"], expected["yes"])
    one = scorer.predict_row({"x": 0.3, "few": "red", "many": "L003", "k": 2})
    frame = pd.DataFrame({"x": [0.3], "few": ["red"], "many": ["L003"], "k": [2.0]})
    assert one["yes"] == pytest.approx(float(predict_table(model, frame)["yes"][0]), abs=1e-12)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"offset": "off", "category": REGRESSION, "distribution": "poisson"}, "offset"),
        ({"scheme": "OneHotExplicit"}, "OneHotExplicit"),
        ({"scheme": "EnumLimited"}, "EnumLimited"),
    ],
)
def test_what_the_scorer_of_h2o_cannot_do_is_refused(changes: dict[str, Any], word: str) -> None:
    with pytest.raises(MojoError, match=word):
        mojo_bytes(network(**changes))


def test_shared_and_infinite_weights_are_refused() -> None:
    model = network()
    hashed = dataclasses.replace(model.inputs, n_hashed=5)
    with pytest.raises(MojoError, match="max_categorical_features"):
        mojo_bytes(model.replace(inputs=hashed))
    net = model.network
    broken = dataclasses.replace(net, biases=(net.biases[0] * np.float32(np.inf), *net.biases[1:]))
    with pytest.raises(MojoError, match="infinite"):
        mojo_bytes(model.replace(network=broken))


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("cats", "7"),
        ("nums", "3"),
        ("cat_offsets", "[0, 2, 5]"),
        ("norm_mul", "[1.0]"),
        ("norm_sub", "[NaN, 1.0]"),
        ("neural_network_sizes", "[77, 6]"),
        ("neural_network_sizes", "[-1, 6, 4, 2]"),
        ("neural_network_sizes", "[77, 1000000000, 4, 2]"),
        ("weight_layer1", "[1.0]"),
        ("bias_layer0", "[1.0]"),
        ("activation", "Sigmoid"),
        ("distribution", "modified_huber"),
        ("hidden_dropout_ratios", "[2.0, 0.0, 0.0]"),
    ],
)
def test_a_damaged_mojo_is_refused(line: str, value: str) -> None:
    files = entries(mojo_bytes(network()))
    ini = files["model.ini"].decode().splitlines()
    changed = [f"{line} = {value}" if text.startswith(f"{line} =") else text for text in ini]
    assert changed != ini
    with pytest.raises(MojoError):
        read_mojo(zipped({**files, "model.ini": "\n".join(changed).encode()}), "back")
