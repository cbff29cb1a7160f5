"""Scoring files without Dask and Java: rows as tables, policies, reasons."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from dh2o.errors import ModelError
from dh2o.models import ModelCategory, save_model
from dh2o.models.encoding import Encoding
from dh2o.models.glm import GLMModel
from dh2o.models.glm_design import Design
from dh2o.models.mojo import mojo_bytes, save_mojo
from dh2o.scorer import Scorer
from tests.models.mojo.made import (
    FEW,
    drf,
    encoded_gbm,
    gbm,
    isolation_forest,
    output,
    params,
    table,
)

pytestmark = pytest.mark.filterwarnings("ignore:Test/Validation dataset column:RuntimeWarning")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def glm(rng: np.random.Generator, family: str = "binomial", link: str = "logit") -> GLMModel:
    """Return a linear model of a column of levels and two of numbers."""
    design = Design(
        categoricals=("few",), levels=(FEW,), numerics=("x", "k"), modes=(1,),
        fills=np.array([0.5, 2.0]), shift=np.zeros(2), scale=np.ones(2), all_levels=False,
        skip_na=False,
    )  # fmt: skip
    beta = rng.normal(size=5)
    category = ModelCategory.BINOMIAL if family == "binomial" else ModelCategory.REGRESSION
    classes = ("no", "yes") if family == "binomial" else None
    what = output(category, classes, names=("x", "few", "k"), domains=(None, FEW, None))
    given = params(
        family=family, link=link, tweedie_variance_power=1.5, tweedie_link_power=0.0, theta=0.1
    )
    return GLMModel("linear", given, what, design, beta, beta, 0.5)


MODELS = {
    "gbm": lambda rng: gbm("bernoulli", rng),
    "gbm of numbers": lambda rng: gbm("poisson", rng, offset="off"),
    "gbm of classes": lambda rng: gbm("multinomial", rng),
    "one-hot": lambda rng: encoded_gbm("OneHotExplicit", rng),
    "limited": lambda rng: encoded_gbm("EnumLimited", rng),
    "drf": lambda rng: drf("multinomial", rng),
    "isolation forest": lambda rng: isolation_forest(rng, 0.3),
    "glm": glm,
    "glm of numbers": lambda rng: glm(rng, "tweedie", "tweedie"),
}


def rows_of(frame: pd.DataFrame) -> list[dict]:
    return [
        {k: None if pd.isna(v) else v for k, v in row.items()} for row in frame.to_dict("records")
    ]


@pytest.mark.parametrize("kind", MODELS)
def test_a_row_scores_as_in_a_table(kind, rng):
    scorer, frame = Scorer(MODELS[kind](rng)), table(rng)
    whole = scorer.predict_table(frame)
    for idx, row in enumerate(rows_of(frame)):
        for name, value in scorer.predict_row(row).items():
            expected = whole[name][idx]
            assert value == expected or value == pytest.approx(expected, abs=1e-12), (idx, name)


def test_any_kind_of_table(rng):
    scorer, frame = Scorer(gbm("gaussian", rng, names=("x", "k"), domains=(None, None))), table(rng)
    expected = scorer.predict(frame)
    for data in (
        pa.Table.from_pandas(frame),
        frame[["x", "k"]].to_numpy(),
        {"x": frame.x.tolist(), "k": frame.k.tolist()},
    ):
        np.testing.assert_array_equal(scorer.predict(data), expected)


def test_one_answer_in_three_forms(rng):
    scorer = Scorer(gbm("bernoulli", rng))
    row = {"x": 1.0, "few": "red", "many": "L004", "k": 2}
    answer = scorer.predict_row(row)
    assert scorer.predict(row) == answer["predict"]
    assert scorer.predict_proba(row) == {"no": answer["no"], "yes": answer["yes"]}
    frame = pd.DataFrame([row])
    assert scorer.predict_proba(frame)[0, 1] == answer["yes"]
    assert scorer.predict_pandas(frame)["predict"].tolist() == [answer["predict"]]
    with pytest.raises(ModelError, match="numbers, not classes"):
        Scorer(gbm("gaussian", rng)).predict_proba(row)


def test_levels_that_are_unknown(rng):
    model = gbm("bernoulli", rng)
    row = {"x": 1.0, "few": "purple"}
    assert Scorer(model).predict_row(row) == Scorer(model).predict_row({"x": 1.0})
    strict = Scorer(model, unknown_levels="error")
    with pytest.raises(ModelError, match=r"\(few,purple\)"):
        strict.predict_row(row)
    with pytest.raises(ModelError, match=r"\(few,purple\)"):
        strict.predict(pd.DataFrame({"x": [1.0, 2.0], "few": ["red", "purple"]}))


@pytest.mark.parametrize("kind", ["gbm", "glm", "one-hot"])
def test_names_that_the_model_does_not_know(kind, rng):
    scorer = Scorer(MODELS[kind](rng))
    with pytest.warns(RuntimeWarning, match="'Few', which the model does not know, and no 'few'"):
        assert scorer.predict_row({"x": 1.0, "Few": "red"}) == scorer.predict_row({"x": 1.0})
    scorer.predict_row({"x": 1.0, "Few": "red"})  # said once
    scorer.predict_row({"x": 1.0, "comment": "unlike any", 7: 8})
    scorer.predict_row({"few": "red", "x": 1.0, "k": 2.0, "many": "L1", "Few": "all are there"})
    with pytest.raises(ModelError, match="'X', 'colour'; the model reads 'x', "):
        scorer.predict_row({"X": 1.0, "colour": "red"})


def test_texts_that_are_no_numbers(rng):
    model = gbm("gaussian", rng)
    for text in ("", "NA", None, float("nan"), pd.NA):
        assert Scorer(model).predict({"x": text}) == Scorer(model).predict({})
    assert Scorer(model).predict({"x": "1.5"}) == Scorer(model).predict({"x": 1.5})
    with pytest.raises(ModelError, match="'much', from column: x"):
        Scorer(model).predict_row({"x": "much"})
    assert Scorer(model, invalid_numbers="na").predict({"x": "much"}) == Scorer(model).predict({})


def test_times_are_milliseconds(rng):
    scorer = Scorer(gbm("gaussian", rng))
    noon = dt.datetime(1970, 1, 1, 0, 0, 2, tzinfo=dt.UTC)
    expected = scorer.predict({"x": 2000.0})
    assert scorer.predict({"x": noon}) == expected
    assert scorer.predict({"x": np.datetime64("1970-01-01T00:00:02")}) == expected


def test_whole_numbers_are_levels(rng):
    model = gbm("gaussian", rng, names=("few",), domains=(("1", "2", "true"),))
    scorer = Scorer(model, unknown_levels="error")
    assert (
        scorer.predict({"few": 2}) == scorer.predict({"few": "2"}) == scorer.predict({"few": 2.0})
    )
    assert scorer.predict({"few": True}) == scorer.predict({"few": "true"})


def test_an_offset_that_is_missing(rng):
    with pytest.raises(ModelError, match="no offset 'off'"):
        Scorer(gbm("poisson", rng, offset="off")).predict_row({"x": 1.0})


def test_a_policy_that_is_none(rng):
    with pytest.raises(ModelError, match="unknown_levels: expected 'na' or 'error'"):
        Scorer(gbm("gaussian", rng), unknown_levels="ignore")


def test_contributions_add_up(rng):
    scorer, frame = Scorer(gbm("gaussian", rng)), table(rng)
    parts = scorer.contributions(frame)
    np.testing.assert_allclose(sum(parts.values()), scorer.predict(frame), atol=1e-6)
    one = scorer.contributions(rows_of(frame)[3])
    assert one == pytest.approx({name: values[3] for name, values in parts.items()})
    with pytest.raises(ModelError, match="not made of trees"):
        Scorer(glm(rng)).contributions(frame)


def test_leaves(rng):
    scorer, frame = Scorer(drf("binomial", rng)), table(rng)
    leaves = scorer.leaf_nodes(frame)
    forest = scorer.model.forest
    assert list(leaves) == [f"T{t + 1}.C1" for t in range(5)]
    values = sum(forest.values[forest.starts[t] + leaves[f"T{t + 1}.C1"]] for t in range(5)) / 5
    np.testing.assert_allclose(scorer.predict_proba(frame)[:, 0], values, atol=1e-6)
    assert scorer.leaf_nodes(rows_of(frame)[0])["T2.C1"] == leaves["T2.C1"][0]


def test_a_file_that_is_none(tmp_path):
    (tmp_path / "m.zip").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="no readable zip"):
        Scorer.load(tmp_path / "m.zip")
    with pytest.raises(ModelError, match="Cannot read model"):
        Scorer.load(tmp_path / "none.zip")


ALONE = """
import json, sys
from dh2o.scorer import Scorer
answers = [Scorer.load(path).predict_row(json.loads(sys.argv[3])) for path in sys.argv[1:3]]
heavy = ("dask", "distributed", "flask", "pandas", "polars", "sklearn", "pyarrow", "jpype")
print(json.dumps([answers, [name for name in heavy if name in sys.modules]]))
"""


def test_neither_dask_nor_others_are_imported(rng, tmp_path):
    model = gbm("bernoulli", rng)
    files = [str(save_mojo(model, tmp_path / "m.zip")), str(save_model(model, tmp_path / "m"))]
    row = {"x": 1.0, "few": "red"}
    done = subprocess.run(
        [sys.executable, "-c", ALONE, *files, json.dumps(row)],
        capture_output=True, text=True, timeout=600, check=True,
    )  # fmt: skip
    answers, heavy = json.loads(done.stdout)
    assert heavy == []
    assert answers[0] == answers[1] == Scorer(model).predict_row(row)


def test_what_it_says_of_itself(rng):
    scorer = Scorer.of_bytes(mojo_bytes(gbm("bernoulli", rng)), "mine")
    assert repr(scorer) == "Scorer(Gradient Boosting Machine 'mine', Binomial, 4 predictors)"
    assert scorer.columns == ("x", "few", "many", "k")
    assert scorer.prediction_names == ("predict", "no", "yes")
    assert isinstance(encoded_gbm("Binary", rng).output.encoding, Encoding)
    assert Scorer(encoded_gbm("Binary", rng)).columns == ("x", "few", "many", "k")
