"""The WSGI application: a request in, the right handler called, its answer or error out as JSON."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from flask import Flask, Request, Response

from dh2o.errors import DH2OError, ParameterError
from dh2o.mrtask import use_engine

from .auth import Gate, UnauthorizedError
from .failures import BodyTooLargeError, MethodNotServedError, error_answer
from .params import COMMON, read_schema
from .routes import ROUTES
from .routing import Route, RouteTable
from .schemas.base import Schema, encode

if TYPE_CHECKING:
    from .state import ServerState

__all__ = ["Call", "create_app"]

log = logging.getLogger("dh2o.server")

_JSON = "application/json"
_URLENCODED, _MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
_REASONS = {int(status): status.phrase for status in HTTPStatus}
_METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD"]
#: Longest body that is read into memory; only uploads stream more.
_MAX_FORM_NBYTES = 256 << 20


@dataclass
class Call:
    """One request on its way: what handlers may need besides their schema."""

    state: ServerState
    route: Route
    path: dict[str, str]
    request: Request


def create_app(state: ServerState) -> Flask:
    """Return the application that serves `state`."""
    return _App(state)


class _App(Flask):
    """Flask's requests and answers, on a shorter way.

    Flask's own way looks up its only rule, binds two contexts and tells six listeners of each
    request: as much as a small expression takes.
    """

    def __init__(self, state: ServerState) -> None:
        super().__init__("dh2o.server", static_folder=None)
        self._state = state
        self._gate = Gate(state.options)
        self._table = RouteTable(ROUTES)
        self._headers = _headers(state)

    def wsgi_app(self, environ: Any, start_response: Any) -> Any:
        """Answer one request."""
        state, request = self._state, Request(environ)
        with state.counting(), use_engine(state.engine):
            try:
                self._gate.check(request.headers)
                _check_method(request)
                _check_length(request, state)
                response = _dispatch(request, state, self._table)
            except Exception as error:  # noqa: BLE001 (the process boundary: every error is answered)
                response = _failed(request, error)
            finally:
                request.close()  # the files of its form
        more = self._headers
        if request.headers.get("X-Requested-With"):
            more = [*more, ("Cache-Control", "no-cache")]

        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            return start_response(status, headers + more, *exc_info)

        return response(environ, start)


@dataclass(frozen=True, slots=True)
class _Json:
    """A JSON answer as a WSGI application; Flask's Response takes ten times as long to send it."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        length = ("Content-Length", str(len(self.body)))
        start_response(
            f"{self.status} {_REASONS[self.status]}",
            [("Content-Type", _JSON), length, *self.headers],
        )
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [self.body]


def _dispatch(request: Request, state: ServerState, table: RouteTable) -> _Json | Response:
    raw_path = request.environ.get("REQUEST_URI") or request.full_path
    route, path = table.find(request.method, raw_path)
    call = Call(state, route, path, request)
    if getattr(route.handler, "reads_body", False):
        return _respond(route.handler(call), {})
    values = {**_parameters(request), **path}
    if route.takes is None:
        plain = {k: v for k, v in values.items() if k not in COMMON}
        return _respond(route.handler(call, plain), values)
    return _respond(route.handler(call, read_schema(route.takes, values)), values)


def _parameters(req: Request) -> dict[str, Any]:
    values: dict[str, Any] = _pairs(req.query_string)
    kind = (req.mimetype or "").lower()
    if not req.content_length and "chunked" not in req.headers.get("Transfer-Encoding", ""):
        return values
    if kind == _URLENCODED:
        values.update(_pairs(req.get_data(cache=False)))
    elif kind == _MULTIPART:
        req.max_form_memory_size = _MAX_FORM_NBYTES
        values.update(req.form.items())
    elif kind == _JSON:
        values.update(_json_body(req))
    return values


def _pairs(text: bytes) -> dict[str, Any]:
    """Return the parameters of a query or form; of those with one name the first."""
    found: dict[str, Any] = {}
    for name, value in parse_qsl(text.decode(errors="replace"), keep_blank_values=True):
        found.setdefault(name, value)
    return found


def _json_body(req: Request) -> dict[str, Any]:
    try:
        body = json.loads(req.get_data())
    except (ValueError, RecursionError) as error:
        raise ParameterError(f"The body is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise ParameterError("The JSON body must be an object of parameters.")
    return body


def _respond(answer: Any, values: dict[str, Any]) -> _Json | Response:
    if isinstance(answer, Response):
        return answer
    body = answer.to_json() if isinstance(answer, Schema) else encode(answer)
    excluded = values.get("_exclude_fields")
    if excluded:
        for path in str(excluded).split(","):
            _exclude(body, path.strip().strip("/").split("/"))
    return _Json(200, _dumped(body))


def _dumped(body: Any) -> bytes:
    return json.dumps(body, allow_nan=False).encode()


def _exclude(body: Any, path: list[str]) -> None:
    if isinstance(body, list):
        for item in body:
            _exclude(item, path)
    elif isinstance(body, dict):
        if len(path) == 1:
            body.pop(path[0], None)
        elif path[0] in body:
            _exclude(body[path[0]], path[1:])


def _check_method(request: Request) -> None:
    if request.method not in _METHODS:
        raise MethodNotServedError(f"Method {request.method} is not served.")


def _check_length(request: Request, state: ServerState) -> None:
    is_upload = (request.mimetype or "") not in (_URLENCODED, _JSON)
    limit = state.options.max_body_nbytes if is_upload else _MAX_FORM_NBYTES
    if (request.content_length or 0) > min(limit, state.options.max_body_nbytes):
        raise BodyTooLargeError(
            f"The body has {request.content_length} bytes; at most {limit} are accepted here."
        )


def _failed(request: Request, error: Exception) -> _Json:
    answer = error_answer(error, request.path)
    if isinstance(error, DH2OError):
        log.info("%s %s: %s", request.method, request.path, error)
    else:
        log.exception("%s %s failed", request.method, request.path)
    headers: tuple[tuple[str, str], ...] = ()
    if isinstance(error, UnauthorizedError):
        headers = (("WWW-Authenticate", 'Basic realm="dh2o", charset="UTF-8"'),)
    elif isinstance(error, MethodNotServedError):
        headers = (("Allow", ", ".join(_METHODS)),)
    return _Json(answer.http_status, _dumped(answer.to_json()), headers)


def _headers(state: ServerState) -> list[tuple[str, str]]:
    """Return the headers of every answer."""
    return [
        ("X-h2o-build-project-version", state.options.client_version),
        ("X-h2o-rest-api-version-max", "3"),
        ("X-h2o-cluster-id", str(state.cluster_id)),
        ("X-h2o-cluster-good", "true"),
        ("X-Frame-Options", "deny"),
        ("X-XSS-Protection", "1; mode=block"),
        ("X-Content-Type-Options", "nosniff"),
        (
            "Content-Security-Policy",
            "default-src 'self' 'unsafe-eval' 'unsafe-inline'; img-src 'self' data:",
        ),
    ]
