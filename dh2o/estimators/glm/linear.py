"""Linear constraints on coefficients: read from a frame, solved exactly, and reported.

The quadratic problem of each step is solved exactly: as a least distance problem, by non-negative
least squares (Lawson and Hanson, Solving Least Squares Problems, chapter 23).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import ModelError, ParameterError
from dh2o.frame import Frame
from dh2o.models import TwoDimTable
from dh2o.models.glm_design import Design

F64 = NDArray[np.float64]
Mask = NDArray[np.bool_]

_COLUMNS = ("names", "values", "types", "constraint_numbers")
_TYPES = {"equal": True, "lessthanequal": False}
_SATISFIED = 1e-6
#: Constraints whose least distance problem leaves less than this cannot all hold.
_INFEASIBLE = 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """``matrix @ b`` is at most ``limit``, or equal to it where ``is_equal``."""

    matrix: F64
    limit: F64
    is_equal: Mask

    def excess(self, b: F64) -> F64:
        """Return by how much each constraint is missed at b, not counting slack."""
        miss = self.matrix @ b - self.limit
        return np.where(self.is_equal, np.abs(miss), np.maximum(miss, 0.0))

    def holds(self, b: F64) -> bool:
        """Return whether b meets all of them, up to rounding."""
        scale = np.maximum(1.0, np.abs(self.matrix) @ np.abs(b) + np.abs(self.limit))
        return bool((self.excess(b) <= _SATISFIED * scale).all())

    def of_columns(self, columns: NDArray[np.int64]) -> Linear:
        """Return the constraints on these coefficients, all others being 0."""
        return Linear(self.matrix[:, columns], self.limit, self.is_equal)

    def of_standardised(self, design: Design) -> Linear:
        """Return the same constraints on coefficients of standardised columns."""
        numbers = slice(design.n_level_coefficients, design.n_coefficients - 1)
        matrix = self.matrix.copy()
        matrix[:, numbers] -= matrix[:, -1:] * design.shift
        matrix[:, numbers] *= design.scale
        return Linear(matrix, self.limit, self.is_equal)


def linear_of(design: Design, key: str) -> Linear:
    """Return the constraints that the frame under `key` describes, on coefficients of x as it is.

    Raises
    ------
    ParameterError
        Something is wrong with the frame, or some constraints follow from others.
    """
    rows = _rows(Frame.get(key))
    names = design.names
    matrix, limit, is_equal = [], [], []
    for number in sorted({row[3] for row in rows}):
        own = [row for row in rows if row[3] == number]
        kinds = {row[2] for row in own}
        if len(kinds) > 1:
            raise ParameterError(
                "Constraint type of the same constraint must be the same but is not. Expected "
                f"type: {own[0][2]}. Constraint number: {number:g}."
            )
        weights, constant = np.zeros(len(names)), 0.0
        for name, value, _, _ in own:
            if name == "constant":
                constant += value
            elif name in names:
                weights[names.index(name)] += value
            else:
                raise ParameterError(
                    f"Coefficient name {name} is not a valid coefficient name.  It be a valid "
                    "coefficient name or it can be constant"
                )
        if np.count_nonzero(weights) < 2:
            raise ParameterError(
                "Linear constraint must have at least two coefficients.  For constraints on just "
                f"one coefficient: {own[0][0]}, use betaConstraints instead."
            )
        matrix.append(weights)
        limit.append(-constant)
        is_equal.append(kinds == {"equal"})
    made = Linear(np.array(matrix), np.array(limit), np.array(is_equal))
    _check_independent(made)
    return made


def _rows(frame: Frame) -> list[tuple[str, float, str, float]]:
    missing = [name for name in _COLUMNS if name not in frame.names]
    if missing:
        raise ParameterError(
            f"linear_constraints: the frame needs the columns {', '.join(_COLUMNS)}; there is no "
            f"{missing[0]}."
        )
    rows = frame.rows(0, frame.n_rows)
    texts = {}
    for name in ("names", "types"):
        domain = frame.vec(name).domain
        if domain is not None:
            texts[name] = [domain[code] for code in rows.codes(name)]
        else:
            texts[name] = rows.strings(name).to_pylist()
    kinds = [str(kind).lower() for kind in texts["types"]]
    wrong = [kind for kind in kinds if kind not in _TYPES]
    if wrong:
        raise ParameterError("Type of linear constraints can only be Equal to LessThanEqualTo.")
    values, numbers = rows.floats("values").tolist(), rows.floats("constraint_numbers").tolist()
    return list(zip(texts["names"], values, kinds, numbers, strict=True))


def _check_independent(linear: Linear) -> None:
    from scipy.linalg import qr

    rows = linear.matrix / np.linalg.norm(linear.matrix, axis=1)[:, None]
    _, r, order = qr(rows.T, mode="economic", pivoting=True)
    rank = int((np.abs(np.diag(r)) > 1e-10).sum())
    if rank < len(rows):
        raise ParameterError(
            "redundant linear constraints: constraint number "
            f"{', '.join(str(i) for i in sorted(order[rank:]))} follows from the others. Leave it "
            "out."
        )


def solve_constrained(a: F64, y: F64, linear: Linear, low: F64 | None, high: F64 | None) -> F64:
    """Return the b that minimises b'a b / 2 - y'b under the constraints and within bounds.

    With a = R'R and b = free + R^-1 z it is the shortest z that the constraints allow.
    """
    from scipy.linalg import cholesky, solve_triangular

    matrix, limit, is_equal = _with_bounds(linear, low, high)
    scale = 1.0 / np.sqrt(np.diag(a))
    ridge = 1e-12 * np.eye(len(y))  # collinear columns share what they have in common
    root = cholesky(a * scale * scale[:, None] + ridge)
    free = scale * solve_triangular(root, solve_triangular(root, scale * y, trans="T"))
    rows = solve_triangular(root, scale[:, None] * matrix.T, trans="T").T
    z = _shortest(rows, limit - matrix @ free, is_equal)
    b: F64 = free + scale * solve_triangular(root, z)
    return b if low is None or high is None else np.clip(b, low, high)


def _shortest(rows: F64, limit: F64, is_equal: Mask) -> F64:
    """Return the shortest z with ``rows @ z`` at most ``limit``, or equal where `is_equal`.

    Equalities are taken out by projection; the others are Lawson and Hanson's least distance
    problem. What they find to be active is solved once more, for the last digits.
    """
    size = np.linalg.norm(rows, axis=1)
    size[size == 0] = 1.0
    rows, limit = rows / size[:, None], limit / size
    basis, r = np.linalg.qr(rows[is_equal].T)
    z = np.asarray(basis @ np.linalg.lstsq(r.T, limit[is_equal])[0], dtype=np.float64)
    others: F64 = rows[~is_equal] - (rows[~is_equal] @ basis) @ basis.T
    active = is_equal.copy()
    active[~is_equal] = _active(others, limit[~is_equal] - rows[~is_equal] @ z)
    return np.asarray(np.linalg.lstsq(rows[active], limit[active])[0], dtype=np.float64)


def _active(rows: F64, limit: F64) -> Mask:
    """Return which of ``rows @ w <= limit`` hold with equality for the shortest w."""
    from scipy.optimize import nnls

    largest = float(np.abs(limit).max(initial=0.0))
    if not (limit < 0).any():
        return np.zeros(len(limit), dtype=np.bool_)
    r = np.linalg.qr(rows.T).R
    system = np.concatenate([-r, -limit[None] / largest])
    target = np.zeros(len(system))
    target[-1] = 1.0
    multipliers, distance = nnls(system, target, maxiter=100 * (len(limit) + 1))
    if distance < _INFEASIBLE:
        raise ModelError(
            "linear_constraints and beta_constraints contradict each other: no coefficients meet "
            "all of them. Leave one of them out."
        )
    return np.asarray(multipliers > 0)


def _with_bounds(linear: Linear, low: F64 | None, high: F64 | None) -> tuple[F64, F64, Mask]:
    """Return the constraints with a row more for each finite bound."""
    n = linear.matrix.shape[1]
    one = np.eye(n)
    rows, limits = [linear.matrix], [linear.limit]
    if low is not None and high is not None:
        down, up = np.isfinite(low), np.isfinite(high)
        rows += [one[up], -one[down]]
        limits += [high[up], -low[down]]
    matrix, limit = np.concatenate(rows), np.concatenate(limits)
    is_equal = np.zeros(len(limit), dtype=np.bool_)
    is_equal[: len(linear.limit)] = linear.is_equal
    return matrix, limit, is_equal


def report(linear: Linear, b: F64, names: tuple[str, ...]) -> dict[str, object]:
    """Return what is shown of the constraints at the coefficients b of x as it is."""
    texts, states, met = [], [], []
    scale = np.maximum(1.0, np.abs(linear.matrix) @ np.abs(b) + np.abs(linear.limit))
    holds = linear.excess(b) <= _SATISFIED * scale
    values = linear.matrix @ b - linear.limit
    for weights, limit, ok, equal in zip(
        linear.matrix, linear.limit, holds, linear.is_equal, strict=True
    ):
        terms = [f"{w:g}*{names[i]}" for i, w in enumerate(weights) if w]
        text = "+".join(terms) + (f"+{-limit:g}" if limit else "")
        condition = "== 0" if equal else "<= 0"
        texts.append(text)
        met.append("true" if ok else "false")
        states.append(f"{text} {condition} is {'satisfied' if ok else 'not satisfied'}.")
    table = TwoDimTable.of(
        "Beta (if exists) and Linear Constraints Table",
        {
            "constraint": ("string", texts),
            "values": ("double", "%5.2f", values.tolist()),
            "condition": ("string", ["== 0" if e else "<= 0" for e in linear.is_equal]),
            "condition_satisfied": ("string", met),
        },
    )
    return {
        "linear_constraints_table": table,
        "linear_constraint_states": states,
        "all_constraints_satisfied": bool(holds.all()),
    }
