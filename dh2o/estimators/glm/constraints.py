"""Bounds on coefficients, from the parameters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import ParameterError
from dh2o.frame import Frame
from dh2o.models.glm_design import Design

F64 = NDArray[np.float64]


def bounds_of(
    design: Design, *, non_negative: bool, constraints: str | None, standardise: bool
) -> tuple[F64, F64] | None:
    """Return lower and upper bounds of the fitted coefficients, or None when there are none."""
    if not non_negative and constraints is None:
        return None
    names = design.names
    low, high = np.full(len(names), -np.inf), np.full(len(names), np.inf)
    if non_negative:
        low[:-1] = 0.0
    if constraints is not None:
        _read(Frame.get(constraints), names, low, high)
    if (low > high).any():
        bad = names[int(np.flatnonzero(low > high)[0])]
        raise ParameterError(f"beta_constraints: the lower bound of {bad!r} is above the upper.")
    if standardise:
        numbers = slice(design.n_level_coefficients, len(names) - 1)
        low[numbers] /= design.scale
        high[numbers] /= design.scale
    return low, high


def _read(frame: Frame, names: tuple[str, ...], low: F64, high: F64) -> None:
    if "names" not in frame.names:
        raise ParameterError(
            "beta_constraints: the frame needs a column 'names' with coefficient names."
        )
    for extra in ("beta_given", "beta_start", "rho"):
        if extra in frame.names:
            raise ParameterError(f"beta_constraints: {extra} is not supported by dh2o yet.")
    rows = frame.rows(0, frame.n_rows)
    vec = frame.vec("names")
    if vec.domain is not None:
        given = [vec.domain[code] for code in rows.codes("names")]
    else:
        given = rows.strings("names").to_pylist()
    for side, target, absent in (("lower_bounds", low, -np.inf), ("upper_bounds", high, np.inf)):
        if side not in frame.names:
            continue
        for name, value in zip(given, rows.floats(side), strict=True):
            if name not in names:
                raise ParameterError(
                    f"beta_constraints: there is no coefficient {name!r}. "
                    f"Coefficients: {', '.join(names[:8])}."
                )
            bound = absent if np.isnan(value) else value
            idx = names.index(name)
            target[idx] = max(target[idx], bound) if side == "lower_bounds" else bound
