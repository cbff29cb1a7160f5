"""The official client explains models: contributions, leaves, trees, partial dependence, groups."""

from __future__ import annotations

from typing import Any

import pytest

X = ["AGE", "PSA", "GLEASON", "RACE"]


@pytest.fixture
def frame(h2o: Any, prostate: str) -> Any:
    data = h2o.import_file(prostate)
    for name in ("CAPSULE", "RACE"):
        data[name] = data[name].asfactor()
    return data


@pytest.fixture
def model(h2o: Any, frame: Any) -> Any:
    made = h2o.estimators.H2OGradientBoostingEstimator(ntrees=4, seed=1, sample_rate=0.7)
    made.train(x=X, y="CAPSULE", training_frame=frame)
    return made


def test_rows_are_explained(model: Any, frame: Any) -> None:
    names = [*sorted(X, key=frame.names.index), "BiasTerm"]
    values = model.predict_contributions(frame)
    assert values.names == names
    ranked = model.predict_contributions(frame, top_n=1, bottom_n=1)
    assert ranked.names[:2] == ["top_feature_1", "top_value_1"]
    against = model.predict_contributions(
        frame[:5, :], background_frame=frame[:7, :], output_per_reference=True
    )
    assert against.shape[0] == 35
    assert against.names[-2:] == ["RowIdx", "BackgroundRowIdx"]
    assert model.predict_leaf_node_assignment(frame).types["T1.C1"] == "enum"
    assert model.predict_leaf_node_assignment(frame, "Node_ID").shape == (380, 4)
    assert model.staged_predict_proba(frame).names == [f"T{i}.C1" for i in (1, 2, 3, 4)]
    assert model.feature_frequencies(frame).shape == (380, 4)
    assert model.row_to_tree_assignment(frame).names[0] == "row_id"


def test_trees_are_shown(h2o: Any, model: Any) -> None:
    from h2o.tree import H2OTree

    tree = H2OTree(model, 0, "0")
    assert tree.tree_class == "0"
    assert len(tree) == len(tree.node_ids) == len(tree.predictions)
    assert tree.root_node.split_feature in X
    assert "Predicted value" in tree.tree_decision_path
    with pytest.raises(h2o.exceptions.H2OResponseError, match="tree_number"):
        H2OTree(model, 4)


def test_effects_and_importance(h2o: Any, model: Any, frame: Any) -> None:
    tables = model.partial_plot(frame, cols=["AGE", "RACE"], plot=False, include_na=True)
    assert tables[0].col_header == ["age", *STATISTICS]
    assert tables[1]["race"][-1] == ".missing(NA)"
    pair = model.partial_plot(frame, col_pairs_2dpdp=[["AGE", "PSA"]], nbins=4, plot=False)[0]
    assert pair.col_header == ["age", "psa", *STATISTICS]
    importance = model.permutation_importance(frame, seed=1)
    assert importance["Variable"][0] in X
    interactions = model.feature_interaction()
    assert interactions[0].col_header[:3] == ["", "interaction", "gain"]
    assert 0 <= model.h(frame, ["AGE", "PSA"]) <= 1
    with pytest.raises(h2o.exceptions.H2OResponseError, match="predictor"):
        model.h(frame, ["AGE", "ID"])


STATISTICS = ["mean_response", "stddev_response", "std_error_mean_response"]


def test_partial_dependence_has_the_figures_of_predictions(model: Any, frame: Any) -> None:
    table = model.partial_plot(frame, cols=["AGE"], plot=False, nbins=6)[0]
    for age, mean, deviation, _ in table.cell_values:
        frame["AGE"] = age
        predicted = model.predict(frame)["p1"]
        assert (mean, deviation) == (predicted.mean()[0], predicted.sd()[0])


def test_groups_are_compared(model: Any, frame: Any) -> None:
    made = model.fairness_metrics(frame, ["RACE"], ["1"], "1")
    assert made["overview"].names[:2] == ["RACE", "tp"]
    assert any(name.startswith("thresholds_and_metrics_") for name in made)


def test_nodes_take_other_weights(model: Any, frame: Any) -> None:
    before = model.predict_contributions(frame)["BiasTerm"].min()
    frame["weights"] = 1
    with pytest.warns(UserWarning, match="zero weights"):
        model.update_tree_weights(frame.head(5), "weights")
    assert model.predict_contributions(frame)["BiasTerm"].min() != before
