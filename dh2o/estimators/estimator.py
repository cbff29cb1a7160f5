"""H2OEstimator: an algorithm's parameters, then its trained model, under H2O's names."""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from dh2o.errors import ModelError, ParameterError
from dh2o.estimators.builder import start_build
from dh2o.estimators.building.custom_metric import metric_reference
from dh2o.estimators.building.inputs import (
    as_frame,
    column_name,
    column_names,
    engine_or_start,
    is_cluster_frame,
    stored,
)
from dh2o.estimators.explain.plot_methods import PlotSide
from dh2o.estimators.params import ParamTable, similar
from dh2o.estimators.trained.accessors import MetricAccessors
from dh2o.estimators.trained.mojo_side import MojoSide
from dh2o.estimators.trained.performance import ModelPerformance
from dh2o.estimators.trained.sklearn_side import SklearnSide
from dh2o.estimators.trained.trained_side import TrainedSide
from dh2o.models import Model

if TYPE_CHECKING:
    from dh2o.frame import Frame
    from dh2o.mrtask import Job
    from dh2o.rapids import H2OFrame

_ESTIMATORS: dict[str, type[H2OEstimator]] = {}
_SPECIAL = ("response_column", "weights_column", "offset_column", "fold_column")


class H2OEstimator(MetricAccessors, TrainedSide, PlotSide, MojoSide, SklearnSide):
    """Base of all estimators.

    A subclass names its parameter table: ``class H2OFooEstimator(H2OEstimator, table=PARAMS)``;
    its constructor, documentation and parameter checks follow from the table. Parameters are
    plain attributes; ``train`` (H2O's way) or ``fit`` (scikit-learn's) make ``model``.
    """

    algo: ClassVar[str]
    param_table: ClassVar[ParamTable]
    supervised_learning: ClassVar[bool] = True
    _model: Model | None = None
    _model_id: str | None = None  # as the constructor got it
    _job: Job | None = None

    if TYPE_CHECKING:

        def __init__(self, **params: Any) -> None: ...

    def __init_subclass__(cls, table: ParamTable | None = None, **kwargs: Any) -> None:
        """Make the constructor and the parameters' documentation from `table`."""
        super().__init_subclass__(**kwargs)
        if table is None:
            if hasattr(cls, "param_table") and "__init__" not in vars(cls):
                cls.__doc__ = _with_parameters(cls.__doc__, cls.param_table)
            return
        cls.algo = table.algo
        cls.param_table = table
        signature = table.signature()

        def __init__(self: H2OEstimator, *args: Any, **params: Any) -> None:  # noqa: N807
            for name, value in _bound(signature, self, args, params).items():
                setattr(self, name, value)

        __init__.__signature__ = signature  # type: ignore[attr-defined]  # read by inspect
        __init__.__doc__ = table.docstring()
        cls.__init__ = __init__  # type: ignore[method-assign]  # made from the table
        cls.__doc__ = _with_parameters(cls.__doc__, table)
        _ESTIMATORS[cls.algo] = cls

    @property
    def needs_response(self) -> bool:
        """Whether training asks for a response column."""
        return self.supervised_learning

    # ---- parameters

    @classmethod
    def _param_names(cls) -> list[str]:
        return [param.python_name for param in cls.param_table.values()]

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002
        """Return the constructor's parameters as they were given.

        Parameters
        ----------
        deep : bool
            For scikit-learn's signature; there is nothing inside.
        """
        names = self._param_names()
        return {n: self._model_id if n == "model_id" else getattr(self, n) for n in names}

    def set_params(self, **params: Any) -> H2OEstimator:
        """Change parameters; unknown names are an error.

        Parameters
        ----------
        **params
            The constructor's parameters.

        Returns
        -------
        H2OEstimator
            The estimator itself.

        Raises
        ------
        ParameterError
            There is no such parameter; the message names the one that may be meant.
        """
        known = self._param_names()
        for name, value in params.items():
            if name not in known:
                raise ParameterError(
                    f"{type(self).__name__} has no parameter {name!r}.{similar(name, known)} "
                    f"Parameters: {', '.join(known)}."
                )
            setattr(self, name, value)
        return self

    @property
    def params(self) -> dict[str, dict[str, Any]]:
        """Default, given and used value of each parameter of the trained model."""
        return {
            p.name: {"default": p.default, "actual": p.actual, "input": p.input}
            for p in self.model.params.items_full()
        }

    @property
    def default_params(self) -> dict[str, Any]:
        """Defaults of all parameters."""
        return self.param_table.defaults()

    @property
    def actual_params(self) -> dict[str, Any]:
        """Values that the trained model used."""
        return dict(self.model.params)

    full_parameters = params

    # ---- training

    def train(  # noqa: PLR0913, PLR0917  # H2O's signature
        self,
        x: Any = None,
        y: Any = None,
        training_frame: Any = None,
        offset_column: Any = None,
        fold_column: Any = None,
        weights_column: Any = None,
        validation_frame: Any = None,
        max_runtime_secs: float | None = None,
        ignored_columns: Any = None,
        model_id: str | None = None,
        verbose: bool = False,
    ) -> H2OEstimator:
        """Train the model and wait for it; returns self.

        Parameters
        ----------
        x, y
            Names or positions of the predictors (all other columns if None) and of the response.
        training_frame, validation_frame
            H2OFrame, Frame, key of a frame, or a pandas, Polars, Arrow or Dask table.
        offset_column, fold_column, weights_column
            Names or positions of special columns.
        max_runtime_secs : float, optional
            After how many seconds building ends with what there is; instead of the constructor's.
        ignored_columns
            Columns to leave out, instead of `x`.
        model_id : str, optional
            Key of the model; instead of the constructor's.
        verbose
            Print the scoring history at the end.

        Raises
        ------
        ParameterError
            A frame, the response or a column is missing.
        BuilderError
            A parameter does not fit the data or another; all such are named at once.

        Examples
        --------
        >>> from dh2o.estimators import H2OGeneralizedLinearEstimator
        >>> fr = dh2o.H2OFrame({"x": [1, 2, 3, 4], "y": [2, 4, 6, 8]})
        >>> glm = H2OGeneralizedLinearEstimator(lambda_=0)
        >>> glm.train(x=["x"], y="y", training_frame=fr).predict(fr).round(6)
        predict
        -------
              2
              4
              6
              8
        """
        special = {
            "weights_column": weights_column,
            "offset_column": offset_column,
            "fold_column": fold_column,
        }
        limit = {} if max_runtime_secs is None else {"max_runtime_secs": max_runtime_secs}
        request = self.request(x, y, training_frame, validation_frame, special, ignored_columns)
        with request as raw:
            self._job = self._start({**raw, **limit}, model_id)
            self._job.wait(progress=True)
            self._model = self._job.result()
        for text in self.model.output.warnings:
            warnings.warn(text, RuntimeWarning, stacklevel=2)
        if verbose and self.model.output.scoring_history is not None:
            sys.stdout.write(f"{self.model.output.scoring_history}\n")
        self._after_training()
        return self

    @contextmanager
    def request(  # what H2O's train takes
        self,
        x: Any,
        y: Any,
        training_frame: Any,
        validation_frame: Any = None,
        special: Mapping[str, Any] | None = None,
        ignored_columns: Any = None,
    ) -> Iterator[dict[str, Any]]:
        """Yield the parameters of a build by their names; its frames are stored meanwhile.

        Parameters
        ----------
        x, y, training_frame, validation_frame, ignored_columns
            As of `train`.
        special : dict, optional
            The special columns by the name of their parameter, as ``weights_column``.
        """
        engine_or_start()
        train = self._frame_argument(training_frame, "training_frame")
        if train is None:
            raise ParameterError("training_frame: give the frame to learn from.")
        valid = self._frame_argument(validation_frame, "validation_frame")
        told = dict.fromkeys(_SPECIAL[1:]) | dict(special or {})
        raw = self._raw_params(train, x, y, told, ignored_columns)
        others = {n: as_frame(v) for n, v in raw.items() if self._is_frame_param(n)}
        with stored(train, valid, *others.values()) as (*keys,):
            names = ("training_frame", "validation_frame", *others)
            yield raw | {n: key for n, key in zip(names, keys, strict=True) if key is not None}

    def _start(self, raw: dict[str, Any], model_id: str | None) -> Job:
        key = model_id or raw.get("model_id")
        return start_build(engine_or_start(), self.algo, raw, key)

    def _frame_argument(self, given: Any, name: str) -> Frame | None:
        data = given if given is not None else getattr(self, name, None)
        return None if data is None else as_frame(data)

    def _raw_params(
        self,
        train: Frame,
        x: Any,
        y: Any,
        special: dict[str, Any],
        ignored_columns: Any,
    ) -> dict[str, Any]:
        """Return REST parameters: columns by name, predictors told by what is ignored."""
        raw = {param.name: getattr(self, param.python_name) for param in self.param_table.values()}
        for name, told in special.items():
            if name in raw or told is not None:
                column = told if told is not None else raw.get(name)
                raw[name] = column_name(train, column, name)
        if self.needs_response:
            response = y if y is not None else raw.get("response_column")
            if response is None:
                raise ParameterError("y: give the name or the position of the response column.")
            raw["response_column"] = column_name(train, response, "y")
        ignored = ignored_columns if ignored_columns is not None else raw.get("ignored_columns")
        if x is not None and ignored is not None:
            raise ParameterError("Give x or ignored_columns, not both.")
        if x is not None:
            used = {*column_names(train, x, "x"), *(raw.get(name) for name in _SPECIAL)}
            raw["ignored_columns"] = [name for name in train.names if name not in used]
        elif ignored is not None:
            raw["ignored_columns"] = column_names(train, ignored, "ignored_columns")
        if raw.get("custom_metric_func") is not None:
            raw["custom_metric_func"] = metric_reference(raw["custom_metric_func"])
        if raw.get("custom_distribution_func") is not None:
            from dh2o.estimators.gbm.custom import distribution_reference

            raw["custom_distribution_func"] = distribution_reference(
                raw["custom_distribution_func"]
            )
        if raw.get("checkpoint") is not None:
            raw["checkpoint"] = getattr(raw["checkpoint"], "key", raw["checkpoint"])
        return {name: value for name, value in raw.items() if value is not None}

    def _is_frame_param(self, name: str) -> bool:
        """Whether a parameter names a frame beside those to train and to validate on."""
        param = self.param_table.find(name)
        of_train = name in ("training_frame", "validation_frame")
        return param is not None and param.type == "Key<Frame>" and not of_train

    def train_segments(
        self,
        x: Any = None,
        y: Any = None,
        training_frame: Any = None,
        validation_frame: Any = None,
        ignored_columns: Any = None,
        segments: Any = None,
        segment_models_id: str | None = None,
    ) -> H2OFrame:
        """Train a model for each segment; return a frame of segments, models, status and errors.

        Parameters
        ----------
        x, y, training_frame, validation_frame, ignored_columns
            As of `train`.
        segments
            Names of columns whose combinations of values are the segments, or a frame with a row
            for each segment.
        segment_models_id : str, optional
            Key under which the result is stored; default: a new one.
        """
        from dh2o.estimators.segments import segments_frame, start_segments
        from dh2o.rapids import H2OFrame

        engine = engine_or_start()
        train = self._frame_argument(training_frame, "training_frame")
        if train is None or segments is None:
            raise ParameterError("train_segments: give training_frame and segments.")
        valid = self._frame_argument(validation_frame, "validation_frame")
        raw = self._raw_params(train, x, y, dict.fromkeys(_SPECIAL[1:]), ignored_columns)
        is_names = isinstance(segments, list | tuple)
        wanted = column_names(train, segments, "segments") if is_names else as_frame(segments)
        with stored(train, valid) as (raw["training_frame"], valid_key):
            if valid_key is not None:  # not every algorithm knows of validation
                raw["validation_frame"] = valid_key
            job = start_segments(engine, self.algo, raw, wanted, segment_models_id)
            job.wait(progress=True)
            return H2OFrame(segments_frame(engine.dkv.get(job.dest)))

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: parameters and model, not the job, which is this process's."""
        return {name: value for name, value in self.__dict__.items() if name != "_job"}

    def _after_training(self) -> None:
        """Set what scikit-learn expects of a fitted estimator."""
        self.fitted_ = True

    # ---- the trained model

    @property
    def model(self) -> Model:
        """The trained model."""
        if self._model is None:
            raise ModelError(
                f"This {type(self).__name__} is not trained yet. Call train() or fit()."
            )
        return self._model

    @property
    def model_id(self) -> str | None:
        """Key of the trained model; before training, the key that was asked for."""
        return self._model_id if self._model is None else self._model.key

    @model_id.setter
    def model_id(self, key: str | None) -> None:
        self._model_id = key

    @property
    def key(self) -> str:
        """Key under which the model is stored."""
        return self.model.key

    @property
    def type(self) -> str:
        """``classifier``, ``regressor`` or ``unsupervised``."""
        if self.model.output.category.is_classifier:
            return "classifier"
        return "regressor" if self.model.output.response else "unsupervised"

    def predict(self, test_data: Any) -> Any:
        """Return predictions.

        Of a frame in the cluster (H2OFrame, Frame, Dask) an H2OFrame: predict and, for classes,
        their probabilities. Of a local table (pandas, Polars, Arrow, NumPy, dict) an array of
        labels or numbers, computed here without the cluster.

        Parameters
        ----------
        test_data
            Rows with the predictors, or the key of a frame. A column that is missing is NA, with a
            warning; a level that the model does not know is treated as NA.

        Returns
        -------
        H2OFrame or numpy.ndarray
            A row for each row, in their order.

        Raises
        ------
        ModelError
            The model is not trained yet, or the rows do not fit it.
        """
        if is_cluster_frame(test_data) or isinstance(test_data, str):
            return self._predict_frame(as_frame(test_data))
        if _is_dask(test_data):
            return self._predict_frame(as_frame(test_data))
        return self._predict_local(test_data)

    def _predict_frame(self, frame: Frame) -> H2OFrame:
        from dh2o.estimators.scoring import predict_frame, prediction_warnings
        from dh2o.rapids import H2OFrame

        for text in prediction_warnings(self.model, frame):
            warnings.warn(text, RuntimeWarning, stacklevel=3)
        return H2OFrame(predict_frame(self.model, frame))

    def model_performance(
        self,
        test_data: Any = None,
        train: bool = False,
        valid: bool = False,
        xval: bool = False,
        auc_type: str | None = None,
    ) -> Any:
        """Return metrics on `test_data`, or those of training, validation or cross-validation.

        Parameters
        ----------
        test_data
            Rows with predictors and response, as `predict` takes them.
        train, valid, xval : bool
            Without `test_data`: which metrics of the build are meant, the first of those that are
            set; default: training.
        auc_type : str, optional
            With `test_data`, of several classes: "MACRO_OVO", "WEIGHTED_OVO", "MACRO_OVR" or
            "WEIGHTED_OVR".

        Returns
        -------
        ModelPerformance or None
            None where the model has no such metrics.
        """
        from dh2o.estimators.scoring import model_metrics

        if test_data is None:
            return next(iter(self._performances(train, valid, xval).values()))
        frame = as_frame(test_data)
        return ModelPerformance(model_metrics(self.model, frame, auc_type=auc_type))

    # ---- files, plots, showing

    def save(self, path: str | Path = ".", filename: str | None = None, force: bool = True) -> Path:
        """Write the model into the folder `path`, named by its key, and return its path.

        Parameters
        ----------
        path : str or Path
            A folder; or, with an ending, a file.
        filename : str, optional
            Name of the file in the folder, instead of the key.
        force : bool
            Replace a file that is there.

        Raises
        ------
        ParameterError
            The file is there and `force` is not set.
        """
        from dh2o.models import save_model

        target = Path(path).expanduser()
        if filename or target.is_dir() or not target.suffix:
            target = target / (filename or self.model.key)
        if target.exists() and not force:
            raise ParameterError(f"{target} exists. Give force=True to replace it.")
        save_model(self.model, target)
        return target

    download_model = save

    def varimp_plot(self, num_of_features: int | None = None, save_plot_path: Any = None) -> Any:
        """Draw the variable importances; needs matplotlib.

        Parameters
        ----------
        num_of_features : int, optional
            How many variables, the most important ones; default: 10.
        save_plot_path : str or Path, optional
            Where the figure is written.

        Returns
        -------
        matplotlib.figure.Figure
            The figure.
        """
        from dh2o.estimators.trained.plots import plot_varimp

        return plot_varimp(self.model, num_of_features or 10, save_plot_path)

    def plot(self, timestep: str = "AUTO", metric: str = "AUTO", save_plot_path: Any = None) -> Any:
        """Draw the scoring history; needs matplotlib.

        Parameters
        ----------
        timestep : str
            The column that is the horizontal axis ("number_of_trees", "duration", …); "AUTO" picks
            it.
        metric : str
            The metric without its data set ("logloss", "rmse", …); "AUTO" picks it.
        save_plot_path : str or Path, optional
            Where the figure is written.

        Returns
        -------
        matplotlib.figure.Figure
            The figure, a line for training, validation and folds each.

        Raises
        ------
        ModelError
            The model has no scoring history.
        ParameterError
            The history has no such column; the message names those it has.
        """
        from dh2o.estimators.trained.plots import plot_history

        return plot_history(self.model, timestep, metric, save_plot_path)

    def show(self) -> None:
        """Print the model."""
        sys.stdout.write(f"{self}\n")

    def __repr__(self) -> str:
        if self._model is not None:
            return repr(self._model)
        changed = {
            param.python_name: getattr(self, param.python_name)
            for param in self.param_table.values()
            if _differs(getattr(self, param.python_name), param.signature_default)
        }
        inside = ", ".join(f"{name}={value!r}" for name, value in changed.items())
        return f"{type(self).__name__}({inside})"

    def _repr_html_(self) -> str:
        if self._model is not None:
            return self._model._repr_html_()
        from html import escape

        return f"<pre>{escape(repr(self))}</pre>"


def _with_parameters(doc: str | None, table: ParamTable) -> str:
    return f"{inspect.cleandoc(doc or '')}\n\n{table.docstring()}"


def _differs(value: Any, default: Any) -> bool:
    """Whether a parameter was changed; frames and arrays do not compare to a plain truth value."""
    same = value is default or (isinstance(value, type(default)) and bool(value == default))
    return not same


def _bound(
    signature: inspect.Signature, self: Any, args: tuple[Any, ...], params: dict[str, Any]
) -> dict[str, Any]:
    try:
        bound = signature.bind(self, *args, **params)
    except TypeError as problem:
        unknown = next((name for name in params if name not in signature.parameters), None)
        meant = "" if unknown is None else f".{similar(unknown, signature.parameters)}"
        raise TypeError(f"{type(self).__name__}: {problem}{meant}") from None
    bound.apply_defaults()
    return {name: value for name, value in bound.arguments.items() if name != "self"}


def _is_dask(data: Any) -> bool:
    return hasattr(data, "__dask_graph__") and hasattr(data, "npartitions")


def estimator_class(algo: str) -> type[H2OEstimator]:
    """Return the estimator class of an algorithm.

    Parameters
    ----------
    algo : str
        H2O's name of it, as "gbm".
    """
    from dh2o.estimators.builder import builder_of

    builder_of(algo)  # imports the algorithms
    return _ESTIMATORS.get(algo, H2OModelEstimator)


class H2OModelEstimator(H2OEstimator):
    """A model whose algorithm has no estimator of its own."""


def estimator_of(model: Model) -> H2OEstimator:
    """Return an estimator that holds `model`, with the parameters it was trained with.

    Parameters
    ----------
    model : Model
        A trained model.
    """
    cls = estimator_class(model.algo)
    estimator = cls.__new__(cls)
    for param in getattr(cls, "param_table", {}).values():
        value = model.params.input(param.name) if param.name in model.params else param.default
        setattr(estimator, param.python_name, value)
    estimator._model = model
    estimator._after_training()
    return estimator
