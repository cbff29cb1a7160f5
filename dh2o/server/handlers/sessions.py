"""Sessions and the Rapids expressions that run in them."""
# ruff: noqa: ARG001 (all handlers are called alike)

from __future__ import annotations

from typing import TYPE_CHECKING

from dh2o.errors import RapidsError
from dh2o.server.schemas.base import Key, Schema
from dh2o.server.schemas.cluster import InitIDV3, SessionIdV4, SessionPropertyV3
from dh2o.server.schemas.munging import (
    RapidsFrameV3,
    RapidsFunctionV3,
    RapidsMapFrameV3,
    RapidsNumbersV3,
    RapidsNumberV3,
    RapidsSchemaV3,
    RapidsStringsV3,
    RapidsStringV3,
)

if TYPE_CHECKING:
    from dh2o.rapids import Val
    from dh2o.server.app import Call

__all__ = [
    "close_session",
    "end_session",
    "evaluate",
    "open_session",
    "session_property",
    "start_session",
]


def open_session(call: Call, args: Schema) -> SessionIdV4:
    """Open a session for a Python client."""
    return SessionIdV4(session_key=call.state.new_session())


def close_session(call: Call, args: InitIDV3) -> InitIDV3:
    """Close a session; its temporaries go with it."""
    call.state.close_session(args.session_key or "")
    return args


def start_session(call: Call, args: InitIDV3) -> InitIDV3:
    """Open a session for an R client."""
    args.session_key = call.state.new_session()
    args.session_properties_allowed = True
    return args


def end_session(call: Call, args: InitIDV3) -> InitIDV3:
    """Close all sessions of R clients that do not name theirs, or the one that is named."""
    if args.session_key:
        call.state.close_session(args.session_key)
    return args


def session_property(call: Call, args: SessionPropertyV3) -> SessionPropertyV3:
    """Return the property; none has an effect on dh2o."""
    return args


def evaluate(call: Call, args: RapidsSchemaV3) -> Schema:
    """Run one expression in its session and return the value."""
    if not args.ast or not args.ast.strip():
        raise RapidsError("The expression is empty. Send one in 'ast', such as (+ 1 2).")
    with call.state.session(args.session_id) as session:
        value = session.execute(args.ast)
    return value_schema(value)


def value_schema(value: Val) -> Schema:
    """Return the schema that carries a Rapids value."""
    kind = type(value).__name__
    if kind == "ValFrame":
        return _frame(value)
    if kind in ("ValNum", "ValNums", "ValRow"):
        return _numbers(value)
    if kind == "ValStr":
        return RapidsStringV3(string=value.value)
    if kind == "ValStrs":
        return RapidsStringsV3(string=list(value.values))
    if kind == "ValMapFrame":
        return RapidsMapFrameV3(
            frames=[_frame(frame) for frame in value.frames],
            map_keys=RapidsStringsV3(string=list(value.keys)),
        )
    return RapidsFunctionV3(funstr=str(value))


def _numbers(value: Val) -> Schema:
    if type(value).__name__ == "ValNum":
        return RapidsNumberV3(scalar=float(value.value))
    return RapidsNumbersV3(scalar=[float(v) for v in value.values])


def _frame(value: Val) -> RapidsFrameV3:
    frame = value.frame
    return RapidsFrameV3(
        key=Key(value.key or frame.key, "Frame"), num_rows=frame.n_rows, num_cols=frame.n_cols
    )
