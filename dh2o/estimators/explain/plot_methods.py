"""Plots of a trained model, lent to every estimator under H2O's names; matplotlib is an extra."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dh2o.errors import ParameterError
from dh2o.estimators.building.inputs import as_frame
from dh2o.estimators.explain.methods import ExplainSide
from dh2o.models import TwoDimTable

if TYPE_CHECKING:
    from dh2o.estimators.explain.report import Explanation
    from dh2o.frame import Frame

__all__ = ["PlotSide"]


class PlotSide(ExplainSide):
    """Figures of matplotlib that explain the model; each can be saved to a path."""

    def learning_curve_plot(self, metric: str = "AUTO", save_plot_path: Any = None) -> Any:
        """Draw a metric as the model grew: training, validation and folds.

        Parameters
        ----------
        metric : str
            The metric; "AUTO" picks it.
        save_plot_path : str or Path, optional
            Where the figure is written.
        """
        from dh2o.estimators.explain.plots import plot_learning_curve

        return plot_learning_curve(self.model, metric, save_plot_path)

    def std_coef_plot(self, num_of_features: int | None = None, save_plot_path: Any = None) -> Any:
        """Draw the standardised coefficients of a linear model.

        Parameters
        ----------
        num_of_features : int, optional
            How many, the largest ones; default: 10.
        save_plot_path : str or Path, optional
            Where the figure is written.
        """
        from dh2o.estimators.explain.plots import plot_std_coefficients

        model = getattr(self.model, "inner", self.model)
        return plot_std_coefficients(model, num_of_features, save_plot_path)

    def permutation_importance_plot(
        self,
        frame: Any,
        metric: str = "AUTO",
        num_of_features: int = 10,
        save_plot_path: Any = None,
        **options: Any,
    ) -> Any:
        """Draw `permutation_importance`, whose other options are taken as well.

        Parameters
        ----------
        frame, metric
            As of `permutation_importance`.
        num_of_features : int
            How many variables, the most important ones.
        save_plot_path : str or Path, optional
            Where the figure is written.
        **options
            Other parameters of `permutation_importance`.
        """
        from dh2o.estimators.explain.plots import plot_importance

        table = self.permutation_importance(frame, metric, **options)
        return plot_importance(table, num_of_features, save_plot_path)

    def partial_plot(
        self,
        frame: Any,
        cols: Sequence[str] | None = None,
        *,
        plot: bool = True,
        plot_stddev: bool = True,
        save_plot_path: Any = None,
        **options: Any,
    ) -> list[TwoDimTable]:
        """Draw partial dependence, one figure a column or pair; return its tables.

        Parameters
        ----------
        frame, cols
            As of `partial_dependence`.
        plot : bool
            False draws nothing.
        plot_stddev : bool
            Draw the standard deviation too.
        save_plot_path : str or Path, optional
            Where the figure is written. With several figures, a number is added to the name of the
            file.
        **options
            Other parameters of `partial_dependence`.
        """
        tables = self.partial_dependence(frame, cols, **options)
        if plot:
            _draw_tables(self.model.key, tables, options, plot_stddev, save_plot_path)
        return tables

    def pd_plot(
        self,
        frame: Any,
        column: str,
        row_index: int | None = None,
        target: str | None = None,
        nbins: int = 20,
        save_plot_path: Any = None,
    ) -> Any:
        """Draw partial dependence on one column; with `row_index` for one row (ICE).

        Parameters
        ----------
        frame
            The rows over which the mean is taken.
        column : str
            The column.
        row_index : int, optional
            Look at this row alone.
        target : str, optional
            The class to look at, of a model of several classes; default: a line for each.
        nbins : int
            Values tried of a numeric column.
        save_plot_path : str or Path, optional
            Where the figure is written.
        """
        from dh2o.estimators.explain.plots import plot_partial

        data = as_frame(frame)
        tables = self._partial(data, column, target, nbins, row_index)
        title = f"Partial Dependence Plot for {column}"
        return plot_partial(
            tables, column, title, with_error=row_index is None, save_plot_path=save_plot_path
        )

    def ice_plot(
        self,
        frame: Any,
        column: str,
        target: str | None = None,
        nbins: int = 20,
        save_plot_path: Any = None,
    ) -> Any:
        """Draw how the prediction of single rows, at deciles of predictions, goes with a column.

        Parameters
        ----------
        frame
            The rows to choose from.
        column : str
            The column.
        target : str, optional
            The class to look at, of a model of several classes; default: lines for each.
        nbins : int
            Values tried of a numeric column.
        save_plot_path : str or Path, optional
            Where the figure is written.
        """
        from dh2o.estimators.explain.plots import plot_partial
        from dh2o.estimators.explain.report import decile_rows

        data = as_frame(frame)
        tables: dict[str, TwoDimTable] = {}
        for label, row in decile_rows(self.model, data).items():
            tables |= {
                f"{label}{more}": table
                for more, table in self._partial(data, column, target, nbins, row).items()
            }
        title = f"Individual Conditional Expectation for {column}"
        return plot_partial(tables, column, title, with_error=False, save_plot_path=save_plot_path)

    def _partial(
        self, data: Frame, column: str, target: str | None, nbins: int, row: int | None
    ) -> dict[str, TwoDimTable]:
        """Return partial dependence on a column by class ("" where there is one score)."""
        domain = data.vec(column).domain if column in data.names else None
        targets: Sequence[str] | None = None
        if self.model.output.n_classes > 2:
            targets = [target] if target else list(self.model.output.response_domain or ())
        tables = self.partial_dependence(
            data, [column], nbins=max(nbins, len(domain or ())), row_index=row, targets=targets
        )
        return dict(zip(targets or [""], tables, strict=True))

    def shap_summary_plot(
        self,
        frame: Any,
        columns: Sequence[str] | None = None,
        top_n_features: int = 20,
        sample_size: int = 1000,
        background_frame: Any = None,
        save_plot_path: Any = None,
    ) -> Any:
        """Draw the contributions of (a sample of) rows by feature, the most important on top.

        Parameters
        ----------
        frame
            The rows.
        columns : list of str, optional
            The features; default: the most important ones.
        top_n_features : int
            How many features, where `columns` is not given.
        sample_size : int
            Of more rows than this as many are drawn, always the same.
        background_frame
            Rows to compare with, instead of the training rows (needed by a GLM).
        save_plot_path : str or Path, optional
            Where the figure is written.

        Raises
        ------
        ParameterError
            The model has several classes, or a column has no contribution.
        """
        from dh2o.estimators.explain.plots import plot_shap_summary
        from dh2o.estimators.explain.report import scaled_values

        data = as_frame(frame)
        if data.n_rows > sample_size:
            rng = np.random.default_rng(0)
            data = data.take(np.sort(rng.choice(data.n_rows, sample_size, replace=False)))
        names, values, _ = self._contribution_table(data, background_frame)
        chosen = list(columns or _largest(names, values, top_n_features))
        unknown = [name for name in chosen if name not in names]
        if unknown:
            raise ParameterError(f"columns: {unknown[0]!r} has no contribution in this model.")
        places = [names.index(name) for name in chosen]
        features = np.column_stack([scaled_values(data, name) for name in chosen])
        title = f"SHAP Summary of {self.model.key}"
        return plot_shap_summary(chosen, values[:, places], features, title, save_plot_path)

    def shap_explain_row_plot(
        self,
        frame: Any,
        row_index: int,
        top_n_features: int = 10,
        background_frame: Any = None,
        save_plot_path: Any = None,
    ) -> Any:
        """Draw the contributions to the prediction of one row.

        Parameters
        ----------
        frame
            Where the row lies.
        row_index : int
            Its number, from 0.
        top_n_features : int
            How many features, the largest contributions.
        background_frame
            Rows to compare with, instead of the training rows (needed by a GLM).
        save_plot_path : str or Path, optional
            Where the figure is written.

        Raises
        ------
        ParameterError
            There is no such row, or the model has several classes.
        """
        from dh2o.estimators.explain.plots import plot_row
        from dh2o.estimators.explain.report import shown_value

        data = as_frame(frame)
        if not 0 <= row_index < data.n_rows:
            raise ParameterError(f"row_index: expected 0 to {data.n_rows - 1}, got {row_index}.")
        row = data.slice_rows(row_index, row_index + 1)
        names, values, bias = self._contribution_table(row, background_frame)
        chosen = _largest(names, values, top_n_features)
        some = np.array([values[0, names.index(name)] for name in chosen])
        shown = [shown_value(row, name) for name in chosen]
        title = f"SHAP explanation of row {row_index}, {self.model.key}"
        return plot_row(chosen, some, shown, float(bias[0]), title, save_plot_path)

    def _contribution_table(
        self, data: Frame, background: Any
    ) -> tuple[list[str], np.ndarray, np.ndarray]:
        """Return features, their contributions by row, and the bias by row."""
        if self.model.output.n_classes > 2:
            raise ParameterError("SHAP plots show one score; this model has one for each class.")
        frame = self.predict_contributions(
            data, background_frame=background, output_format="Compact"
        ).frame
        table = frame.to_numpy().astype(np.float64)
        return list(frame.names[:-1]), table[:, :-1], table[:, -1]

    def explain(
        self, frame: Any, columns: Sequence[str] | None = None, *, render: bool = True
    ) -> Explanation:
        """Return figures and tables that explain the model: importance, SHAP, partial effects.

        Parameters
        ----------
        frame
            Rows with the predictors.
        columns : list of str, optional
            The columns whose effects are drawn; default: the five most important ones.
        render : bool
            Whether a notebook shows them when they are the value of a cell.

        Returns
        -------
        Explanation
            A dict of figures and tables by name, which a notebook shows: confusion matrix, learning
            curve, varimp, shap_summary, pdp and ice, as far as the kind of model has them.
        """
        from dh2o.estimators.explain.report import explain_model

        return explain_model(self, as_frame(frame), columns).shown(render)

    def explain_row(
        self,
        frame: Any,
        row_index: int,
        columns: Sequence[str] | None = None,
        *,
        render: bool = True,
    ) -> Explanation:
        """Return figures that explain the prediction of one row.

        Parameters
        ----------
        frame
            Where the row lies.
        row_index : int
            Its number, from 0.
        columns : list of str, optional
            The columns whose effects are drawn; default: the five most important ones.
        render : bool
            Whether a notebook shows them when they are the value of a cell.
        """
        from dh2o.estimators.explain.report import explain_one_row

        return explain_one_row(self, as_frame(frame), row_index, columns).shown(render)


def _largest(names: Sequence[str], values: np.ndarray, n: int) -> list[str]:
    order = np.argsort(-np.abs(values).mean(axis=0), kind="stable")
    return [names[k] for k in order[:n]]


def _draw_tables(
    key: str,
    tables: Sequence[TwoDimTable],
    options: Mapping[str, Any],
    with_error: bool,
    path: Any,
) -> None:
    from pathlib import Path

    from dh2o.estimators.explain.plots import plot_partial, plot_partial_2d

    targets = list(options.get("targets") or [""])
    for i, table in enumerate(tables):
        to = path
        if path is not None and len(tables) > 1:
            to = Path(path).with_stem(f"{Path(path).stem}_{i + 1}")
        label = targets[i % len(targets)]
        title = f"Partial Dependence of {key} {label}".rstrip()
        if table.name.startswith("2D"):
            plot_partial_2d(table, title, to)
        else:
            column = table.col_names[0]
            plot_partial({label: table}, column, title, with_error=with_error, save_plot_path=to)
