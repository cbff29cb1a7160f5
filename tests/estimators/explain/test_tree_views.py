"""Leaves, stages, asked features, sampled rows and new node weights, as frames."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import dh2o
from dh2o.errors import ModelError, ParameterError
from dh2o.frame import Frame

Train = Callable[..., Any]


def test_path_and_number_name_the_same_leaf(gbm: Train, drf: Train, frame: Frame) -> None:
    for model, klass in ((gbm("two"), "no"), (drf("three"), "u")):
        paths = model.predict_leaf_node_assignment(frame).as_data_frame()
        numbers = model.predict_leaf_node_assignment(frame, "Node_ID").as_data_frame()
        assert list(paths) == list(numbers)
        assert next(iter(paths)) == "T1.C1"
        tree = dh2o.H2OTree(model, 0, klass)
        for i in range(0, 400, 41):
            node: Any = tree.root_node
            for step in paths.loc[i, "T1.C1"]:
                node = node.left_child if step == "L" else node.right_child
            assert node.id == numbers.loc[i, "T1.C1"]
    with pytest.raises(ParameterError, match="Path, Node_ID"):
        model.predict_leaf_node_assignment(frame, "Name")


def test_the_last_stage_is_the_prediction(gbm: Train, drf: Train, frame: Frame) -> None:
    number = gbm("number")
    stages = number.staged_predict_proba(frame).as_data_frame()
    assert list(stages) == ["T1", "T2", "T3", "T4"]
    predicted = number.predict(frame).as_data_frame()["predict"]
    np.testing.assert_allclose(stages["T4"], predicted, atol=1e-12)
    two = gbm("two")
    stages = two.staged_predict_proba(frame).as_data_frame()
    np.testing.assert_allclose(stages["T4.C1"], two.predict(frame).as_data_frame()["no"])
    three = gbm("three", balance_classes=True)
    stages = three.staged_predict_proba(frame).as_data_frame()[["T4.C1", "T4.C2", "T4.C3"]]
    np.testing.assert_allclose(stages, three.predict(frame).as_data_frame()[["u", "v", "w"]])
    with pytest.raises(ModelError, match="not built in stages"):
        drf("number").staged_predict_proba(frame)


def test_frequencies_count_the_splits_of_the_paths(gbm: Train, frame: Frame) -> None:
    model = gbm("number")
    counts = model.feature_frequencies(frame).as_data_frame()
    paths = model.predict_leaf_node_assignment(frame).as_data_frame()
    lengths = sum(paths[name].str.len() for name in paths)
    assert (counts.sum(axis=1) == lengths).all()


def test_sampled_rows_are_those_that_trees_saw(gbm: Train, frame: Frame) -> None:
    model = gbm("number", sample_rate=0.6)
    told = model.row_to_tree_assignment(frame).as_data_frame()
    assert list(told) == ["row_id", "tree_1", "tree_2", "tree_3", "tree_4"]
    forest = model.model.forest
    for tree in range(4):
        root = forest.starts[tree]
        assert told[f"tree_{tree + 1}"].astype(int).sum() == forest.weights[root]


def test_new_weights_move_the_bias(gbm: Train, frame: Frame) -> None:
    model = gbm("number")
    before = model.predict_contributions(frame).as_data_frame()
    model.update_tree_weights(frame.with_columns({"w": frame.select(["w"])}), "w")
    twice = frame.slice_rows(0, 20)
    with pytest.warns(RuntimeWarning, match="zero weights"):
        model.update_tree_weights(twice, "w")
    after = model.predict_contributions(frame).as_data_frame()
    assert before["BiasTerm"][0] != after["BiasTerm"][0]
    np.testing.assert_allclose(before.sum(axis=1), after.sum(axis=1), atol=1e-9)


def test_views_of_no_rows_have_no_rows(gbm: Train, frame: Frame) -> None:
    model, empty = gbm("two"), frame.slice_rows(0, 0)
    assert model.predict_leaf_node_assignment(empty).shape == (0, 4)
    assert model.staged_predict_proba(empty).shape == (0, 4)
    assert model.feature_frequencies(empty).shape == (0, 3)
