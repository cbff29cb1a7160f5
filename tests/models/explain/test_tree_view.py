"""A tree node by node, in words and as a drawing: what H2O says of the same tree."""

from __future__ import annotations

import dataclasses
import math
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from dh2o.errors import ModelError, ParameterError
from dh2o.models.explain.interactions import InteractionLimits, feature_interactions
from dh2o.models.explain.tree_rules import decision_paths, descriptions, java_float, tree_rules
from dh2o.models.explain.tree_svg import tree_svg, tree_text
from dh2o.models.explain.tree_view import TreeView, view_tree
from dh2o.models.forest import Forest
from dh2o.models.gbm import GBMModel
from dh2o.models.output import ModelOutput
from dh2o.models.params import ModelParameters


@pytest.fixture
def model(regression_output: ModelOutput) -> GBMModel:
    """One tree: a by number (NA left), then c by levels; a again under the right child."""
    forest = Forest.from_arrays(
        1,
        2,
        {
            "starts": np.array([0, 9]),
            "features": np.array([0, 1, 0, -1, -1, -1, 1, -1, -1]),
            "thresholds": np.array([0.5, 0, 1.25, 0, 0, 0, 0, 0, 0]),
            "left": np.array([1, 3, 5, 0, 0, 0, 7, 0, 0]),
            "na_sides": np.array([2, 3, 2, 0, 0, 0, 1, 0, 0]),
            "values": np.array([0, 9, 8, 1, 2, 3, 7, 4, 5]) / 10,
            "weights": np.array([100, 60, 40, 10, 50, 15, 25, 20, 5]),
            "gains": np.array([5, 3, 2, 0, 0, 0, 1, 0, 0]),
            "bit_starts": np.array([-1, 0, -1, -1, -1, -1, -1, -1, -1]),
            "n_bits": np.array([0, 3, 0, 0, 0, 0, 0, 0, 0]),
            "bits": np.array([0b101], np.uint8),
        },
    )
    return GBMModel("m", ModelParameters({}), regression_output, forest, 0.0, "gaussian")


def test_nodes_are_listed_level_by_level(model: GBMModel) -> None:
    view = view_tree(model, 0)
    assert view.left == (1, 3, 5, -1, -1, -1, 7, -1, -1)
    assert view.right == (2, 4, 6, -1, -1, -1, 8, -1, -1)
    assert [s.feature if s else None for s in view.splits[:3]] == ["a", "c", "a"]
    assert [s.na if s else None for s in view.splits[:3]] == ["LEFT", "RIGHT", None]
    assert view.levels[3:5] == ((1,), (0, 2))
    split = view.splits[1]
    assert split is not None
    assert split.levels(0) == ["y"]
    assert split.levels(1) == ["x", "z"]
    assert math.isnan(split.threshold)


def test_inner_nodes_predict_the_mean_of_their_leaves(model: GBMModel) -> None:
    assert view_tree(model, 0).predictions[1] == 0.9  # kept by training
    forest = dataclasses.replace(model.forest, values=model.forest.values * model.forest.is_leaf)
    view = view_tree(dataclasses.replace(model, forest=forest), 0)
    assert view.predictions[1] == pytest.approx((10 * 0.1 + 50 * 0.2) / 60)
    assert view.predictions[6] == pytest.approx((20 * 0.4 + 5 * 0.5) / 25)


def test_words_are_those_of_h2o(model: GBMModel) -> None:
    view = view_tree(model, 0)
    paths = decision_paths(view)
    assert paths[3] == "If ( a < 0.5 or a is NaN ) -> If (c is in [y ]) -> Prediction: 0.1"
    assert paths[5] == "If ( a >= 0.5 ) -> If ( a < 1.25 ) -> Prediction: 0.3"
    assert paths[8] == "If ( a >= 0.5 ) -> If ( a >= 1.25 ) -> If ( c is NaN )Prediction: 0.5"
    assert paths[1] is None
    rules = tree_rules(view)
    assert rules.startswith("If ( a >= 0.5 ) {\n\n\tIf ( a >= 1.25 ) {")
    assert "} else if ( c is in [ y ]) {" in rules
    told = descriptions(view)
    assert "Root node has id 0 and splits on column 'a'" in told[0]
    assert told[3].endswith("Inherited categorical levels from parent split: y")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.1, "0.1"), (-0.36400390, "-0.3640039"), (1e-5, "1.0E-5"), (12345678.0, "1.2345678E7"),
     (0.0, "0.0"), (float("nan"), "NaN"), (3.0, "3.0")],
)  # fmt: skip
def test_floats_are_printed_as_java_does(value: float, text: str) -> None:
    assert java_float(value) == text


def test_drawings_show_every_node(model: GBMModel) -> None:
    view: TreeView = view_tree(model, 0)
    drawn = ET.fromstring(tree_svg(view, "<t & u>"))
    assert len(drawn.findall(".//{http://www.w3.org/2000/svg}rect")) == len(view)
    text = tree_text(view)
    assert len(text.splitlines()) == len(view)
    assert "yes or NA: c in {y}" in text


def test_what_does_not_exist_is_refused(model: GBMModel) -> None:
    with pytest.raises(ParameterError, match="tree_number: expected 0 to 0, got 1"):
        view_tree(model, 1)
    with pytest.raises(ParameterError, match="no classes of trees"):
        view_tree(model, 0, "x")
    with pytest.raises(ModelError, match="not tree-based"):
        view_tree(object(), 0)  # type: ignore[arg-type]


def test_interactions_count_each_path_of_splits_once(model: GBMModel) -> None:
    tables = {table.name: table for table in feature_interactions(model)}
    single = {row[0]: row[1:4] for row in tables["Interaction Depth 0"].rows}
    assert single["a"] == pytest.approx([7.0, 2.0, 1.4])
    assert single["c"] == pytest.approx([4.0, 2.0, 0.85])
    double = {row[0]: row[1:4] for row in tables["Interaction Depth 1"].rows}
    assert double["a|c"] == pytest.approx([11.0, 2.0, 0.85])
    assert double["a|a"] == pytest.approx([7.0, 1.0, 0.4])
    assert tables["a Split Value Histogram"].rows == [[0.5, 1], [1.25, 1]]
    shallow = feature_interactions(model, InteractionLimits(interaction=0))
    assert [t.name for t in shallow if t.name.startswith("Interaction")] == ["Interaction Depth 0"]
