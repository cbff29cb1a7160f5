"""Start, ready file, signals, restart over a cluster that stays, two clients at once."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from dh2o.errors import ParameterError
from dh2o.mrtask import Engine
from dh2o.server import Server, ServerOptions
from tests.killing import wait_until

Start = Callable[..., Any]

_FLOW = """
import sys, warnings
warnings.simplefilter("ignore")
import h2o
h2o.connect(url=sys.argv[1], verbose=False)
h2o.no_progress()
frame = h2o.import_file(sys.argv[2])
frame["CAPSULE"] = frame["CAPSULE"].asfactor()
model = h2o.estimators.H2OGradientBoostingEstimator(ntrees=3, seed=1)
model.train(x=["AGE", "PSA"], y="CAPSULE", training_frame=frame)
print(model.predict(frame).nrow, frame["AGE"].mean()[0])
"""


def test_a_name_with_two_addresses_has_one_port(
    embedded: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", 0, 0, 0)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0)),
    ]
    asked = socket.getaddrinfo

    def lookup(host: str | None, *args: Any, **named: Any) -> Any:
        return found if host == "localhost" else asked(host, *args, **named)

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", lookup)
        server = Server(embedded, ServerOptions(host="localhost", port=0, no_auth=True))
    with server:
        answer = requests.get(f"http://127.0.0.1:{server.port}/3/Ping", timeout=600)
    assert answer.status_code == 200


def test_a_host_of_another_machine_is_named(embedded: Engine) -> None:
    options = ServerOptions(host="no-such-host.invalid", port=0, user="u", password="p")
    with pytest.raises(ParameterError, match=r"host: 'no-such-host.invalid' is no address"):
        Server(embedded, options)


def test_closing_while_clients_ask_leaves_no_socket_open(embedded: Engine) -> None:
    """Requests wake the loop until the end; the last of them must find its pipe, or none."""
    for _ in range(5):
        server = Server(embedded, ServerOptions(port=0, no_auth=True))
        asked = [threading.Thread(target=_ask_until_gone, args=(server.url,)) for _ in range(3)]
        with server:
            for thread in asked:
                thread.start()
            requests.get(f"{server.url}/3/Ping", timeout=600)
        server.close()  # again: nothing to do
        for thread in asked:
            thread.join()
        assert not server._sockets


def _ask_until_gone(url: str) -> None:
    with requests.Session() as session, contextlib.suppress(requests.RequestException):
        while True:
            session.get(f"{url}/3/Ping", timeout=600)


def stops(process: subprocess.Popen[str]) -> int:
    return process.wait(600)


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "Shutdown"])
def test_a_started_server_answers_and_stops_cleanly(start: Start, tmp_path: Path, how: str) -> None:
    with start("--no-auth") as (process, url):
        assert requests.get(f"{url}/3/Cloud", timeout=600).json()["cloud_healthy"]
        if how == "Shutdown":
            assert requests.post(f"{url}/3/Shutdown", timeout=600).status_code == 200
        else:
            os.kill(process.pid, getattr(signal, how))
        assert stops(process) == 0
        assert not (tmp_path / "ready").exists()


def test_a_password_is_printed_with_the_line_to_paste(start: Start, tmp_path: Path) -> None:
    with start() as (_, url):
        log = tmp_path / "log"
        wait_until(lambda: "h2o.connect" in log.read_text(), "the line to paste")
        pasted = next(line for line in log.read_text().splitlines() if "h2o.connect" in line)
        found = re.search(r'auth=\("(.+)", "(.+)"\)', pasted)
        assert found is not None
        assert f'url="{url}"' in pasted
        assert requests.get(f"{url}/3/Ping", timeout=600).status_code == 401
        assert requests.get(f"{url}/3/Ping", auth=found.groups(), timeout=600).status_code == 200


def test_dask_s_dashboard_is_shown_where_asked(start: Start, tmp_path: Path) -> None:
    pytest.importorskip("bokeh", reason="Dask draws its dashboard with bokeh")
    with start("--no-auth", "--dashboard", "127.0.0.1:0"):
        log = tmp_path / "log"
        wait_until(lambda: "Connect with" in log.read_text(), "the line to paste")
        link = re.search(r"Dask dashboard: (\S+)", log.read_text())
        assert link is not None
        assert requests.get(link[1], timeout=600).status_code == 200


def test_without_a_dashboard_none_is_named(start: Start, tmp_path: Path) -> None:
    with start("--no-auth"):
        log = tmp_path / "log"
        wait_until(lambda: "Connect with" in log.read_text(), "the line to paste")
        assert "Dask dashboard" not in log.read_text()
    with pytest.raises(ParameterError, match="dashboard: a cluster that is there already"):
        ServerOptions(scheduler="tcp://127.0.0.1:8786", dashboard="127.0.0.1:8787")


@pytest.mark.cluster
def test_worker_processes_stop_with_the_server(start: Start) -> None:
    with start("--no-auth", "--workers", "2") as (process, url):
        nodes = requests.get(f"{url}/3/Cloud", timeout=600).json()["nodes"]
        assert len(nodes) == 2
        os.kill(process.pid, signal.SIGTERM)
        assert stops(process) == 0
        for node in nodes:
            with pytest.raises(ProcessLookupError):
                os.kill(node["pid"], 0)


def test_what_is_stored_outlives_the_server(embedded: Engine, prostate: str) -> None:
    with Server(embedded, ServerOptions(port=0, no_auth=True)) as first:
        send = requests.post
        setup = send(
            f"{first.url}/3/ParseSetup", data={"source_frames": f'["nfs:/{prostate}"]'}, timeout=600
        ).json()
        given = {
            "source_frames": f'["nfs:/{prostate}"]',
            "destination_frame": "kept.hex",
            "column_names": json.dumps(setup["column_names"]),
            "column_types": json.dumps(setup["column_types"]),
            "separator": setup["separator"],
            "number_columns": setup["number_columns"],
            "check_header": setup["check_header"],
            "blocking": "true",
        }
        answer = send(f"{first.url}/3/Parse", data=given, timeout=600).json()
        assert answer["job"]["status"] == "DONE", answer
        session = send(f"{first.url}/4/sessions", timeout=600).json()["session_key"]
    with Server(embedded, ServerOptions(port=0, no_auth=True)) as second:
        rows = requests.get(f"{second.url}/3/Frames/kept.hex", timeout=600).json()
        assert rows["frames"][0]["rows"] == 380
        # A session of the server that is gone goes on.
        ast = {"ast": "(nrow kept.hex)", "session_id": session}
        assert send(f"{second.url}/99/Rapids", data=ast, timeout=600).json()["scalar"] == 380
        requests.delete(f"{second.url}/3/DKV/kept.hex", timeout=600)


def test_two_clients_at_once(server: Server, prostate: str) -> None:
    command = [sys.executable, "-c", _FLOW, server.url, prostate]
    clients = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for client in clients:
        out, err = client.communicate(timeout=600)
        assert client.returncode == 0, err
        assert out.split() == ["380", "66.03947368421052"] or out.startswith("380 66.0394736842")
    requests.delete(f"{server.url}/3/DKV", timeout=600)


def test_upload_streams_to_the_spool(
    call: Callable[..., requests.Response], tmp_path: Path
) -> None:
    raw = call("POST", "/3/PostFile?destination_frame=up.csv", data=b"a,b\n1,2\n")
    assert raw.json() == {"destination_frame": "up.csv", "total_bytes": 8}
    form = call("POST", "/3/PostFile", files={"file": ("x.csv", b"a\n1\n2\n")})
    assert form.json()["total_bytes"] == 6
    setup: Any = call("POST", "/3/ParseSetup", data={"source_frames": '["up.csv"]'}).json()
    assert setup["column_names"] == ["a", "b"]
    assert call("DELETE", "/3/DKV/up.csv").status_code == 200
    again = call("POST", "/3/ParseSetup", data={"source_frames": '["up.csv"]'})
    assert again.status_code == 404
    taken = call("POST", "/3/PutKey?destination_key=k", data=b"1")
    assert taken.json()["destination_key"] == "k"
    assert call("POST", "/3/PutKey?destination_key=k&overwrite=false", data=b"1").status_code == 412


_ENDED_AT_THE_START = """
import asyncio, logging, os, signal
from dh2o.mrtask import start
from dh2o.server import ServerOptions
from dh2o.server.serving import serve

async def tell_workers():
    raise OSError("the worker has gone")

async def forget():
    logging.getLogger("distributed.scheduler").error("broadcast failed")
    asyncio.ensure_future(tell_workers())
    for _ in range(3):
        await asyncio.sleep(0)

def engine(client, cluster, spool):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except SystemExit:
        client.sync(forget)
        raise

start._engine = engine
serve(ServerOptions(port=0, no_auth=True))
"""


def test_a_start_that_is_ended_ends_quietly() -> None:
    command = [sys.executable, "-c", _ENDED_AT_THE_START]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=600)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
