"""Algorithms: their parameters, their validation, and training."""
# ruff: noqa: ARG001 (all handlers are called alike)

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dh2o.errors import KeyNotFoundError, ParameterError
from dh2o.estimators.builder import builder_of, builders, start, validate
from dh2o.estimators.messages import Message
from dh2o.estimators.segments import start_segments
from dh2o.frame import Frame
from dh2o.server.files import Files
from dh2o.server.model_view import builder_json, proper_name
from dh2o.server.schemas.models import ModelBuildersV3, ModelIdV3
from dh2o.server.texts import parse_list

from .jobs import job_schema

if TYPE_CHECKING:
    from dh2o.server.app import Call
    from dh2o.server.schemas.cluster import JobV3

__all__ = [
    "builder_names",
    "check_parameters",
    "fresh_model_id",
    "list_builders",
    "show_builder",
    "train",
    "train_segments",
]

#: The property that says whether AUTO is shown as what it meant; true unless it is set.
_EVALUATES_AUTO = "sys.ai.h2o.algos.evaluate_auto_model_parameters"
#: Parameters that name folders which training writes to.
_FOLDERS = ("export_checkpoints_dir", "in_training_checkpoints_dir")
#: What clients send along that is no parameter of the algorithm.
_NOT_PARAMETERS = frozenset({"algo", "_rest_version", "session_id"})


def builder_names() -> list[str]:
    """Return the short names of all algorithms."""
    return sorted(builders())


def list_builders(call: Call, args: ModelBuildersV3) -> ModelBuildersV3:
    """Return all algorithms with their parameters."""
    args.model_builders = {name: builder_json(builder_of(name)) for name in builder_names()}
    return args


def show_builder(call: Call, args: ModelBuildersV3) -> ModelBuildersV3:
    """Return one algorithm with its parameters."""
    builder = builder_of(args.algo or "")
    args.model_builders = {builder.algo: builder_json(builder)}
    return args


def fresh_model_id(call: Call, args: ModelBuildersV3) -> ModelIdV3:
    """Return a key that no model has yet."""
    return ModelIdV3(model_id=call.state.new_model_key(builder_of(args.algo or "").algo))


def check_parameters(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Return the findings on parameters; nothing is trained."""
    from dh2o.estimators.messages import BuilderError

    builder = builder_of(params["algo"])
    given = given_params(call, params)
    try:
        spec = validate(call.state.engine, builder.algo, given)
        messages: Any = spec.messages
    except BuilderError as error:
        messages = error.messages
    return builder_json(builder, messages=messages, parameters=given)


def train(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Start to train a model; the answer names the job."""
    try:
        builder = builder_of(params["algo"])
    except KeyNotFoundError as error:
        raise KeyNotFoundError(f"POST {call.request.path} not found. {error}") from None
    given = given_params(call, params)
    asked = str(given.pop("model_id", None) or "").strip()
    asked = asked or call.state.new_model_key(proper_name(builder.algo))
    key = asked.replace("/", "_")
    spec = validate(call.state.engine, builder.algo, given, model_id=key)
    if "/" in asked:
        text = (
            "Bad model_id: slash (/) found and replaced with _.  "
            f"Original model_id {asked} is now {key}."
        )
        spec = spec.replace(messages=(*spec.messages, Message.warn("model_id", text)))
    if call.state.cluster_property(_EVALUATES_AUTO) == "false":
        spec = spec.replace(shows_auto=True)
    job = start(call.state.engine, spec)
    return builder_json(
        builder,
        job=job_schema(job),
        messages=spec.messages,
        parameters={**given, "model_id": key},
    )


#: What a request carries for the segments, not for the models.
_OF_SEGMENTS = ("segment_models_id", "segments", "segment_columns", "parallelism")


def train_segments(call: Call, params: dict[str, Any]) -> JobV3:
    """Start to train a model for each segment; the answer is the job."""
    builder = builder_of(params["algo"])
    own = {name: _plain(params.pop(name, None)) for name in _OF_SEGMENTS}
    if own["parallelism"] is not None and int(own["parallelism"]) <= 0:
        raise ParameterError(
            f"Parameter `parallelism` has to be a positive number, received={own['parallelism']}"
        )
    columns = own["segment_columns"]
    listed = parse_list(columns) if isinstance(columns, str) else columns
    if own["segments"] is None and not listed:
        raise ParameterError("segments: give a frame of segments, or segment_columns.")
    segments: Any = listed if own["segments"] is None else Frame.get(str(own["segments"]))
    given = given_params(call, params)
    given.pop("model_id", None)
    key = own["segment_models_id"]
    return job_schema(start_segments(call.state.engine, builder.algo, given, segments, key))


def given_params(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of a model among those of a request, as plain values."""
    given = {}
    for name, value in params.items():
        if name in _NOT_PARAMETERS or value is None:
            continue
        given[name] = _plain(value)
    for name in _FOLDERS:
        if given.get(name):
            Files(call.state.options).check(str(given[name]))
    if params.get("algo") == "generic":
        _check_mojo_paths(call, given)
    return given


def _check_mojo_paths(call: Call, given: dict[str, Any]) -> None:
    """Refuse a MOJO that lies where the server may not read."""
    from dh2o.server.files import path_of_key

    paths = [given.get("path"), path_of_key(str(given.get("model_key") or ""))]
    for path in paths:
        if path:
            Files(call.state.options).check(str(path))


def _plain(value: Any) -> Any:
    if isinstance(value, dict) and "name" in value and "__meta" in value:
        return value["name"]
    if isinstance(value, dict) and "column_name" in value:
        return value["column_name"]
    if isinstance(value, str):
        text = value.strip()
        if text == "null":
            return None
        if len(text) > 1 and text[0] == text[-1] == '"':
            return text[1:-1]
    return value
