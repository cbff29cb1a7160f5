"""Sessions and the Rapids expressions that run in them."""
# ruff: noqa: ARG001 (all handlers are called alike)

from __future__ import annotations

from typing import TYPE_CHECKING

from dh2o.errors import RapidsError
from dh2o.rapids import ValFrame, ValKeyed, ValMapFrame, ValNum, ValNums, ValStr, ValStrs
from dh2o.rapids.columns import Table
from dh2o.rapids.passes import gather
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
    if isinstance(value, ValFrame):
        return _frame(value)
    if isinstance(value, ValNum):
        return RapidsNumberV3(scalar=float(value.value))
    if isinstance(value, ValNums):
        return RapidsNumbersV3(scalar=[float(v) for v in value.values])
    if isinstance(value, ValStr):
        return RapidsStringV3(string=value.value)
    if isinstance(value, ValStrs):
        return RapidsStringsV3(string=list(value.values))
    if isinstance(value, ValMapFrame):
        return RapidsMapFrameV3(
            frames=[_frame(part) for part in value.frames.values()],
            map_keys=RapidsStringsV3(string=list(value.frames)),
        )
    if isinstance(value, ValKeyed):
        return RapidsStringV3(string=value.key)
    return RapidsFunctionV3(funstr=str(value))


def _frame(value: ValFrame) -> RapidsFrameV3:
    """Return the shape of a frame, which is evaluated: what its formulas raise belongs here."""
    table = gather(value.table) if value.table.is_local else Table.of(value.frame)
    key = Key(value.key or table.key, "Frame")
    return RapidsFrameV3(key=key, num_rows=table.n_rows, num_cols=table.n_cols)
