"""The real H2O as an oracle: a server started from the package h2o, or one that runs already."""

from __future__ import annotations

import importlib.util
import math
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

__all__ = ["RealH2O", "Refused", "started"]


class Refused(Exception):  # noqa: N818 - an answer, not a fault of the test
    """H2O answered with an error; `status` 4xx is a refusal, 500 a crash."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class RealH2O:
    """A session of a server of H2O. Keys that it makes start with its own prefix."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.prefix = f"d{uuid.uuid4().hex[:6]}"
        self._http = requests.Session()
        self._n_results = 0
        self.session = ""

    def call(self, method: str, route: str, **data: Any) -> dict[str, Any]:
        """Return the answer to a request."""
        answer = self._http.request(method, self.url + route, data=data, timeout=600)
        if answer.status_code >= 400:
            message = answer.json().get("msg", "") if answer.text.startswith("{") else answer.text
            raise Refused(answer.status_code, str(message)[:200])
        return dict(answer.json())

    def open(self) -> None:
        """Begin a new session; a crash of H2O leaves the old one in a doubtful state."""
        self.session = self.call("POST", "/4/sessions")["session_key"]

    def load(self, name: str, text: str, types: list[str]) -> None:
        """Parse a CSV text with these column types to a frame."""
        upload = self._http.post(
            f"{self.url}/3/PostFile?destination_frame={name}.csv", files={"file": text.encode()}
        )
        key = upload.json()["destination_frame"]
        header = text.splitlines()[0].split(",")
        self.call(
            "POST",
            "/3/Parse",
            source_frames=f'["{key}"]',
            destination_frame=name,
            parse_type="CSV",
            separator=44,
            number_columns=len(header),
            single_quotes="false",
            column_names="[" + ",".join(f'"{h}"' for h in header) + "]",
            column_types="[" + ",".join(f'"{t}"' for t in types) + "]",
            check_header=1,
            chunk_size=4194304,
            delete_on_done="true",
            blocking="true",
        )

    def remove(self, name: str) -> None:
        """Remove a frame."""
        self.call("DELETE", f"/3/DKV/{name}")

    def run(self, text: str) -> dict[str, Any]:
        """Return the answer of an expression: that of the value, or ``columns`` of a frame.

        Raises
        ------
        Refused
            H2O gives an error.
        """
        self._n_results += 1
        temp = f"{self.prefix}_{self._n_results}"
        try:
            self._rapids(f"(tmp= {temp} {text})")
        except Refused as refused:  # no frame, or an error of its own
            if refused.status >= 500:
                raise
            answer = self._rapids(text)
            if "key" in answer:
                raise refused from None
            return answer
        route = f"/3/Frames/{temp}?row_count=1000&column_count=1000"
        frame = self.call("GET", route)["frames"][0]
        self._rapids(f"(rm {temp})")
        return {"columns": frame["columns"], "n_rows": frame["rows"]}

    def _rapids(self, text: str) -> dict[str, Any]:
        return self.call("POST", "/99/Rapids", ast=text, session_id=self.session)


def number(value: Any) -> Any:
    """Return a number of H2O's JSON; None for NA."""
    special = {"NaN": None, "Infinity": math.inf, "-Infinity": -math.inf}
    return special.get(value, value) if isinstance(value, str) else value


def column_values(column: dict[str, Any]) -> list[Any]:
    """Return the values of a column of H2O's JSON, levels of a categorical one as text."""
    if column["type"] in ("string", "uuid"):
        return list(column["string_data"] or ())
    values = [number(v) for v in column["data"]]
    if column["domain"] is None:
        return values
    return [None if v is None else column["domain"][int(v)] for v in values]


@contextmanager
def started(folder: Path) -> Iterator[RealH2O]:
    """Give a server of its own in a Java process that ends with the block."""
    if shutil.which("java") is None:
        pytest.skip("real H2O needs Java, which is not here")
    found = importlib.util.find_spec("h2o")
    if found is None or found.origin is None:
        pytest.skip("the package h2o, which brings h2o.jar, is not installed")
    jar = Path(found.origin).parent / "backend" / "bin" / "h2o.jar"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    args = ["-ip", "127.0.0.1", "-port", str(port), "-name", f"dh2o-{port}", "-nthreads", "1"]
    command = ["java", "-Xmx700m", "-Duser.timezone=UTC", "-jar", str(jar), *args]
    with subprocess.Popen(
        [*command, "-ice_root", str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as java:
        server = RealH2O(f"http://127.0.0.1:{port}")
        try:
            _wait(server, java)
            server.open()
            yield server
        finally:
            java.kill()


def _wait(server: RealH2O, java: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline and java.poll() is None:
        try:
            if server.call("GET", "/3/Cloud")["cloud_healthy"]:
                return
        except (requests.RequestException, Refused):
            time.sleep(0.2)
    pytest.skip("real H2O did not start")
