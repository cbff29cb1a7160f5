"""A hundred small operations over REST on iris, by the official client, beside real H2O.

    python benchmarks/bench_rest.py [--repeat 2] [--h2o-url URL]

Starts real H2O (the jar of the h2o package, when Java is there, unless one that runs is given) and
``dh2o server`` on loopback, and runs the same operations against each in turn. The first run of
each is left out. Most of the time is the client's own; what requests take is said apart.
"""

from __future__ import annotations

import argparse
import gc
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench_flights import start_dh2o, start_h2o, wait_for

N_ROUNDS = 10
IN_REQUESTS = "of it in requests"


def operations(iris: Any) -> dict[str, Callable[[], Any]]:
    """Return ten small operations that each need an answer."""
    return {
        "mean of a column": lambda: iris[0].mean(),  # noqa: PLW0108 - built each time
        "(a + 1).mean()": lambda: (iris[0] + 1).mean(),  # noqa: PLW0108 - built each time
        "rows by a condition": lambda: iris[iris[1] > 3, :].nrow,
        "a cell": lambda: iris[3, 2],
        "a new column": lambda: (iris[0] * iris[1]).max(),  # noqa: PLW0108 - built each time
        "group by": lambda: iris.group_by("class").mean("petal_len").get_frame().nrow,
        "table of a factor": lambda: iris["class"].table().nrow,
        "quantiles": lambda: iris[2].quantile([0.1, 0.5, 0.9]).nrow,
        "sort": lambda: iris.sort("petal_wid")[0, 0],
        "levels of texts": lambda: iris["class"].ascharacter().asfactor().nlevels(),
    }


def client(url: str, data: str) -> None:
    """Print the seconds of every operation, over all rounds, and of all requests together."""
    import h2o
    import requests

    h2o.connect(url=url, verbose=False, strict_version_check=False)
    gc.freeze()  # the client asks for the referrers of every expression: of its own objects only
    send, in_requests = requests.Session.send, [0.0]

    def timed(session: Any, request: Any, **options: Any) -> Any:
        start = time.perf_counter()
        answer = send(session, request, **options)
        in_requests[0] += time.perf_counter() - start
        return answer

    requests.Session.send = timed  # type: ignore[method-assign]
    h2o.no_progress()
    iris = h2o.import_file(data)
    iris.columns = ["sepal_len", "sepal_wid", "petal_len", "petal_wid", "class"]
    times: dict[str, list[float]] = {name: [] for name in operations(iris)}
    for number in range(N_ROUNDS + 1):
        for name, run in operations(iris).items():
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
        if not number:  # the first round warms up
            times = {name: [] for name in times}
            in_requests[0] = 0.0
    print(json.dumps({**times, IN_REQUESTS: in_requests}))


def run_client(url: str, data: str) -> dict[str, list[float]]:
    command = [sys.executable, __file__, "--client", url, data]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    answer = next(line for line in done.stdout.splitlines() if line.startswith("{"))
    return dict(json.loads(answer))


def main() -> None:
    """Run, interleaved, and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--h2o-url", default="")
    options = parser.parse_args()
    import h2o

    iris = Path(h2o.__file__).parent / "h2o_data" / "iris.csv"
    urls = {"h2o": options.h2o_url} if options.h2o_url else {}
    servers: list[subprocess.Popen[bytes]] = []
    runs: dict[str, list[dict[str, list[float]]]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        data = shutil.copy(iris, scratch)  # H2O refuses paths with hidden folders, such as .venv
        try:
            if not urls and shutil.which("java"):
                urls["h2o"], server = start_h2o(scratch)
                servers.append(server)
                wait_for(urls["h2o"], server)
            urls["dh2o"], server = start_dh2o(0)
            servers.append(server)
            wait_for(urls["dh2o"], server)
            for _ in range(options.repeat + 1):
                for name, url in urls.items():
                    runs.setdefault(name, []).append(run_client(url, data))
        finally:
            for server in servers:
                server.terminate()
                server.wait(30)
    report({name: many[1:] for name, many in runs.items()})


def report(runs: dict[str, list[dict[str, list[float]]]]) -> None:
    """Print the median of each operation, the sum of all, and the ratio to H2O."""
    print(f"{'milliseconds (median)':24}" + "".join(f"{name:>12}" for name in runs) + "    ratio")
    names = [name for name in next(iter(runs.values()))[0] if name != IN_REQUESTS]
    for name in [*names, "all hundred", IN_REQUESTS]:
        values = []
        for many in runs.values():
            if name == "all hundred":
                sums = (sum(sum(run[n]) for n in names) for run in many)
                values.append(statistics.median(sums) * 1e3)
            else:
                values.append(statistics.median(t for run in many for t in run[name]) * 1e3)
        ratio = f"{values[-1] / values[0]:9.2f}" if len(values) > 1 else ""
        print(f"{name:24}" + "".join(f"{value:12.1f}" for value in values) + ratio)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--client"]:
        client(sys.argv[2], sys.argv[3])
    else:
        main()
