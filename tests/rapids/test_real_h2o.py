"""The same expressions on the real H2O, which comes with the package h2o and needs Java."""

from __future__ import annotations

import importlib.util
import math
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import close, run

from dh2o.errors import DH2OError
from dh2o.rapids import Session

pytestmark = [pytest.mark.h2o, pytest.mark.slow]

CSV = {
    "f": "a,b,c,s,t\n1.5,1,x,hello world,2020-01-01\n,2,y,Foo bar,2020-02-03\n-2.25,3,x,,\n"
    "4,4,z,aaa,2021-12-31\n1.5,5,,Hello,2019-07-15\n",
    "gf": "g,v,w,d\na,1,2,2020-01-01\nb,2,3,2020-01-02\na,3,4,2020-01-03\nb,,5,2020-01-04\n"
    "c,5,6,2020-01-05\n",
}
TYPES = {
    "f": ["Numeric", "Numeric", "Enum", "String", "Time"],
    "gf": ["Enum", "Numeric", "Numeric", "Time"],
}


class RealH2O:
    """A server of H2O with both golden frames in it."""

    def __init__(self, url: str, folder: Path) -> None:
        import requests

        self.url = url
        self._folder = folder
        self._http = requests.Session()
        self._n_results = 0

    def call(self, method: str, route: str, **data: Any) -> dict[str, Any]:
        answer = self._http.request(method, self.url + route, data=data, timeout=60)
        answer.raise_for_status()
        return dict(answer.json())

    def load(self) -> None:
        """Parse the golden frames; some expressions of H2O damage their operands."""
        self.session = self.call("POST", "/4/sessions")["session_key"]
        for name, text in CSV.items():
            path = self._folder / f"{name}.csv"
            path.write_text(text)
            key = self.call("POST", "/3/ImportFiles", path=str(path))["destination_frames"][0]
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
                column_types="[" + ",".join(f'"{t}"' for t in TYPES[name]) + "]",
                check_header=1,
                chunk_size=4194304,
                delete_on_done="true",
                blocking="true",
            )

    def run(self, text: str) -> Any:
        """Return the value of an expression, as `helpers.plain` shows ours."""
        self._n_results += 1
        wrapped = f"(tmp= r{self._n_results} {text})"
        import requests

        try:
            answer = self.call("POST", "/99/Rapids", ast=wrapped, session_id=self.session)
        except requests.HTTPError:
            answer = self.call("POST", "/99/Rapids", ast=text, session_id=self.session)
        if "key" not in answer:
            value = answer.get("scalar", answer.get("string"))
            return [_number(v) for v in value] if isinstance(value, list) else _number(value)
        route = f"/3/Frames/{answer['key']['name']}?row_count=1000&column_count=1000"
        columns = self.call("GET", route)["frames"][0]["columns"]
        return {c["label"]: _values(c) for c in columns}


def _number(value: Any) -> Any:
    special = {"NaN": None, "Infinity": math.inf, "-Infinity": -math.inf}
    return special.get(value, value) if isinstance(value, str) else value


def _values(column: dict[str, Any]) -> list[Any]:
    if column["type"] == "string":
        return list(column["string_data"])
    values = [_number(v) for v in column["data"]]
    if column["domain"] is None:
        return values
    return [None if v is None else column["domain"][int(v)] for v in values]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealH2O]:
    if shutil.which("java") is None:
        pytest.skip("real H2O needs Java, which is not here")
    found = importlib.util.find_spec("h2o")
    if found is None or found.origin is None:
        pytest.skip("the package h2o, which brings h2o.jar, is not installed")
    jar = Path(found.origin).parent / "backend" / "bin" / "h2o.jar"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("h2o")
    args = ["-ip", "127.0.0.1", "-port", str(port), "-name", f"dh2o-{port}", "-nthreads", "1"]
    command = ["java", "-Xmx700m", "-Duser.timezone=UTC", "-jar", str(jar), *args]
    with subprocess.Popen(
        [*command, "-ice_root", str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as java:
        server = RealH2O(f"http://127.0.0.1:{port}", folder)
        try:
            _wait(server, java)
            server.load()
            yield server
        finally:
            java.kill()


def _wait(server: RealH2O, java: subprocess.Popen[bytes]) -> None:
    import requests

    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and java.poll() is None:
        try:
            if server.call("GET", "/3/Cloud")["cloud_healthy"]:
                return
        except requests.RequestException:
            time.sleep(0.2)
    pytest.skip("real H2O did not start")


EXPRESSIONS = (Path(__file__).parent / "expressions.txt").read_text().splitlines()


def test_every_expression_agrees(real: RealH2O, session: Session, f: str, gf: str) -> None:
    import requests

    wrong = []
    for text in EXPRESSIONS:
        try:
            expected = real.run(text)
        except requests.HTTPError:  # an earlier expression damaged its frame, or H2O refuses
            real.load()
            expected = _or_refused(real, text)
        try:
            found = run(session, text)
        except DH2OError:
            found = "refused"
        if not close(expected, found):
            wrong.append(f"{text}\n  H2O  {expected}\n  dh2o {found}")
    assert not wrong, "\n".join(wrong)


def _or_refused(real: RealH2O, text: str) -> Any:
    import requests

    try:
        return real.run(text)
    except requests.HTTPError:
        return "refused"
