"""What is asked of single coefficients: bounds, a pull towards given values, where to start."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import ParameterError
from dh2o.frame import Frame
from dh2o.models.glm_design import Design

F64 = NDArray[np.float64]

_COLUMNS = ("lower_bounds", "upper_bounds", "beta_given", "beta_start", "rho")


@dataclass(frozen=True, slots=True, eq=False)
class Wishes:
    """Per coefficient, the intercept last; None where nothing is asked for.

    The objective gets rho (b - given)^2 / 2 for each coefficient.
    """

    low: F64 | None = None
    high: F64 | None = None
    rho: F64 | None = None
    given: F64 | None = None
    start: F64 | None = None


def wishes_of(
    design: Design, *, non_negative: bool, constraints: str | None, standardise: bool
) -> Wishes:
    """Return what the parameters ask of the fitted coefficients."""
    if not non_negative and constraints is None:
        return Wishes()
    names = design.names
    table = {} if constraints is None else _read(Frame.get(constraints), design)
    low = table.get("lower_bounds", np.full(len(names), np.nan))
    high = table.get("upper_bounds", np.full(len(names), np.nan))
    low, high = np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high)
    if non_negative:
        low[:-1] = np.maximum(low[:-1], 0.0)
    if (low > high).any():
        bad = names[int(np.flatnonzero(low > high)[0])]
        raise ParameterError(f"beta_constraints: the lower bound of {bad!r} is above the upper.")
    scale = np.ones(len(names))
    if standardise:
        scale[design.n_level_coefficients : -1] = design.scale
    rho, given, start = (
        _column(table, name, scale) for name in ("rho", "beta_given", "beta_start")
    )
    if rho is not None:
        rho = rho * scale  # a penalty's strength is no coefficient
    bounded = bool(np.isfinite(low).any() or np.isfinite(high).any())
    return Wishes(
        low / scale if bounded else None,
        high / scale if bounded else None,
        rho,
        np.zeros(len(names)) if given is None and rho is not None else given,
        start,
    )


def _column(table: dict[str, F64], name: str, scale: F64) -> F64 | None:
    return np.nan_to_num(table[name]) / scale if name in table else None


def _read(frame: Frame, design: Design) -> dict[str, F64]:
    """Return the columns of the frame by coefficient; a categorical's row is of all its levels."""
    if "names" not in frame.names:
        raise ParameterError(
            "beta_constraints: the frame needs a column 'names' with coefficient names."
        )
    rows = frame.rows(0, frame.n_rows)
    vec = frame.vec("names")
    if vec.domain is not None:
        given = [vec.domain[code] for code in rows.codes("names")]
    else:
        given = rows.strings("names").to_pylist()
    places = [_places(name, design) for name in given]
    table = {}
    for column in _COLUMNS:
        if column in frame.names:
            values = np.full(design.n_coefficients, np.nan)
            for place, value in zip(places, rows.floats(column), strict=True):
                values[place] = value
            table[column] = values
    return table


def _places(name: str, design: Design) -> list[int]:
    """Return the coefficients that `name` means."""
    names = design.names
    if name in names:
        return [names.index(name)]
    if name in design.categoricals:
        return [i for i, full in enumerate(names) if full.startswith(f"{name}.")]
    if any(name.startswith(f"{column}.") for column in design.categoricals):
        return []  # the level that has no coefficient
    raise ParameterError(
        f"beta_constraints: there is no coefficient {name!r}. Coefficients: {', '.join(names[:8])}."
    )
