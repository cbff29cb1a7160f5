"""MOJOs of generalized linear models."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from dh2o.models.glm import GLMModel
from dh2o.models.glm_design import Design
from dh2o.models.model import Model
from dh2o.models.mojo.draft import MojoDraft
from dh2o.models.mojo.errors import MojoError
from dh2o.models.mojo.kinds import MojoKind, register_kind
from dh2o.models.mojo.source import MojoSource
from dh2o.models.params import ModelParameter, ModelParameters

__all__ = ["GLMMojo"]

_MAX = 100_000_000
_LINKS = ("identity", "logit", "log", "inverse", "tweedie")
_OF_SHARES = ("quasibinomial", "fractionalbinomial")
_LINKS_OF_CLASSES = {"multinomial": "multinomial", "ordinal": "ologit"}
_DEFAULTS: dict[str, Any] = {
    "tweedie_variance_power": 0.0,
    "tweedie_link_power": 1.0,
    "theta": 1e-10,
    "intercept": True,
    "standardize": True,
}


@register_kind
class GLMMojo(MojoKind):
    """Coefficients of levels, of numbers, and the intercept."""

    algorithm: ClassVar[str] = GLMModel.algo_full_name
    algo: ClassVar[str] = GLMModel.algo
    version: ClassVar[str] = "1.00"

    def columns(self, model: Model) -> tuple[str, ...]:
        """Return the predictors: categoricals, then numbers."""
        assert isinstance(model, GLMModel)
        return (*model.design.categoricals, *model.design.numerics)

    def check(self, model: Model) -> None:
        """Raise `MojoError` for what H2O's linear MOJO cannot say."""
        assert isinstance(model, GLMModel)
        if model.design.derived:
            made = ", ".join(list(model.design.derived)[:3])
            raise MojoError(f"A MOJO cannot hold a linear model with interactions ({made}).")
        if model.mutes_offset:
            raise MojoError("A MOJO cannot hold a linear model whose offset is left out of scores.")

    def classes(self, model: Model) -> tuple[str, ...] | None:
        """Return the classes; H2O gives two to numbers between 0 and 1 as well."""
        assert isinstance(model, GLMModel)
        if model.family.name in _OF_SHARES and not model.output.category.is_classifier:
            return ("0", "1")
        return super().classes(model)

    def write(self, model: Model, draft: MojoDraft) -> None:
        """Add the coefficients and what stands in for NA."""
        assert isinstance(model, GLMModel)
        design, params = model.design, model.params
        kept = 0 if design.all_levels else 1
        offsets = np.cumsum([0, *(len(levels) - kept for levels in design.levels)])
        draft.put("use_all_factor_levels", design.all_levels)
        draft.put("cats", len(design.categoricals))
        draft.put("cat_offsets", offsets)
        draft.put("nums", len(design.numerics))
        draft.put("mean_imputation", not design.skip_na)
        if not design.skip_na:
            draft.put("num_means", np.asarray(design.fills, np.float64))
            draft.put("cat_modes", [int(mode) for mode in design.modes])
        draft.put("beta", np.asarray(model.scoring_beta, np.float64))
        draft.put("family", model.family.name)
        draft.put("link", _LINKS_OF_CLASSES.get(model.family.name, str(params["link"])))
        if model.family.name == "tweedie":
            draft.put("tweedie_link_power", float(params["tweedie_link_power"]))
        dispersion = model.output.extra.get("dispersion", 1.0)
        with_p_values = model.p_values is not None and isinstance(dispersion, float)
        draft.put("dispersion_estimated", dispersion if with_p_values else 1.0)

    def read(self, source: MojoSource) -> Model:
        """Return the model."""
        family, link = source.ini.text("family"), source.ini.text("link")
        if family in ("multinomial", "ordinal"):
            from dh2o.models.mojo.glm_classes import read_classes

            return read_classes(source)
        if link not in _LINKS:
            raise MojoError(f"The MOJO has link {link[:40]!r}; known are {', '.join(_LINKS)}.")
        design = read_design(source)
        beta = source.ini.numbers("beta")
        if len(beta) != len(design.names):
            raise MojoError(
                f"The MOJO has {len(beta)} coefficients for {len(design.names)} columns."
            )
        params = _params(source, family=family, link=link)
        output = source.output()
        is_one = design.standardised(beta)
        return GLMModel(source.key, params, output, design, beta, is_one, _null_mu(output))


def read_design(source: MojoSource) -> Design:
    """Return how columns have coefficients."""
    ini = source.ini
    n_cats, n_nums = ini.count("cats", _MAX), ini.count("nums", _MAX)
    columns, domains = source.features, source.feature_domains
    if n_cats + n_nums != len(columns):
        raise MojoError(f"The MOJO has {n_cats} + {n_nums} predictors, but {len(columns)} columns.")
    levels = tuple(domain or () for domain in domains[:n_cats])
    all_levels = ini.flag("use_all_factor_levels")
    expected = np.cumsum([0, *(len(d) - (0 if all_levels else 1) for d in levels)])
    if ini.integers("cat_offsets", [0]) != expected.tolist() or not all(levels):
        raise MojoError("cat_offsets of the MOJO do not fit the levels of its columns.")
    imputes = ini.flag("mean_imputation")
    modes = ini.integers("cat_modes", []) if imputes else [0] * n_cats
    fills = ini.numbers("num_means", []) if imputes else np.zeros(n_nums)
    if len(modes) != n_cats or len(fills) != n_nums:
        raise MojoError("The MOJO does not say what stands in for NA in each column.")
    if any(not 0 <= mode < len(domain) for mode, domain in zip(modes, levels, strict=True)):
        raise MojoError("cat_modes of the MOJO names a level that is not there.")
    return Design(
        categoricals=columns[:n_cats],
        levels=levels,
        numerics=columns[n_cats:],
        modes=tuple(modes),
        fills=fills,
        shift=np.zeros(n_nums),
        scale=np.ones(n_nums),
        all_levels=all_levels,
        skip_na=not imputes,
    )


def _params(source: MojoSource, **actual: Any) -> ModelParameters:
    """Return the parameters; those that scoring needs come from ``model.ini``."""
    told = source.params()
    items = {item.name: item for item in told.items_full()}
    values = {name: told.get(name, default) for name, default in _DEFAULTS.items()} | actual
    values["tweedie_link_power"] = source.ini.number(
        "tweedie_link_power", float(values["tweedie_link_power"])
    )
    for name, value in values.items():
        old = items.get(name, ModelParameter(name, value, value, value))
        items[name] = ModelParameter(name, old.default, old.input, value)
    return ModelParameters(items)


def _null_mu(output: Any) -> float:
    """Return the mean that a model without predictors gives, where metrics tell; else NaN."""
    metrics = output.training_metrics
    table = getattr(metrics, "thresholds", None)
    if table is not None and table.n_positive + table.n_negative > 0:
        return float(table.n_positive / (table.n_positive + table.n_negative))
    return math.nan
