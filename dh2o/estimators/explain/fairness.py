"""Intersectional fairness: how a binomial model treats each group of some protected columns.

Names, order and the reference group are H2O's. AIR is the ratio to the reference group; p-values
compare selected rows by Fisher's exact test, in groups of 10,000 rows and more by the G-test.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dh2o.chunks import Block
from dh2o.errors import FrameError, ModelError, ParameterError
from dh2o.estimators.adapt_frame import infos_for
from dh2o.estimators.scoring import slim
from dh2o.frame import Frame
from dh2o.models import Model, ModelCategory
from dh2o.models.adapt import Adaptation
from dh2o.models.metrics.binomial import BinomialMetricBuilder, ModelMetricsBinomial
from dh2o.models.score_block import adaptation_of, tiles
from dh2o.mrtask import MRTask

__all__ = ["fairness_metrics"]

_MAX_GROUPS = 1_000_000
_GTEST_ROWS = 10_000
_SIZES = ("total", "relativeSize")


@dataclass(slots=True)
class _Group:
    """What is counted of a group: selected or not, rightly or not, and its scores."""

    tp: float = 0.0
    fp: float = 0.0
    tn: float = 0.0
    fn: float = 0.0
    scores: Any = None


class GroupsTask(MRTask[Any, Any]):
    """Counts and scores by group; a group is its levels' codes, -1 for NA."""

    __slots__ = ("builder", "favourable", "model", "plan", "protected")

    def __init__(
        self, model: Model, plan: Adaptation, protected: tuple[str, ...], favourable: int
    ) -> None:
        self.model = model
        self.plan = plan
        self.protected = protected
        self.favourable = favourable
        self.builder = BinomialMetricBuilder()

    def map(self, block: Block) -> dict[tuple[int, ...], _Group]:
        groups: dict[tuple[int, ...], _Group] = {}
        for start, stop, columns in tiles(block, self.plan):
            raw = self.model.score(columns)
            actual = columns[self.model.output.response or ""]
            p = raw[:, self.favourable]
            said = (self.model.labels(raw) == self.favourable).astype(np.float64)
            is_so = np.where(np.isnan(actual), np.nan, actual == self.favourable)
            codes = [block.chunk(n).floats(start=start, stop=stop) for n in self.protected]
            keys = np.nan_to_num(np.stack(codes, axis=1), nan=-1.0).astype(np.int64)
            usable = ~np.isnan(is_so) & ~np.isnan(p)
            for key in np.unique(keys[usable], axis=0):
                here = usable & (keys == key).all(axis=1)
                part = self._group(p[here], said[here], is_so[here])
                name = tuple(int(code) for code in key)
                groups[name] = self._sum(groups.get(name), part)
        return groups

    def _group(self, p: Any, said: Any, is_so: Any) -> _Group:
        return _Group(
            tp=float((said * is_so).sum()),
            fp=float((said * (1 - is_so)).sum()),
            tn=float(((1 - said) * (1 - is_so)).sum()),
            fn=float(((1 - said) * is_so).sum()),
            scores=self.builder.map(p, is_so),
        )

    def _sum(self, a: _Group | None, b: _Group) -> _Group:
        if a is None:
            return b
        scores = self.builder.combine(a.scores, b.scores)
        return _Group(a.tp + b.tp, a.fp + b.fp, a.tn + b.tn, a.fn + b.fn, scores)

    def combine(self, a: Any, b: Any) -> Any:
        for key, group in b.items():
            a[key] = self._sum(a.get(key), group)
        return a


def fairness_metrics(
    model: Model,
    frame: Frame,
    protected: Sequence[str],
    reference: Sequence[str] | None,
    favourable: str,
) -> dict[str, Frame]:
    """Return the frame ``overview``, one row a group, and the thresholds' table of each group.

    The frames are stored under keys of their own.
    """
    label = _checked(model, frame, protected, favourable)
    plan = adaptation_of(model, infos_for(model, frame), with_metrics=True)
    task = GroupsTask(slim(model), plan, tuple(protected), label)
    found: dict[tuple[int, ...], _Group] = task.do_all(frame) or {}
    domains = [frame.vec(name).domain or () for name in protected]
    if not found:
        raise FrameError("fairness_metrics: no row has a response and a prediction.")
    # H2O's order: the first column changes fastest, NA comes last.
    order = sorted(found, key=lambda key: [c if c >= 0 else math.inf for c in reversed(key)])
    figures = {key: _figures(task.builder, found[key], frame.n_rows) for key in order}
    chosen = _reference(figures, domains, protected, reference)
    suffix = f"for_model_{model.key}_for_frame_{frame.key or 'unnamed'}"
    made: dict[str, Frame] = {}
    for key in order:
        name = _group_name(key, domains)
        table = task.builder.finish(found[key].scores).thresholds_and_metric_scores
        columns = {c: np.array(table.column(c), dtype=np.float64) for c in table.col_names if c}
        columns = {("Threshold" if c == "threshold" else c): v for c, v in columns.items()}
        stored = f"thresholds_and_metrics_{name}_{suffix}"
        made[f"thresholds_and_metrics_{name}"] = Frame.from_any(columns).put(stored)
    overview = _overview(figures, chosen, protected, domains)
    made["overview"] = overview.put(f"fairness_metrics_{suffix}")
    return made


def _checked(model: Model, frame: Frame, protected: Sequence[str], favourable: str) -> int:
    """Return the code of the favourable class, or raise what is wrong."""
    if model.output.category is not ModelCategory.BINOMIAL:
        raise ModelError("fairness_metrics: the model has to be a binomial model.")
    if model.output.response not in frame.names:
        raise FrameError(f"The frame has no response column {model.output.response!r}.")
    if not protected:
        raise ParameterError("protected_columns: name at least one column.")
    for name in protected:
        if name not in frame.names:
            raise FrameError(f"{name} was not found in the frame.")
        if not frame.vec(name).is_enum:
            raise FrameError(f"{name} has to be a categorical column.")
    if math.prod(len(frame.vec(name).domain or ()) + 1 for name in protected) > _MAX_GROUPS:
        raise ParameterError(f"protected_columns: more than {_MAX_GROUPS} groups are possible.")
    domain = model.output.response_domain or ()
    if favourable not in domain:
        raise ParameterError(f"favorable_class: {favourable!r} is none of {', '.join(domain)}.")
    return domain.index(favourable)


def _figures(builder: BinomialMetricBuilder, group: _Group, n_rows: int) -> dict[str, float]:
    metrics: ModelMetricsBinomial = builder.finish(group.scores)
    tp, fp, tn, fn = group.tp, group.fp, group.tn, group.fn
    total = tp + fp + tn + fn
    return {
        "tp": tp,
        "fp": fp,
        "tn": tn,
        "fn": fn,
        "total": total,
        "relativeSize": _ratio(total, n_rows),
        "accuracy": _ratio(tp + tn, total),
        "precision": _ratio(tp, fp + tp),
        "f1": _ratio(2 * tp, 2 * tp + fp + fn),
        "tpr": _ratio(tp, tp + fn),
        "tnr": _ratio(tn, tn + fp),
        "fpr": _ratio(fp, fp + tn),
        "fnr": _ratio(fn, fn + tp),
        "auc": metrics.auc,
        "aucpr": metrics.pr_auc,
        "gini": metrics.gini,
        "selected": tp + fp,
        "selectedRatio": _ratio(tp + fp, total),
        "logloss": metrics.logloss,
    }


def _ratio(over: float, under: float) -> float:
    if under == 0:
        return math.nan if over == 0 else math.inf
    return over / under


def _reference(
    figures: dict[tuple[int, ...], dict[str, float]],
    domains: list[tuple[str, ...]],
    protected: Sequence[str],
    reference: Sequence[str] | None,
) -> dict[str, float]:
    """Return the figures of the reference group: the one that is named, or the largest."""
    if reference is None or len(reference) != len(protected):
        return max(figures.values(), key=lambda group: group["total"])
    for name, level, domain in zip(protected, reference, domains, strict=True):
        if level not in domain:
            raise ParameterError(f"reference: column {name!r} has no level {level!r}.")
    key = tuple(domain.index(level) for domain, level in zip(domains, reference, strict=True))
    if key not in figures:
        raise ParameterError(f"reference: no row is in group {', '.join(reference)}.")
    return figures[key]


def _overview(
    figures: dict[tuple[int, ...], dict[str, float]],
    chosen: dict[str, float],
    protected: Sequence[str],
    domains: list[tuple[str, ...]],
) -> Frame:
    import pyarrow as pa

    columns: dict[str, Any] = {}
    for i, (name, domain) in enumerate(zip(protected, domains, strict=True)):
        codes = pa.array([key[i] if key[i] >= 0 else None for key in figures], pa.int32())
        columns[name] = pa.DictionaryArray.from_arrays(codes, pa.array(list(domain), pa.string()))
    names = list(chosen)
    for name in names:
        columns[name] = pa.array([group[name] for group in figures.values()], pa.float64())
    for name in names:
        if name not in _SIZES:
            ratios = [_ratio(group[name], chosen[name]) for group in figures.values()]
            columns[f"AIR_{name}"] = pa.array(ratios, pa.float64())
    values = [_p_value(chosen, group) for group in figures.values()]
    columns["p.value"] = pa.array(values, pa.float64())
    return Frame.from_arrow(pa.table(columns))


def _p_value(reference: dict[str, float], group: dict[str, float]) -> float:
    from scipy import stats

    counts = np.array(
        [
            [group["selected"], reference["selected"]],
            [group["total"] - group["selected"], reference["total"] - reference["selected"]],
        ]
    )
    small = max(group["total"], reference["total"]) < _GTEST_ROWS
    if small or (counts == 0).any():
        return float(stats.fisher_exact(counts.astype(np.int64))[1])
    return float(stats.chi2_contingency(counts, correction=False, lambda_="log-likelihood")[1])


def _group_name(key: tuple[int, ...], domains: list[tuple[str, ...]]) -> str:
    levels = [domain[c] if c >= 0 else "NaN" for c, domain in zip(key, domains, strict=True)]
    return re.sub(r"[^A-Za-z0-9,]", "_", ",".join(levels))
