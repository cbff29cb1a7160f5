"""Gains and lift by groups of descending score."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from dh2o.models.metrics.score_histogram import ScoreHistogram
from dh2o.models.table import TwoDimTable

F64 = NDArray[np.float64]

_SHARES = (0.99, 0.98, 0.97, 0.96, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0)


def gains_lift_table(histogram: ScoreHistogram, scale: float, bins: int = -1) -> TwoDimTable | None:
    """Return H2O's gains/lift table; None without rows, or when `bins` is 0.

    Groups are cut at the 16 usual quantiles of the score, or at `bins` equal shares; equal cuts
    are one group. Quantiles interpolate between neighbouring rows.
    """
    if bins == 0 or len(histogram.keys) == 0:
        return None
    scores = histogram.scores
    weights = histogram.counts.sum(axis=1) / scale
    events = histogram.counts[:, 1] / scale
    shares = _SHARES if bins < 0 else tuple((bins - i - 1.0) / bins for i in range(bins))
    cuts = np.unique(quantiles(scores, weights, shares))[::-1]
    starts = np.searchsorted(scores, cuts)  # first score of each group; groups descend
    n = _group_sums(weights, starts)
    e = _group_sums(events, starts)
    s = _group_sums(weights * scores, starts)
    return _table(cuts, n, e, s)


def quantiles(values: F64, weights: F64, shares: tuple[float, ...]) -> F64:
    """Return weighted quantiles of ascending `values`, interpolated between rows.

    Row i of n stands at i; the quantile of share p at p (n - 1).
    """
    cumulated = np.cumsum(weights)
    position = np.asarray(shares) * max(cumulated[-1] - 1.0, 0.0)
    last = len(values) - 1
    low = np.minimum(np.searchsorted(cumulated, position, side="right"), last)
    # the next row lies in the same run of equal values unless position + 1 passes its end
    high = np.minimum(
        np.where(position + 1.0 > cumulated[low] - 1e-9 * cumulated[-1], low + 1, low), last
    )
    between = position - np.floor(position)
    step = np.floor(position) + 1.0 >= cumulated[low]
    return np.where(
        step & (between > 0), values[low] + between * (values[high] - values[low]), values[low]
    )


def _group_sums(amounts: F64, starts: NDArray[np.intp]) -> F64:
    """Return sums of amounts[starts[i] : starts[i-1]], the first group reaching to the end."""
    cumulated = np.append(0.0, np.cumsum(amounts))
    ends = np.append(len(amounts), starts[:-1])
    return cumulated[ends] - cumulated[starts]


def _table(cuts: F64, n: F64, e: F64, s: F64) -> TwoDimTable | None:
    n_all, e_all, s_all = float(n.sum()), float(e.sum()), float(s.sum())
    cum_n, cum_e, cum_s = np.cumsum(n), np.cumsum(e), np.cumsum(s)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.float64(e_all) / n_all
        rate = np.where(n == 0, 0.0, e / n)
        lift, cum_lift = rate / mean, cum_e / cum_n / mean
        others = n_all - e_all
        cum_others = (cum_n - cum_e) / others if others else np.zeros(len(n))
        columns: dict[str, tuple[str, object]] = {
            "group": ("int", range(1, len(n) + 1)),
            "cumulative_data_fraction": ("double", cum_n / n_all),
            "lower_threshold": ("double", cuts),
            "lift": ("double", lift),
            "cumulative_lift": ("double", cum_lift),
            "response_rate": ("double", rate),
            "score": ("double", np.where(n == 0, 0.0, s / n)),
            "cumulative_response_rate": ("double", cum_e / cum_n),
            "cumulative_score": ("double", cum_s / cum_n),
            "capture_rate": ("double", e / np.float64(e_all)),
            "cumulative_capture_rate": ("double", cum_e / np.float64(e_all)),
            "gain": ("double", 100 * (lift - 1)),
            "cumulative_gain": ("double", 100 * (cum_lift - 1)),
            "kolmogorov_smirnov": ("double", cum_e / np.float64(e_all) - cum_others),
        }
    if math.isnan(mean):
        return None
    about = f"Avg response rate: {100 * mean:5.2f} %, avg score: {100 * s_all / n_all:5.2f} %"
    return TwoDimTable.of("Gains/Lift Table", columns, about)  # type: ignore[arg-type]  # arrays
