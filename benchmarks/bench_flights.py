"""The flights job beside real H2O: time of each step and metrics, through the same official client.

    python benchmarks/bench_flights.py [--repeat 3] [--workers 0]

Starts real H2O (the jar of the h2o package, when Java is there) and ``dh2o server`` on loopback and
runs ``flights_client.py`` against each in turn, so that both meet the same machine noise.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from dh2o.demo import flights_path

HERE = Path(__file__).parent


def free_port() -> int:
    """Return a port that nobody uses now, with the next one free as well (H2O needs two)."""
    import socket

    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def wait_for(url: str, server: subprocess.Popen[bytes], seconds: float = 60) -> None:
    """Return when `url` answers; raise when the server ends or time runs out."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise SystemExit(f"server ended with {server.returncode}")
        try:
            urllib.request.urlopen(url + "/3/Cloud", timeout=2).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"{url} did not answer in {seconds} s")


def start_h2o(scratch: str) -> tuple[str, subprocess.Popen[bytes]]:
    """Start real H2O on loopback with two threads."""
    import h2o

    jar = Path(h2o.__file__).parent / "backend" / "bin" / "h2o.jar"
    port = free_port()
    command = ["java", "-Xmx8g", "-jar", str(jar), "-ip", "127.0.0.1", "-port", str(port),
               "-nthreads", "2", "-ice_root", scratch, "-name", f"bench{port}"]  # fmt: skip
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return f"http://127.0.0.1:{port}", server


def start_dh2o(workers: int) -> tuple[str, subprocess.Popen[bytes]]:
    """Start ``dh2o server`` on loopback."""
    port = free_port()
    command = [sys.executable, "-m", "dh2o.cli", "server", "--no-auth", "--port", str(port)]
    if workers:
        command += ["--workers", str(workers), "--threads-per-worker", "1"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    return f"http://127.0.0.1:{port}", server


def run_client(url: str, data: str) -> dict[str, dict[str, float]]:
    """Return steps and metrics of one run against `url` on the file `data`."""
    command = [sys.executable, str(HERE / "flights_client.py"), url, data]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    answer = next(line for line in done.stdout.splitlines() if line.startswith("{"))
    return dict(json.loads(answer))


def main() -> None:
    """Run, interleaved, and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--workers", type=int, default=0, help="0: embedded in the server process")
    options = parser.parse_args()
    servers: dict[str, tuple[str, subprocess.Popen[bytes]]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        try:
            if shutil.which("java"):
                servers["h2o"] = start_h2o(scratch)
            servers["dh2o"] = start_dh2o(options.workers)
            for url, server in servers.values():
                wait_for(url, server)
            # H2O refuses paths with hidden folders in them, such as .venv
            data = shutil.copy(flights_path(), scratch)
            runs: dict[str, list[dict[str, dict[str, float]]]] = {name: [] for name in servers}
            for _ in range(options.repeat):
                for name, (url, _server) in servers.items():
                    runs[name].append(run_client(url, data))
        finally:
            for _url, server in servers.values():
                server.terminate()
                server.wait(30)
    report(runs)


def report(runs: dict[str, list[dict[str, dict[str, float]]]]) -> None:
    """Print a table: first run (cold) and median of the later ones, for each system."""
    names = list(runs)
    print(
        f"{'seconds (first run / median of the others)':44s}" + "".join(f"{n:>18s}" for n in names)
    )
    steps = runs[names[0]][0]["steps"]
    for step in steps:
        row = f"{step:44s}"
        for name in names:
            times = [run["steps"][step] for run in runs[name]]
            row += f"{times[0]:9.2f}{statistics.median(times[1:] or times):9.2f}"
        print(row)
    for metric in runs[names[0]][0]["metrics"]:
        values = "".join(f"{runs[name][-1]['metrics'][metric]:18.5f}" for name in names)
        print(f"{metric:44s}{values}")


if __name__ == "__main__":
    main()
