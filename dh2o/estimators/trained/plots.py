"""Plots of models, drawn on demand; matplotlib is an extra."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dh2o.errors import MissingExtraError, ModelError, ParameterError
from dh2o.models import Model
from dh2o.models.metrics import ConfusionMatrix, ModelMetricsBinomial


def new_axes(figsize: tuple[float, float] = (9, 6)) -> Any:
    """Return new axes on a figure that no window manages, so that tests and servers can draw."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError.of("matplotlib", "plot", "Drawing plots") from None
    return Figure(figsize=figsize, layout="constrained").subplots()


def finished(axes: Any, save_plot_path: str | Path | None) -> Any:
    """Return the figure of `axes`, written to a file if a path is given."""
    if save_plot_path is not None:
        axes.figure.savefig(save_plot_path)
    return axes.figure


def plot_varimp(model: Model, n_features: int, save_plot_path: Any = None) -> Any:
    """Return a figure with the scaled importance of the first `n_features` variables."""
    table = model.output.variable_importances
    if table is None:
        raise ModelError(f"{model.algo_full_name} models have no variable importances.")
    names = table.column("variable")[:n_features][::-1]
    axes = new_axes()
    axes.barh(names, table.column("scaled_importance")[:n_features][::-1])
    axes.set_title(f"Variable Importance: {model.algo_full_name}")
    axes.spines[["top", "right"]].set_visible(False)
    return finished(axes, save_plot_path)


def plot_history(model: Model, timestep: str, metric: str, save_plot_path: Any = None) -> Any:
    """Return a figure of a metric over the scoring history; AUTO picks both."""
    table = model.output.scoring_history
    if table is None:
        raise ModelError("This model has no scoring history.")
    sets = ("training", "validation", "cross_validation")
    if metric.upper() == "AUTO":
        order = ("logloss", "deviance", "rmse", "objective")
        known = [m for m in order if any(f"{s}_{m}" in table.col_names for s in sets)]
        known += [m for m in order if m in table.col_names]
        if not known:
            raise ModelError("This model's scoring history has no metric to draw.")
        metric = known[0]
    steps = ("number_of_trees", "iterations", "iteration", "epochs")
    step = timestep
    if timestep.upper() == "AUTO":
        step = next((s for s in steps if s in table.col_names), "duration")
    lines = {s: f"{s}_{metric}" for s in sets if f"{s}_{metric}" in table.col_names}
    lines = lines or ({metric: metric} if metric in table.col_names else {})
    if not lines or step not in table.col_names:
        raise ParameterError(
            f"The scoring history has no {metric!r} over {step!r}. "
            f"Columns: {', '.join(table.col_names[1:])}."
        )
    axes = new_axes()
    for name, column in lines.items():
        axes.plot(table.column(step), table.column(column), label=name)
    axes.set(xlabel=step, ylabel=metric, title="Scoring History")
    axes.legend()
    return finished(axes, save_plot_path)


def plot_curve(metrics: ModelMetricsBinomial, kind: str, save_plot_path: Any = None) -> Any:
    """Return a figure of the ROC curve or of precision over recall."""
    curve = metrics.thresholds
    axes = new_axes()
    if kind == "roc":
        axes.plot([0.0, *curve.criterion("fpr")], [0.0, *curve.criterion("tpr")])
        axes.plot([0, 1], [0, 1], linestyle="--", color="grey")
        axes.set(
            xlabel="False positive rate",
            ylabel="True positive rate",
            title=f"ROC curve, AUC {metrics.auc:.4f}",
        )
    elif kind == "pr":
        axes.plot(curve.criterion("recall"), curve.criterion("precision"))
        axes.set(
            xlabel="Recall",
            ylabel="Precision",
            title=f"Precision-recall, area {metrics.pr_auc:.4f}",
        )
    else:
        raise ParameterError(f"type: expected 'roc' or 'pr', got {kind!r}.")
    return finished(axes, save_plot_path)


def plot_confusion(matrix: ConfusionMatrix, save_plot_path: Any = None) -> Any:
    """Return a figure of a confusion matrix, counts on shades of the row's share."""
    axes = new_axes()
    totals = matrix.counts.sum(axis=1, keepdims=True)
    shares = matrix.counts / totals.clip(min=1.0)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    ticks = range(len(matrix.domain))
    for i in ticks:
        for j in ticks:
            dark = shares[i, j] > 0.5
            text = f"{matrix.counts[i, j]:g}"
            axes.text(j, i, text, ha="center", va="center", color="white" if dark else "black")
    axes.set_xticks(ticks, matrix.domain)
    axes.set_yticks(ticks, matrix.domain)
    axes.set(xlabel="Predicted class", ylabel="Actual class", title="Confusion Matrix")
    return finished(axes, save_plot_path)
