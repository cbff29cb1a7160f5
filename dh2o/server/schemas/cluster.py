"""Schemas of the cluster, its jobs and its sessions."""
# ruff: noqa: RUF009 (the calls make fields)

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .base import Key, Request, Schema, SchemaV4, both, gives, takes


@dataclass(kw_only=True)
class NodeV3(Schema):
    """One worker."""

    h2o: str | None = gives("string")
    ip_port: str | None = gives("string")
    healthy: bool = gives("boolean", False)
    last_ping: int = gives("long", 0)
    pid: int = gives("int", 0)
    num_cpus: int = gives("int", 0)
    cpus_allowed: int = gives("int", 0)
    nthreads: int = gives("int", 0)
    sys_load: float = gives("float", 0.0)
    my_cpu_pct: int = gives("int", 0)
    sys_cpu_pct: int = gives("int", 0)
    mem_value_size: int = gives("long", 0)
    pojo_mem: int = gives("long", 0)
    free_mem: int = gives("long", 0)
    max_mem: int = gives("long", 0)
    swap_mem: int = gives("long", 0)
    num_keys: int = gives("int", 0)
    free_disk: int = gives("long", 0)
    max_disk: int = gives("long", 0)
    rpcs_active: int = gives("int", 0)
    fjthrds: list[Any] | None = gives("short[]")
    fjqueue: list[Any] | None = gives("short[]")
    tcps_active: int = gives("int", 0)
    open_fds: int = gives("int", 0)
    gflops: float = gives("double", 0.0)
    mem_bw: float = gives("double", 0.0)


@dataclass(kw_only=True)
class CloudV3(Request):
    """State of the cluster."""

    skip_ticks: bool = takes("boolean", False)
    version: str | None = gives("string", None, "Version of H2O whose interface this is.")
    branch_name: str | None = gives("string")
    last_commit_hash: str | None = gives("string")
    describe: str | None = gives("string")
    compiled_by: str | None = gives("string")
    compiled_on: str | None = gives("string")
    build_number: str | None = gives("string")
    build_age: str | None = gives("string")
    build_too_old: bool = gives("boolean", False)
    node_idx: int = gives("int", 0, "Number of the worker.")
    cloud_name: str | None = gives("string", None, "Name of the cluster.")
    cloud_size: int = gives("int", 0, "How many workers the cluster has.")
    cloud_uptime_millis: int = gives("long", 0)
    cloud_internal_timezone: str | None = gives("string")
    datafile_parser_timezone: str | None = gives("string")
    cloud_healthy: bool = gives("boolean", False, "Whether all workers answer.")
    bad_nodes: int = gives("int", 0)
    consensus: bool = gives("boolean", False, "Whether the workers agree on the cluster.")
    locked: bool = gives("boolean", False, "Whether the cluster refuses new workers.")
    is_client: bool = gives("boolean", False)
    hadoop_version: str | None = gives("string")
    telemetry_enabled: bool = gives("boolean", False)
    nodes: list[Any] | None = gives("NodeV3[]", None, "The workers.")
    internal_security_enabled: bool = gives("boolean", False)
    leader_idx: int = gives("int", -1)
    web_ip: str | None = gives("string")


@dataclass(kw_only=True)
class CloudLockV3(Request):
    """Request to refuse new workers."""

    reason: str | None = takes("string")


@dataclass(kw_only=True)
class ShutdownV3(Request):
    """Request to stop the server."""

    schema_type: ClassVar[str] = "Shutdown"


@dataclass(kw_only=True)
class NodeMemoryInfoV3(Schema):
    """Free memory of one worker."""

    ip_port: str | None = gives("string")
    free_mem: int = gives("long", 0)


@dataclass(kw_only=True)
class PingV3(Request):
    """Sign of life."""

    cloud_uptime_millis: int = gives("long", 0)
    cloud_healthy: bool = gives("boolean", False, "Whether all workers answer.")
    nodes: list[Any] | None = gives("NodeMemoryInfoV3[]", None, "The workers.")


@dataclass(kw_only=True)
class JobV3(Schema):
    """State of one job."""

    schema_type: ClassVar[str] = "Job"

    key: Key | None = takes("Key<Job>", None, "Key in the store.")
    description: str | None = takes("string", None, "What it is.")
    status: str | None = gives("string", None, "State of the job.")
    progress: float = gives("float", 0.0, "Part of the work done, 0 to 1.")
    progress_msg: str | None = gives("string", None, "What is being done.")
    start_time: int = gives("long", 0, "Start, in milliseconds since 1970.")
    msec: int = gives("long", 0, "Time taken so far, in milliseconds.")
    dest: Key | None = both("Key<Keyed>", None, "Key of the result.")
    warnings: list[Any] | None = gives("string[]", None, "Warnings for the user.")
    exception: str | None = gives("string", None, "What went wrong.")
    stacktrace: str | None = gives("string", None, "Where it went wrong.")
    auto_recoverable: bool = gives("boolean", False)
    ready_for_view: bool = gives("boolean", False)


@dataclass(kw_only=True)
class JobsV3(Request):
    """Jobs of the cluster."""

    job_id: Key | None = takes("Key<Job>", None, "Key of the job.")
    jobs: list[Any] | None = gives("JobV3[]")


@dataclass(kw_only=True)
class InitIDV3(Request):
    """Session of an R client."""

    session_key: str | None = both("string", None, "Key of the session.")
    session_properties_allowed: bool = gives("boolean", False)


@dataclass(kw_only=True)
class SessionPropertyV3(Request):
    """One property of a session."""

    session_key: str | None = both("string", None, "Key of the session.")
    key: str | None = both("string", None, "Key in the store.")
    value: str | None = both("string")


@dataclass(kw_only=True)
class SessionIdV4(SchemaV4):
    """Session of a Python client."""

    session_key: str | None = takes("string", None, "Key of the session.")


@dataclass(kw_only=True)
class AboutEntryV3(Schema):
    """One property of the build."""

    name: str | None = gives("string", None, "Name.")
    value: str | None = gives("string")


@dataclass(kw_only=True)
class AboutV3(Request):
    """Properties of the build."""

    entries: list[Any] | None = gives("AboutEntryV3[]")


@dataclass(kw_only=True)
class CapabilityEntryV3(Schema):
    """One extension."""

    name: str | None = gives("string", None, "Name.")


@dataclass(kw_only=True)
class CapabilitiesV3(Request):
    """Extensions of the server."""

    capabilities: list[Any] | None = gives("CapabilityEntryV3[]")


@dataclass(kw_only=True)
class SteamMetricsV3(Request):
    """How long the server has been idle."""

    schema_type: ClassVar[str] = "SteamMetrics"

    version: int = gives("long", 0, "Version of H2O whose interface this is.")
    idle_millis: int = gives("long", 0)


@dataclass(kw_only=True)
class UnlockKeysV3(Request):
    """Request to break all locks."""


@dataclass(kw_only=True)
class GarbageCollectV3(Schema):
    """Request to free memory."""
