"""Tools of linear models: the path of a lambda search, and models of given coefficients."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from dh2o.errors import ModelError, ParameterError
from dh2o.estimators.glm.derived import derived_model
from dh2o.models import Model
from dh2o.server.model_view import model_json

from .models import model_of

if TYPE_CHECKING:
    from dh2o.server.app import Call
    from dh2o.server.schemas.base import Key
    from dh2o.server.schemas.linear import (
        GLMRegularizationPathV3,
        MakeDerivedGLMModelV3,
        MakeGLMModelV3,
        MakeUnrestrictedGLMModelV3,
    )

__all__ = ["make_derived", "make_model", "make_unrestricted", "show_path"]


class CoefficientsError(ParameterError):
    """Coefficients are given that the model has not; clients know H2O's name for it."""

    exception_type = "java.lang.IllegalArgumentException"


def show_path(call: Call, args: GLMRegularizationPathV3) -> GLMRegularizationPathV3:
    """Return every solution of a lambda search."""
    for name, value in _linear(call, args.model).regularization_path().items():
        setattr(args, name, value)
    return args


#: What H2O's clients are told of coefficients that the model does not have.
_JAVA_TYPE = "java.lang.IllegalArgumentException"


def make_model(call: Call, args: MakeGLMModelV3) -> dict[str, Any]:
    """Store a copy of a linear model with other coefficients, and return it."""
    model = _linear(call, args.model)
    names, beta = args.names or [], args.beta or []
    if len(names) != len(beta):
        raise ParameterError(f"beta: expected {len(names)} numbers, one a name, got {len(beta)}.")
    key = args.dest.name if args.dest and args.dest.name else f"{model.key}_{secrets.token_hex(4)}"
    try:
        made = model.with_coefficients(
            dict(zip(names, beta, strict=True)), key=key, threshold=args.threshold
        )
    except ParameterError as error:
        error.exception_type = _JAVA_TYPE  # type: ignore[attr-defined]  # read when it is answered
        raise
    call.state.engine.dkv.put(key, made, kind="model")
    return model_json(made)


def make_derived(call: Call, args: MakeDerivedGLMModelV3) -> dict[str, Any]:
    """Store and return a model in which control variables or the offset count, or not, anew."""
    model = _linear(call, args.model)
    without, no_offset = args.remove_control_variables_effects, args.remove_offset_effects
    if not model.muted and not model.mutes_offset:
        raise ParameterError(
            "Source model is not trained with control variables or remove offset effects."
        )
    if (without or no_offset) and not (model.muted and model.mutes_offset):
        raise ParameterError(
            "You can set remove_control_variables_effects to true or remove_offset_effects to true "
            "only if control_variables and remove_offset_effects are both set."
        )
    if without and no_offset:
        raise ParameterError(
            "The remove_control_variables_effects and remove_offset_effects feature cannot be used "
            "together. It produces the same model as the main model."
        )
    suffix = "_remove_offset_effects" if no_offset else "_unrestricted_model"
    suffix = "_remove_control_variables_effects" if without else suffix
    key = args.dest or f"{model.key}{suffix}"
    if call.state.engine.dkv.contains(key):
        raise ParameterError(f"Model with {key} already exists.")
    made = derived_model(model, key, keeps_muted=without, keeps_offset_out=no_offset)
    call.state.engine.dkv.put(key, made, kind="model")
    return model_json(made)


def make_unrestricted(call: Call, args: MakeUnrestrictedGLMModelV3) -> dict[str, Any]:
    """Store and return the model in which control variables and the offset count."""
    from dh2o.server.schemas.linear import MakeDerivedGLMModelV3

    return make_derived(call, MakeDerivedGLMModelV3(model=args.model, dest=args.dest))


def _linear(call: Call, key: Key | None) -> Any:
    model: Model = model_of(call, key)
    if not hasattr(model, "with_coefficients"):
        raise ModelError(f"Model {model.key} is a {model.algo_full_name}, not a linear model.")
    return model
