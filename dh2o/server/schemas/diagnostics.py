"""Schemas of logs, traces and meters."""
# ruff: noqa: RUF009 (the calls make fields)

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .base import Request, Schema, gives, takes


@dataclass(kw_only=True)
class LogAndEchoV3(Request):
    """Message for the log."""

    message: str | None = takes("string", None, "Text of the message.")


@dataclass(kw_only=True)
class LogsV3(Request):
    """Text of one log."""

    nodeidx: str | None = takes("string", required=True)
    name: str | None = takes("string", None, "Name.")
    log: str | None = gives("string", None, "Text of the log.")


@dataclass(kw_only=True)
class EventV3(Schema):
    """One event."""

    date: str | None = takes("string")
    nanos: int = takes("long", -1)
    type: str | None = takes(
        "enum",
        "unknown",
        "Type.",
        values=(
            "unknown",
            "heartbeat",
            "network_msg",
            "io",
        ),
    )


@dataclass(kw_only=True)
class TimelineV3(Request):
    """Events of the workers."""

    schema_type: ClassVar[str] = "Timeline"

    now: int = gives("long", 0)
    self_: str | None = gives("string")
    events: list[Any] | None = gives("EventV3[]")


@dataclass(kw_only=True)
class DStackTraceV3(Schema):
    """Stacks of the threads of one worker."""

    schema_type: ClassVar[str] = "DStackTrace"

    node: str | None = gives("string")
    time: int = gives("long", 0)
    thread_traces: list[Any] | None = gives("string[]")


@dataclass(kw_only=True)
class JStackV3(Request):
    """Stacks of all threads."""

    schema_type: ClassVar[str] = "JStack"

    traces: list[Any] | None = gives("DStackTraceV3[]")


@dataclass(kw_only=True)
class ProfilerNodeEntryV3(Schema):
    """One stack and how often it was seen."""

    stacktrace: str | None = gives("string", None, "Where it went wrong.")
    count: int = gives("int", 0)


@dataclass(kw_only=True)
class ProfilerNodeV3(Schema):
    """Stacks seen on one worker."""

    node_name: str | None = gives("string")
    timestamp: int = gives("long", 0, "Milliseconds since 1970.")
    entries: list[Any] | None = gives("ProfilerNodeEntryV3[]")


@dataclass(kw_only=True)
class ProfilerV3(Request):
    """Stacks sampled."""

    depth: int = takes("int", 10, required=True)
    nodes: list[Any] | None = gives("ProfilerNodeV3[]", None, "The workers.")


@dataclass(kw_only=True)
class NetworkTestV3(Request):
    """Times and rates between the workers."""

    schema_type: ClassVar[str] = "NetworkTest"

    microseconds_collective: list[Any] | None = gives("double[]")
    bandwidths_collective: list[Any] | None = gives("double[]")
    microseconds: list[Any] | None = gives("double[][]")
    bandwidths: list[Any] | None = gives("double[][]")
    nodes: list[Any] | None = gives("string[]", None, "The workers.")
    table: Any = gives("TwoDimTableV3")


@dataclass(kw_only=True)
class WaterMeterCpuTicksV3(Request):
    """Ticks of the processors."""

    schema_type: ClassVar[str] = "WaterMeterCpuTicks"

    nodeidx: int = takes("int", 0, required=True)
    cpu_ticks: list[Any] | None = gives("long[][]")


@dataclass(kw_only=True)
class IoStatsEntry(Schema):
    """Reads and writes of one storage."""

    schema_version: ClassVar[int] = -1

    backend: str | None = gives("string")
    store_count: int = gives("long", 0)
    store_bytes: int = gives("long", 0)
    delete_count: int = gives("long", 0)
    load_count: int = gives("long", 0)
    load_bytes: int = gives("long", 0)


@dataclass(kw_only=True)
class WaterMeterIoV3(Request):
    """Reads and writes."""

    schema_type: ClassVar[str] = "WaterMeterIo"

    nodeidx: int = takes("int", 0)
    persist_stats: list[Any] | None = gives("IoStatsEntry[]")


@dataclass(kw_only=True)
class KillMinus3V3(Request):
    """Request to log all stacks."""
