"""Logs, stacks, meters and the round trip between the server and the workers."""
# ruff: noqa: ARG001 (all handlers are called alike)

from __future__ import annotations

import io
import logging
import os
import sys
import threading
import time
import traceback
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Response

from dh2o.models import TwoDimTable
from dh2o.server.schemas.diagnostics import (
    DStackTraceV3,
    JStackV3,
    KillMinus3V3,
    LogAndEchoV3,
    LogsV3,
    NetworkTestV3,
    ProfilerNodeEntryV3,
    ProfilerNodeV3,
    ProfilerV3,
    TimelineV3,
    WaterMeterCpuTicksV3,
    WaterMeterIoV3,
)
from dh2o.server.tables import table_schema

from .cluster import worker_facts

if TYPE_CHECKING:
    from dh2o.server.app import Call

__all__ = [
    "cpu_ticks",
    "download_logs",
    "echo",
    "io_counts",
    "log_stacks",
    "network",
    "profile",
    "show_log",
    "stacks",
    "timeline",
]

log = logging.getLogger("dh2o.server")

_LEVELS = {
    "trace": logging.NOTSET,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "errr": logging.ERROR,
    "fatal": logging.CRITICAL,
}
_N_ROUND_TRIPS = 10


def echo(call: Call, args: LogAndEchoV3) -> LogAndEchoV3:
    """Write the message to the log and return it."""
    log.info("%s", args.message)
    return args


def show_log(call: Call, args: LogsV3) -> LogsV3:
    """Return the server's log from a level on."""
    args.log = call.state.logbook.text(_LEVELS.get((args.name or "info").lower(), logging.INFO))
    return args


def download_logs(call: Call, params: dict[str, Any]) -> Response:
    """Return the server's log, as text or in a zip."""
    container = str(params.get("container") or "zip").lower()
    stamp = time.strftime("%Y%m%d_%H%M%S")
    text = call.state.logbook.text().encode()
    if container == "log":
        body, name = text, f"h2ologs_{stamp}.log"
    else:
        node = f"node0_{_node(call).replace(':', '_')}"
        files = {f"h2ologs_{node}/server.log": text}
        files[f"h2ologs_{node}/stacks.txt"] = "\n\n".join(_stacks()).encode()
        # as from H2O: an archive for each node, all in one
        body = _archive({f"h2ologs_{stamp}/{node}.zip": _archive(files)})
        name = f"h2ologs_{stamp}.zip"
    response = Response(body, content_type="application/octet-stream")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _archive(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return packed.getvalue()


def timeline(call: Call, args: TimelineV3) -> TimelineV3:
    """Return the time of the server; Dask's dashboard shows the events of the workers."""
    args.now = int(time.time() * 1000)
    args.self_ = call.state.options.host
    args.events = []
    return args


def stacks(call: Call, args: JStackV3) -> JStackV3:
    """Return the stacks of all threads of the server."""
    args.traces = [
        DStackTraceV3(node=_node(call), time=int(time.time() * 1000), thread_traces=_stacks())
    ]
    return args


def log_stacks(call: Call, args: KillMinus3V3) -> KillMinus3V3:
    """Write the stacks of all threads to the log."""
    log.info("Stacks:\n%s", "\n\n".join(_stacks()))
    return args


def profile(call: Call, args: ProfilerV3) -> ProfilerV3:
    """Return the stacks of all threads, cut to a depth, by how many threads are in each."""
    counts: dict[str, int] = {}
    for frame in sys._current_frames().values():
        lines = traceback.format_stack(frame)[-max(1, args.depth) :]
        stack = "".join(reversed(lines))
        counts[stack] = counts.get(stack, 0) + 1
    entries = [
        ProfilerNodeEntryV3(stacktrace=stack, count=count)
        for stack, count in sorted(counts.items(), key=lambda item: -item[1])
    ]
    now = int(time.time() * 1000)
    args.nodes = [ProfilerNodeV3(node_name=_node(call), timestamp=now, entries=entries)]
    return args


def network(call: Call, args: NetworkTestV3) -> NetworkTestV3:
    """Measure the round trip from the server to the scheduler."""
    started = time.perf_counter()
    for _ in range(_N_ROUND_TRIPS):
        call.state.engine.workers()
    micros = (time.perf_counter() - started) / _N_ROUND_TRIPS * 1e6
    args.nodes = [facts["address"] for facts in worker_facts(call)]
    args.microseconds_collective = [micros]
    args.bandwidths_collective = []
    args.microseconds = [[micros]]
    args.bandwidths = [[]]
    args.table = table_schema(
        TwoDimTable.of(
            "Network Test",
            {
                "destination": ("string", ["scheduler"]),
                "1_byte_round_trip": ("string", [f"{micros:.1f} usec"]),
            },
            "Round trip from the server to the scheduler",
        )
    )
    return args


def cpu_ticks(call: Call, args: WaterMeterCpuTicksV3) -> WaterMeterCpuTicksV3:
    """Return the processors' ticks where the system tells them (user, system, other, idle)."""
    args.cpu_ticks = []
    try:
        with Path("/proc/stat").open(encoding="ascii") as file:
            for line in file:
                name, *ticks = line.split()
                if name.startswith("cpu") and name != "cpu":
                    user, nice, system, idle, *rest = (int(t) for t in ticks)
                    args.cpu_ticks.append([user + nice, system, sum(rest), idle])
    except OSError:
        pass
    return args


def io_counts(call: Call, args: WaterMeterIoV3) -> WaterMeterIoV3:
    """Return no counts: the workers' reads and writes are on Dask's dashboard."""
    args.persist_stats = []
    return args


def _node(call: Call) -> str:
    return f"{call.state.options.host}:{call.state.options.port} pid {os.getpid()}"


def _stacks() -> list[str]:
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    return [
        f'"{names.get(ident, ident)}"\n' + "".join(traceback.format_stack(frame))
        for ident, frame in sys._current_frames().items()
    ]
