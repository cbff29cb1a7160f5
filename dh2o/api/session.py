"""The engine of this process: who it is, how it shows progress, how much memory data need."""

from __future__ import annotations

import logging
import math

from dh2o.errors import ParameterError
from dh2o.mrtask import Engine, current_engine, set_progress

_GIB = 1024**3
_SPARE = 4  # times the data: what H2O advises
_BASE_NBYTES = 32 * 1024**2


def cluster() -> Engine:
    """Return the engine that this process is connected to; ``dh2o.init()`` makes one."""
    return current_engine()


def shutdown(prompt: bool = False) -> None:
    """Close the engine; workers that ``dh2o.init`` started end. `prompt` is for H2O's signature.

    Parameters
    ----------
    prompt : bool
        Not looked at: nobody is asked.
    """
    del prompt
    current_engine().close()


def no_progress() -> None:
    """Show no progress bars from now on."""
    set_progress(False)


def show_progress() -> None:
    """Show progress bars again."""
    set_progress(True)


def log_and_echo(message: str = "") -> None:
    """Write a message to the log.

    Parameters
    ----------
    message : str
        It goes to the logger "dh2o" of this process, with level INFO.
    """
    logging.getLogger("dh2o").info(message)


def estimate_cluster_mem(
    ncols: int,
    nrows: int,
    num_cols: int = 0,
    string_cols: int = 0,
    cat_cols: int = 0,
    time_cols: int = 0,
    uuid_cols: int = 0,
) -> int:
    """Return how many GB of memory a cluster should have for a table, by H2O's rule of thumb.

    Parameters
    ----------
    ncols, nrows : int
        Size of the table.
    num_cols, string_cols, cat_cols, time_cols, uuid_cols : int
        How many columns there are of each type; the rest are counted as numbers.
    """
    given = {
        "ncols": ncols,
        "nrows": nrows,
        "num_cols": num_cols,
        "string_cols": string_cols,
        "cat_cols": cat_cols,
        "time_cols": time_cols,
        "uuid_cols": uuid_cols,
    }
    for name, value in given.items():
        if value < 0:
            raise ParameterError(f"{name}: can't be a negative number, got {value}.")
    n_known = num_cols + string_cols + cat_cols + time_cols + uuid_cols
    if n_known > ncols:
        raise ParameterError(f"ncols: {ncols}, but columns of {n_known} are given by type.")
    n_numbers = num_cols + time_cols + ncols - n_known
    row_nbytes = 8 * n_numbers + 128 * string_cols + 16 * uuid_cols + 2 * cat_cols
    return math.ceil((_BASE_NBYTES + row_nbytes * nrows) * _SPARE / _GIB)
