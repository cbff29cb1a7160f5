"""Confusion matrices: counts, errors and the table that H2O shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dh2o.models.table import TwoDimTable

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ConfusionMatrix:
    """``counts[actual, predicted]`` for the classes of ``domain``."""

    counts: F64
    domain: tuple[str, ...]
    threshold: float | None = None
    criterion: str | None = None

    @property
    def class_errors(self) -> F64:
        """Share of each class's rows predicted as another; 0 for classes without rows."""
        totals = self.counts.sum(axis=1)
        wrong = totals - np.diag(self.counts)
        return np.divide(wrong, totals, out=np.zeros(len(totals)), where=totals > 0)

    @property
    def mean_per_class_error(self) -> float:
        """Mean of the class errors over all classes."""
        return float(self.class_errors.mean()) if len(self.counts) else float("nan")

    @property
    def error(self) -> float:
        """Share of all rows predicted wrongly."""
        total = float(self.counts.sum())
        return (total - float(np.trace(self.counts))) / total if total else float("nan")

    def to_list(self) -> list[list[float]]:
        """Return the counts, row by row."""
        return [[float(cell) for cell in row] for row in self.counts]

    def table(self, row_names: bool = True) -> TwoDimTable:
        """Return counts with errors and totals; H2O's JSON leaves the row names out."""
        whole = bool(np.all(self.counts == np.floor(self.counts)))
        kind, fmt = ("long", "%d") if whole else ("double", "%.2f")
        totals = self.counts.sum(axis=1)
        wrong = totals - np.diag(self.counts)
        with np.errstate(divide="ignore", invalid="ignore"):
            errors = np.append(wrong / totals, wrong.sum() / totals.sum())
        rates = [
            _rate(w, t, whole)
            for w, t in zip([*wrong, wrong.sum()], [*totals, totals.sum()], strict=True)
        ]
        header: list[tuple[str, str] | tuple[str, str, str]] = []
        cells: list[list[object]] = []
        if row_names:
            header.append(("", "string"))
            cells.append([*self.domain, "Totals"])
        for idx, level in enumerate(self.domain):
            header.append((level, kind, fmt))
            column = self.counts[:, idx]
            cells.append([*column, column.sum()])
        header += [("Error", "double", "%.4f"), ("Rate", "string", f"= %{max(map(len, rates))}s")]
        rows = list(zip(*cells, errors, rates, strict=True))
        return TwoDimTable.of_rows(
            "Confusion Matrix",
            header,
            rows,
            "Row labels: Actual class; Column labels: Predicted class",
        )

    def __str__(self) -> str:
        return str(self.table())

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()  # the table is ours


def _rate(wrong: float, total: float, whole: bool) -> str:
    if whole:
        return f"{int(wrong):,} / {int(total):,}"
    return f"{wrong:,.4f} / {total:,.4f}"
