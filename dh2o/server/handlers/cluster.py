"""Cluster status, liveness, locks and shutdown."""
# ruff: noqa: ARG001 (all handlers are called alike)

from __future__ import annotations

import os
import shutil
import time
from typing import TYPE_CHECKING, Any

from dh2o.server.schemas.cluster import (
    CloudLockV3,
    CloudV3,
    GarbageCollectV3,
    NodeMemoryInfoV3,
    NodeV3,
    PingV3,
    ShutdownV3,
    SteamMetricsV3,
    UnlockKeysV3,
)

if TYPE_CHECKING:
    from dh2o.server.app import Call

__all__ = ["collect_garbage", "lock_cloud", "ping", "show_cloud", "shut_down", "steam", "unlock"]


def show_cloud(call: Call, args: CloudV3) -> CloudV3:
    """Return the state of the cluster and of its workers."""
    state = call.state
    workers = worker_facts(call)
    args.version = state.options.client_version
    args.branch_name = "dh2o"
    args.last_commit_hash = ""
    args.describe = "dh2o"
    args.compiled_by = "dh2o"
    args.compiled_on = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(state.started_ms / 1000))
    args.build_number = state.options.client_version.rpartition(".")[2]
    args.build_age = "0 days"
    args.build_too_old = False
    args.cloud_name = state.options.cloud_name
    args.cloud_size = len(workers)
    args.cloud_uptime_millis = state.uptime_ms
    args.cloud_internal_timezone = "UTC"
    args.datafile_parser_timezone = state.time_zone
    args.cloud_healthy = args.consensus = bool(workers)
    args.leader_idx = 0
    args.web_ip = state.options.host
    args.internal_security_enabled = bool(getattr(state.engine, "is_secure", False))
    args.nodes = [_node(call, facts) for facts in workers]
    return args


def ping(call: Call, args: PingV3) -> PingV3:
    """Return that the cluster is alive, and its free memory."""
    workers = worker_facts(call)
    args.cloud_uptime_millis = call.state.uptime_ms
    args.cloud_healthy = bool(workers)
    args.nodes = [
        NodeMemoryInfoV3(ip_port=w["address"], free_mem=max(0, w["memory_limit"] - w["memory"]))
        for w in workers
    ]
    return args


def lock_cloud(call: Call, args: CloudLockV3) -> CloudLockV3:
    """Return at once: a Dask cluster may always grow, so there is nothing to lock."""
    return args


def unlock(call: Call, args: UnlockKeysV3) -> UnlockKeysV3:
    """Break all locks on keys."""
    call.state.engine.dkv.unlock_all()
    return args


def collect_garbage(call: Call, args: GarbageCollectV3) -> GarbageCollectV3:
    """Free what is no longer used in this process."""
    import gc

    gc.collect()
    return args


def steam(call: Call, args: SteamMetricsV3) -> SteamMetricsV3:
    """Return for how long the server has been idle."""
    args.idle_millis = call.state.idle_ms
    return args


def shut_down(call: Call, args: ShutdownV3) -> ShutdownV3:
    """Stop the server once this answer is on its way."""
    call.state.stop()
    return args


def worker_facts(call: Call) -> list[dict[str, Any]]:
    """Return address, threads, memory and process of each worker."""
    return call.state.engine.worker_facts()


def _node(call: Call, facts: dict[str, Any]) -> NodeV3:
    disk = shutil.disk_usage("/")
    return NodeV3(
        h2o=_place(call, facts),
        ip_port=_place(call, facts),
        healthy=True,
        last_ping=int(time.time() * 1000),
        pid=facts.get("pid") or os.getpid(),
        num_cpus=os.cpu_count() or 1,
        cpus_allowed=facts["n_threads"],
        nthreads=facts["n_threads"],
        sys_load=os.getloadavg()[0],
        my_cpu_pct=int(facts.get("cpu_pct") or 0),
        sys_cpu_pct=int(facts.get("cpu_pct") or 0),
        mem_value_size=facts["memory"],
        pojo_mem=0,
        free_mem=max(0, facts["memory_limit"] - facts["memory"]),
        max_mem=facts["memory_limit"],
        num_keys=facts.get("n_keys", 0),
        free_disk=disk.free,
        max_disk=disk.total,
        fjthrds=[],
        fjqueue=[],
        open_fds=facts.get("n_fds", 0),
    )


def _place(call: Call, facts: dict[str, Any]) -> str:
    scheme, _, place = str(facts["address"]).partition("://")
    if scheme == "inproc":  # the worker inside this process has no port of its own
        return f"{call.state.options.host}:{call.state.options.port}"
    return place
