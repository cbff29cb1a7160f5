"""Plots and reports: they draw, they save, and they say what cannot be drawn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import dh2o
from dh2o.errors import DH2OError, MissingExtraError
from dh2o.estimators import H2OGeneralizedLinearEstimator
from dh2o.frame import Frame

from .conftest import X

Train = Callable[..., Any]
figure = pytest.importorskip("matplotlib.figure")


def test_every_plot_of_a_model_is_a_figure(gbm: Train, frame: Frame, tmp_path: Path) -> None:
    model = gbm("two", validation_frame=frame)
    plots = {
        "shap": lambda path: model.shap_summary_plot(frame, save_plot_path=path),
        "row": lambda path: model.shap_explain_row_plot(frame, 3, save_plot_path=path),
        "pd": lambda path: model.pd_plot(frame, "b", save_plot_path=path),
        "levels": lambda path: model.pd_plot(frame, "c", save_plot_path=path),
        "ice": lambda path: model.ice_plot(frame, "a", save_plot_path=path),
        "curve": lambda path: model.learning_curve_plot(save_plot_path=path),
        "importance": lambda path: model.varimp_plot(save_plot_path=path),
        "shuffled": lambda path: model.permutation_importance_plot(frame, save_plot_path=path),
        "tree": lambda path: dh2o.H2OTree(model, 0).plot(path),
    }
    for name, plot in plots.items():
        path = tmp_path / f"{name}.png"
        assert isinstance(plot(path), figure.Figure)
        assert path.stat().st_size > 1000
    model.partial_plot(
        frame, ["b", "c"], col_pairs_2dpdp=[["b", "c"]], save_plot_path=tmp_path / "p.png"
    )
    assert sorted(p.name for p in tmp_path.glob("p_*.png")) == ["p_1.png", "p_2.png", "p_3.png"]


def test_reports_hold_what_the_model_has(gbm: Train, frame: Frame) -> None:
    model = gbm("two")
    report = model.explain(frame, columns=["b"])
    assert {"confusion_matrix", "learning_curve", "varimp", "shap_summary", "pdp", "ice"} == set(
        report
    )
    assert report._repr_html_().count("<h3>") == 6
    row = model.explain_row(frame, 5, columns=["b"])
    assert set(row) == {"shap_explain_row", "ice"}
    for unseen in (
        model.explain(frame, columns=["b"], render=False),
        model.explain_row(frame, 5, columns=["b"], render=False),
    ):
        assert unseen["ice"]
        assert unseen._repr_html_() is None
    three = gbm("three").explain(frame, columns=["b"])
    assert "shap_summary" not in three


def test_several_models_side_by_side(gbm: Train, drf: Train, frame: Frame) -> None:
    models = [gbm("number"), drf("number")]
    assert isinstance(dh2o.varimp_heatmap(models), figure.Figure)
    assert isinstance(dh2o.model_correlation_heatmap(models, frame), figure.Figure)
    assert isinstance(dh2o.pd_multi_plot(models, frame, "b"), figure.Figure)


def test_coefficients_of_a_linear_model_are_drawn(gbm: Train, frame: Frame) -> None:
    model = H2OGeneralizedLinearEstimator(lambda_=0)
    model.train(x=X, y="number", training_frame=frame)
    assert isinstance(model.std_coef_plot(), figure.Figure)
    with pytest.raises(DH2OError, match="no coefficients"):
        gbm("number").std_coef_plot()


def test_without_matplotlib_the_extra_is_named(
    gbm: Train, frame: Frame, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"dh2o\[plot\]"):
        gbm("number").pd_plot(frame, "b")


def test_a_tree_shows_itself(gbm: Train) -> None:
    tree = gbm("two").tree(1)
    assert tree._repr_html_().count("<rect") == len(tree)
    assert len(str(tree).splitlines()) == len(tree) + 1
    assert tree.tree_class == "no"
    assert "Predicted value" in tree.tree_decision_path
    assert "off" in dh2o.H2OTree(gbm("two"), 0, plain_language_rules=False).tree_decision_path
