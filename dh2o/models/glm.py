"""A trained generalized linear model."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dh2o.models.columns import F64, Columns
from dh2o.models.glm_classes import cumulative, softmax
from dh2o.models.glm_design import Design
from dh2o.models.glm_family import Family, family_of
from dh2o.models.glm_likelihood import Likelihood
from dh2o.models.glm_link import Link, link_of
from dh2o.models.metrics.base import MetricBuilder
from dh2o.models.model import Model
from dh2o.models.output import ModelOutput
from dh2o.models.params import ModelParameters


@dataclass(frozen=True, eq=False)
class GLMModel(Model):
    """mu = inverse link (X beta + offset).

    ``beta`` belongs to the columns as they are, ``norm_beta`` to standardised ones; both in the
    order of ``design.names``. A model of several classes has the coefficients of one class after
    those of another (H2O's layout): multinomial by softmax; ordinal with the same slopes for all
    classes but the last, which has only zeros. ``null_mu`` is the mean that a model without
    predictors gives, ``class_shares`` are the shares of the classes.
    ``covariance`` of beta is there when p-values were asked for. The path arrays hold every
    solution of a lambda search, one row each.
    """

    algo: ClassVar[str] = "glm"
    algo_full_name: ClassVar[str] = "Generalized Linear Modeling"

    design: Design
    beta: F64
    norm_beta: F64
    null_mu: float
    class_shares: F64 | None = None
    covariance: F64 | None = None
    z_values: F64 | None = None
    p_values: F64 | None = None
    path_lambda: F64 | None = None
    path_alpha: F64 | None = None
    path_beta: F64 | None = None
    path_deviance: F64 | None = None
    path_z: F64 | None = None
    path_p: F64 | None = None
    #: Columns that the model was trained with and that do not count in its predictions.
    muted: tuple[str, ...] = ()
    #: The offset was there in training and does not count in predictions.
    mutes_offset: bool = False
    #: 0 where it was not estimated.
    dispersion: float = 0.0

    @property
    def scoring_beta(self) -> F64:
        """The coefficients that predictions are made of."""
        if not self.muted:
            return self.beta
        beta = self.beta.copy()
        for idx, name in enumerate(self.design.names[:-1]):
            if name in self.muted or name.partition(".")[0] in self.muted:
                beta[idx] = 0.0
        return beta

    def with_effects(self, *, muted: tuple[str, ...], mutes_offset: bool) -> GLMModel:
        """Return the same model with these columns (and the offset) out of its predictions."""
        return dataclasses.replace(self, muted=muted, mutes_offset=mutes_offset)

    @property
    def family(self) -> Family:
        """The distribution of the response."""
        params = self.params
        return family_of(params["family"], params["tweedie_variance_power"], params["theta"])

    @property
    def link(self) -> Link:
        """The link between the mean and the linear predictor."""
        return link_of(self.params["link"], self.params["tweedie_link_power"])

    @property
    def rank(self) -> int:
        """Number of fitted coefficients that are not 0."""
        return int(np.count_nonzero(self.norm_beta))

    @property
    def std_errors(self) -> F64 | None:
        """Standard errors of the coefficients, NaN where a coefficient is 0."""
        if self.z_values is None:
            return None
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.beta == 0, np.nan, self.beta / self.z_values)

    @property
    def has_classes(self) -> bool:
        """Whether there is one set of coefficients per class."""
        return self.family.name in ("multinomial", "ordinal")

    @property
    def class_beta(self) -> F64:
        """Coefficients of the columns as they are, one row per class (or one row in all)."""
        return self.beta.reshape(-1, self.design.n_coefficients)

    @property
    def class_norm_beta(self) -> F64:
        """Coefficients of standardised columns, one row per class (or one row in all)."""
        return self.norm_beta.reshape(-1, self.design.n_coefficients)

    @property
    def coefficient_names(self) -> tuple[str, ...]:
        """A name for each entry of ``beta``: in several classes, ``name_class``."""
        names = self.design.names
        if not self.has_classes:
            return names
        levels = self.output.response_domain or ()
        return tuple(f"{name}_{level}" for level in levels for name in names)

    def coefficients(self, *, standardised: bool = False) -> dict[str, float]:
        """Return the coefficients by name, the intercept first."""
        beta = self.norm_beta if standardised else self.beta
        pairs = list(zip(self.coefficient_names, beta.tolist(), strict=True))
        if self.has_classes:
            return dict(pairs)
        return dict([pairs[-1], *pairs[:-1]])

    def coefficients_by_class(self, *, standardised: bool = False) -> dict[str, dict[str, float]]:
        """Return the coefficients of each class, by class and name, the intercept first."""
        rows = self.class_norm_beta if standardised else self.class_beta
        names = ("Intercept", *self.design.names[:-1])
        domain = self.output.response_domain or ("",)
        return {
            level: dict(zip(names, [row[-1], *row[:-1].tolist()], strict=True))
            for level, row in zip(domain, rows, strict=False)
        }

    def regularization_path(self) -> dict[str, Any]:
        """Return every solution of the path, one row each, under the names of H2O's REST schema.

        Coefficients are in the order of ``coefficient_names``, the intercept last.
        """
        from dh2o.models.glm_views import regularization_path

        return regularization_path(self)

    def with_coefficients(
        self, coefficients: Mapping[str, float], key: str, threshold: float = math.nan
    ) -> GLMModel:
        """Return a model under `key` in which these coefficients, by name, are replaced."""
        from dh2o.models.glm_views import with_coefficients

        return with_coefficients(self, coefficients, key, threshold)

    def score(self, columns: Columns) -> F64:
        n_rows = columns.n_rows
        if self.has_classes:
            etas = np.array([self.design.eta(columns, b, n_rows) for b in self.class_beta])
            p = cumulative(etas) if self.family.name == "ordinal" else softmax(etas)
            return np.ascontiguousarray(p.T)
        eta = self.design.eta(columns, self.scoring_beta, n_rows)
        if self.output.offset is not None and not self.mutes_offset:
            eta += columns[self.output.offset]
        with np.errstate(over="ignore"):
            mu = self.link.inverse(eta)
        outputs = [1.0 - mu, mu] if self.output.category.is_classifier else [mu]
        if self.covariance is not None:
            outputs.append(self._standard_error(columns, n_rows))
        return np.ascontiguousarray(np.stack(outputs, axis=1))

    def _standard_error(self, columns: Columns, n_rows: int) -> F64:
        """Return sqrt(x' covariance x) of each row x."""
        assert self.covariance is not None
        rows = np.zeros((n_rows, self.design.n_places))
        every = np.arange(n_rows)
        for idx, name in enumerate(self.design.categoricals):
            codes, _ = self.design.codes(idx, self.design.values(name, columns.__getitem__))
            rows[every, self.design.starts[idx] + codes] = 1.0
        for idx, name in enumerate(self.design.numerics):
            values = self.design.values(name, columns.__getitem__)
            filled = np.where(np.isnan(values), self.design.fills[idx], values)
            rows[:, self.design.starts[-1] + idx] = filled
        rows[:, -1] = 1.0
        kept = rows[:, self.design.kept]
        return np.sqrt(np.einsum("ij,jk,ik->i", kept, self.covariance, kept))

    def extra_columns(self) -> tuple[str, ...]:
        return ("StdErr",) if self.covariance is not None else ()

    def metric_builder(self, base: MetricBuilder[Any]) -> MetricBuilder[Any]:
        """Return `base` with deviances, degrees of freedom and AIC added."""
        from dh2o.models.glm_metrics import GLMMetricBuilder

        params = self.params
        return GLMMetricBuilder(
            base,
            self.family,
            self.link,
            self.null_mu,
            self.rank,
            bool(params["intercept"]),
            self.output.offset,
            self.class_shares,
            self._likelihood(),
        )

    def _likelihood(self) -> Likelihood | None:
        """Return what the full likelihood needs, None if it was not asked for."""
        params = self.params
        if not params.get("calc_like"):
            return None
        plain = tuple(params["lambda"] or ()) == (0.0,) and not params["lambda_search"]
        n_estimated = len(self.beta) if plain else self.rank
        has_dispersion = self.family.name in ("gaussian", "gamma", "negativebinomial", "tweedie")
        n_estimated += int(has_dispersion and not params["fix_dispersion_parameter"])
        return Likelihood(self.dispersion, n_estimated)

    def labels(self, raw: F64) -> NDArray[np.int32]:
        """Return the predicted class; an ordinal model takes the first that is likely reached."""
        if self.family.name != "ordinal":
            return super().labels(raw)
        reached = np.cumsum(raw[:, : self.n_outputs], axis=1) > 0.5
        reached[:, -1] = True
        labels = reached.argmax(axis=1).astype(np.int32)
        labels[np.isnan(raw[:, 0])] = -1
        return labels

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        data, arrays = self.design.to_state()
        optional = {name: getattr(self, name) for name in _OPTIONAL}
        arrays = {
            **arrays,
            "beta": self.beta,
            "norm_beta": self.norm_beta,
            **{name: value for name, value in optional.items() if value is not None},
        }
        muted = {"muted": list(self.muted), "mutes_offset": self.mutes_offset}
        muted["dispersion"] = self.dispersion
        return {**data, "null_mu": self.null_mu, **muted}, arrays

    @classmethod
    def from_state(
        cls,
        key: str,
        params: ModelParameters,
        output: ModelOutput,
        data: Mapping[str, Any],
        arrays: Mapping[str, NDArray[Any]],
    ) -> GLMModel:
        return cls(
            key,
            params,
            output,
            Design.from_state(data, arrays),
            np.asarray(arrays["beta"]),
            np.asarray(arrays["norm_beta"]),
            float(data["null_mu"]),
            **{name: np.asarray(arrays[name]) for name in _OPTIONAL if name in arrays},
            muted=tuple(data.get("muted", ())),
            mutes_offset=bool(data.get("mutes_offset", False)),
            dispersion=float(data.get("dispersion", 0.0)),
        )


_OPTIONAL = (
    "class_shares",
    "covariance",
    "z_values",
    "p_values",
    "path_lambda",
    "path_alpha",
    "path_beta",
    "path_deviance",
    "path_z",
    "path_p",
)
