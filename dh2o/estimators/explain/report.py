"""Explanations in one go: figures and tables of one model, of one row, and of several models."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from contextlib import suppress
from html import escape
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from dh2o.errors import ModelError, ParameterError
from dh2o.estimators.explain.local import column_values
from dh2o.estimators.scoring import predict_frame
from dh2o.frame import Frame
from dh2o.models import Model
from dh2o.models.columns import F64
from dh2o.models.tree_model import TreeModel

if TYPE_CHECKING:
    from dh2o.estimators.estimator import H2OEstimator
    from dh2o.estimators.explain.plot_methods import PlotSide

__all__ = [
    "Explanation",
    "decile_rows",
    "explain_model",
    "explain_one_row",
    "model_correlation_heatmap",
    "pd_multi_plot",
    "scaled_values",
    "shown_value",
    "varimp_heatmap",
]

_N_COLUMNS = 5


class Explanation(dict[str, Any]):
    """Figures and tables by name; a notebook shows them all unless they are not to be rendered."""

    _is_shown = True

    def shown(self, render: bool) -> Self:
        """Return this explanation, which a notebook shows if `render` says so."""
        self._is_shown = render
        return self

    def _repr_html_(self) -> str | None:
        if not self._is_shown:
            return None
        return "\n".join(f"<h3>{escape(name)}</h3>{_html(part)}" for name, part in _flat("", self))

    def __repr__(self) -> str:
        return f"<Explanation: {', '.join(name for name, _ in _flat('', self))}>"


def _flat(head: str, parts: dict[str, Any]) -> list[tuple[str, Any]]:
    out: list[tuple[str, Any]] = []
    for name, part in parts.items():
        out += _flat(f"{head}{name}: ", part) if isinstance(part, dict) else [(head + name, part)]
    return out


def _html(part: Any) -> str:
    if hasattr(part, "savefig"):
        drawn = io.BytesIO()
        part.savefig(drawn, format="png", dpi=80)
        data = base64.b64encode(drawn.getvalue()).decode()
        return f'<img alt="" src="data:image/png;base64,{data}"/>'
    shown = getattr(part, "_repr_html_", None)
    return str(shown()) if shown is not None else f"<pre>{escape(str(part))}</pre>"


def explain_model(
    estimator: PlotSide, frame: Frame, columns: Sequence[str] | None = None
) -> Explanation:
    """Return what explains one model: whatever its kind has."""
    from dh2o.estimators.trained.plots import plot_varimp

    model = estimator.model
    made = Explanation()
    if model.output.category.is_classifier:
        made["confusion_matrix"] = estimator.confusion_matrix()  # type: ignore[attr-defined]  # an estimator
    if model.output.scoring_history is not None and model.output.scoring_history.n_rows > 0:
        with suppress(ModelError):  # a history without metrics
            made["learning_curve"] = estimator.learning_curve_plot()
    if model.output.variable_importances is not None:
        made["varimp"] = plot_varimp(model, 10)
    if _has_contributions(model):
        made["shap_summary"] = estimator.shap_summary_plot(frame)
    if model.output.response is None:
        return made
    chosen = _columns(model, frame, columns)
    made["pdp"] = {name: estimator.pd_plot(frame, name) for name in chosen}
    made["ice"] = {name: estimator.ice_plot(frame, name) for name in chosen}
    return made


def explain_one_row(
    estimator: PlotSide, frame: Frame, row: int, columns: Sequence[str] | None = None
) -> Explanation:
    """Return what explains the prediction of one row."""
    made = Explanation()
    if _has_contributions(estimator.model):
        made["shap_explain_row"] = estimator.shap_explain_row_plot(frame, row)
    if estimator.model.output.response is None:
        return made
    chosen = _columns(estimator.model, frame, columns)
    made["ice"] = {name: estimator.pd_plot(frame, name, row_index=row) for name in chosen}
    return made


def _has_contributions(model: Model) -> bool:
    inner = getattr(model, "inner", model)
    return isinstance(inner, TreeModel) and model.output.n_classes <= 2


def _columns(model: Model, frame: Frame, columns: Sequence[str] | None) -> list[str]:
    if columns is not None:
        return list(columns)
    table = model.output.variable_importances
    names = [str(n) for n in table.column("variable")] if table else list(model.output.input_names)
    return [name for name in names if name in frame.names][:_N_COLUMNS]


def decile_rows(model: Model, frame: Frame) -> dict[str, int]:
    """Return rows whose predictions lie at the deciles, by their names."""
    raw = predict_frame(model, frame)
    scores = column_values(raw, raw.names[-1])
    order = np.argsort(scores, kind="stable")
    places = np.linspace(0, len(order) - 1, 11).astype(np.int64)
    return {f"{i * 10}th percentile": int(order[place]) for i, place in enumerate(places)}


def scaled_values(frame: Frame, name: str) -> F64:
    """Return a column's values (levels by their number) scaled to 0..1; NA is NaN."""
    values = column_values(frame, name) if name in frame.names else np.full(frame.n_rows, np.nan)
    known = values[~np.isnan(values)]
    low, high = (known.min(), known.max()) if len(known) else (0.0, 1.0)
    return np.asarray((values - low) / (high - low if high > low else 1.0), dtype=np.float64)


def shown_value(frame: Frame, name: str) -> str:
    """Return the first value of a column as text."""
    if name not in frame.names:
        return "NA"
    value, domain = float(column_values(frame, name)[0]), frame.vec(name).domain
    if np.isnan(value):
        return "NA"
    return domain[int(value)] if domain is not None else f"{value:.6g}"


# ---- several models


def varimp_heatmap(
    models: Sequence[H2OEstimator], num_of_features: int = 20, save_plot_path: Any = None
) -> Any:
    """Draw the scaled importances of variables (rows) in several models (columns).

    Parameters
    ----------
    models : list of estimators
        Those without importances are left out.
    num_of_features : int
        How many variables, by the sum over the models.
    save_plot_path : str or Path, optional
        Where the figure is written.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.

    Raises
    ------
    ModelError
        None of the models has variable importances.
    """
    from dh2o.estimators.explain.plots import plot_heatmap

    by_model = {}
    for one in models:
        table = one.model.output.variable_importances
        if table is not None:
            pairs = zip(table.column("variable"), table.column("scaled_importance"), strict=True)
            by_model[one.key] = dict(pairs)
    if not by_model:
        raise ModelError("None of the models has variable importances.")
    total: dict[str, float] = {}
    for importances in by_model.values():
        for name, value in importances.items():
            total[name] = total.get(name, 0.0) + value
    rows = sorted(total, key=lambda name: -total[name])[:num_of_features]
    values = np.array([[found.get(name, 0.0) for found in by_model.values()] for name in rows])
    title = "Variable Importance Heatmap"
    return plot_heatmap(rows, list(by_model), values, title, save_plot_path)


def model_correlation_heatmap(
    models: Sequence[H2OEstimator], frame: Any, save_plot_path: Any = None
) -> Any:
    """Draw how the models' predictions on `frame` agree.

    The correlation of numbers (of two classes, of probabilities), the share of equal labels where
    there are more classes.

    Parameters
    ----------
    models : list of estimators
        Models of the same response.
    frame
        The rows, as `predict` takes them.
    save_plot_path : str or Path, optional
        Where the figure is written.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.

    Raises
    ------
    ParameterError
        There are no models, or not all have several classes.
    """
    from dh2o.estimators.building.inputs import as_frame
    from dh2o.estimators.explain.plots import plot_heatmap

    data = as_frame(frame)
    many = [one.model.output.n_classes > 2 for one in models]
    if not models or any(many) != all(many):
        raise ParameterError("models: give one or more models of the same response.")
    scores = []
    for one in models:
        raw = predict_frame(one.model, data)
        scores.append(column_values(raw, raw.names[0] if many[0] else raw.names[-1]))
    if many[0]:
        values = np.array([[np.mean(a == b) for b in scores] for a in scores])
    else:
        values = np.atleast_2d(np.corrcoef(np.array(scores)))
    keys = [one.key for one in models]
    return plot_heatmap(keys, keys, values, "Model Correlation", save_plot_path)


def pd_multi_plot(
    models: Sequence[H2OEstimator],
    frame: Any,
    column: str,
    target: str | None = None,
    save_plot_path: Any = None,
) -> Any:
    """Draw partial dependence on a column, a line a model.

    Parameters
    ----------
    models : list of estimators
        The models.
    frame
        The rows over which the mean is taken.
    column : str
        The column.
    target : str, optional
        The class to look at, of models of several classes.
    save_plot_path : str or Path, optional
        Where the figure is written.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.
    """
    from dh2o.estimators.explain.plots import plot_partial

    tables = {}
    for one in models:
        targets = [target] if target is not None else None
        tables[one.key] = one.partial_dependence(frame, [column], targets=targets)[0]
    title = f"Partial Dependence plot for {column}"
    return plot_partial(tables, column, title, with_error=False, save_plot_path=save_plot_path)
