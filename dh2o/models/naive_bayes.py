"""A trained naive Bayes model: the classes' shares, and each column's distribution by class."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import ModelError
from dh2o.models.columns import F64, Columns
from dh2o.models.model import Model
from dh2o.models.output import ModelOutput
from dh2o.models.params import ModelParameters

_ROOT_OF_2_PI = math.sqrt(2.0 * math.pi)


@dataclass(frozen=True, eq=False)
class NaiveBayesModel(Model):
    """p(class | row) is in proportion to p(class) times p(value | class) of every column.

    ``conditionals`` are, for each categorical column (``output.x`` has these first), the
    probabilities of its levels by class, shape (n_classes, n_levels); ``means`` and ``deviations``
    those of numeric columns, shape (n_numbers, n_classes). NA columns are passed over.
    """

    algo: ClassVar[str] = "naivebayes"
    algo_full_name: ClassVar[str] = "Naive Bayes"

    apriori: F64
    conditionals: tuple[F64, ...]
    means: F64
    deviations: F64

    def score(self, columns: Columns) -> F64:
        n_classes = len(self.apriori)
        with np.errstate(divide="ignore"):
            logs = np.tile(np.log(self.apriori)[:, None], columns.n_rows)
        names = self.output.x
        n_levels = len(self.conditionals)
        for name, table in zip(names[:n_levels], self.conditionals, strict=True):
            values = columns[name]
            known = ~np.isnan(values)
            logs[:, known] += self._log_of(table)[:, values[known].astype(np.int64)]
        for idx, name in enumerate(names[n_levels:]):
            values = columns[name]
            known = ~np.isnan(values)
            logs[:, known] += self._log_density(idx, values[known])
        with np.errstate(over="ignore", invalid="ignore"):
            shares = [1.0 / np.exp(logs - logs[j]).sum(axis=0) for j in range(n_classes)]
        return self.corrected(np.ascontiguousarray(np.stack(shares, axis=1)))

    def _log_of(self, probabilities: F64) -> F64:
        """Return logarithms, those of too small probabilities raised to the floor."""
        params = self.params
        floor = np.where(probabilities <= params["eps_prob"], params["min_prob"], probabilities)
        return np.asarray(np.log(floor))

    def _log_density(self, idx: int, values: F64) -> F64:
        """Return the logarithm of the normal density by class, shape (n_classes, n_rows)."""
        params = self.params
        mean, deviation = self.means[idx], self.deviations[idx]
        mean = np.where(np.isnan(mean), 0.0, mean)[:, None]
        floor = np.where(deviation <= params["eps_sdev"], params["min_sdev"], deviation)
        deviation = np.where(np.isnan(deviation), 1.0, floor)[:, None]
        z = np.square(values - mean) / (2.0 * np.square(deviation))
        return self._log_of(np.exp(-z) / (deviation * _ROOT_OF_2_PI))

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        tables = {f"conditional_{i}": table for i, table in enumerate(self.conditionals)}
        arrays = {"apriori": self.apriori, "means": self.means, "deviations": self.deviations}
        return {"n_categoricals": len(self.conditionals)}, {**arrays, **tables}

    @classmethod
    def from_state(
        cls,
        key: str,
        params: ModelParameters,
        output: ModelOutput,
        data: Mapping[str, Any],
        arrays: Mapping[str, NDArray[Any]],
    ) -> NaiveBayesModel:
        def array(name: str) -> F64:
            return np.asarray(arrays[name], dtype=np.float64)

        tables = tuple(array(f"conditional_{i}") for i in range(int(data["n_categoricals"])))
        means, deviations = array("means"), array("deviations")
        n_classes = len(array("apriori"))
        fits = means.shape == deviations.shape == (len(output.x) - len(tables), n_classes)
        domains = [output.domain_of(name) or () for name in output.x[: len(tables)]]
        shapes = [(n_classes, len(domain)) for domain in domains]
        if not fits or [table.shape for table in tables] != shapes:
            raise ModelError(f"Model {key!r}: its tables and columns do not fit together.")
        return cls(key, params, output, array("apriori"), tables, means, deviations)
