"""MOJOs as models of the cluster."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import dh2o
from dh2o.errors import ModelError
from dh2o.estimators import H2OGenericEstimator
from dh2o.estimators.messages import BuilderError
from dh2o.frame import Frame
from dh2o.models.mojo import mojo_bytes, save_mojo
from dh2o.models.predict_local import predict_table
from tests.models.mojo.made import gbm, table

pytestmark = pytest.mark.filterwarnings("ignore:Test/Validation dataset column:RuntimeWarning")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


@pytest.fixture
def model(rng):
    return gbm("bernoulli", rng)


@pytest.fixture
def path(model, tmp_path) -> Path:
    return save_mojo(model, tmp_path / "m.zip")


def check(estimator, model, rows: pd.DataFrame) -> None:
    expected = predict_table(model, rows)
    found = estimator.predict(Frame.from_any(rows)).as_data_frame()
    assert found["predict"].tolist() == list(expected["predict"])
    np.testing.assert_array_equal(found["yes"], expected["yes"])


def test_import_and_upload_score_the_same(engine, model, path, rng):
    rows = table(rng)
    for estimator in (dh2o.import_mojo(path), dh2o.upload_mojo(path, model_id="mine")):
        check(estimator, model, rows)
        assert estimator.model.mojo == path.read_bytes()
        assert estimator.algo == "generic"
        assert dh2o.get_model(estimator.model_id).model.mojo == path.read_bytes()
    assert estimator.model_id == "mine"


def test_from_file_measures_and_explains(engine, path, rng):
    estimator = H2OGenericEstimator.from_file(path, model_id="from_file")
    rows = table(rng)
    rows["y"] = np.where(rows.k.fillna(0) > 0, "yes", "no")
    frame = Frame.from_any(rows.astype({"y": "category"}))
    assert 0 <= estimator.model_performance(frame).auc() <= 1
    assert estimator.predict_contributions(frame).names == ["x", "few", "many", "k", "BiasTerm"]
    assert estimator.predict_leaf_node_assignment(frame).shape == (len(rows), 6)


def test_the_same_bytes_leave_again(engine, path, tmp_path):
    estimator = dh2o.import_mojo(path, "again")
    assert estimator.have_mojo
    assert not estimator.have_pojo
    assert Path(estimator.download_mojo(tmp_path / "out.zip")).read_bytes() == path.read_bytes()
    saved = Path(estimator.save_mojo(tmp_path, filename="saved.zip"))
    assert saved.read_bytes() == path.read_bytes()
    with pytest.raises(ModelError, match="force=True"):
        estimator.save_mojo(tmp_path, filename="saved.zip")
    with pytest.raises(ModelError, match="writes no POJO"):
        estimator.download_pojo()
    with pytest.raises(ModelError, match="does not ship"):
        estimator.download_mojo(tmp_path, get_genmodel_jar=True)


def test_wrong_parameters_and_files(engine, tmp_path):
    with pytest.raises(BuilderError, match="Either MOJO zip path or key"):
        H2OGenericEstimator().train()
    with pytest.raises(BuilderError, match="Path cannot be set"):
        H2OGenericEstimator(path="a", model_key="b").train()
    with pytest.raises(ModelError, match="Failed to import file"):
        dh2o.import_mojo(tmp_path / "none.zip")
    (tmp_path / "empty.zip").write_bytes(b"")
    with pytest.raises(ModelError, match="0 bytes"):
        dh2o.import_mojo(tmp_path / "empty.zip")
    (tmp_path / "m.java").write_text("public class gbm extends GenModel {}")
    with pytest.raises(ModelError, match="POJO import is disabled"):
        dh2o.import_mojo(tmp_path / "m.java")
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ModelError, match="no zip"):
        dh2o.import_mojo(tmp_path / "rows.csv")


def test_predictions_of_a_file_without_java(model, path, tmp_path, rng):
    rows = table(rng)
    rows.to_csv(tmp_path / "rows.csv", index=False)
    expected = predict_table(model, rows)
    found = dh2o.mojo_predict_csv(tmp_path / "rows.csv", path)
    assert [row["predict"] for row in found] == list(expected["predict"])
    written = pd.read_csv(tmp_path / "prediction.csv")
    np.testing.assert_allclose(written["yes"], expected["yes"])


def test_a_trained_model_leaves_and_returns(engine, tmp_path, rng):
    from dh2o.estimators import H2OGradientBoostingEstimator

    rows = table(rng, 200)
    rows["y"] = np.where(rows.x.fillna(0) + rows.k.fillna(0) > 0, "yes", "no")
    rows = rows.astype({"y": "category", "few": "category", "many": "category"})
    frame = Frame.from_any(rows)
    trained = H2OGradientBoostingEstimator(ntrees=3, max_depth=3, min_rows=1, seed=1)
    trained.train(x=["x", "few", "many", "k"], y="y", training_frame=frame)
    again = dh2o.import_mojo(trained.download_mojo(tmp_path))
    assert mojo_bytes(trained.model) == again.model.mojo
    assert again.auc() == trained.auc()
    assert again.varimp() == trained.varimp()
    history = [m.scoring_history(as_data_frame=False).n_rows for m in (trained, again)]
    assert history[0] == history[1] > 1
    np.testing.assert_array_equal(
        again.predict(frame).as_data_frame()["yes"], trained.predict(frame).as_data_frame()["yes"]
    )
