"""What each coefficient of a linear model adds to the linear predictor of a row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dh2o.errors import ModelError
from dh2o.models.columns import F64, Columns
from dh2o.models.glm import GLMModel

__all__ = ["LinearParts"]


@dataclass(frozen=True, eq=False)
class LinearParts:
    """Terms of the linear predictor: one a coefficient, or one a column if compact."""

    model: GLMModel
    names: tuple[str, ...]
    compact: bool

    @classmethod
    def of(cls, model: GLMModel, *, compact: bool) -> LinearParts:
        """Return the terms of `model`; raise `ModelError` where they do not make one score."""
        if model.has_classes:
            raise ModelError(
                f"predict_contributions: model {model.key} has a linear predictor for each class; "
                "contributions explain one score."
            )
        design = model.design
        if compact and design.derived:
            raise ModelError(
                "output_format: Compact is not available for a GLM with interactions. Use Original."
            )
        names = (*design.categoricals, *design.numerics) if compact else design.names[:-1]
        return cls(model, tuple(names), compact)

    def terms(self, columns: Columns) -> tuple[F64, F64]:
        """Return the terms of each row, shape (n_rows, names), and their sum with the intercept."""
        design, n = self.model.design, columns.n_rows
        full = design.spread(self.model.scoring_beta)
        every = np.arange(n)
        parts = []
        for idx, name in enumerate(design.categoricals):
            codes, _ = design.codes(idx, design.values(name, columns.__getitem__))
            places = design.starts[idx] + codes
            if self.compact:
                parts.append(full[places][:, None])
            else:
                one_hot = np.zeros((n, len(design.levels[idx])))
                one_hot[every, codes] = full[places]
                parts.append(one_hot[:, design.levels_kept(idx)])
        for idx, name in enumerate(design.numerics):
            values = design.values(name, columns.__getitem__)
            filled = np.where(np.isnan(values), design.fills[idx], values)
            parts.append((full[design.starts[-1] + idx] * filled)[:, None])
        terms = np.concatenate([*parts, np.empty((n, 0))], axis=1)
        return terms, terms.sum(axis=1) + full[-1]
