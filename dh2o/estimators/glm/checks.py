"""What H2O refuses or warns of before a linear model is built, in its words."""

from __future__ import annotations

from collections.abc import Iterator

from dh2o.errors import KeyNotFoundError
from dh2o.estimators.building.checkpoint import check_checkpoint
from dh2o.estimators.messages import Message
from dh2o.estimators.spec import TrainSpec
from dh2o.frame import Frame
from dh2o.models import ModelParameters
from dh2o.models.glm import GLMModel
from dh2o.models.glm_family import FAMILIES

#: What a model that goes on from another must not change.
_FIXED = ("response_column", "family", "solver")


def check_parameters(spec: TrainSpec) -> Iterator[Message]:
    """Yield every finding about parameters and response."""
    yield from _check_numbers(spec)
    yield from _check_family(spec)
    yield from _check_link(spec)
    yield from _check_p_values(spec)
    yield from _check_missing(spec)
    yield from _check_muted(spec)
    yield from _check_start(spec)
    yield from _check_constrained(spec)
    yield from _check_dispersion(spec)
    yield from _check_interactions(spec)
    yield from _check_influence(spec)


def _check_numbers(spec: TrainSpec) -> Iterator[Message]:
    params = spec.params
    if params["obj_reg"] != -1 and params["obj_reg"] <= 0:
        yield Message.error("obj_reg", "Must be positive or -1 for default")
    prior = params["prior"]
    if prior != -1 and not 0 < prior < 1:
        yield Message.error("prior", "Prior must be in (exclusive) range (0,1)")
    if prior != -1 and params["family"] != "binomial":
        yield Message.error("prior", "Prior is only allowed with family = binomial.")
    if params["lambda"] and params["lambda_search"]:
        yield Message.warn("lambda_search", "disabled when user specified any lambda value(s).")
    if params["remove_collinear_columns"] and not params["intercept"]:
        yield Message.error(
            "intercept",
            "Remove colinear columns option is currently not supported without intercept",
        )
    yield from _check_collinear(params)
    if params["lambda_search"] and params["stopping_rounds"] > 0:
        yield Message.error(
            "stopping_rounds",
            "early stop cannot run when lambda_search=True.  Lambda_search has its own "
            "early-stopping mechanism",
        )
    if params["max_iterations"] == 0:
        yield Message.warn("max_iterations", "for GLM, if specified, must be >= 1 or == -1.")


def _check_collinear(params: ModelParameters) -> Iterator[Message]:
    name = "remove_collinear_columns"
    if not params[name] or params["influence"]:
        return
    if params["solver"] not in ("AUTO", "IRLSM"):
        yield Message.warn(
            name,
            f"{name} only works when IRLSM is the solver, or AUTO, which is IRLSM then. With "
            f"{params['solver']} it has no effect.",
        )
    if params["lambda_search"] or any(params["lambda"] or ()):
        where = " with lambda_search" if params["lambda_search"] else ""
        remedy = "disable lambda_search and set lambda=0" if where else "set lambda=0"
        yield Message.warn(
            name,
            f"{name} should only be used without a penalty, lambda=0.  It is used improperly "
            f"here{where}.  Please {remedy}.",
        )


def _check_family(spec: TrainSpec) -> Iterator[Message]:
    family = spec.params["family"]
    if spec.response is None:
        return
    descends = ("GRADIENT_DESCENT_LH", "GRADIENT_DESCENT_SQERR")
    if spec.params["solver"] in descends and family != "ordinal":
        yield Message.error(
            "solver",
            "Solvers GRADIENT_DESCENT_LH and GRADIENT_DESCENT_SQERR are only supported for "
            "ordinal regression.  Do not choose them unless you specify your family to be ordinal",
        )
    vec = spec.train.vec(spec.response)
    stats = spec.train.select([spec.response]).rollups()[0]
    if family in ("multinomial", "ordinal"):
        yield from _check_classes(spec)
    elif family == "binomial":
        if not vec.is_enum or vec.n_levels != 2:
            yield Message.error(
                "family",
                "Binomial requires the response to be a 2-class categorical or a binary "
                "column (0/1)",
            )
    elif vec.is_enum:
        yield Message.error("response", "Regression requires numeric response, got categorical.")
    elif family in ("poisson", "negativebinomial"):
        if stats.min < 0:
            yield Message.error("family", "Poisson and Negative Binomial require response >= 0")
        if not stats.is_int:
            yield Message.warn(
                "family",
                "Poisson and Negative Binomial expect non-negative integer response, got floats.",
            )
    elif family == "gamma" and stats.min <= 0:
        yield Message.error(
            "family", "Response value for gamma distribution must be greater than 0."
        )
    elif family == "fractionalbinomial" and (stats.min < 0 or stats.max > 1):
        yield Message.error(
            "response",
            f"Response '{spec.response}' must be between 0 and 1 for fractional_binomial family. "
            f"Min: {stats.min:f}, Max: {stats.max:f}",
        )


def _check_classes(spec: TrainSpec) -> Iterator[Message]:
    params, family = spec.params, spec.params["family"]
    assert spec.response is not None
    vec = spec.train.vec(spec.response)
    if not vec.is_enum or vec.n_levels <= 2:
        yield Message.error(
            "family",
            f"{family.capitalize()} requires a categorical response with at least 3 levels (for 2 "
            "class problem use family=binomial.",
        )
    if params["compute_p_values"]:
        yield Message.error(
            "compute_p_values",
            "P values are currently not supported for family=multinomial or ordinal",
        )
    if params["non_negative"] or params["beta_constraints"]:
        field = "non_negative" if params["non_negative"] else "beta_constraints"
        yield Message.error(field, f" does not work with {family} family.")
    if family == "ordinal":
        yield from _check_ordinal(spec)
    elif params["solver"] == "COORDINATE_DESCENT_NAIVE":
        yield Message.error("solver", "Naive coordinate descent is not supported for multinomial.")


def _check_ordinal(spec: TrainSpec) -> Iterator[Message]:
    params = spec.params
    if not params["intercept"]:
        yield Message.error("intercept", "Ordinal regression must have intercepts.")
    if params["solver"] not in ("AUTO", "GRADIENT_DESCENT_LH", "GRADIENT_DESCENT_SQERR"):
        yield Message.error(
            "solver",
            "Ordinal regression only supports gradient descend.  Do not set Solver or set Solver "
            "to auto, GRADIENT_DESCENT_LH or GRADIENT_DESCENT_SQERR.",
        )
    if params["lambda_search"]:
        yield Message.error("lambda_search", "Ordinal regression do not support lambda search.")
    if spec.offset is not None:
        yield Message.error("offset_column", " does not work with ordinal family right now.")


def _check_link(spec: TrainSpec) -> Iterator[Message]:
    family, link = spec.params["family"], spec.params["link"]
    allowed = FAMILIES[family].links
    if link not in allowed:
        yield Message.error(
            "link",
            "Incompatible link function for selected family. Only "
            f"{', '.join(allowed)} allowed for family={family}. Got {link}",
        )


def _check_p_values(spec: TrainSpec) -> Iterator[Message]:
    params = spec.params
    if not params["compute_p_values"]:
        return
    if params["solver"] not in ("AUTO", "IRLSM"):
        yield Message.error(
            "compute_p_values",
            f"P values can only be computed with IRLSM solver, go solver = {params['solver']}",
        )
    if params["beta_constraints"] and "rho" in _names_of(params["beta_constraints"]):
        yield Message.error(
            "compute_p_values",
            "P-values can not be computed for constrained problems with proximal penalty",
        )
    if params["lambda_search"] or any(params["lambda"] or ()):
        yield Message.warn(
            "compute_p_values",
            "P values of a penalized fit are those of its nonzero coefficients: they take the "
            "choice of columns as given and ignore the shrinkage.",
        )


def _names_of(key: str) -> tuple[str, ...]:
    """Return the column names of the frame under `key`; nothing if there is none."""
    try:
        return Frame.get(key).names
    except KeyNotFoundError:
        return ()


def _check_muted(spec: TrainSpec) -> Iterator[Message]:
    """Check control variables and removed offset effects, which change predictions only."""
    params = spec.params
    for field, title in (
        ("control_variables", "Control variables"),
        ("remove_offset_effects", "Remove offset effects"),
    ):
        if not params[field]:
            continue
        for given, what in (
            (params["interactions"] or params["interaction_pairs"], "interactions"),
            (params["lambda_search"], "Lambda search"),
            (params["nfolds"] > 1 or spec.fold is not None, "cross-validation"),
        ):
            if given:
                yield Message.error(field, f"{title} option is not supported with {what}.")
        if params["family"] in ("multinomial", "ordinal"):
            yield Message.error(
                field,
                f"The {params['family']} distribution is not supported with {title.lower()}.",
            )
    if params["remove_offset_effects"] and spec.offset is None:
        yield Message.error(
            "remove_offset_effects",
            "Remove offset effects option (remove_offset_effects=True) requires the offset_column "
            "to be specified.",
        )
    roles = {spec.weights: "weight_column", spec.offset: "offset_column",
             spec.response: "response_column"}  # fmt: skip
    for name in params["control_variables"] or ():
        if name in roles:
            yield Message.error(
                "control_variables", f"Control variable '{name}' is set as {roles[name]}."
            )
        elif name in (params["ignored_columns"] or ()):
            yield Message.error(
                "control_variables", f"Control variable '{name}' is set is ignored_columns."
            )
        elif name not in spec.x:
            yield Message.error(
                "control_variables", f"Control variable '{name}' is not in the frame."
            )


def _check_constrained(spec: TrainSpec) -> Iterator[Message]:
    params = spec.params
    if params["linear_constraints"] is None:
        return
    if params["solver"] != "IRLSM":
        yield Message.error(
            "solver",
            "constrained GLM is only available for IRLSM.  PLease set solver to IRLSM/irlsm "
            "explicitly.",
        )
    for name in ("constraint_eta0", "constraint_tau", "constraint_c0"):
        if params[name] <= 0:
            yield Message.error(name, "must be > 0.")
    if not params["intercept"]:
        yield Message.error(
            "intercept", "constrained GLM is only supported with when intercept=true."
        )
    if any(params["lambda"] or ()) or params["lambda_search"]:
        yield Message.error(
            "lambda or lambda_search",
            "Regularization is not allowed for constrained GLM.  Set lambda to 0.0.",
        )
    if params["family"] in ("multinomial", "ordinal"):
        yield Message.error(
            "solver", "Constrained GLM is not supported for multinomial and ordinal families"
        )
    if params["dispersion_parameter_method"] == "ml":
        yield Message.error(
            "dispersion_parameter_method",
            "Only pearson and deviance is supported for dipsersion parameter calculation.",
        )


def _check_interactions(spec: TrainSpec) -> Iterator[Message]:
    named = list(spec.params["interactions"] or ())
    named += [str(name) for pair in spec.params["interaction_pairs"] or () for name in pair]
    for name in dict.fromkeys(named):
        if name not in spec.x:
            yield Message.error(
                "interactions",
                f"column {name!r} is no predictor. Predictors: {', '.join(spec.x[:8])}.",
            )


def _check_influence(spec: TrainSpec) -> Iterator[Message]:
    params = spec.params
    if params["influence"] is None:
        return
    if params["family"] not in ("gaussian", "binomial"):
        yield Message.error(
            "influence", " can only be specified for the gaussian and binomial families."
        )
    if any(params["lambda"] or ()):
        yield Message.error(
            "regularization",
            "regularization is not allowed when influence is set to dfbetas.  Please set all "
            "lambdas to 0.0.",
        )
    if params["lambda_search"]:
        yield Message.error(
            "lambda_search",
            "lambda_search and regularization are not allowed when influence is set to dfbetas.",
        )
    if params["solver"] != "IRLSM":
        yield Message.error(
            "solver", "regression influence diagnostic is only calculated for IRLSM solver."
        )
    if params["nfolds"] > 1 or spec.fold is not None:
        yield Message.error(
            "influence", " cross-validation is not allowed when influence is set to dfbetas."
        )


def _check_dispersion(spec: TrainSpec) -> Iterator[Message]:
    params, family = spec.params, spec.params["family"]
    estimated = ("tweedie", "gamma", "negativebinomial")
    if params["fix_dispersion_parameter"] and family not in estimated:
        yield Message.error(
            "fix_dispersion_parameter",
            " is only allowed for tweedie, gamma and negativebinomial families",
        )
    if params["dispersion_parameter_method"] != "ml":
        return
    if family not in estimated:
        yield Message.error(
            "dispersion_parameter_mode",
            " ml can only be used for family gamma, tweedie, negative binomial.",
        )
    if params["lambda_search"] or any(params["lambda"] or ()):
        yield Message.error(
            "dispersion_parameter_method", "ML is supported only without regularization!"
        )
    power = params["tweedie_variance_power"]
    if family == "tweedie" and power <= 1:
        yield Message.error("tweedie_variance_power", " must exceed 1.")
    elif family == "tweedie" and power >= 2:
        yield Message.error(
            "tweedie_variance_power",
            "the dispersion is estimated by ml for powers between 1 and 2 only. Use gamma for 2, "
            "or dispersion_parameter_method='pearson'.",
        )
    if params["max_iterations_dispersion"] <= 0:
        yield Message.error("max_iterations_dispersion", " must > 0.")


def _check_start(spec: TrainSpec) -> Iterator[Message]:
    params = spec.params
    if params["build_null_model"] and params["family"] not in (
        "tweedie",
        "gamma",
        "negativebinomial",
    ):
        yield Message.error(
            "build_null_model",
            " is only supported for tweedie, gamma and negativebinomial familes",
        )
    if params["generate_variable_inflation_factors"] and all(
        spec.train.vec(name).is_enum for name in spec.x
    ):
        yield Message.error(
            "generate_variable_inflation_factors",
            " cannot be enabled for GLM models with only non-numerical predictors.",
        )
    if params["checkpoint"] is None:
        return
    if params["solver"] != "IRLSM":
        yield Message.error(
            "checkpoint",
            "GLM checkpoint is supported only for IRLSM.  Please specify it explicitly.  Do not "
            "use AUTO or default",
        )
    yield from check_checkpoint(spec, GLMModel, _FIXED)


def _check_missing(spec: TrainSpec) -> Iterator[Message]:
    handling, plugs = spec.params["missing_values_handling"], spec.params["plug_values"]
    if plugs is not None and handling != "PlugValues":
        yield Message.error(
            "missing_values_handling",
            "When plug values are provided - Missing Values Handling needs to be explicitly set to "
            "PlugValues.",
        )
    if handling != "PlugValues":
        return
    if plugs is None:
        yield Message.error(
            "missing_values_handling",
            "No plug values frame provided for Missing Values Handling = PlugValues.",
        )
        return
    try:
        n_rows = Frame.get(plugs).n_rows
    except KeyNotFoundError:
        yield Message.error(
            "plug_values", f"Supplied plug values frame with key=`{plugs}` doesn't exist."
        )
        return
    if n_rows != 1:
        yield Message.error("plug_values", "Plug values frame needs to have exactly 1 row.")
