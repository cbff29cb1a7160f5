"""Plots that explain models; matplotlib is an extra."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dh2o.errors import ModelError
from dh2o.estimators.trained.plots import finished, new_axes
from dh2o.models import Model, TwoDimTable
from dh2o.models.columns import F64
from dh2o.models.explain.tree_svg import node_label, positions
from dh2o.models.explain.tree_view import TreeView

__all__ = [
    "plot_heatmap",
    "plot_importance",
    "plot_learning_curve",
    "plot_partial",
    "plot_partial_2d",
    "plot_row",
    "plot_shap_summary",
    "plot_std_coefficients",
    "plot_tree",
]

_MAX_DRAWN_LEAVES = 256


def plot_tree(view: TreeView, title: str, save_plot_path: Any = None) -> Any:
    """Return a figure of a tree; to the left where the condition holds."""
    places = positions(view)
    n_leaves = sum(split is None for split in view.splits)
    if n_leaves > _MAX_DRAWN_LEAVES:
        raise ModelError(
            f"A tree of {n_leaves} leaves is too wide to draw. Use to_svg() or to_text()."
        )
    depth = max(view.depths)
    axes = new_axes((max(6.0, 1.5 * n_leaves), 1.6 * (depth + 1)))
    for at, split in enumerate(view.splits):
        x, y = places[at]
        for child in (view.left[at], view.right[at]) if split is not None else ():
            axes.plot([x, places[child][0]], [-y, -places[child][1]], color="#888888", zorder=1)
        color = "#e3f1e3" if split is None else "#e8eef7"
        text = f"{node_label(view, at)}\n{view.weights[at]:g} rows"
        box = {"boxstyle": "round", "facecolor": color, "edgecolor": "#666666"}
        axes.text(x, -y, text, ha="center", va="center", fontsize=8, bbox=box, zorder=2)
    axes.set_xlim(-0.7, max(x for x, _ in places) + 0.7)
    axes.set_ylim(-depth - 0.5, 0.5)
    axes.set_axis_off()
    axes.set_title(title)
    return finished(axes, save_plot_path)


def plot_shap_summary(
    names: Sequence[str], values: F64, features: F64, title: str, save_plot_path: Any = None
) -> Any:
    """Return a figure of all rows' contributions, by feature, colored by the feature's value.

    IN: `values` and `features` of shape (rows, names); features scaled to 0..1, NaN grey.
    """
    order = np.argsort(np.abs(values).mean(axis=0))
    axes = new_axes((9, max(3.0, 0.45 * len(names) + 1)))
    rng = np.random.default_rng(0)
    for place, k in enumerate(order):
        spread = _spread(values[:, k])
        heights = place + spread * rng.uniform(-0.35, 0.35, len(spread))
        known = ~np.isnan(features[:, k])
        axes.scatter(values[~known, k], heights[~known], s=6, color="#999999")
        drawn = axes.scatter(
            values[known, k], heights[known], s=6, c=features[known, k], cmap="coolwarm",
            vmin=0, vmax=1,
        )  # fmt: skip
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_yticks(range(len(names)), [names[k] for k in order])
    if len(names):
        axes.figure.colorbar(drawn, ax=axes).set_label("Normalized feature value")
    axes.set(xlabel="SHAP contribution", title=title)
    return finished(axes, save_plot_path)


def _spread(values: F64) -> F64:
    """Return how many rows have about the same value, as a share of the most."""
    counts, edges = np.histogram(values, bins=50)
    place = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(counts) - 1)
    return np.asarray(counts[place] / max(counts.max(), 1), dtype=np.float64)


def plot_row(
    names: Sequence[str], values: F64, shown: Sequence[str], bias: float, title: str,
    save_plot_path: Any = None,
) -> Any:  # fmt: skip
    """Return a figure of the contributions of one row, the largest on top."""
    axes = new_axes((9, max(3.0, 0.4 * len(names) + 1)))
    order = np.argsort(np.abs(values))
    colors = ["#d65f5f" if values[k] < 0 else "#4878d0" for k in order]
    axes.barh(range(len(names)), values[order], color=colors)
    axes.set_yticks(range(len(names)), [f"{names[k]} = {shown[k]}" for k in order])
    axes.axvline(0, color="black", linewidth=0.8)
    total = bias + float(values.sum())
    axes.set(xlabel=f"SHAP contribution (bias {bias:.4g}, total {total:.4g})", title=title)
    return finished(axes, save_plot_path)


def plot_partial(
    tables: Mapping[str, TwoDimTable], column: str, title: str, *, with_error: bool = True,
    save_plot_path: Any = None,
) -> Any:  # fmt: skip
    """Return a figure of partial dependence on a column, a line (or set of points) a table."""
    axes = new_axes()
    for label, table in tables.items():
        x, y = table.column(table.col_names[0]), np.array(table.column("mean_response"))
        error = np.array(table.column("stddev_response"))
        if table.col_types[0] == "string":
            axes.errorbar(x, y, yerr=error if with_error else None, fmt="o", capsize=4, label=label)
            continue
        known = [i for i, value in enumerate(x) if not math.isnan(value)]
        line = axes.plot([x[i] for i in known], y[known], label=label)[0]
        if with_error:
            low, high = (y - error)[known], (y + error)[known]
            axes.fill_between([x[i] for i in known], low, high, alpha=0.1)
        for i in set(range(len(x))) - set(known):
            axes.axhline(y[i], linestyle="--", color=line.get_color(), label=f"{label} (NA)")
    axes.set(xlabel=column, ylabel="Mean response", title=title)
    axes.grid(visible=True)
    if len(tables) > 1:
        axes.legend()
    return finished(axes, save_plot_path)


def plot_partial_2d(table: TwoDimTable, title: str, save_plot_path: Any = None) -> Any:
    """Return a figure of partial dependence on two columns, as shades."""
    first, second = table.col_names[:2]
    rows, columns = (
        list(dict.fromkeys(table.column(first))),
        list(dict.fromkeys(table.column(second))),
    )
    shades = np.array(table.column("mean_response")).reshape(len(rows), len(columns))
    axes = new_axes()
    drawn = axes.imshow(shades, origin="lower", aspect="auto", cmap="viridis")
    axes.set_xticks(range(len(columns)), [_short(v) for v in columns], rotation=90)
    axes.set_yticks(range(len(rows)), [_short(v) for v in rows])
    axes.figure.colorbar(drawn, ax=axes).set_label("Mean response")
    axes.set(xlabel=second, ylabel=first, title=title)
    return finished(axes, save_plot_path)


def _short(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"


def plot_heatmap(
    rows: Sequence[str], columns: Sequence[str], values: F64, title: str, save_plot_path: Any = None
) -> Any:
    """Return a figure of a matrix as shades with numbers."""
    axes = new_axes((max(5.0, 0.8 * len(columns) + 3), max(3.0, 0.4 * len(rows) + 2)))
    drawn = axes.imshow(values, aspect="auto", cmap="RdYlBu_r")
    for i in range(len(rows)):
        for j in range(len(columns)):
            axes.text(j, i, f"{values[i, j]:.2f}", ha="center", va="center", fontsize=8)
    axes.set_xticks(range(len(columns)), columns, rotation=45, ha="right")
    axes.set_yticks(range(len(rows)), rows)
    axes.figure.colorbar(drawn, ax=axes)
    axes.set_title(title)
    return finished(axes, save_plot_path)


def plot_importance(table: TwoDimTable, n_features: int, save_plot_path: Any = None) -> Any:
    """Return a figure of permutation importance: bars, or boxes over several runs."""
    axes = new_axes()
    names = table.column("Variable")[:n_features][::-1]
    if "Scaled Importance" in table.col_names:
        axes.barh(names, table.column("Scaled Importance")[:n_features][::-1])
    else:
        runs = np.array([table.column(name) for name in table.col_names[1:]])
        some = [runs[:, i] for i in range(min(n_features, runs.shape[1]))][::-1]
        axes.boxplot(some, orientation="horizontal")
        axes.set_yticks(range(1, len(names) + 1), names)
    axes.set_title("Permutation Variable Importance")
    return finished(axes, save_plot_path)


def plot_std_coefficients(model: Any, n_features: int | None, save_plot_path: Any = None) -> Any:
    """Return a figure of the standardised coefficients of a linear model, the largest on top."""
    if not hasattr(model, "norm_beta"):
        raise ModelError(f"{model.algo_full_name} models have no coefficients to draw.")
    beta = model.coefficients(standardised=True)
    beta.pop("Intercept", None)
    some = sorted(beta.items(), key=lambda pair: -abs(pair[1]))[: n_features or 10][::-1]
    axes = new_axes()
    colors = ["#d65f5f" if value < 0 else "#4878d0" for _, value in some]
    axes.barh([name for name, _ in some], [abs(value) for _, value in some], color=colors)
    axes.set(title="Standardized Coef. Magnitudes", xlabel="blue: positive, red: negative")
    return finished(axes, save_plot_path)


def plot_learning_curve(model: Model, metric: str, save_plot_path: Any = None) -> Any:
    """Return a figure of a metric as the model grew: training, validation, and each fold."""
    table = model.output.scoring_history
    if table is None:
        raise ModelError("This model has no scoring history.")
    name = _curve_metric(table, metric)
    step = next(
        (
            s
            for s in ("number_of_trees", "iterations", "iteration", "epochs")
            if s in table.col_names
        ),
        "duration",
    )
    axes = new_axes()
    for prefix in ("training", "validation"):
        column = f"{prefix}_{name}" if f"{prefix}_{name}" in table.col_names else None
        if column is not None:
            axes.plot(table.column(step), table.column(column), label=prefix)
    if name in table.col_names:
        axes.plot(table.column(step), table.column(name), label=name)
    for fold in model.output.cv_scoring_history:
        column = f"validation_{name}"
        if column in fold.col_names and step in fold.col_names:
            axes.plot(fold.column(step), fold.column(column), color="#bbbbbb", linewidth=0.8)
    axes.set(xlabel=step, ylabel=name, title=f"Learning curve of {model.key}")
    axes.legend()
    return finished(axes, save_plot_path)


def _curve_metric(table: TwoDimTable, metric: str) -> str:
    known = {
        name.removeprefix("training_").removeprefix("validation_"): None for name in table.col_names
    }
    wanted = metric.lower()
    if wanted == "auto":
        order = ("logloss", "deviance", "rmse", "objective")
        wanted = next((name for name in order if name in known), "")
    if wanted not in known:
        shown = ", ".join(table.col_names[1:])
        raise ModelError(f"The scoring history has no metric {metric!r}. Columns: {shown}.")
    return wanted
