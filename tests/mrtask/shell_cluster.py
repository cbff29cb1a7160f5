"""A scheduler and workers started from the shell, as `dask scheduler` and `dask worker` are."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from distributed import Security

from tests.killing import wait_until

DASK = str(Path(sys.executable).parent / "dask")


class ShellCluster:
    """Starts the processes in a folder; what they say is in its ``*.log`` files."""

    def __init__(self, folder: Path, tls: Sequence[str] = ()) -> None:
        self.folder = folder
        self._tls = list(tls)
        self._processes: list[subprocess.Popen[bytes]] = []
        self._file = folder / "scheduler.json"
        protocol = ["--protocol", "tls"] if tls else []
        self._start("scheduler", ["--port", "0", *protocol, *self._where(), "--no-dashboard"])
        try:  # Dask creates the file, then fills it
            wait_until(lambda: self._file.exists() and self._file.stat().st_size, "the scheduler")
            self.address: str = json.loads(self._file.read_text())["address"]
        except BaseException:
            self.close()
            raise

    def _where(self) -> list[str]:
        return ["--host", "127.0.0.1", "--scheduler-file", str(self._file), *self._tls]

    def add_worker(self) -> None:
        """Start one worker of one thread (and the nanny that watches it)."""
        self._start("worker", ["--nthreads", "1", *self._where(), "--no-dashboard"])

    def _start(self, kind: str, options: list[str]) -> None:
        log = (self.folder / f"{kind}{len(self._processes)}.log").open("wb")
        environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
        command = [DASK, kind, *options]
        with log:
            process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self.folder, env=environment
            )
        self._processes.append(process)

    def close(self) -> None:
        """Stop what was started, workers first."""
        for process in reversed(self._processes):
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:  # a nanny that is starting a worker is deaf
                process.kill()
                process.wait()


@contextmanager
def shell_cluster(folder: Path, n_workers: int, tls: Sequence[str] = ()) -> Iterator[ShellCluster]:
    """A running cluster; it is stopped afterwards."""
    cluster = ShellCluster(folder, tls)
    try:
        for _ in range(n_workers):
            cluster.add_worker()
        yield cluster
    finally:
        cluster.close()


def certificate(folder: Path) -> tuple[list[str], Security]:
    """Make a certificate; return the options for the shell and the client's Security."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "dh2o-test")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    cert, secret = str(cert_file), str(key_file)
    options = ["--tls-ca-file", cert, "--tls-cert", cert, "--tls-key", secret]
    security = Security(
        tls_ca_file=cert,
        tls_client_cert=cert,
        tls_client_key=secret,
        require_encryption=True,
    )
    return options, security
