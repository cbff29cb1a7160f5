"""What is stored in the cluster, and frames that are made rather than read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from dh2o.errors import KeyNotFoundError, ParameterError
from dh2o.frame import Frame
from dh2o.mrtask import Job, current_engine
from dh2o.rapids import H2OFrame
from dh2o.rapids.h2oframe_base import python_session

if TYPE_CHECKING:
    from dh2o.estimators import H2OEstimator
    from dh2o.estimators.search.grid import Grid


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


def get_frame(frame_id: str, **options: Any) -> H2OFrame:
    """Return the frame stored under `frame_id`.

    Parameters
    ----------
    frame_id : str
        The key.
    **options
        H2O's ``rows``, ``rows_offset``, ``cols``, ``full_cols``, ``cols_offset`` and ``light`` say
        how much to fetch; here rows are fetched when they are looked at, and these are passed over.

    Raises
    ------
    KeyNotFoundError
        There is none; the message names some that there are.

    Examples
    --------
    >>> fr = dh2o.H2OFrame({"x": [1, 2]}, destination_frame="numbers")
    >>> dh2o.get_frame("numbers").sum()
    3.0
    """
    return H2OFrame.get_frame(frame_id, **options)


def frames() -> list[dict[str, Any]]:
    """Return what ``dh2o.frame`` says of every stored frame."""
    from dh2o.frame.describe import facts

    return [facts(Frame.get(key)) for key in current_engine().dkv.keys(kind="frame")]


def get_grid(grid_id: str) -> Grid:
    """Return the grid stored under `grid_id`.

    Parameters
    ----------
    grid_id : str
        The key.

    Raises
    ------
    KeyNotFoundError
        There is none.
    """
    from dh2o.estimators.search.grid import Grid

    dkv = current_engine().dkv
    found = dkv.find(grid_id)
    if not isinstance(found, Grid):
        raise KeyNotFoundError.of("Grid", grid_id, dkv.keys(kind="grid"))
    return found


def remove(x: str | H2OFrame | H2OEstimator | Iterable[Any], cascade: bool = True) -> None:
    """Delete a frame or model, given itself or by key (or a list of them), and free its memory.

    Parameters
    ----------
    x : str, H2OFrame, estimator, or list of them
        What to delete. What belongs to a model goes with it.
    cascade : bool
        For H2O's signature, not looked at.

    Raises
    ------
    ParameterError
        `x` is something else. A key under which there is nothing is no error.
    """
    if isinstance(x, str):
        key: str = x
    elif isinstance(x, H2OFrame):
        key = x.frame_id
    elif hasattr(x, "model_id"):
        key = str(x.model_id)
    elif isinstance(x, Iterable):
        for item in x:
            remove(item, cascade)
        return
    else:
        raise ParameterError(f"x: expected a key, a frame, a model or a list, got {type(x)}.")
    current_engine().dkv.remove(key)


def remove_all(retained: Sequence[str] | None = None) -> None:
    """Delete every frame and model except the keys in `retained`.

    Parameters
    ----------
    retained : list of str, optional
        Keys that stay.
    """
    current_engine().dkv.remove_all(retained or ())


def jobs() -> list[Job]:
    """Return all jobs that the cluster remembers, the oldest first."""
    return current_engine().jobs()


def assign(data: H2OFrame, xid: str) -> H2OFrame:
    """Store a frame under another key and return it; nothing is copied.

    Parameters
    ----------
    data : H2OFrame
        The frame; it has the new key afterwards. What is stored under the old one stays.
    xid : str
        The new key.

    Raises
    ------
    ParameterError
        The frame has this key already.
    """
    if data.key == xid:
        raise ParameterError(f"xid: {xid!r} is the key that the frame has already.")
    data.frame_id = xid
    return data


def deep_copy(data: H2OFrame, xid: str) -> H2OFrame:
    """Return a frame of the same values under another key.

    Columns never change, so both share them until one of the frames gets others.

    Parameters
    ----------
    data : H2OFrame
        The frame.
    xid : str
        Key of the copy.

    Raises
    ------
    ParameterError
        `data` has this key.
    """
    return assign(H2OFrame(data), xid)


def shallow_copy(data: H2OFrame, xid: str | None = None) -> H2OFrame:
    """Return another frame of the same columns, under the key `xid` if one is given.

    Parameters
    ----------
    data : H2OFrame
        The frame.
    xid : str, optional
        Key of the copy.
    """
    copy = H2OFrame(data)
    return copy if xid is None else assign(copy, xid)


def as_list(data: H2OFrame, use_pandas: bool = True, header: bool = True) -> Any:
    """Return a frame as a pandas DataFrame, or as a list of rows of texts.

    Parameters
    ----------
    data : H2OFrame
        The frame.
    use_pandas : bool
        False gives the list.
    header : bool
        Whether the list starts with the names.
    """
    return data.as_data_frame(use_pandas=use_pandas, header=header)


def interaction(
    data: H2OFrame,
    factors: Sequence[str | int],
    pairwise: bool,
    max_factors: int,
    min_occurrence: int,
    destination_frame: str | None = None,
) -> H2OFrame:
    """Return the categorical columns of a frame crossed; see ``H2OFrame.interaction``.

    Parameters
    ----------
    data : H2OFrame
        The frame.
    factors : list of str or int
        The categorical columns to cross.
    pairwise : bool
        True crosses every pair, a column each; False crosses all factors into one column.
    max_factors : int
        How many levels a column keeps; the rest become the level "other".
    min_occurrence : int
        Levels of fewer rows become "other" too.
    destination_frame : str, optional
        Key to store the result under.
    """
    return data.interaction(factors, pairwise, max_factors, min_occurrence, destination_frame)


def create_frame(
    frame_id: str | None = None,
    rows: int = 10_000,
    cols: int = 10,
    randomize: bool = True,
    real_fraction: float | None = None,
    categorical_fraction: float | None = None,
    integer_fraction: float | None = None,
    binary_fraction: float | None = None,
    time_fraction: float | None = None,
    string_fraction: float | None = None,
    value: float = 0,
    real_range: float = 100,
    factors: int = 100,
    integer_range: int = 100,
    binary_ones_fraction: float = 0.02,
    missing_fraction: float = 0.01,
    has_response: bool = False,
    response_factors: int = 2,
    positive_response: bool = False,
    seed: int | None = None,
    seed_for_column_types: int | None = None,
) -> H2OFrame:
    """Return a frame of random values; types whose share is not given divide up the rest.

    Parameters
    ----------
    frame_id : str, optional
        Key to store the frame under.
    rows, cols : int
        Its size; a response is one column more.
    randomize : bool
        False fills all cells with `value`; there are no shares of types then.
    real_fraction, categorical_fraction, integer_fraction : float, optional
        Shares of the columns of these types, 1 together with the next three at most.
    binary_fraction, time_fraction, string_fraction : float, optional
        Shares of columns of 0 and 1, of times and of strings.
    value : float
        The constant of ``randomize=False``; else 0.
    real_range, integer_range : float, int
        Numbers lie between minus and plus this.
    factors : int
        Levels of a categorical column.
    binary_ones_fraction : float
        Share of 1 in binary columns.
    missing_fraction : float
        Share of NA.
    has_response : bool
        Put a column ``response`` in front.
    response_factors : int
        Classes of the response; 1 makes it real.
    positive_response : bool
        A real response is not negative.
    seed : int, optional
        The same seed gives the same values, those of H2O; default: others each time.
    seed_for_column_types : int, optional
        The order of the types alone; default: from `seed`.

    Raises
    ------
    ParameterError
        A share or a size is out of range.

    Examples
    --------
    >>> fr = dh2o.create_frame(rows=100, cols=3, integer_fraction=1, missing_fraction=0, seed=1)
    >>> fr.types
    {'C1': 'int', 'C2': 'int', 'C3': 'int'}
    """
    from dh2o.rapids import random_frames

    given = {
        "real": real_fraction,
        "categorical": categorical_fraction,
        "integer": integer_fraction,
        "binary": binary_fraction,
        "time": time_fraction,
        "string": string_fraction,
    }
    shares = random_frames.type_fractions(given) if randomize else dict.fromkeys(given, 0.0)
    spec = random_frames.CreateFrameSpec(
        rows=rows,
        cols=cols,
        randomize=randomize,
        value=value,
        real_range=real_range,
        factors=factors,
        integer_range=integer_range,
        binary_ones_fraction=binary_ones_fraction,
        missing_fraction=missing_fraction,
        has_response=has_response,
        response_factors=response_factors,
        positive_response=positive_response,
        seed=-1 if seed is None else seed,
        seed_for_column_types=-1 if seed_for_column_types is None else seed_for_column_types,
        **{f"{kind}_fraction": share for kind, share in shares.items() if kind != "real"},
    )
    made = H2OFrame(random_frames.create_frame(spec))
    if frame_id is not None:
        made.frame_id = frame_id
    return made


def get_timezone() -> str:
    """Return the time zone in which times are read and shown."""
    return python_session().time_zone


def set_timezone(value: str) -> None:
    """Set the time zone in which times are read and shown.

    Parameters
    ----------
    value : str
        Such as "Europe/Berlin"; `list_timezones` has all.

    Raises
    ------
    RapidsError
        There is no such zone.
    """
    python_session().execute(f'(setTimeZone "{value}")')


def list_timezones() -> H2OFrame:
    """Return a frame of all time zones."""
    return H2OFrame._call("listTimeZones")
