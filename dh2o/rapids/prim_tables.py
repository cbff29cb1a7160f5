"""Primitives: counts of values, distinct values, histograms, values cut into intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from dh2o.errors import RapidsError
from dh2o.frame import VecType
from dh2o.rapids.columns import Column, Const, Local, Op, Table, local_table, numeric
from dh2o.rapids.evaluator import Env
from dh2o.rapids.groups import grouped
from dh2o.rapids.kernels import F64
from dh2o.rapids.levels import level_counts, unique_numbers, unique_texts
from dh2o.rapids.order_statistics import quantiles_of
from dh2o.rapids.passes import gather, together
from dh2o.rapids.reducers import facts_of, na_counts, power_sums
from dh2o.rapids.table import primitive
from dh2o.rapids.values import Val, ValFrame, ValNum, ValNums, ValStr

__all__: list[str] = []

MOST_PIECES = 10_000_000  # as many as H2O lets a column have levels


@primitive("table", "x:frame rest:any*", "Counts of the values of one column, or of pairs of two.")
def table_(_env: Env, x: Table, *rest: Val) -> Val:
    dense = not rest or (isinstance(rest[-1], ValNum) and rest[-1].value == 1)
    other = rest[0].table if rest and isinstance(rest[0], ValFrame) else None
    base, columns, names = x, list(x.columns), list(x.names)
    if other is not None:
        base, aligned = together([x, other])
        columns = [*base.columns, *aligned.columns]
        names = [*x.names, *other.names]
    if len(columns) not in (1, 2):
        raise RapidsError("table expects one or two columns")
    for name, column in zip(names, columns, strict=True):
        if not (column.is_enum or column.is_numberlike):
            raise RapidsError(f"table counts numbers and categories; {name!r} is {column.type}.")
    groups = grouped(base, columns, [])
    found = np.stack(groups.keys)
    there = ~np.isnan(found).any(axis=0)
    keys, counts = found[:, there], groups.n_rows[there]
    if len(columns) == 1:
        return ValFrame(_counts(names[0], columns[0], keys[0], counts))
    if dense:
        kinds = [c.type for c in columns]
        domains = [c.domain for c in columns]
        return ValFrame(
            local_table(
                _distinct([*names, "Counts"]),
                [*keys, counts],
                [*kinds, VecType.NUMERIC],
                [*domains, None],
            )
        )
    return ValFrame(_crossed(names, columns, keys, counts))


def _distinct(names: Sequence[str]) -> list[str]:
    from dh2o.rapids.columns import unique_names

    return unique_names(names)


def _counts(name: str, column: Column, keys: F64, counts: F64) -> Table:
    whole = bool(len(keys)) and bool((keys == np.floor(keys)).all())
    fast = whole and keys[-1] - keys[0] + 1 <= 1_000_000
    names = [name, "Count" if fast or not len(keys) else "Counts"]
    kinds = [column.type, VecType.NUMERIC]
    return local_table(_distinct(names), [keys, counts], kinds, [column.domain, None])


def _crossed(names: Sequence[str], columns: Sequence[Column], keys: F64, counts: F64) -> Table:
    """Return one row for each value of the first column, one column for each of the second."""
    from dh2o.rapids.arithmetic import java_double

    rows, row_of = np.unique(keys[0], return_inverse=True)
    across, column_of = np.unique(keys[1], return_inverse=True)
    wide = np.zeros((len(across), len(rows)))
    wide[column_of, row_of] = counts
    levels = columns[1].domain
    labels = [levels[int(v)] if levels else java_double(float(v)) for v in across]
    kinds = [columns[0].type] + [VecType.NUMERIC] * len(labels)
    domains = [columns[0].domain] + [None] * len(labels)
    return local_table(_distinct([names[0], *labels]), [rows, *wide], kinds, domains)


@primitive("unique", "ary:frame include_nas:num?", "The distinct values of a column, ascending.")
def unique(_env: Env, table: Table, include_nas: float | None) -> Val:
    if not table.n_cols:
        raise RapidsError("unique needs a column.")
    column = table.columns[0]
    has_na = na_counts(table.select([0]))[0] > 0
    if column.is_enum:
        counts = level_counts(table, column)[:-1]
        levels = [level for level, n in zip(column.domain or (), counts, strict=True) if n]
        codes = np.arange(len(levels), dtype=np.float64)
        if has_na and include_nas == 1:
            codes = np.append(codes, np.nan)
        return ValFrame(local_table(["C1"], [codes], [VecType.ENUM], [levels]))
    if column.is_string:
        import pyarrow as pa

        texts: list[str | None] = list(unique_texts(table, column))
        if has_na and include_nas == 1:
            texts.append(None)
        return ValFrame(local_table(["C1"], [pa.array(texts, pa.large_string())], [VecType.STRING]))
    values = unique_numbers(table, column)
    if has_na:
        values = np.append(values, np.nan)  # H2O lists NA among numbers whatever is asked
    return ValFrame(local_table(["C1"], [values], [column.type]))


@primitive(
    "hist", "ary:frame breaks:any", "Columns breaks, counts, mids_true and mids of a histogram."
)
def hist(_env: Env, table: Table, breaks: Val) -> Val:
    column = table.only("Hist")
    if not column.is_number:
        raise RapidsError("Hist only applies to single numeric columns.")
    facts = facts_of(table, [column], "range", "m2")
    low, high = float(facts.mins[0]), float(facts.maxs[0])
    if not low < high:
        raise RapidsError("Hist does not apply to constant numeric columns.")
    if isinstance(breaks, ValNums):
        edges, width = breaks.values, -1.0
        if len(edges) < 2 or not (np.diff(edges) > 0).all():
            raise RapidsError("Hist needs at least two breaks, in rising order and without NA.")
    else:
        rule = None if isinstance(breaks, ValNum) else _rule_width(table, breaks)
        if rule is not None:
            n_breaks = math.ceil((high - low) / rule)
        else:
            n_breaks = _given(breaks) if isinstance(breaks, ValNum) else _n_breaks(table, breaks)
        if not 2 <= n_breaks <= MOST_PIECES:
            raise RapidsError(f"Hist makes 2 to {MOST_PIECES} breaks, not {n_breaks}.")
        even = (high - low) / n_breaks
        width = even if rule is None else rule  # H2O counts by the rule's width, shows even breaks
        edges = np.asarray(low + even * np.arange(1, n_breaks + 1), dtype=np.float64)
    held = gather(table, "hist").columns[0].expr
    values = held.values if isinstance(held, Local) else np.empty(0)
    return ValFrame(_histogram(values[~np.isnan(values)], edges, width, low))


def _given(breaks: ValNum) -> int:
    return int(breaks.value) if abs(breaks.value) <= MOST_PIECES + 1 else MOST_PIECES + 1


def _histogram(values: F64, edges: F64, width: float, low: float) -> Table:
    n_bins = len(edges) - 1
    if width > 0:
        bins = np.minimum(n_bins - 1, np.floor((values - low) / width)).astype(np.int64)
    else:
        bins = np.clip(np.searchsorted(edges, values, side="left") - 1, 0, n_bins - 1)
    bins = np.maximum(bins, 0)
    counts = np.bincount(bins, minlength=n_bins).astype(np.float64)
    lows, highs = np.full(n_bins, np.inf), np.full(n_bins, -np.inf)
    np.minimum.at(lows, bins, values)
    np.maximum.at(highs, bins, values)
    with np.errstate(all="ignore"):
        true_mids = np.where(counts > 0, (lows + highs) / 2, np.nan)
    mids = (edges[:-1] + edges[1:]) / 2
    blank = [np.nan]
    columns = [edges, *(np.append(blank, c) for c in (counts, true_mids, mids))]
    return local_table(["breaks", "counts", "mids_true", "mids"], columns)


def _rule_name(rule: Val) -> str:
    return rule.value.lower() if isinstance(rule, ValStr) else "sturges"


def _n_breaks(table: Table, rule: Val) -> int:
    """Return how many bins a rule of counts asks for."""
    name = _rule_name(rule)
    column = table.columns[0]
    facts = facts_of(table, [column])
    n = float(facts.n_rows)
    log_n = math.log2(n) + 1e-10
    if name == "rice":
        return math.ceil(2 * n ** (1 / 3))
    if name == "sqrt":
        return int(math.sqrt(n))
    if name == "doane":
        sums = power_sums(table, [column], np.array([facts.mean(0)]))[0]
        skew = (sums[1] / n) / (sums[0] / n) ** 1.5
        spread = math.sqrt(6 * (n - 2) / ((n + 1) * (n + 3)))
        return int(1 + log_n + math.log2(1 + abs(skew) / spread)) if spread else 1
    return math.ceil(1 + log_n)


def _rule_width(table: Table, rule: Val) -> float | None:
    """Return the width of bins of a rule of widths; None for the others and where it has none."""
    name = _rule_name(rule)
    column = table.columns[0]
    if name == "scott":
        facts = facts_of(table, [column], "m2")
        return 3.5 * math.sqrt(facts.variances[0]) / facts.n_rows ** (1 / 3)
    if name == "fd":
        middle, _ = quantiles_of(table, [column], [0.5])
        apart = numeric(Op("abs", (Op("-", (column.expr, Const(middle[0][0]))),)))
        mad = 1.4826 * quantiles_of(table, [apart], [0.5])[0][0][0]
        return 2 * mad * table.n_rows ** (-1 / 3) or None
    return None


@primitive(
    "cut",
    "ary:frame breaks:nums labels:strs? include_lowest:num right:num digits:int",
    "The interval of each value as a category; one break is a count of equal widths.",
)
def cut(
    _env: Env,
    table: Table,
    breaks: F64,
    labels: tuple[str, ...] | None,
    lowest: float,
    right: float,
    digits: int,
) -> Val:
    column = table.columns[0] if table.n_cols == 1 else None
    if column is None or not column.is_numberlike:
        raise RapidsError("First argument must be a numeric column vector")
    cuts = np.sort(np.asarray(breaks, dtype=np.float64))
    n_bins = len(cuts) - 1
    if n_bins < 0 or np.isnan(cuts).any():
        raise RapidsError("cut needs at least one break, and no NA among them.")
    if n_bins == 0:
        if not 2 <= cuts[0] <= MOST_PIECES:
            raise RapidsError(
                f"The number of cuts must be >= 2 and <= {MOST_PIECES}. Got: {cuts[0]}"
            )
        cuts, n_bins = _equal_cuts(table, column, int(cuts[0]))
    power = 10.0 ** min(max(digits, 0), 12)
    cuts = np.floor(cuts * power + 0.5) / power
    if labels and len(labels) != n_bins:
        raise RapidsError("`labels` vector does not match the number of cuts.")
    names = tuple(labels) if labels else _intervals(cuts, lowest == 1, right == 1)
    expr = Op("cut", (column.expr,), (cuts, right == 1, lowest == 1))
    return ValFrame(table.like(table.names, [Column(VecType.ENUM, expr, names)]))


def _equal_cuts(table: Table, column: Column, n_bins: int) -> tuple[F64, int]:
    """Return H2O's cuts for a number of pieces: one interval fewer, a bit wider than the values."""
    facts = facts_of(table, [column], "range")
    low, high = float(facts.mins[0]), float(facts.maxs[0])
    margin, width = 0.001 * (high - low), (high - low) / n_bins
    cuts = np.asarray(low + width * np.arange(n_bins), dtype=np.float64)
    cuts[0], cuts[-1] = low - margin, high + margin
    return cuts, n_bins


def _intervals(cuts: F64, lowest: bool, right: bool) -> tuple[str, ...]:
    from dh2o.rapids.arithmetic import java_double

    opening, closing = ("(", "]") if right else ("[", ")")
    names = []
    for i, (a, b) in enumerate(pairwise(cuts.tolist())):
        start = "[" if lowest and i == 0 else opening
        names.append(f"{start}{java_double(float(a))},{java_double(float(b))}{closing}")
    return tuple(names)
