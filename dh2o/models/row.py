"""One row as a model reads it, without the detour over a table: some microseconds a row."""

from __future__ import annotations

import datetime as dt
import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dh2o.errors import ModelError
from dh2o.models.columns import F64, Columns
from dh2o.models.encoding import EncodingStep
from dh2o.models.model import Model

if TYPE_CHECKING:
    from dh2o.models.glm import GLMModel

__all__ = ["RowReader", "RowWriter", "input_domains", "row_score"]

Domain = tuple[str, ...] | None
_NAN = math.nan
_ABSENT = frozenset(("", "NA", "N/A", "nan", "NaN", "null"))
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_LARGEST_CACHE = 100_000
_MOST_TOLD = 1000
_ALIKE = 0.75


class RowColumns(Columns):
    """The columns of one row: `values` in the order of `where`, the predictors `first` in front."""

    __slots__ = ("_first", "_values", "_where")

    def __init__(self, first: tuple[str, ...], where: dict[str, int], values: list[float]) -> None:
        self._first = first
        self._where = where
        self._values = values
        self.n_rows = 1

    def __getitem__(self, name: str) -> F64:
        return np.array([self._values[self._where[name]]])

    def __iter__(self) -> Iterator[str]:
        return iter(self._where)

    def __len__(self) -> int:
        return len(self._where)

    def value(self, name: str) -> float:
        """Return the value of a column."""
        return self._values[self._where[name]]

    def matrix(self, names: tuple[str, ...], out: Any = None) -> F64:
        """Return the columns `names` side by side, as one row."""
        row = np.empty((1, len(names))) if out is None else out
        if names == self._first:
            row[0] = self._values[: len(names)]
        else:
            row[0] = [self._values[self._where[name]] for name in names]
        return np.asarray(row)


def input_domains(model: Model) -> dict[str, Domain]:
    """Return the levels of each predictor and of the offset, as a user gives them."""
    output = model.output
    encoding = output.encoding
    names = encoding.names if encoding is not None else output.names
    domains = encoding.domains if encoding is not None else output.domains
    wanted = {*output.input_names, output.offset}
    return {n: d for n, d in zip(names, domains, strict=True) if n in wanted}


class RowReader:
    """Makes a model's columns of a dict; what each column needs is worked out once."""

    def __init__(self, model: Model, unknown_is_na: bool, invalid_is_na: bool) -> None:
        output = model.output
        self._offset = output.offset
        self._steps = output.encoding.steps if output.encoding is not None else ()
        domains = input_domains(model)
        self._parts = [
            (name, _level_reader(name, domain, unknown_is_na) if domain is not None else None)
            for name, domain in domains.items()
        ]
        self._number = _number_reader(invalid_is_na)
        self._names = (*output.x, *([output.offset] if output.offset else []))
        self._where = {name: idx for idx, name in enumerate(self._names)}
        self._first = output.x
        self._encoders = {step.source: _Encoder(step) for step in self._steps}
        self._known = tuple(domains)
        self._others = {*output.names, *domains}
        self._told: set[Any] = set()

    def __call__(self, row: Mapping[str, Any]) -> RowColumns:
        """Return the columns of one row."""
        get, number = row.get, self._number
        has_all = True
        if not self._encoders:
            by_name: dict[str, float] = {}
            for name, level in self._parts:
                value = get(name)
                if type(value) is float:
                    by_name[name] = value if level is None else level(value)
                elif value is None:
                    by_name[name] = _NAN
                    has_all = False
                else:
                    by_name[name] = number(name, value) if level is None else level(value)
        else:
            by_name = self._encoded(row)
            has_all = None not in map(get, self._known)
        if not has_all:
            self._look_at_names(row)
        if self._offset is not None and math.isnan(by_name[self._offset]):
            raise ModelError(
                f"The row has no offset {self._offset!r}. If its effect is not wanted, give 0."
            )
        values = [by_name[name] for name in self._names]
        return RowColumns(self._first, self._where, values)

    def _look_at_names(self, row: Mapping[str, Any]) -> None:
        """Refuse a row of other names than the model's; warn of each name once that is like one."""
        own = self._known
        absent = [name for name in own if name not in row]
        if not absent or len(row) == len(own) - len(absent):
            return
        if len(absent) == len(own):
            raise ModelError(
                f"The row names no column of the model. It has {_listed(row)}; the model reads "
                f"{_listed(own)}."
            )
        for name in row:
            if name in self._others or name in self._told or len(self._told) >= _MOST_TOLD:
                continue
            self._told.add(name)
            meant = _most_alike(str(name), absent)
            if meant is not None:
                warnings.warn(
                    f"The row has {name!r}, which the model does not know, and no {meant!r}, which "
                    "counts as NA. Is it misspelt?",
                    RuntimeWarning,
                    stacklevel=4,
                )

    def _encoded(self, row: Mapping[str, Any]) -> dict[str, float]:
        """Return the columns of a row whose categoricals became others."""
        by_name: dict[str, float] = {}
        for name, level in self._parts:
            value = row.get(name)
            if value is None:
                found = _NAN
            else:
                found = self._number(name, value) if level is None else level(value)
            encoder = self._encoders.get(name)
            if encoder is None:
                by_name[name] = found
            else:
                by_name.update(encoder(found))
        return by_name


def _listed(names: Iterable[Any]) -> str:
    some = list(names)
    return ", ".join(map(repr, some[:5])) + (", ..." if len(some) > 5 else "")


def _most_alike(name: str, names: Sequence[str]) -> str | None:
    """Return the name that `name` may have been meant for, of capitals aside; None if none is."""
    from difflib import get_close_matches

    by_fold = {other.casefold(): other for other in names}
    found = get_close_matches(name.strip().casefold(), by_fold, n=1, cutoff=_ALIKE)
    return by_fold[found[0]] if found else None


class _Encoder:
    """The columns that a level becomes, remembered."""

    def __init__(self, step: EncodingStep) -> None:
        self._step = step
        self._known: dict[float | None, dict[str, float]] = {}

    def __call__(self, code: float) -> dict[str, float]:
        key = None if math.isnan(code) else code
        found = self._known.get(key)
        if found is None:
            made = self._step.columns(np.array([code]))
            found = {name: float(column[0]) for name, column in made.items()}
            if len(self._known) * len(found) < _LARGEST_CACHE:
                self._known[key] = found
        return found


def _level_reader(
    name: str, domain: tuple[str, ...], unknown_is_na: bool
) -> Callable[[Any], float]:
    """Return what finds the code of a level."""
    codes = {level: float(code) for code, level in enumerate(domain)}

    def code_of(value: Any) -> float:
        found = codes.get(value) if type(value) is str else None
        if found is not None:
            return found
        text = _level_text(value)
        if text is None:
            return _NAN
        found = codes.get(text)
        if found is None:
            if unknown_is_na:
                return _NAN
            raise ModelError(f"Unknown categorical level ({name},{text}).")
        return found

    return code_of


def _level_text(value: Any) -> str | None:
    """Return the level that a value writes, whole numbers without a point; None for NA."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None if _is_na(value) else str(value)
    if math.isnan(number):
        return None
    return str(int(number)) if number == int(number) and abs(number) < 1e15 else str(value)


def _number_reader(invalid_is_na: bool) -> Callable[[str, Any], float]:
    """Return what makes a number of a value."""

    def number_of(name: str, value: Any) -> float:
        if isinstance(value, dt.datetime | np.datetime64):
            return _milliseconds(value)
        try:
            return float(value)
        except (TypeError, ValueError):
            pass
        if _is_na(value) or (isinstance(value, str) and value.strip() in _ABSENT):
            return _NAN
        if isinstance(value, dt.date):
            return _milliseconds(dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC))
        if invalid_is_na:
            return _NAN
        raise ModelError(f"Unable to parse value: {str(value)[:60]!r}, from column: {name}.")

    return number_of


def _is_na(value: Any) -> bool:
    """Return whether `value` is a missing value of pandas: NA or NaT."""
    return type(value).__name__ in ("NAType", "NaTType")


def _milliseconds(value: dt.datetime | np.datetime64) -> float:
    if isinstance(value, np.datetime64):
        return _NAN if np.isnat(value) else float(value.astype("datetime64[ms]").astype(np.int64))
    if _is_na(value):
        return _NAN
    aware = value if value.tzinfo is not None else value.replace(tzinfo=dt.UTC)
    return (aware - _EPOCH) / dt.timedelta(milliseconds=1)


class RowWriter:
    """Names what a model scored of one row."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._names = model.prediction_names
        self._levels = model.prediction_domain
        output = model.output
        is_plain = type(model).labels is Model.labels and output.calibration is None
        self._binary = is_plain and output.category == "Binomial" and output.n_classes == 2
        self._many = is_plain and output.category == "Multinomial"
        self._threshold = output.default_threshold if self._binary else 0.5

    def all_of(self, raw: F64) -> dict[str, Any]:
        """Return the predictions of one row by name."""
        values: list[Any] = raw[0].tolist()
        levels = self._levels
        if levels is None:  # an autoencoder's last value is its error, which is no prediction
            return dict(zip(self._names, values, strict=False))
        first = values[0]
        if first != first:  # noqa: PLR0124  # NaN
            label = None
        elif self._binary:
            label = levels[values[1] >= self._threshold]
        elif self._many:
            best = values[: len(levels)]
            label = levels[best.index(max(best))]
        else:
            return self._slow(raw)
        return dict(zip(self._names, [label, *values], strict=True))

    def _slow(self, raw: F64) -> dict[str, Any]:
        """Return the same by way of what scores tables."""
        columns = [column[0] for column in self._model.predictions(raw)]
        code = int(columns[0])
        label = None if code < 0 or self._levels is None else self._levels[code]
        return dict(zip(self._names, [label, *map(float, columns[1:])], strict=True))


def row_score(model: Model) -> Callable[[RowColumns], F64]:
    """Return what scores one row; as `Model.score` does, with less work where that is possible."""
    from dh2o.models.glm import GLMModel

    if type(model) is not GLMModel or model.has_classes or model.extra_columns():
        return model.score
    return _linear(model)


def _linear(model: GLMModel) -> Callable[[RowColumns], F64]:
    """Return the same sum as `Design.eta`, term by term in the same order, in plain numbers."""
    design, link, offset = model.design, model.link, model.output.offset
    full = design.spread(model.beta).tolist()
    starts, fills = design.starts, design.fills.tolist()
    levels = [
        (name, start, start + mode)
        for name, start, mode in zip(design.categoricals, starts, design.modes, strict=False)
    ]
    numbers = list(zip(design.numerics, full[starts[-1] :], fills, strict=False))
    intercept, skips = full[-1], design.skip_na
    is_classifier = model.output.category.is_classifier

    def score(row: RowColumns) -> F64:
        eta, has_na = intercept, False
        for name, start, mode in levels:
            code = row.value(name)
            is_na = code != code  # noqa: PLR0124  # NaN
            has_na |= is_na
            eta += full[mode if is_na else start + int(code)]
        for name, b, fill in numbers:
            x = row.value(name)
            if x != x:  # noqa: PLR0124  # NaN
                x, has_na = fill, True
            if b:
                eta += b * x
        if skips and has_na:
            eta = _NAN
        if offset is not None:
            eta += row.value(offset)
        with np.errstate(over="ignore"):
            mu = link.inverse(np.array([eta]))
        return np.array([[1.0 - mu[0], mu[0]]]) if is_classifier else mu[:, None]

    return score
