"""How a frame or table meets a model: which column is read, how its levels are renumbered.

A plan is made once from names, types and domains; applying it to a block or a table copies
nothing but the decoded values. The rules, and the words for what does not fit, are H2O's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import ModelError
from dh2o.models.columns import F64, Columns
from dh2o.models.encoding import EncodingStep

_SHOWN_LEVELS = 20


@dataclass(frozen=True, slots=True)
class ColumnInfo:
    """A column on offer: ``type`` is numeric, enum, time, string, uuid, or na (no value at all)."""

    name: str
    type: str
    domain: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ColumnPlan:
    """How one model column is made.

    ``source`` is the position on offer (None: a constant ``fill``). ``recode`` maps offered codes
    to the model's, unseen ones to NaN. ``texts`` and ``numbers`` are the levels among which texts
    or whole numbers on offer are looked up. With none of the three, values are taken as they are.
    """

    name: str
    source: int | None
    fill: float = float("nan")
    recode: F64 | None = None
    texts: tuple[str, ...] | None = None
    numbers: NDArray[np.int64] | None = None

    @property
    def is_plain(self) -> bool:
        """Whether the offered column is the model's column as it is."""
        changed = (self.recode, self.texts, self.numbers)
        return self.source is not None and all(part is None for part in changed)

    def values(self, source: TileSource, n_rows: int) -> F64:
        """Return the values of the model's column for one tile."""
        if self.source is None:
            return np.full(n_rows, self.fill)
        if self.texts is not None:
            return text_codes(source.strings(self.source), self.texts)
        offered = source.floats(self.source)
        if self.numbers is not None:
            return number_codes(offered, self.numbers)
        return offered if self.recode is None else recoded(offered, self.recode)


@dataclass(frozen=True, slots=True, eq=False)
class Adaptation:
    """Plans of all columns that are wanted, and what the user should know."""

    plans: tuple[ColumnPlan, ...]
    warnings: tuple[str, ...]
    steps: tuple[EncodingStep, ...] = ()

    def columns(self, source: TileSource, n_rows: int) -> Columns:
        """Return the model's columns of one tile."""
        made = {p.name: p.values(source, n_rows) for p in self.plans}
        for step in self.steps:
            made |= step.columns(made.pop(step.source))
        return Columns(made, n_rows)


@dataclass(frozen=True, slots=True)
class TileSource:
    """One tile of what is on offer, by position: floats (codes for enums) or texts."""

    floats: Callable[[int], F64]
    strings: Callable[[int], Any]


def recoded(values: F64, recode: F64) -> F64:
    """Return ``recode[values]``; NaN stays NaN, codes beyond the table become NaN."""
    with np.errstate(invalid="ignore"):
        idx = np.where(np.isnan(values), len(recode), values).astype(np.int64)
    table = np.append(recode, np.nan)
    return table[np.minimum(idx, len(recode))]


def text_codes(texts: Any, domain: tuple[str, ...]) -> F64:
    """Return the position of each text among the levels; NaN where it is none or NA."""
    import pyarrow as pa
    import pyarrow.compute as pc

    array = texts if isinstance(texts, (pa.Array, pa.ChunkedArray)) else pa.array(texts)
    codes = pc.index_in(array.cast(pa.large_string()), pa.array(domain, pa.large_string()))
    return np.asarray(pc.fill_null(codes.cast(pa.float64()), np.nan), dtype=np.float64)


def number_codes(values: F64, levels: NDArray[np.int64]) -> F64:
    """Return the position of each whole number among the levels; NaN where it is none or NA."""
    order = np.argsort(levels)
    ascending = levels[order].astype(np.float64)
    at = np.minimum(np.searchsorted(ascending, values), len(levels) - 1)
    return np.where(ascending[at] == values, order[at].astype(np.float64), np.nan)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a model (or a training frame) asks of a frame."""

    names: tuple[str, ...]
    domains: tuple[tuple[str, ...] | None, ...]
    response: str | None = None
    weights: str | None = None
    offset: str | None = None
    fold: str | None = None
    with_metrics: bool = False


def plan_adaptation(wanted: Wanted, offered: Sequence[ColumnInfo]) -> Adaptation:
    """Return how `offered` columns become the `wanted` ones.

    Raises
    ------
    ModelError
        A numeric column is wanted and an enum offered, a categorical and a number whose levels
        differ, the offset or (for metrics) the response is missing, or nothing fits at all.
    """
    where = {info.name: idx for idx, info in enumerate(offered)}
    plans: list[ColumnPlan] = []
    warnings: list[str] = []
    n_found = 0
    for name, domain in zip(wanted.names, wanted.domains, strict=True):
        if name not in where:
            plan, warning = _missing(name, wanted)
        else:
            n_found += 1
            info = offered[where[name]]
            plan, warning = _found(info, where[name], domain, name == wanted.response)
        plans.append(plan)
        if warning:
            warnings.append(warning)
    if n_found == 0 and wanted.names:
        raise ModelError("Test/Validation dataset has no columns in common with the training set")
    return Adaptation(tuple(plans), tuple(warnings))


def _missing(name: str, wanted: Wanted) -> tuple[ColumnPlan, str | None]:
    start = "Test/Validation dataset is missing"
    if name == wanted.response and wanted.with_metrics:
        raise ModelError(f"{start} response column '{name}'")
    if name == wanted.offset:
        raise ModelError(
            f"{start} offset column '{name}'. If your intention is to disable the effect of the "
            "offset add a zero offset column."
        )
    if name == wanted.weights:
        warning = (
            f"{start} weights column '{name}' (needed because a response was found and metrics "
            "are to be computed): substituting in a column of 1s"
        )
        return ColumnPlan(name, None, 1.0), warning if wanted.with_metrics else None
    if name == wanted.fold:
        return ColumnPlan(name, None, 0.0), None
    if name == wanted.response:
        return ColumnPlan(name, None), None
    return ColumnPlan(name, None), f"{start} column '{name}': substituting in a column of NaN"


def _found(
    info: ColumnInfo, idx: int, domain: tuple[str, ...] | None, is_response: bool
) -> tuple[ColumnPlan, str | None]:
    name = info.name
    if info.type == "na":
        return ColumnPlan(name, None), None
    if domain is None:
        if info.type == "enum":
            raise ModelError(
                f"Test/Validation dataset has categorical column '{name}' which is real-valued "
                "in the training data"
            )
        if info.type in ("string", "uuid"):
            raise ModelError(
                f"Test/Validation dataset has {info.type} column '{name}' which is numeric in the "
                "training data. Convert it with asnumeric() first."
            )
        return ColumnPlan(name, idx), None
    if info.type == "string":
        return ColumnPlan(name, idx, texts=domain), None
    if info.type != "enum" or info.domain is None:
        return _number_as_level(info, idx, domain)
    if info.domain == domain:
        return ColumnPlan(name, idx), None
    position = {level: float(code) for code, level in enumerate(domain)}
    recode = np.array([position.get(level, np.nan) for level in info.domain], dtype=np.float64)
    unseen = [level for level in info.domain if level not in position]
    if is_response and info.domain and len(unseen) == len(info.domain):
        raise ModelError(
            f"Test/Validation dataset has a categorical response column '{name}' with no levels "
            "in common with the model"
        )
    return ColumnPlan(name, idx, recode=recode), _unseen_warning(name, unseen)


def _unseen_warning(name: str, unseen: list[str]) -> str | None:
    if not unseen:
        return None
    shown = ", ".join(f'"{level}"' for level in unseen[:_SHOWN_LEVELS])
    more = (
        f", ...{len(unseen) - _SHOWN_LEVELS} not listed..." if len(unseen) > _SHOWN_LEVELS else ""
    )
    return f"Test/Validation dataset column '{name}' has levels not trained on: [{shown}{more}]"


def _number_as_level(
    info: ColumnInfo, idx: int, domain: tuple[str, ...]
) -> tuple[ColumnPlan, str | None]:
    """Whole numbers fit a categorical column whose levels are whole numbers in writing."""
    levels = _integer_levels(domain)
    if info.type != "numeric" or levels is None:
        raise ModelError(
            f"Test/Validation dataset has a non-categorical column '{info.name}' which is "
            "categorical in the training data"
        )
    return ColumnPlan(info.name, idx, numbers=levels), None


def _integer_levels(domain: tuple[str, ...]) -> NDArray[np.int64] | None:
    try:
        return np.array([int(level) for level in domain], dtype=np.int64) if domain else None
    except (ValueError, OverflowError):
        return None
