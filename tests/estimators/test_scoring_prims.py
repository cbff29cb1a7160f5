"""Rapids primitives about predictions, beside scikit-learn and plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from dh2o.errors import RapidsError
from dh2o.estimators import H2OGradientBoostingEstimator
from dh2o.estimators.scoring_prims import exact_auc
from dh2o.mrtask import Engine
from dh2o.rapids import H2OFrame, Session, ValFrame

DRAW = np.random.default_rng(3)
X = DRAW.integers(0, 6, 200).astype(float)
G = np.array(["p", "q", None])[DRAW.integers(0, 3, 200)]
Y = np.where(X + DRAW.normal(size=200) > 3, "yes", "no")


@pytest.fixture(scope="module")
def trained(_embedded: Engine) -> tuple[H2OFrame, H2OGradientBoostingEstimator]:
    frame = H2OFrame(
        {"x": X.tolist(), "g": G.tolist(), "y": Y.tolist()},
        column_types={"g": "enum", "y": "enum"},
        destination_frame="sp_frame",
    )
    model = H2OGradientBoostingEstimator(ntrees=3, max_depth=2, seed=1)
    model.train(x=["x", "g"], y="y", training_frame=frame)
    model.predict(frame).frame_id = "sp_predicted"
    return frame, model


def value(engine: Engine, text: str) -> H2OFrame:
    with Session(engine) as session:
        made = session.execute(text)
        assert isinstance(made, ValFrame)
        return H2OFrame(made.frame)


def test_exact_auc_counts_ties_half() -> None:
    scores, truth = np.round(DRAW.random(500), 1), DRAW.integers(0, 2, 500).astype(float)
    assert exact_auc(scores, truth) == pytest.approx(roc_auc_score(truth, scores), rel=1e-12)
    assert np.isnan(exact_auc(scores, np.ones(500)))


def test_perfect_auc(engine: Engine, trained: object) -> None:
    made = value(engine, '(perfectAUC (cols sp_predicted 2) (== (cols sp_frame "y") "yes"))')
    scores = H2OFrame.get_frame("sp_predicted").to_numpy()[:, 2]
    assert made[0, 0] == pytest.approx(roc_auc_score(Y == "yes", scores))
    with pytest.raises(RapidsError, match="0 and 1"):
        value(engine, "(perfectAUC (cols sp_predicted 2) (cols sp_frame 0))")


def test_predicted_against_actual(engine: Engine, trained: tuple[H2OFrame, object]) -> None:
    key = trained[1].model_id  # type: ignore[attr-defined]
    text = f'(predicted.vs.actual.by.var {key} sp_frame "g" (cols sp_predicted 0))'
    made = value(engine, text)
    assert made.names == ["g", "predict", "actual"]
    shown = made.as_data_frame()
    expected = {level: np.mean(Y[level == G] == "yes") for level in ("p", "q", None)}
    assert [level if isinstance(level, str) else None for level in shown["g"]] == list(expected)
    assert np.allclose(shown["actual"], list(expected.values()))
    keep = "(!! (is.na (cols sp_frame 1)))"
    known = text.replace("sp_frame", f"(rows sp_frame {keep})")
    known = known.replace("(cols sp_predicted 0)", f"(rows (cols sp_predicted 0) {keep})")
    assert value(engine, known).as_data_frame()["g"].tolist() == ["p", "q"]
    with pytest.raises(RapidsError, match="categorical"):
        value(engine, text.replace('"g"', '"x"'))


def test_the_mojo_of_a_model_agrees(engine: Engine, trained: tuple[H2OFrame, object]) -> None:
    key = trained[1].model_id  # type: ignore[attr-defined]
    assert value(engine, f"(model.testJavaScoring {key} sp_frame sp_predicted 1e-6)")[0, 0] == 1
    other = f"(model.testJavaScoring {key} sp_frame (rows sp_predicted [0:9]) 1e-6)"
    assert value(engine, other)[0, 0] == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(transform {key} sp_frame)", "gbm cannot answer"),
        ("(result {key})", "gbm cannot answer"),
        ('(run_tool "MojoPrinter" [])', "Java code"),
        ('(s3.generate.presigned.URL "/tmp/x" 1000)', "no path of S3"),
    ],
)
def test_what_cannot_be_answered_says_why(
    engine: Engine, trained: tuple[H2OFrame, object], text: str, message: str
) -> None:
    with pytest.raises(RapidsError, match=message):
        value(engine, text.format(key=trained[1].model_id))  # type: ignore[attr-defined]


def test_keys_can_be_forbidden(engine: Engine, trained: object) -> None:
    with Session(engine) as session:
        session.execute('(testing.setreadforbidden ["sp_f"])')
        with pytest.raises(RapidsError, match="forbidden"):
            session.execute("(nrow sp_frame)")
        session.execute("(testing.setreadforbidden [])")
        assert session.execute("(nrow sp_frame)").value == 200
