"""Models, grids, metrics and MOJO files: written, read and scored."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dh2o.errors import KeyNotFoundError, ParameterError
from dh2o.mrtask import current_engine

if TYPE_CHECKING:
    from dh2o.estimators import H2OEstimator
    from dh2o.estimators.search.grid import Grid
    from dh2o.estimators.trained.performance import ModelPerformance
    from dh2o.models import Model


def save_model(
    model: H2OEstimator | Model,
    path: str | Path = "",
    force: bool = False,
    filename: str | None = None,
) -> Path:
    """Write a model to `path` (or into the folder `path`, under its key) and return the path.

    The file is a zip of JSON and ``.npy``; it holds no code and no pickle.

    Parameters
    ----------
    model : estimator or Model
        A trained model.
    path : str or Path
        A file, or a folder that is there; default: the current folder.
    force : bool
        Replace a file that is there.
    filename : str, optional
        Name of the file in the folder `path`, instead of the key.

    Raises
    ------
    ParameterError
        The file exists and `force` is not set, or `model` is no model.
    ModelError
        The estimator is not trained yet.

    Examples
    --------
    >>> import tempfile
    >>> from dh2o.estimators import H2OGeneralizedLinearEstimator
    >>> fr = dh2o.H2OFrame({"x": [1, 2, 3, 4], "y": [2, 4, 6, 9]})
    >>> model = H2OGeneralizedLinearEstimator(model_id="line").train(y="y", training_frame=fr)
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = dh2o.save_model(model, folder.name)
    >>> path.name
    'line'
    >>> dh2o.load_model(path).model_id
    'line'
    >>> folder.cleanup()
    """
    from dh2o.models import save_model as write

    trained: Model = getattr(model, "model", model)  # type: ignore[arg-type]
    if not hasattr(trained, "key"):
        raise ParameterError(f"model: expected a trained model, got a {type(model).__name__}.")
    target = Path(path).expanduser()
    if target.is_dir() or filename is not None:
        target /= filename or trained.key
    if target.exists() and not force:
        raise ParameterError(f"{target} exists. Give force=True to replace it.")
    write(trained, target)
    return target


def save_grid(
    grid_directory: str | Path,
    grid_id: str,
    save_params_references: bool = False,
    export_cross_validation_predictions: bool = False,
) -> Path:
    """Write a grid and its models into a folder; return the path of the grid.

    Parameters
    ----------
    grid_directory : str or Path
        The folder; it is made where it is not there.
    grid_id : str
        Key of the grid.
    save_params_references : bool
        Write the frames that the models were trained on too.
    export_cross_validation_predictions : bool
        Write the folds' predictions that were kept too.

    Raises
    ------
    KeyNotFoundError
        There is no such grid.
    """
    from dh2o.estimators.search.grid import Grid
    from dh2o.estimators.search.grid_files import export_grid

    dkv = current_engine().dkv
    grid = dkv.find(grid_id)
    if not isinstance(grid, Grid):
        raise KeyNotFoundError.of("Grid", grid_id, dkv.keys(kind="grid"))
    return export_grid(
        grid,
        str(grid_directory),
        frames=save_params_references,
        cv_predictions=export_cross_validation_predictions,
    )


def load_grid(grid_file_path: str | Path, load_params_references: bool = False) -> Grid:
    """Read a grid and the models beside it back into the cluster.

    Parameters
    ----------
    grid_file_path : str or Path
        What `save_grid` returned.
    load_params_references : bool
        Read the frames beside it too, if they were written.
    """
    from dh2o.estimators.search.grid_files import import_grid

    return import_grid(str(grid_file_path), frames=load_params_references)


def upload_custom_distribution(func: Any, func_name: str | None = None) -> str:
    """Store a distribution of one's own; return what GBM's ``custom_distribution_func`` takes.

    Parameters
    ----------
    func : class or object
        It has ``link()``, ``init(w, o, y)``, ``gradient(y, f)`` (with several classes
        ``gradient(y, f, l)``) and ``gamma(w, y, z, f)``.
    func_name : str, optional
        Its name in the reference; default: made from the class.
    """
    from dh2o.estimators.building.inputs import engine_or_start
    from dh2o.estimators.gbm.custom import upload_distribution

    engine_or_start()
    return upload_distribution(func, func_name)


def upload_custom_metric(func: Any, func_name: str | None = None) -> str:
    """Store a metric of one's own in the cluster; return what ``custom_metric_func`` takes.

    Parameters
    ----------
    func : class, object or function
        It has ``map(pred, act, w, o, model)``, ``reduce(l, r)`` and ``metric(l)``, or is a function
        of (pred, act) whose weighted mean is wanted.
    func_name : str, optional
        The metric's name; default: that of the class or function.
    """
    from dh2o.estimators.building.custom_metric import upload_metric
    from dh2o.estimators.building.inputs import engine_or_start

    engine_or_start()
    return upload_metric(func, func_name)


def make_metrics(
    predicted: Any,
    actual: Any,
    domain: Sequence[str] | None = None,
    distribution: str | None = None,
    weights: Any = None,
    auc_type: str = "NONE",
) -> ModelPerformance:
    """Return the metrics of predictions against responses, which lie in frames of as many rows.

    Parameters
    ----------
    predicted : H2OFrame, or a table it is made of
        One column of numbers, the probability of the second class, or one probability for each
        class of several.
    actual : H2OFrame, or a table it is made of
        One column, the response; categorical for a classification, unless `domain` is given.
    domain : list of str, optional
        The classes; default: the levels of `actual`.
    distribution : {"gaussian", "poisson", "gamma", "laplace"}, optional
        The distribution whose deviance is taken, of a regression; default: gaussian.
    weights : H2OFrame, optional
        One column, how often a row counts.
    auc_type : str
        Of several classes: "NONE", "MACRO_OVO", "WEIGHTED_OVO", "MACRO_OVR" or "WEIGHTED_OVR".

    Returns
    -------
    ModelPerformance
        As ``model.model_performance`` gives it.
    """
    from dh2o.estimators.building.inputs import as_frame
    from dh2o.estimators.trained.make_metrics import metrics_of_frames
    from dh2o.estimators.trained.performance import ModelPerformance

    truth = as_frame(actual)
    levels = domain if domain is not None else truth.vecs[0].domain
    own = None if weights is None else as_frame(weights)
    return ModelPerformance(
        metrics_of_frames(as_frame(predicted), truth, levels, distribution, own, auc_type)
    )


def load_model(path: str | Path) -> H2OEstimator:
    """Return the model that `save_model` wrote to `path`, and store it under its key.

    Parameters
    ----------
    path : str or Path
        The file, which this process reads.

    Raises
    ------
    ModelError
        The file is missing or is no model of dh2o.
    """
    from dh2o.estimators import estimator_of
    from dh2o.models import load_model as read

    model = read(Path(path).expanduser())
    current_engine().dkv.put(model.key, model, kind="model")
    return estimator_of(model)


def import_mojo(mojo_path: str | Path, model_id: str | None = None) -> H2OEstimator:
    """Return the model in a MOJO file that the workers reach under this path.

    Parameters
    ----------
    mojo_path : str or Path
        The file.
    model_id : str, optional
        Key of the model; default: a new one.

    Raises
    ------
    ModelError
        The file is missing, or is no MOJO, or one of an algorithm that is not read.
    """
    from dh2o.estimators import H2OGenericEstimator

    return H2OGenericEstimator.from_file(mojo_path, model_id)


def upload_mojo(mojo_path: str | Path, model_id: str | None = None) -> H2OEstimator:
    """Return the model in a MOJO file that only this process reaches.

    Parameters
    ----------
    mojo_path : str or Path
        The file.
    model_id : str, optional
        Key of the model; default: a new one.

    Raises
    ------
    ParameterError
        There is no such file.
    ModelError
        It is no MOJO, or one of an algorithm that is not read.
    """
    from dh2o.estimators import H2OGenericEstimator, estimator_of
    from dh2o.estimators.builder import new_model_key
    from dh2o.models.generic import GenericModel

    source = Path(mojo_path).expanduser()
    if not source.is_file():
        raise ParameterError(f"mojo_path: {str(mojo_path)!r} is not a file.")
    key = model_id or new_model_key(H2OGenericEstimator.algo)
    model = GenericModel.of(source.read_bytes(), key, path=str(source))
    current_engine().dkv.put(key, model, kind="model")
    return estimator_of(model)


def mojo_predict_pandas(dataframe: Any, mojo_zip_path: str | Path, **ignored: Any) -> Any:  # noqa: ARG001  # H2O's signature
    """Return a pandas frame of a MOJO's predictions, made here and without Java.

    Parameters
    ----------
    dataframe : pandas.DataFrame
        The rows; columns that are missing count as NA.
    mojo_zip_path : str or Path
        The MOJO.
    **ignored
        What in H2O concerns Java (``genmodel_jar_path``, ``java_options``, …).
    """
    from dh2o.scorer import Scorer

    return Scorer.load(mojo_zip_path).predict_pandas(dataframe)


def mojo_predict_csv(
    input_csv_path: str | Path,
    mojo_zip_path: str | Path,
    output_csv_path: str | Path | None = None,
    **ignored: Any,  # noqa: ARG001  # H2O's signature
) -> list[dict[str, Any]]:
    """Return a MOJO's predictions for a CSV file, written beside it, made without Java.

    Parameters
    ----------
    input_csv_path : str or Path
        The rows.
    mojo_zip_path : str or Path
        The MOJO.
    output_csv_path : str or Path, optional
        Where predictions are written; default: ``prediction.csv`` in the folder of the rows.
    **ignored
        What in H2O concerns Java.

    Returns
    -------
    list of dict
        One a row, by column.
    """
    import pandas as pd

    source = Path(input_csv_path).expanduser()
    target = Path(output_csv_path) if output_csv_path else source.parent / "prediction.csv"
    predictions = mojo_predict_pandas(pd.read_csv(source), mojo_zip_path)
    predictions.to_csv(target, index=False)
    return list(predictions.to_dict("records"))


def download_model(
    model: H2OEstimator | Model, path: str | Path = "", filename: str | None = None
) -> Path:
    """Write a model into a folder of this machine and return the path of its file.

    Parameters
    ----------
    model : estimator or Model
        A trained model.
    path : str or Path
        A file, or a folder that is there; a file that is there is replaced.
    filename : str, optional
        Name of the file in the folder `path`, instead of the key.
    """
    return save_model(model, path, force=True, filename=filename)


def upload_model(path: str | Path) -> H2OEstimator:
    """Return the model in a file of this machine, stored in the cluster under its key.

    Parameters
    ----------
    path : str or Path
        The file.

    Raises
    ------
    ModelError
        The file is missing or is no model of dh2o.
    """
    return load_model(path)


def get_model(model_id: str) -> H2OEstimator:
    """Return the model stored under `model_id`.

    Parameters
    ----------
    model_id : str
        The key.

    Raises
    ------
    KeyNotFoundError
        There is none; the message names some that there are.
    """
    from dh2o.estimators import estimator_of

    dkv = current_engine().dkv
    known = dkv.keys(kind="model")
    if model_id not in known:
        raise KeyNotFoundError.of("Model", model_id, known)
    return estimator_of(dkv.get(model_id))
