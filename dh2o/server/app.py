"""The WSGI application: a request in, the right handler called, its answer or error out as JSON."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Flask, Request, Response, request

from dh2o.errors import DH2OError, ParameterError
from dh2o.mrtask import use_engine

from .auth import Gate, UnauthorizedError
from .failures import BodyTooLargeError, error_answer
from .params import COMMON, read_schema
from .routes import ROUTES
from .routing import Route, RouteTable
from .schemas.base import Schema, encode

if TYPE_CHECKING:
    from .state import ServerState

__all__ = ["Call", "create_app"]

log = logging.getLogger("dh2o.server")

_JSON = "application/json"
_FORM = ("application/x-www-form-urlencoded", "multipart/form-data")
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
    app = Flask("dh2o.server", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = None  # checked below, with H2O's error
    table, gate = RouteTable(ROUTES), Gate(state.options)

    def answer(**_: Any) -> Response:
        with state.counting(), use_engine(state.engine):
            try:
                gate.check(dict(request.headers))
                _check_length(state)
                response = _dispatch(state, table)
            except Exception as error:  # noqa: BLE001 (the process boundary: every error is answered)
                response = _failed(error)
            return _with_headers(response, state)

    for rule in ("/", "/<path:path>"):
        app.add_url_rule(rule, f"answer {rule}", answer, methods=_METHODS)
    app.url_map.merge_slashes = False
    app.register_error_handler(405, lambda _: _with_headers(_method_refused(), state))
    return app


def _dispatch(state: ServerState, table: RouteTable) -> Response:
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
    values: dict[str, Any] = dict(req.args.items())
    kind = (req.mimetype or "").lower()
    if not req.content_length and "chunked" not in req.headers.get("Transfer-Encoding", ""):
        return values
    if kind in _FORM:
        values.update(req.form.items())
    elif kind == _JSON:
        values.update(_json_body(req))
    return values


def _json_body(req: Request) -> dict[str, Any]:
    try:
        body = json.loads(req.get_data())
    except (ValueError, RecursionError) as error:
        raise ParameterError(f"The body is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise ParameterError("The JSON body must be an object of parameters.")
    return body


def _respond(answer: Any, values: dict[str, Any]) -> Response:
    if isinstance(answer, Response):
        return answer
    body = answer.to_json() if isinstance(answer, Schema) else encode(answer)
    excluded = values.get("_exclude_fields")
    if excluded:
        for path in str(excluded).split(","):
            _exclude(body, path.strip().strip("/").split("/"))
    return _json_response(body, 200)


def _json_response(body: Any, status: int) -> Response:
    return Response(json.dumps(body, allow_nan=False), status=status, content_type=_JSON)


def _exclude(body: Any, path: list[str]) -> None:
    if isinstance(body, list):
        for item in body:
            _exclude(item, path)
    elif isinstance(body, dict):
        if len(path) == 1:
            body.pop(path[0], None)
        elif path[0] in body:
            _exclude(body[path[0]], path[1:])


def _check_length(state: ServerState) -> None:
    is_upload = (request.mimetype or "") not in (*_FORM[:1], _JSON)
    limit = state.options.max_body_nbytes if is_upload else _MAX_FORM_NBYTES
    if (request.content_length or 0) > min(limit, state.options.max_body_nbytes):
        raise BodyTooLargeError(
            f"The body has {request.content_length} bytes; at most {limit} are accepted here."
        )


def _failed(error: Exception) -> Response:
    answer = error_answer(error, request.path)
    if isinstance(error, DH2OError):
        log.info("%s %s: %s", request.method, request.path, error)
    else:
        log.exception("%s %s failed", request.method, request.path)
    response = _json_response(answer.to_json(), answer.http_status)
    if isinstance(error, UnauthorizedError):
        response.headers["WWW-Authenticate"] = 'Basic realm="dh2o", charset="UTF-8"'
    return response


def _method_refused() -> Response:
    answer = error_answer(ParameterError(f"Method {request.method} is not served."), request.path)
    answer.http_status = 405
    return _json_response(answer.to_json(), 405)


def _with_headers(response: Response, state: ServerState) -> Response:
    headers = response.headers
    headers["X-h2o-build-project-version"] = state.options.client_version
    headers["X-h2o-rest-api-version-max"] = "3"
    headers["X-h2o-cluster-id"] = str(state.cluster_id)
    headers["X-h2o-cluster-good"] = "true"
    headers["X-Frame-Options"] = "deny"
    headers["X-XSS-Protection"] = "1; mode=block"
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Content-Security-Policy"] = (
        "default-src 'self' 'unsafe-eval' 'unsafe-inline'; img-src 'self' data:"
    )
    if request.headers.get("X-Requested-With"):
        headers["Cache-Control"] = "no-cache"
    return response
