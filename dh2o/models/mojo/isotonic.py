"""MOJOs of isotonic regressions."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from dh2o.models.calibration import IsotonicCalibration
from dh2o.models.isotonic import IsotonicModel
from dh2o.models.model import Model
from dh2o.models.mojo.draft import MojoDraft
from dh2o.models.mojo.errors import MojoError
from dh2o.models.mojo.kinds import MojoKind, register_kind
from dh2o.models.mojo.source import MojoSource

__all__ = ["IsotonicMojo", "read_line", "write_line"]

F64 = NDArray[np.float64]


@register_kind
class IsotonicMojo(MojoKind):
    """The corners of the line, and the ends of the training rows."""

    algorithm: ClassVar[str] = IsotonicModel.algo_full_name
    algo: ClassVar[str] = IsotonicModel.algo
    version: ClassVar[str] = "1.00"

    def write(self, model: Model, draft: MojoDraft) -> None:
        """Add the line."""
        assert isinstance(model, IsotonicModel)
        write_line(draft, model.line, model.min_x, model.max_x)

    def read(self, source: MojoSource) -> Model:
        """Return the model. Whether it clips is a parameter; by default values beyond are NA."""
        output, params = source.output(), source.params()
        if len(output.x) != 1:
            raise MojoError(f"An isotonic regression has one predictor, not {len(output.x)}.")
        ends = (source.ini.number("calib_min_x", np.nan), source.ini.number("calib_max_x", np.nan))
        clips = str(params.get("out_of_bounds", "NA")).lower() == "clip"
        return IsotonicModel(source.key, params, output, read_line(source), *ends, clips)


def write_line(draft: MojoDraft, line: IsotonicCalibration, min_x: float, max_x: float) -> None:
    """Add an ascending line: its ends as keys, its corners as big-endian doubles."""
    draft.put("calib_min_x", float(min_x))
    draft.put("calib_max_x", float(max_x))
    for name, values in (("x", line.x), ("y", line.y)):
        count = np.array([len(values)], ">i4").tobytes()
        draft.blob(f"calib/thresholds_{name}", count + values.astype(">f8").tobytes())


def read_line(source: MojoSource) -> IsotonicCalibration:
    """Return the line."""
    x, y = (source.doubles(f"calib/thresholds_{name}") for name in "xy")
    if len(x) != len(y) or not len(x) or (np.diff(x) < 0).any():
        raise MojoError("The thresholds of the MOJO's isotonic line do not ascend.")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise MojoError("A threshold of the MOJO's isotonic line is no number.")
    return (
        IsotonicCalibration(*_with_steps(x, y))
        if (np.diff(x) == 0).any()
        else (IsotonicCalibration(x, y))
    )


def _with_steps(x: F64, y: F64) -> tuple[F64, F64]:
    """Return the line where thresholds repeat.

    H2O takes the value of the one its binary search meets at a threshold, of the first of them to
    the left of it, of the last to the right.
    """
    xs: list[float] = []
    ys: list[float] = []
    for at in np.unique(x):
        same = np.flatnonzero(x == at)
        near = (np.nextafter(at, -np.inf), at, np.nextafter(at, np.inf))
        hit = y[_java_search(x, at)]
        for place, value in zip(near, (y[same[0]], hit, y[same[-1]]), strict=True):
            if not xs or place > xs[-1]:
                xs.append(float(place))
                ys.append(float(value))
    return np.array(xs), np.array(ys)


def _java_search(x: F64, value: float) -> int:
    """Return which of several equal values ``Arrays.binarySearch`` finds."""
    low, high = 0, len(x) - 1
    while low <= high:
        middle = (low + high) // 2
        if x[middle] < value:
            low = middle + 1
        elif x[middle] > value:
            high = middle - 1
        else:
            return middle
    return low
