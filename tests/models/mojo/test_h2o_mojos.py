"""MOJOs that real H2O wrote score here as they do there."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dh2o.models.generic import GenericModel
from dh2o.models.glm import GLMModel
from dh2o.models.predict_local import predict_table
from dh2o.models.tree_model import TreeModel

pytestmark = pytest.mark.filterwarnings("ignore:Test/Validation dataset column:RuntimeWarning")

ALL = sorted(
    name.removesuffix(".zip")
    for name in zipfile.ZipFile(Path(__file__).with_name("h2o_mojos.zip")).namelist()
    if name.endswith(".zip")
)


def load(h2o_mojos: zipfile.ZipFile, name: str) -> GenericModel:
    return GenericModel.of(h2o_mojos.read(f"{name}.zip"), name)


@pytest.mark.parametrize("name", ALL)
def test_predictions_are_those_of_h2o(name, h2o_mojos, h2o_table):
    atol = 2e-7 if name.startswith("dl_") else 1e-9  # networks have float32 weights
    found = predict_table(load(h2o_mojos, name), h2o_table)
    expected = pd.read_csv(io.BytesIO(h2o_mojos.read(f"{name}.csv")))
    assert list(found) == list(expected.columns)
    for column, values in found.items():
        if pd.api.types.is_numeric_dtype(expected[column]):
            np.testing.assert_allclose(
                values.astype(float), expected[column], rtol=1e-9, atol=atol, err_msg=column
            )
        else:
            assert list(values) == list(expected[column])


def test_the_kinds_are_dh2o_s_own(h2o_mojos):
    gbm, glm = load(h2o_mojos, "gbm_bernoulli"), load(h2o_mojos, "glm_binomial_logit")
    assert isinstance(gbm.inner, TreeModel)
    assert gbm.inner.forest.n_trees == 4
    assert isinstance(glm.inner, GLMModel)
    assert glm.inner.coefficients()["x1"] > 0


def test_metrics_and_tables_come_along(h2o_mojos):
    output = load(h2o_mojos, "gbm_bernoulli").output
    metrics = output.training_metrics
    assert (round(metrics.auc, 6), metrics.n_obs) == (0.997853, 300)
    assert metrics.default_threshold == pytest.approx(output.threshold)
    assert metrics.confusion_at(metrics.thresholds.best("f1")).counts.sum() == 300
    assert output.variable_importances.column("variable")[0] == "wide"
    assert output.model_summary.column("number_of_trees") == [4]
    assert output.scoring_history.n_rows == 5
    several = load(h2o_mojos, "drf_multinomial").output.training_metrics
    assert several.cm.counts.sum() == several.n_obs
    assert len(several.hit_ratios) == 3
    linear = load(h2o_mojos, "glm_binomial_logit").output.training_metrics
    assert linear.extra["residual_deviance"] < linear.extra["null_deviance"]


def test_the_original_is_named_and_its_parameters_shown(h2o_mojos):
    model = load(h2o_mojos, "gbm_bernoulli")
    assert model.output.extra["original_model_identifier"] == "gbm"
    assert model.output.extra["original_model_full_name"] == "Gradient Boosting Machine"
    shown = {row["name"]: row["actual_value"] for row in model.original_parameters}
    assert shown["ntrees"] == 4
    assert "model_id" not in shown


def test_special_columns_have_their_roles(h2o_mojos):
    output = load(h2o_mojos, "gbm_offset").output
    assert (output.offset, output.weights, output.response) == ("off", "w", "yr")
    fold = load(h2o_mojos, "gbm_fold").output
    assert (fold.fold, fold.weights, fold.x) == ("fold", "w", ("x1", "x2", "c", "wide", "few"))


def test_trees_of_an_imported_model_are_shown(h2o_mojos):
    from dh2o.models.explain.tree_view import view_tree

    view = view_tree(load(h2o_mojos, "gbm_bernoulli"), 0)
    assert view.splits[0] is not None
    assert len(view.predictions) == len(view.left)
