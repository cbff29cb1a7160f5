"""Schemas of trees, interactions of features, and what else explains a model."""
# ruff: noqa: RUF009 (the calls make fields)

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .base import Key, Schema, both, gives, takes


@dataclass(kw_only=True)
class TreeV3(Schema):
    """One tree of a model."""

    model: Key | None = takes("Key<Model>", None, "Key of the model.", required=True)
    tree_number: int | None = takes("int", None, "Number of the tree, from 0.", required=True)
    tree_class: str | None = both("string", None, "Class of a tree, where there are several.")
    plain_language_rules: str = takes(
        "enum", "AUTO", "Whether to put the tree into words.", values=("AUTO", "TRUE", "FALSE")
    )
    left_children: list[Any] | None = gives("int[]", None, "Left children of the nodes.")
    right_children: list[Any] | None = gives("int[]", None, "Right children of the nodes.")
    root_node_id: int = gives("int", 0, "Number of the root.")
    thresholds: list[Any] | None = gives("float[]", None, "Thresholds of splits by number.")
    features: list[Any] | None = gives("string[]", None, "Columns that are split.")
    nas: list[Any] | None = gives("string[]", None, "The side to which NAs go.")
    descriptions: list[Any] | None = gives("string[]", None, "Words on each node.")
    levels: list[Any] | None = gives("int[][]", None, "Levels that reach each node.")
    predictions: list[Any] | None = gives("float[]", None, "Values of the nodes.")
    tree_decision_path: str | None = gives("string", None, "The tree in words.")
    decision_paths: list[Any] | None = gives("string[]", None, "The conditions of each leaf.")


@dataclass(kw_only=True)
class FeatureInteractionV3(Schema):
    """Which features are asked about together."""

    model_id: Key | None = takes("Key<Model>", None, "Key of the model.", required=True)
    max_interaction_depth: int = takes("int", 100, "Most features of an interaction, less one.")
    max_tree_depth: int = takes("int", 100, "Depth down to which trees are read.")
    max_deepening: int = takes("int", -1, "Depth at which interactions may begin; -1 for any.")
    feature_interaction: list[Any] | None = gives("TwoDimTableV3[]", None, "The tables.")


@dataclass(kw_only=True)
class FriedmanPopescusHV3(Schema):
    """How strongly columns interact in a model."""

    model_id: Key | None = takes("Key<Model>", None, "Key of the model.", required=True)
    frame: Key | None = takes("Key<Frame>", None, "Rows to look at.", required=True)
    variables: list[Any] | None = takes("string[]", None, "Columns.", required=True)
    h: float = gives("double", 0.0, "The statistic: 0 for no interaction.")
