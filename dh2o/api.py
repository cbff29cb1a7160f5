"""The functions of ``import dh2o``: each is one step onto the layers below.

Names and arguments are those of the official H2O Python client, so that a script moves by changing
one import.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dh2o.errors import KeyNotFoundError, ParameterError
from dh2o.frame import Frame
from dh2o.mrtask import Engine, Job, current_engine, init, set_progress
from dh2o.parse import ParseSetup, guess_setup, list_files, start_parse
from dh2o.rapids import H2OFrame

if TYPE_CHECKING:
    from dh2o.estimators import H2OEstimator
    from dh2o.estimators.grid import Grid
    from dh2o.estimators.performance import ModelPerformance
    from dh2o.models import Model

__all__ = [
    "Engine",
    "H2OFrame",
    "cluster",
    "export_file",
    "get_frame",
    "get_model",
    "import_file",
    "import_mojo",
    "init",
    "jobs",
    "load_grid",
    "load_model",
    "ls",
    "make_metrics",
    "mojo_predict_csv",
    "mojo_predict_pandas",
    "no_progress",
    "parse_raw",
    "parse_setup",
    "remove",
    "remove_all",
    "save_grid",
    "save_model",
    "show_progress",
    "shutdown",
    "upload_custom_distribution",
    "upload_custom_metric",
    "upload_file",
    "upload_mojo",
]

Paths = str | Path | Sequence[str | Path]


def cluster() -> Engine:
    """Return the engine that this process is connected to; ``dh2o.init()`` makes one."""
    return current_engine()


def shutdown() -> None:
    """Close the engine; workers that ``dh2o.init`` started end."""
    current_engine().close()


# ------------------------------------------------------------------------------- files to frames


def parse_setup(
    path: Paths,
    *,
    destination_frame: str | None = None,
    header: int = 0,
    sep: str | None = None,
    col_names: Sequence[str] | None = None,
    col_types: Sequence[str | None] | Mapping[Any, str] | None = None,
    na_strings: Sequence[Any] | Mapping[str, Any] | None = None,
    pattern: str | None = None,
    skipped_columns: Sequence[int] | None = None,
    quotechar: str | None = None,
    escapechar: str | None = None,
    custom_non_data_line_markers: str | None = None,
) -> ParseSetup:
    """Return how files would be read: separator, header, names and types, guessed or as given.

    Parameters are those of `import_file`. Give the result to `parse_raw`.
    """
    if quotechar not in (None, '"', "'"):
        raise ParameterError(f"quotechar is {quotechar!r}; it must be '\"' or \"'\".")
    given: dict[str, Any] = {
        "destination_frame": destination_frame,
        "check_header": header,
        "separator": ord(sep) if sep else None,
        "column_names": col_names,
        "column_types": col_types,
        "na_strings": na_strings,
        "skipped_columns": skipped_columns,
        "single_quotes": quotechar == "'" if quotechar else None,
        "escapechar": ord(escapechar) if escapechar else None,
        "custom_non_data_line_markers": custom_non_data_line_markers,
    }
    paths = [path] if isinstance(path, str | Path) else list(path)
    files = list_files([str(p) for p in paths], pattern)
    return guess_setup(files, **{k: v for k, v in given.items() if v is not None})


def parse_raw(setup: ParseSetup, destination_frame: str | None = None) -> H2OFrame:
    """Return the frame that the files of `setup` hold.

    Raises
    ------
    ParseError
        A file is missing, empty, binary or unreadable; the message names it.
    """
    return H2OFrame.get_frame(_parsed(setup, destination_frame).dest)


def _parsed(setup: ParseSetup, destination_frame: str | None) -> Job:
    job = start_parse(current_engine(), setup, destination_frame)
    job.wait()
    return job


def import_file(
    path: Paths,
    destination_frame: str | None = None,
    header: int = 0,
    sep: str | None = None,
    col_names: Sequence[str] | None = None,
    col_types: Sequence[str | None] | Mapping[Any, str] | None = None,
    na_strings: Sequence[Any] | Mapping[str, Any] | None = None,
    pattern: str | None = None,
    skipped_columns: Sequence[int] | None = None,
    quotechar: str | None = None,
    escapechar: str | None = None,
    custom_non_data_line_markers: str | None = None,
) -> H2OFrame:
    """Return the table that one or several files hold, parsed in parallel by the workers.

    Parameters
    ----------
    path : str, Path or list of them
        Files, globs or folders (read recursively); plain, gz, bz2, zip or zst. The workers must
        reach them under the same path; see `upload_file` for files that only this process sees.
    destination_frame : str, optional
        Key of the frame; default: made from the file's name.
    header : {0, 1, -1}
        0 guesses, 1 says that the first line holds names, -1 that it holds data.
    sep : str, optional
        The separator; default: guessed.
    col_names, col_types : list, or dict for types
        Names and types ("numeric", "enum", "string", "time", "uuid"), None to guess.
    na_strings : list of str, list of lists, or dict
        Texts that stand for NA, for all columns or by column.
    pattern : str, optional
        Regular expression that the names of files in a folder must match.
    skipped_columns : list of int, optional
        Columns to leave out.
    quotechar : {'"', "'"}, optional
        The quote character.
    escapechar : str, optional
        The escape character.
    custom_non_data_line_markers : str, optional
        Lines that start with one of these characters are comments.

    Raises
    ------
    ParseError
        A file is missing, empty, binary or unreadable, or an option does not fit it.
    """
    setup = parse_setup(
        path,
        destination_frame=destination_frame,
        header=header,
        sep=sep,
        col_names=col_names,
        col_types=col_types,
        na_strings=na_strings,
        pattern=pattern,
        skipped_columns=skipped_columns,
        quotechar=quotechar,
        escapechar=escapechar,
        custom_non_data_line_markers=custom_non_data_line_markers,
    )
    return parse_raw(setup, destination_frame)


def upload_file(path: str | Path, destination_frame: str | None = None, **options: Any) -> H2OFrame:
    """Return the table of a file that only this process reaches: it goes through the spool.

    `options` are those of `import_file`.
    """
    source = Path(path).expanduser()
    if not source.is_file():
        raise ParameterError(f"path: {str(path)!r} is not a file.")
    spool = current_engine().spool
    with source.open("rb") as data:
        ref = spool.write_stream(data, name=source.name)
    return import_file(ref.url, destination_frame, **options)


def export_file(
    frame: H2OFrame | Frame, path: str | Path, force: bool = False, sep: str = ","
) -> Path:
    """Write `frame` as CSV to `path`, block by block, and return the path.

    Raises
    ------
    ParameterError
        The file exists and `force` is not set.
    """
    target = Path(path).expanduser()
    if target.exists() and not force:
        raise ParameterError(f"{target} exists. Give force=True to replace it.")
    partial = target.with_name(f"{target.name}.part")
    with partial.open("wb") as out:
        for part in _frame_of(frame).to_csv_stream(separator=sep):
            out.write(part)
    partial.replace(target)
    return target


# -------------------------------------------------------------------------------- what is stored


def ls() -> list[dict[str, Any]]:
    """Return what is stored: key, kind (frame, model, …), bytes and who uses it."""
    return [
        {
            "key": entry.key,
            "kind": entry.kind,
            "nbytes": entry.nbytes,
            "used_by": [*entry.readers, *([entry.writer] if entry.writer else [])],
        }
        for entry in current_engine().dkv.entries()
    ]


def get_frame(frame_id: str) -> H2OFrame:
    """Return the frame stored under `frame_id`.

    Raises
    ------
    KeyNotFoundError
        There is none; the message names some that there are.
    """
    return H2OFrame.get_frame(frame_id)


def get_model(model_id: str) -> H2OEstimator:
    """Return the model stored under `model_id`.

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


def remove(x: str | H2OFrame | H2OEstimator | Iterable[Any]) -> None:
    """Delete a frame or model, given itself or by key (or a list of them), and free its memory."""
    if isinstance(x, str):
        key: str = x
    elif isinstance(x, H2OFrame):
        key = x.frame_id
    elif hasattr(x, "model_id"):
        key = str(x.model_id)
    elif isinstance(x, Iterable):
        for item in x:
            remove(item)
        return
    else:
        raise ParameterError(f"x: expected a key, a frame, a model or a list, got {type(x)}.")
    current_engine().dkv.remove(key)


def remove_all(retained: Sequence[str] = ()) -> None:
    """Delete every frame and model except the keys in `retained`."""
    current_engine().dkv.remove_all(retained)


def jobs() -> list[Job]:
    """Return all jobs that the cluster remembers, the oldest first."""
    return current_engine().jobs()


# ---------------------------------------------------------------------------------- models' files


def save_model(model: H2OEstimator | Model, path: str | Path, force: bool = False) -> Path:
    """Write a model to `path` (or into the folder `path`, under its key) and return the path.

    The file is a zip of JSON and ``.npy``; it holds no code and no pickle.

    Raises
    ------
    ParameterError
        The file exists and `force` is not set.
    """
    from dh2o.models import save_model as write

    trained: Model = getattr(model, "model", model)  # type: ignore[arg-type]
    target = Path(path).expanduser()
    if target.is_dir():
        target /= trained.key
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
    """Write a grid and its models into a folder; return the path of the grid."""
    from dh2o.estimators.grid import Grid
    from dh2o.estimators.grid_files import export_grid

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
    """Read a grid and the models beside it back into the cluster."""
    from dh2o.estimators.grid_files import import_grid

    return import_grid(str(grid_file_path), frames=load_params_references)


def upload_custom_distribution(func: Any, func_name: str | None = None) -> str:
    """Store a distribution of one's own; return what GBM's ``custom_distribution_func`` takes.

    `func` is a class or an object with ``link()``, ``init(w, o, y)``, ``gradient(y, f)`` (with
    several classes ``gradient(y, f, l)``) and ``gamma(w, y, z, f)``.
    """
    from dh2o.estimators.gbm.custom import upload_distribution
    from dh2o.estimators.inputs import engine_or_start

    engine_or_start()
    return upload_distribution(func, func_name)


def upload_custom_metric(func: Any, func_name: str | None = None) -> str:
    """Store a metric of one's own in the cluster; return what ``custom_metric_func`` takes.

    `func` is a class or an object with ``map(pred, act, w, o, model)``, ``reduce(l, r)`` and
    ``metric(l)``, or a function of (pred, act) whose weighted mean is wanted.
    """
    from dh2o.estimators.custom_metric import upload_metric
    from dh2o.estimators.inputs import engine_or_start

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

    Predictions are one column of numbers, the probability of the second class, or one probability
    for each class of several. The response of a classification is a factor, or `domain` is given.
    """
    from dh2o.estimators.inputs import as_frame
    from dh2o.estimators.make_metrics import metrics_of_frames
    from dh2o.estimators.performance import ModelPerformance

    truth = as_frame(actual)
    levels = domain if domain is not None else truth.vecs[0].domain
    own = None if weights is None else as_frame(weights)
    return ModelPerformance(
        metrics_of_frames(as_frame(predicted), truth, levels, distribution, own, auc_type)
    )


def load_model(path: str | Path) -> H2OEstimator:
    """Return the model that `save_model` wrote to `path`, and store it under its key.

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

    Raises
    ------
    ModelError
        The file is missing, or is no MOJO, or one of an algorithm that is not read.
    """
    from dh2o.estimators import H2OGenericEstimator

    return H2OGenericEstimator.from_file(mojo_path, model_id)


def upload_mojo(mojo_path: str | Path, model_id: str | None = None) -> H2OEstimator:
    """Return the model in a MOJO file that only this process reaches."""
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

    Arguments of H2O that concern Java (``genmodel_jar_path``, ``java_options``, …) are of no use.
    """
    from dh2o.scorer import Scorer

    return Scorer.load(mojo_zip_path).predict_pandas(dataframe)


def mojo_predict_csv(
    input_csv_path: str | Path,
    mojo_zip_path: str | Path,
    output_csv_path: str | Path | None = None,
    **ignored: Any,  # noqa: ARG001  # H2O's signature
) -> list[dict[str, Any]]:
    """Return a MOJO's predictions for a CSV file, written beside it, made without Java."""
    import pandas as pd

    source = Path(input_csv_path).expanduser()
    target = Path(output_csv_path) if output_csv_path else source.parent / "prediction.csv"
    predictions = mojo_predict_pandas(pd.read_csv(source), mojo_zip_path)
    predictions.to_csv(target, index=False)
    return list(predictions.to_dict("records"))


# --------------------------------------------------------------------------------------- progress


def no_progress() -> None:
    """Show no progress bars from now on."""
    set_progress(False)


def show_progress() -> None:
    """Show progress bars again."""
    set_progress(True)


def _frame_of(frame: H2OFrame | Frame) -> Frame:
    return frame if isinstance(frame, Frame) else frame.frame
