"""Plots of models without a response: clusters, and what components explain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dh2o.errors import ModelError, ParameterError
from dh2o.estimators.trained.plots import finished, new_axes

if TYPE_CHECKING:
    from dh2o.models import Model
    from dh2o.models.kmeans import KMeansModel

_MOST_POINTS = 10_000
_KINDS = ("barplot", "lines")


def plot_clusters(
    model: KMeansModel, data: Any, x: str | None, y: str | None, save_plot_path: Any = None
) -> Any:
    """Return a figure of rows over two numeric columns, coloured by cluster, with the centres."""
    from dh2o.models.predict_local import local_columns_of

    space = model.space
    numbers = [n for n, level in zip(space.names, space.is_level, strict=True) if not level]
    for given, name in (("x", x), ("y", y)):
        if name is not None and name not in numbers:
            raise ParameterError(f"{given}: expected one of the columns {numbers}, got {name!r}.")
    if len(numbers) < 2:
        raise ModelError("A plot of clusters needs two numeric columns; the model has fewer.")
    first = x or next(n for n in numbers if n != y)
    second = y or next(n for n in numbers if n != first)
    columns = local_columns_of(model, data)
    step = max(columns.n_rows // _MOST_POINTS, 1)
    labels = model.score(columns)[::step, 0]
    axes = new_axes()
    axes.scatter(columns[first][::step], columns[second][::step], c=labels, s=8, cmap="tab10")
    centers = model.raw_centers
    at = [space.names.index(first), space.names.index(second)]
    axes.scatter(centers[:, at[0]], centers[:, at[1]], c="black", marker="x", s=80)
    axes.set(xlabel=first, ylabel=second, title=f"{model.k} clusters")
    return finished(axes, save_plot_path)


def plot_scree(model: Model, kind: str, save_plot_path: Any = None) -> Any:
    """Return a figure of the variance of each component, as bars or as a line."""
    if kind not in _KINDS:
        raise ParameterError(f"type: expected one of {', '.join(_KINDS)}, got {kind!r}.")
    table = model.output.extra.get("importance")
    if table is None:
        raise ModelError(f"{model.algo_full_name} models have no importance of components.")
    variances = np.square(np.array(table.rows[0][1:], dtype=np.float64))
    numbers = np.arange(1, len(variances) + 1)
    axes = new_axes()
    if kind == "barplot":
        axes.bar(numbers, variances)
    else:
        axes.plot(numbers, variances, "o--")
    axes.set_xticks(numbers)
    axes.set(xlabel="Components", ylabel="Variances", title="Scree Plot")
    return finished(axes, save_plot_path)
