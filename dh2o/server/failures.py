"""From errors of the engine to H2O's error answers: one place for all of them."""

from __future__ import annotations

import time
import traceback
from http import HTTPStatus
from typing import Any

from dh2o.errors import DH2OError, KeyNotFoundError, ParameterError

from .routing import RouteNotFoundError
from .schemas.metadata import H2OErrorV3, H2OModelBuilderErrorV3, ValidationMessageV3

__all__ = ["BodyTooLargeError", "MethodNotServedError", "error_answer", "is_builder_error"]

#: Names that clients of H2O know for what goes wrong most.
_KNOWN_TYPES: dict[type[DH2OError], str] = {
    KeyNotFoundError: "water.exceptions.H2OKeyNotFoundArgumentException",
    ParameterError: "water.exceptions.H2OIllegalArgumentException",
    RouteNotFoundError: "water.exceptions.H2ONotFoundArgumentException",
}
_N_STACK_LINES = 40
_BUILDER_TYPE = "water.exceptions.H2OModelBuilderIllegalArgumentException"


class BodyTooLargeError(DH2OError):
    """The body of the request is longer than the server accepts."""

    http_status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class MethodNotServedError(ParameterError):
    """The request has a method that no route has."""

    http_status = HTTPStatus.METHOD_NOT_ALLOWED


def is_builder_error(error: BaseException) -> bool:
    """Return whether `error` carries validation messages of a model builder."""
    return isinstance(error, ParameterError) and bool(getattr(error, "messages", None))


def error_answer(error: BaseException, url: str) -> H2OErrorV3:
    """Return what a client gets to read about `error`, raised by a request to `url`."""
    status = int(error.http_status) if isinstance(error, DH2OError) else 500
    text = str(error) or type(error).__name__
    common: dict[str, Any] = {
        "timestamp": int(time.time() * 1000),
        "error_url": getattr(error, "wanted", url),
        "msg": f"\n\nERROR MESSAGE:\n\n{getattr(error, 'h2o_sentence', None) or text}\n\n",
        "dev_msg": f"\n\nERROR MESSAGE:\n\n{text}\n\n",
        "http_status": status,
        "values": dict(getattr(error, "values", None) or {}),
        "exception_type": _type_name(error),
        "exception_msg": f"\n\nERROR MESSAGE:\n\n{text}\n\n",
        "stacktrace": [f"{_type_name(error)}: {text}", *_stack(error)],
    }
    if is_builder_error(error):
        messages = [_message(m) for m in error.messages]  # type: ignore[attr-defined]  # checked
        n_errors = sum(m.message_type == "ERRR" for m in messages)
        return H2OModelBuilderErrorV3(**common, messages=messages, error_count=n_errors)
    return H2OErrorV3(**common)


def _message(message: Any) -> ValidationMessageV3:
    if isinstance(message, dict):
        return ValidationMessageV3(**message)
    return ValidationMessageV3(
        message_type=message.message_type, field_name=message.field_name, message=message.message
    )


def _type_name(error: BaseException) -> str:
    if is_builder_error(error):
        return _BUILDER_TYPE
    given: str | None = getattr(error, "exception_type", None)
    if given is not None:
        return given
    known = _KNOWN_TYPES.get(type(error))  # type: ignore[arg-type]  # any type may be asked for
    return known or f"{type(error).__module__}.{type(error).__qualname__}"


def _stack(error: BaseException) -> list[str]:
    """Return the frames from the server's thread down to where the error was raised."""
    parts = [*traceback.format_stack(), *traceback.format_tb(error.__traceback__)]
    lines = "".join(parts).splitlines()
    return [line.rstrip() for line in lines][-_N_STACK_LINES:]
