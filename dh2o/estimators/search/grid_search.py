"""H2OGridSearch: a model for each combination of hyper-parameters, from Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dh2o.errors import ModelError, ParameterError
from dh2o.estimators.building.inputs import engine_or_start
from dh2o.estimators.estimator import H2OEstimator, estimator_of
from dh2o.estimators.search.grid import Grid, resume_grid, start_grid
from dh2o.estimators.search.ranking import ranked, summary_table
from dh2o.mrtask import current_engine

if TYPE_CHECKING:
    from dh2o.models import Model, TwoDimTable
    from dh2o.mrtask import Job

__all__ = ["H2OGridSearch"]

#: What a search answers for all of its models at once, by their keys.
_OF_EACH = frozenset(
    {
        "aic", "auc", "aucpr", "coef", "coef_norm", "gini", "is_cross_validated", "logloss", "mae",
        "mean_residual_deviance", "model_performance", "mse", "null_degrees_of_freedom",
        "null_deviance", "predict", "r2", "residual_degrees_of_freedom", "residual_deviance",
        "rmse", "rmsle", "scoring_history", "varimp",
    }
)  # fmt: skip


class H2OGridSearch:
    """Builds a model for each combination of hyper-parameters; then holds the models.

    Metrics and predictions are those of all models: ``grid.auc(xval=True)`` returns a value for
    each model's key.

    Parameters
    ----------
    model
        An estimator with the parameters that all models share, or its class.
    hyper_params
        The values to try of each parameter, by its name.
    grid_id
        Key of the grid; made up if not given.
    search_criteria
        ``strategy`` (Cartesian, RandomDiscrete, Sequential), ``max_models``,
        ``max_runtime_secs``, ``seed``, ``stopping_rounds``, ``stopping_metric``,
        ``stopping_tolerance``.
    export_checkpoints_dir
        Folder that the grid and its models are written into as they are built.
    recovery_dir
        Folder that holds all that is needed to go on in another cluster.
    parallelism
        Models built at a time; 0 for as many as the cluster has threads. The models are the same.
    """

    def __init__(  # H2O's signature
        self,
        model: H2OEstimator | type[H2OEstimator],
        hyper_params: Mapping[str, Any],
        grid_id: str | None = None,
        search_criteria: Mapping[str, Any] | None = None,
        export_checkpoints_dir: str | Path | None = None,
        recovery_dir: str | Path | None = None,
        parallelism: int = 1,
    ) -> None:
        self.model = model() if isinstance(model, type) else model
        self.hyper_params = dict(hyper_params)
        self.search_criteria = dict(search_criteria or {})
        self.export_checkpoints_dir = export_checkpoints_dir
        self.recovery_dir = recovery_dir
        self.parallelism = parallelism
        self._key = grid_id
        self._order: tuple[str, bool] | None = None

    # ---- searching

    def train(  # H2O's signature
        self,
        x: Any = None,
        y: Any = None,
        training_frame: Any = None,
        offset_column: Any = None,
        fold_column: Any = None,
        weights_column: Any = None,
        validation_frame: Any = None,
        **params: Any,
    ) -> H2OGridSearch:
        """Build the models and wait for them; returns self.

        Parameters
        ----------
        x, y, training_frame, offset_column, fold_column, weights_column, validation_frame
            As of an estimator's ``train``.
        **params
            Parameters of the estimator that all models share.
        """
        shared = type(self.model)(**{**self.model.get_params(), **params})
        special = {
            "offset_column": offset_column,
            "fold_column": fold_column,
            "weights_column": weights_column,
        }
        request = shared.request(x, y, training_frame, validation_frame, special)
        with request as raw:
            raw.pop("model_id", None)  # of one model; those of a grid have their own
            if self.export_checkpoints_dir is not None:
                raw["export_checkpoints_dir"] = str(self.export_checkpoints_dir)
            job = start_grid(
                engine_or_start(), shared.algo, raw, self._hyper_parameters(),
                self.search_criteria, self._key, self._folder(), self.parallelism,
            )  # fmt: skip
            return self._finished(job)

    def resume(self, recovery_dir: str | Path | None = None) -> H2OGridSearch:
        """Go on with the search that is stored under ``grid_id``, and wait; returns self.

        Parameters
        ----------
        recovery_dir : str or Path, optional
            The folder of a search of another cluster; default: the constructor's.
        """
        folder = self._folder() if recovery_dir is None else str(recovery_dir)
        return self._finished(resume_grid(engine_or_start(), self.grid_id, folder))

    def _hyper_parameters(self) -> dict[str, Any]:
        """Return the values to try by the names of the parameters, `lambda_` as lambda."""
        table = self.model.param_table
        found = {}
        for name, values in self.hyper_params.items():
            param = table.find(name)
            found[name if param is None else param.name] = values
        return found

    def _folder(self) -> str | None:
        return None if self.recovery_dir is None else str(self.recovery_dir)

    def _finished(self, job: Job) -> H2OGridSearch:
        self._key = job.dest
        job.wait(progress=True)
        job.result()
        return self

    @classmethod
    def of(cls, grid: Grid) -> H2OGridSearch:
        """Return the search of a stored grid.

        Parameters
        ----------
        grid : Grid
            What `dh2o.get_grid` returns.
        """
        model: Any = type(estimator_of(_models(grid)[0])) if grid.model_keys else _class_of(grid)
        spaces = grid.search.spaces if grid.search is not None else ()
        values = {name: list(v) for space in spaces for name, v in space.items()}
        return cls(model, values or dict.fromkeys(grid.hyper_names), grid.key)

    # ---- what was found

    @property
    def grid_id(self) -> str:
        """Key of the grid."""
        if self._key is None:
            raise ModelError("This grid has no models yet. Call train().")
        return self._key

    @property
    def grid(self) -> Grid:
        """The stored grid."""
        found = current_engine().dkv.find(self.grid_id)
        if not isinstance(found, Grid):
            raise ModelError(f"There is no grid {self.grid_id!r} yet. Call train().")
        return found

    @property
    def models(self) -> list[H2OEstimator]:
        """The models, best first by the metric that they are sorted by."""
        return [estimator_of(model) for model in self._sorted()[0]]

    @property
    def model_ids(self) -> list[str]:
        """Keys of the models, in the order of `models`."""
        return [model.key for model in self._sorted()[0]]

    @property
    def hyper_names(self) -> list[str]:
        """The parameters that vary."""
        return list(self.grid.hyper_names)

    @property
    def failed_params(self) -> list[dict[str, Any]]:
        """The combinations that could not be built."""
        return [dict(failure.values) for failure in self.grid.failures]

    @property
    def failure_details(self) -> list[str]:
        """Why they could not."""
        return [failure.message for failure in self.grid.failures]

    def get_grid(self, sort_by: str | None = None, decreasing: bool | None = None) -> H2OGridSearch:
        """Return the search with its models sorted by a metric.

        Parameters
        ----------
        sort_by : str, optional
            The metric, as "auc" or "rmse"; default: that of the kind of model.
        decreasing : bool, optional
            The largest first; default: the smallest first where `sort_by` is given.
        """
        other = type(self)(self.model, self.hyper_params, self._key, self.search_criteria)
        if sort_by is not None:
            other._order = sort_by, bool(decreasing)
            ranked(_models(self.grid), *other._order)  # an unknown metric is an error now
        return other

    def summary(self) -> TwoDimTable | None:
        """Return the models with their hyper-parameters and the metric they are sorted by."""
        models, name, decreasing = self._sorted()
        return summary_table(models, self.grid.hyper_names, name, decreasing)

    sorted_metric_table = summary

    def get_hyperparams_dict(self, id: int | str) -> dict[str, Any]:  # noqa: A002  # H2O's name
        """Return the hyper-parameters of a model, given by position or key.

        Parameters
        ----------
        id : int or str
            Position in `models`, or key.
        """
        model = self._model(id)
        return {name: _plain(model.params.input(name)) for name in self.grid.hyper_names}

    def get_hyperparams(self, id: int | str) -> list[Any]:  # noqa: A002  # H2O's name
        """Return the values of the hyper-parameters of a model, given by position or key.

        Parameters
        ----------
        id : int or str
            Position in `models`, or key.
        """
        return list(self.get_hyperparams_dict(id).values())

    def _model(self, which: int | str) -> Model:
        models = self._sorted()[0]
        if isinstance(which, int):
            if not -len(models) <= which < len(models):
                raise ParameterError(f"id: the grid has {len(models)} models, there is no {which}.")
            return models[which]
        for model in models:
            if model.key == which:
                return model
        raise ParameterError(f"id: the grid has no model {which!r}. Models: {self.model_ids}.")

    def _sorted(self) -> tuple[list[Model], str | None, bool]:
        models = _models(self.grid)
        return ranked(models) if self._order is None else ranked(models, *self._order)

    # ---- as a collection

    def __len__(self) -> int:
        return len(self._sorted()[0])

    def __getitem__(self, item: int) -> H2OEstimator:
        return self.models[item]

    def __iter__(self) -> Iterator[H2OEstimator]:
        return iter(self.models)

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        if name not in _OF_EACH:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

        def of_each(*args: Any, **options: Any) -> dict[str, Any]:
            return {m.key: getattr(m, name)(*args, **options) for m in self.models}

        of_each.__doc__ = f"Return ``{name}`` of each model by its key."
        return of_each

    def __repr__(self) -> str:
        if self._key is None:
            return f"H2OGridSearch of {self.model.algo} over {', '.join(self.hyper_params)}"
        return str(self.summary() or f"Grid {self._key}: no models.")


def _models(grid: Grid) -> list[Model]:
    from dh2o.models import Model

    found = map(current_engine().dkv.find, grid.model_keys)
    return [model for model in found if isinstance(model, Model)]


def _class_of(grid: Grid) -> type[H2OEstimator]:
    from dh2o.estimators import estimator_class

    return estimator_class(grid.algo)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
