"""Tools of linear models: the path of a lambda search, and models of given coefficients."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from dh2o.errors import ModelError, ParameterError
from dh2o.models import Model
from dh2o.server.model_view import model_json

from .models import model_of

if TYPE_CHECKING:
    from dh2o.server.app import Call
    from dh2o.server.schemas.base import Key
    from dh2o.server.schemas.linear import GLMRegularizationPathV3, MakeGLMModelV3

__all__ = ["make_model", "show_path"]


def show_path(call: Call, args: GLMRegularizationPathV3) -> GLMRegularizationPathV3:
    """Return every solution of a lambda search."""
    for name, value in _linear(call, args.model).regularization_path().items():
        setattr(args, name, value)
    return args


def make_model(call: Call, args: MakeGLMModelV3) -> dict[str, Any]:
    """Store a copy of a linear model with other coefficients, and return it."""
    model = _linear(call, args.model)
    names, beta = args.names or [], args.beta or []
    if len(names) != len(beta):
        raise ParameterError(f"beta: expected {len(names)} numbers, one a name, got {len(beta)}.")
    key = args.dest.name if args.dest and args.dest.name else f"{model.key}_{secrets.token_hex(4)}"
    made = model.with_coefficients(
        dict(zip(names, beta, strict=True)), key=key, threshold=args.threshold
    )
    call.state.engine.dkv.put(key, made, kind="model")
    return model_json(made)


def _linear(call: Call, key: Key | None) -> Any:
    model: Model = model_of(call, key)
    if not hasattr(model, "with_coefficients"):
        raise ModelError(f"Model {model.key} is a {model.algo_full_name}, not a linear model.")
    return model
