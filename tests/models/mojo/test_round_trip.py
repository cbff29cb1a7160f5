"""Models to MOJOs and back into models, without Java."""

from __future__ import annotations

import dataclasses
import pickle
import zipfile
from io import BytesIO

import numpy as np
import pytest

from dh2o.errors import ModelError
from dh2o.models import load_model, model_from_bytes, model_to_bytes, save_model
from dh2o.models.calibration import IsotonicCalibration, PlattScaling
from dh2o.models.generic import GenericModel
from dh2o.models.mojo import MojoError, have_mojo, load_mojo, mojo_bytes, read_mojo, save_mojo
from dh2o.models.predict_local import predict_table, score_table
from tests.models.curve_model import curve_model
from tests.models.mojo.made import drf, encoded_gbm, gbm, isolation_forest, table

pytestmark = pytest.mark.filterwarnings("ignore:Test/Validation dataset column:RuntimeWarning")

MODELS = {
    **{
        f"gbm {name}": lambda rng, name=name: gbm(name, rng)
        for name in (
            *("gaussian", "bernoulli", "quasibinomial", "multinomial", "poisson", "gamma"),
            *("tweedie", "laplace", "quantile", "huber"),
        )
    },
    **{
        f"drf {kind}": lambda rng, kind=kind: drf(kind, rng)
        for kind in ("regression", "binomial", "double", "multinomial")
    },
    **{
        f"gbm {scheme}": lambda rng, scheme=scheme: encoded_gbm(scheme, rng)
        for scheme in ("OneHotExplicit", "Binary", "LabelEncoder", "Eigen", "EnumLimited")
    },
    "gbm offset": lambda rng: gbm("poisson", rng, offset="off"),
    "isolation forest": isolation_forest,
    "isolation forest with a flag": lambda rng: isolation_forest(rng, 0.4),
    "gbm platt": lambda rng: gbm("bernoulli", rng, calibration=PlattScaling(-4.0, 1.5)),
    "gbm isotonic": lambda rng: gbm(
        "bernoulli",
        rng,
        calibration=IsotonicCalibration(np.array([0.2, 0.5, 0.9]), np.array([0.0, 0.3, 1.0])),
    ),
    "gbm balanced": lambda rng: gbm(
        "multinomial", rng, prior_class_distrib=(0.6, 0.3, 0.1), model_class_distrib=(0.4, 0.3, 0.3)
    ),
}


@pytest.mark.parametrize("kind", MODELS)
def test_a_model_comes_back_the_same(kind, rng):
    model = MODELS[kind](rng)
    if kind == "gbm balanced":
        model = with_balance(model)
    again, rows = read_mojo(mojo_bytes(model), "again"), table(rng)
    before, after = predict_table(model, rows), predict_table(again, rows)
    assert list(before) == list(after)
    for name, values in before.items():
        np.testing.assert_array_equal(values, after[name], err_msg=name)


def with_balance(model):
    from tests.models.mojo.made import params

    return model.replace(params=params(balance_classes=True))


def test_the_same_model_gives_the_same_bytes(rng):
    model = gbm("bernoulli", rng)
    assert mojo_bytes(model) == mojo_bytes(model_from_bytes(model_to_bytes(model)))


def test_model_ini_has_h2o_s_keys_in_its_order(rng):
    archive = zipfile.ZipFile(BytesIO(mojo_bytes(gbm("bernoulli", rng, offset="off"))))
    lines = archive.read("model.ini").decode().splitlines()
    keys = [line.partition(" = ")[0] for line in lines[1 : lines.index("[columns]") - 1]]
    assert keys == [
        *("h2o_version", "mojo_version", "license", "algo", "algorithm", "endianness"),
        *("category", "uuid", "supervised", "n_features", "n_classes", "n_columns", "n_domains"),
        *("offset_column", "balance_classes", "default_threshold", "prior_class_distrib"),
        *("model_class_distrib", "timestamp", "escape_domain_values", "n_trees"),
        *("n_trees_per_class", "_genmodel_encoding", "_orig_projection_array", "distribution"),
        *("link_function", "init_f"),
    ]
    assert lines[lines.index("[columns]") + 1 :] == [
        *("x", "few", "many", "k", "off", "y", "", "[domains]"),
        *("1: 3 d000.txt", "2: 70 d001.txt", "5: 2 d002.txt"),
    ]
    assert "timestamp = 2023-11-14T22:13:20.123Z" in lines


def test_levels_with_line_ends_and_backslashes_survive(rng):
    levels = ("a\nb", "c\\n", "d\r", " e ", "")
    model = gbm("gaussian", rng, names=("few",), domains=(levels,))
    assert read_mojo(mojo_bytes(model), "m").output.domain_of("few") == levels


def test_a_column_with_a_line_end_is_refused(rng):
    model = gbm("gaussian", rng, names=("a\nb",), domains=(None,))
    with pytest.raises(MojoError, match="line end"):
        mojo_bytes(model)


def test_a_kind_without_mojo_says_so():
    model = curve_model()
    assert not have_mojo(model)
    with pytest.raises(ModelError, match="have no MOJO"):
        mojo_bytes(model)


def test_files(rng, tmp_path):
    model = gbm("gaussian", rng)
    path = save_mojo(model, tmp_path)
    assert path.name == "made.zip"
    with pytest.raises(MojoError, match="force=True"):
        save_mojo(model, tmp_path, force=False)
    loaded = load_mojo(path)
    assert loaded.key == "made"
    assert mojo_bytes(loaded) == path.read_bytes()
    with pytest.raises(MojoError, match="Cannot read MOJO"):
        load_mojo(tmp_path / "nowhere.zip")
    assert [p.name for p in tmp_path.iterdir()] == ["made.zip"]


def test_a_generic_model_is_saved_pickled_and_renamed(rng, tmp_path):
    model = GenericModel.of(mojo_bytes(gbm("bernoulli", rng)), "first")
    rows = table(rng)
    expected = score_table(model, rows)
    saved = load_model(save_model(model, tmp_path / "m"))
    for copy in (saved, pickle.loads(pickle.dumps(model)), model.replace(key="second")):
        np.testing.assert_array_equal(score_table(copy, rows), expected)
        assert copy.mojo == model.mojo
    strict = model.replace(output=model.output.replace(threshold=1.1))
    assert set(predict_table(strict, rows)["predict"]) == {"no"}


def test_a_generic_model_does_not_calibrate_as_in_h2o(rng):
    model = GenericModel.of(mojo_bytes(MODELS["gbm platt"](rng)), "m")
    assert list(predict_table(model, table(rng))) == ["predict", "no", "yes"]


def test_a_multinomial_model_of_two_classes_is_read(rng):
    model = gbm("bernoulli", rng)
    files = zipfile.ZipFile(BytesIO(mojo_bytes(model)))
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in files.namelist():
            data = files.read(name)
            if name == "model.ini":
                data = data.replace(b"= bernoulli", b"= multinomial").replace(b"= logit", b"= log")
            archive.writestr(name, data)
    rows = table(rng)
    f = np.log(score_table(model, rows)[:, 1] / score_table(model, rows)[:, 0])
    found = score_table(read_mojo(buffer.getvalue(), "m"), rows)
    np.testing.assert_allclose(found[:, 0], 1 / (1 + np.exp(-2 * f)), atol=1e-12)


def linear(rng, **design):
    from tests.test_scorer import glm

    model = glm(rng)
    return model.replace(design=dataclasses.replace(model.design, **design))


def test_a_linear_model_comes_back_the_same(rng):
    for model in (linear(rng), linear(rng, skip_na=True)):
        again, rows = read_mojo(mojo_bytes(model), "again"), table(rng)
        before, after = predict_table(model, rows), predict_table(again, rows)
        for name, values in before.items():
            np.testing.assert_array_equal(values, after[name], err_msg=name)
        assert again.coefficients() == model.coefficients()


def test_a_linear_model_with_interactions_has_no_mojo(rng):
    model = linear(rng, derived={"x_k": object()})
    assert not have_mojo(model)
    with pytest.raises(MojoError, match=r"interactions \(x_k\)"):
        mojo_bytes(model)
