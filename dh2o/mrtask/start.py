"""`init`: a cluster in this process, on this machine, or wherever an address or a Client leads."""

from __future__ import annotations

import atexit
import os
import sys
import time
from functools import partial
from importlib.util import find_spec
from typing import Any

from dh2o.errors import DH2OError, MissingExtraError, ParameterError
from dh2o.mrtask.engine import Engine, find_engine, set_current
from dh2o.mrtask.imports import worker_packages
from dh2o.version import __version__

_SWITCH_INTERVAL_S = 0.0005
_CLOSE_TRIES = 20
_CLOSE_PAUSE_S = 0.1
_PRELOADED = ("distributed.nanny", "dh2o.mrtask.lane_worker", *worker_packages())

_ADDRESSES = ("dashboard_address", "host", "scheduler_port")

_options_of: dict[int, Any] = {}


def init(
    address: Any = None,
    *,
    n_workers: int | None = None,
    threads_per_worker: int | None = None,
    processes: bool | None = None,
    memory_limit: str | float | None = "auto",
    dashboard_address: str | None = None,
    security: Any = None,
    spool: str | None = None,
    **options: Any,
) -> Engine:
    """Return the engine of this process, connected and current.

    Without arguments this is one worker inside this process with all threads, or the engine that
    `init` made before. With an `address` (``tcp://host:8786``) or a ``distributed.Client`` it joins
    that cluster. The other arguments are those of ``distributed.LocalCluster``; several workers are
    processes.

    Parameters
    ----------
    address
        Scheduler address, Client, or LocalCluster-like object; None starts a cluster here.
    n_workers, threads_per_worker, processes, memory_limit, dashboard_address, security, options
        As in ``distributed.LocalCluster``. The dashboard is off unless an address is given
        (``":8787"``); it needs bokeh, the extra ``dashboard``.
    spool
        Folder or fsspec URL that this client and all workers reach, for data that come from this
        client.
    """
    local = {
        "n_workers": n_workers,
        "threads_per_worker": threads_per_worker,
        "processes": processes,
        "dashboard_address": dashboard_address,
        **options,
    }
    asked = (_identity(address), tuple(sorted((k, repr(v)) for k, v in local.items() if v)))
    present = find_engine()
    if present is not None and present.client.status != "running":
        present.close()  # its cluster has ended without it
        present = find_engine()
    if present is not None and (asked == (None, ()) or _options_of.get(id(present)) == asked):
        return present
    if address is None:
        _refuse_second(present)
        engine = start_cluster(memory_limit=memory_limit, security=security, spool=spool, **local)
    else:
        engine = join_cluster(address, security=security, spool=spool)
    _options_of[id(engine)] = asked
    engine.when_closed(lambda: _options_of.pop(id(engine), None))
    set_current(engine)
    atexit.register(engine.close)
    engine.when_closed(lambda: atexit.unregister(engine.close))
    return engine


def dask_client() -> Any:
    """Return the Dask client that is current in this process, or None."""
    from distributed import Client

    try:
        return Client.current(allow_global=True)
    except ValueError:  # there is none
        return None


def _identity(address: Any) -> Any:
    return address if address is None or isinstance(address, str) else id(address)


def _refuse_second(present: Engine | None) -> None:
    if present is not None and present._cluster is not None:
        raise ParameterError(
            "There is an engine with other options already. Close it first: dh2o.init().close()."
        )


def start_cluster(
    *,
    n_workers: int | None = None,
    threads_per_worker: int | None = None,
    processes: bool | None = None,
    spool: str | None = None,
    **options: Any,
) -> Engine:
    """Return the engine of a new cluster on this machine, which ends with it. Not made current."""
    from distributed import Client, LocalCluster

    from dh2o.mrtask.spool import local_folder, remove_folder

    n_workers = n_workers or 1
    processes = n_workers > 1 if processes is None else processes
    if options.get("dashboard_address") is None:
        # Dask listens for its metrics page even without a dashboard: on loopback, at a free port.
        options["dashboard_address"] = "127.0.0.1:0"
        options["scheduler_kwargs"] = {"dashboard": False, **options.get("scheduler_kwargs", {})}
        _rest_monitors()
    elif find_spec("bokeh") is None:  # Dask would start, and show a page that says so
        raise MissingExtraError.of("bokeh", "dashboard", "Dask's dashboard")
    if not processes:
        options.setdefault("worker_class", _worker_class())
        # Caller and event loop share a GIL: at Python's 5 ms a small frame takes 2 ms, so 1 ms.
        sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_INTERVAL_S))
    else:
        _settle_processes()
    try:
        cluster = LocalCluster(
            n_workers=n_workers,
            threads_per_worker=threads_per_worker or max((os.cpu_count() or 1) // n_workers, 1),
            processes=processes,
            **options,
        )
    except RuntimeError as error:  # an address that is none, of the dashboard for one
        addresses = {k: v for k, v in options.items() if k in _ADDRESSES}
        raise DH2OError(f"{error}. Its addresses were {addresses}.") from error
    try:
        client = Client(cluster)  # with the cluster's own security
    except BaseException:
        cluster.close()
        raise
    folder = spool or local_folder()
    try:
        engine = _engine(client, cluster, folder)
    except BaseException:
        if not spool:
            remove_folder(folder)
        _leave(client)
        cluster.close()
        raise
    engine.when_closed(lambda: None if spool else remove_folder(folder))
    engine.when_closed(cluster.close)
    engine.when_closed(partial(_leave, client))
    return engine


def _leave(client: Any) -> None:
    """Close a client, be it while it closes itself.

    Dask closes a client from its event loop once the scheduler has been lost for long enough. Two
    closes at a time end the same connection attempt, which asyncio refuses to the second.
    """
    for _ in range(_CLOSE_TRIES - 1):
        try:
            client.close()
        except RuntimeError:
            time.sleep(_CLOSE_PAUSE_S)  # until the first has gone on
        else:
            return
    client.close()


def _rest_monitors() -> None:
    """Leave out or slow down what Dask measures for its dashboard.

    Its profiler looks at all threads a hundred times a second, on the event loop: a tenth of a core
    that the passes want. Its tick asks fifty times a second whether the loop is late, and twice a
    second it reads the disks of the machine: together 4 % of a core that does nothing else. Servers
    read the settings when they start.
    """
    import dask

    dask.config.set(
        {
            "distributed.worker.profile.enabled": False,
            "distributed.admin.tick.interval": "500ms",
            "distributed.admin.system-monitor.disk": False,
        }
    )


def _settle_processes() -> None:
    """Make worker processes come back soon after they were lost, however often that happens.

    They are forked from a process that has imported what they need: half a second instead of
    seconds of imports. And a nanny is given the time it takes: by default Dask gives up a worker
    that it misses 15 seconds after it was lost, even if it has been back meanwhile. Nannies read
    these settings whenever they start a worker, so they are this process's; a user's own choice
    stays.
    """
    import multiprocessing

    import dask

    method = "distributed.worker.multiprocessing-method"
    if dask.config.get(method) == "spawn" and (
        "forkserver" in multiprocessing.get_all_start_methods()
    ):
        multiprocessing.set_forkserver_preload(list(_PRELOADED))
        dask.config.set({method: "forkserver"})
    patience = "distributed.deploy.lost-worker-timeout"
    if dask.config.get(patience) == "15s":
        dask.config.set({patience: "1 day"})


def _worker_class() -> Any:
    """Return the class of a worker in this process that listens for metrics on loopback only."""
    from distributed import Worker

    class LoopbackWorker(Worker):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            if not kwargs.get("dashboard"):
                kwargs["dashboard_address"] = "127.0.0.1:0"
            super().__init__(*args, **kwargs)

    return LoopbackWorker


def join_cluster(address: Any, *, security: Any = None, spool: str | None = None) -> Engine:
    """Return an engine on a running cluster (an address or a Client). Not made current."""
    from distributed import Client

    if isinstance(address, Client):
        return _engine(address, None, spool)  # the user's client: the user closes it
    client = Client(address, security=security, set_as_default=False)
    try:
        engine = _engine(client, None, spool)
    except BaseException:
        _leave(client)
        raise
    engine.when_closed(partial(_leave, client))
    return engine


def _engine(client: Any, cluster: Any, spool: str | None) -> Engine:
    """Install the plugins where they are missing, and connect."""
    from dh2o.mrtask.lane_worker import LanePlugin, lane_of
    from dh2o.mrtask.store import StorePlugin

    try:
        client.register_plugin(StorePlugin())
        client.register_plugin(LanePlugin())
    except ModuleNotFoundError as error:
        raise DH2OError(
            f"The cluster has no {error.name}. Install dh2o on the scheduler and on all workers."
        ) from error
    worker = _worker_here(client)
    engine = Engine(client, worker=worker, cluster=cluster, spool=spool)
    if worker is not None:
        lane_of(worker).engine = engine
    version = engine.call("setting", name="version", value=__version__)
    if version != __version__:
        raise DH2OError(
            f"The cluster runs dh2o {version}, this process {__version__}. "
            "Install the same version on both."
        )
    if spool is not None:
        engine.call("setting", name="spool", value=spool)
    return engine


def _worker_here(client: Any) -> Any:
    """Return the only worker of a cluster if it lives in this process."""
    from distributed import Worker

    workers = list(getattr(client.cluster, "workers", {}).values())
    return workers[0] if len(workers) == 1 and isinstance(workers[0], Worker) else None
