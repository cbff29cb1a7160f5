"""AUC for more than two classes: each against the rest, each pair, and averages."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dh2o.models.metrics.score_histogram import ScoreHistogram
from dh2o.models.metrics.thresholds import auc, pr_auc
from dh2o.models.table import TwoDimTable

F64 = NDArray[np.float64]
MAX_CLASSES = 50


@dataclass(frozen=True, slots=True, eq=False)
class MultinomialAuc:
    """By class: area against the rest. By pair i < j: mean of “i by p_i” and “j by p_j”."""

    rest: dict[str, F64]  # "auc", "pr_auc" -> (K,)
    pairs: dict[str, F64]  # -> (K, K), upper triangle
    positives: F64  # (K,) weight of each class

    def average(self, metric: str, auc_type: str) -> float:
        """Return the average that `auc_type` names."""
        kind, over = auc_type.split("_")
        if over == "OVR":
            weights = self.positives if kind == "WEIGHTED" else None
            return float(np.average(self.rest[metric], weights=weights))
        upper = np.triu_indices(len(self.positives), 1)
        both = self.positives[upper[0]] + self.positives[upper[1]]
        return float(
            np.average(self.pairs[metric][upper], weights=both if kind == "WEIGHTED" else None)
        )

    def table(self, metric: str, domain: tuple[str, ...]) -> TwoDimTable:
        """Return H2O's table of all areas and averages."""
        rows: list[list[object]] = []
        for idx, level in enumerate(domain):
            rows.append([f"{level} vs Rest", level, None, self.rest[metric][idx]])
        rows.append(["Macro OVR", None, None, self.average(metric, "MACRO_OVR")])
        rows.append(["Weighted OVR", None, None, self.average(metric, "WEIGHTED_OVR")])
        for i, j in zip(*np.triu_indices(len(domain), 1), strict=True):
            first, second = domain[int(i)], domain[int(j)]
            area = self.pairs[metric][i, j]
            rows.append([f"Class {first} vs. {second}", first, second, area])
        rows.append(["Macro OVO", None, None, self.average(metric, "MACRO_OVO")])
        rows.append(["Weighted OVO", None, None, self.average(metric, "WEIGHTED_OVO")])
        name = "AUC" if metric == "auc" else "auc_pr"
        header = [
            ("type", "string"),
            ("first_class_domain", "string"),
            ("second_class_domain", "string"),
            (name.lower(), "double"),
        ]
        return TwoDimTable.of_rows(f"Multinomial {name} values", header, rows)


def multinomial_auc(histograms: tuple[ScoreHistogram, ...], scale: float) -> MultinomialAuc:
    """Return the areas from one histogram per class (of its own probability, by actual class)."""
    k = len(histograms)
    cumulated = [np.cumsum(h.counts[::-1], axis=0) / scale for h in histograms]
    areas = {"auc": auc, "pr_auc": pr_auc}
    rest = {name: np.full(k, np.nan) for name in areas}
    one = {name: np.full((k, k), np.nan) for name in areas}
    positives = np.array([c[-1, i] if len(c) else 0.0 for i, c in enumerate(cumulated)])
    for i, counts in enumerate(cumulated):
        others = counts.sum(axis=1) - counts[:, i]
        for name, area in areas.items():
            if len(counts) and others[-1] > 0:
                rest[name][i] = area(counts[:, i], others)
            for j in range(k):
                if j != i and len(counts) and counts[-1, j] > 0:
                    one[name][i, j] = area(*_present(counts[:, i], counts[:, j]))
    # like H2O, a pair of which one class has no rows counts as 0
    pairs = {name: np.nan_to_num((matrix + matrix.T) / 2, nan=0.0) for name, matrix in one.items()}
    return MultinomialAuc(rest, pairs, positives)


def _present(tps: F64, fps: F64) -> tuple[F64, F64]:
    """Leave out thresholds at which neither class has a row."""
    changed = (np.diff(tps, prepend=0.0) > 0) | (np.diff(fps, prepend=0.0) > 0)
    return tps[changed], fps[changed]
