"""What a server is started with."""

from __future__ import annotations

import ipaddress
import re
import secrets
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from dh2o.errors import ParameterError

__all__ = ["ServerOptions", "is_loopback"]

#: The release of H2O whose interface the server speaks; clients compare it with their own.
CLIENT_VERSION = "3.46.0.12"
_VERSION = re.compile(r"[0-9]+(\.[0-9]+){2,3}")


@lru_cache(maxsize=128)
def is_loopback(host: str) -> bool:
    """Return whether `host` names this machine only."""
    bare = host.strip("[]").lower()
    if bare == "localhost":
        return True
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class ServerOptions:
    """Where a server listens, who may use it, what it may read, and where it computes.

    Parameters
    ----------
    host, port
        Address to listen on; port 0 takes a free one.
    scheduler
        Address of a Dask scheduler to join. None starts workers here.
    n_workers, threads_per_worker
        Worker processes to start here; 0 is one worker inside the server's process.
    dashboard
        Address for Dask's dashboard of workers started here, as ``127.0.0.1:8787``. None: there is
        none; it, and the profiler of tasks that it shows, cost time whether somebody looks or not.
    no_auth
        Let everybody on this machine in. Refused when `host` is reachable from other machines.
    user, password, token
        Who may come in: by Basic authentication, or by ``Authorization: Bearer`` with the token.
        Without a password and a token a random password is made.
    ready_file
        Written with the server's URL once it answers requests.
    import_roots
        Folders, and URLs such as ``s3://bucket/data`` or ``postgresql://host/db``, that may be
        imported from and exported to. None allows all but the operating system's own folders.
    max_body_nbytes
        Longest request body that is accepted.
    n_threads
        Requests that are served at the same time.
    client_version
        Version of H2O that is reported to clients, as 3.46.0.12; they refuse to talk to another.
    genmodel_jar
        File that is served as h2o-genmodel.jar. None: there is none.
    cloud_name
        Name of the cluster that is reported to clients.
    """

    host: str = "127.0.0.1"
    port: int = 54321
    scheduler: str | None = None
    n_workers: int = 0
    threads_per_worker: int | None = None
    dashboard: str | None = None
    no_auth: bool = False
    user: str = "dh2o"
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    ready_file: str | Path | None = None
    import_roots: tuple[str, ...] | None = None
    max_body_nbytes: int = 64 << 30
    n_threads: int = 16
    client_version: str = CLIENT_VERSION
    genmodel_jar: str | Path | None = None
    cloud_name: str = "dh2o"

    def __post_init__(self) -> None:
        if self.no_auth and not is_loopback(self.host):
            raise ParameterError(
                f"host: {self.host!r} can be reached from other machines, where no_auth would let "
                "everybody in. Leave out no_auth, or listen on 127.0.0.1."
            )
        if self.no_auth and (self.password or self.token):
            raise ParameterError("no_auth: cannot be combined with a password or a token.")
        if not 0 <= self.port <= 65535:
            raise ParameterError(f"port: expected 0 to 65535, got {self.port}.")
        if self.n_workers < 0:
            raise ParameterError(f"n_workers: expected 0 or more, got {self.n_workers}.")
        if self.scheduler and self.n_workers:
            raise ParameterError("n_workers: a cluster that is there already has its own workers.")
        if self.scheduler and self.dashboard:
            raise ParameterError("dashboard: a cluster that is there already has its own.")
        if not _VERSION.fullmatch(self.client_version):
            raise ParameterError(
                f"client_version: expected a version as {CLIENT_VERSION}, got "
                f"{self.client_version[:40]!r}."
            )
        if self.genmodel_jar is not None and not Path(self.genmodel_jar).is_file():
            raise ParameterError(f"genmodel_jar: {str(self.genmodel_jar)!r} is not a file.")
        if not self.no_auth and not self.password and not self.token:
            object.__setattr__(self, "password", secrets.token_urlsafe(18))
