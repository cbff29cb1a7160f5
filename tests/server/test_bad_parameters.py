"""Every parameter of every algorithm with values that it cannot have: no fault of the server."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from dh2o.estimators.builder import builders
from dh2o.mrtask import Engine
from dh2o.server import Server

Call = Callable[..., requests.Response]

ALGORITHMS = sorted(builders())
#: Each parameter gets three of them, another three in each place of the list of parameters.
VALUES = (
    *("", " ", "null", "abc", "-1", "1e300", "NaN", "Infinity", "99999999999999999999", "0.5"),
    *("[]", "[1]", '["nope"]', "[null]", '[0.1, "a"]', '[["a"]]', "{}", '{"a": 1}', "true"),
    *("[", ")", "'", '"', "\x00", "\u00fc", "a" * 3000, "bad.hex", "cat", "5", "[5, -1]"),
)
ROWS = "x,cat,y\n" + "".join(f"{i * 0.7 % 3},{'abc'[i % 3]},{'yn'[i % 2]}\n" for i in range(30))


@pytest.fixture(scope="module")
def key(server: Server) -> Iterator[str]:
    """The key of a small frame."""
    send = requests.post
    send(f"{server.url}/3/PostFile?destination_frame=bad.csv", data=ROWS.encode(), timeout=600)
    given: Any = {"source_frames": '["bad.csv"]'}
    setup = send(f"{server.url}/3/ParseSetup", data=given, timeout=600).json()
    for name in ("column_names", "column_types"):
        given[name] = json.dumps(setup[name])
    for name in ("separator", "number_columns", "check_header", "parse_type"):
        given[name] = setup[name]
    given |= {"destination_frame": "bad.hex", "blocking": "true", "delete_on_done": "true"}
    answer = send(f"{server.url}/3/Parse", data=given, timeout=600).json()
    assert answer["job"]["status"] == "DONE", answer
    yield "bad.hex"
    requests.delete(f"{server.url}/3/DKV", timeout=600)


@pytest.mark.parametrize("algo", ALGORITHMS)
def test_no_value_of_a_parameter_is_a_fault(
    call: Call, embedded: Engine, key: str, algo: str
) -> None:
    parameters = call("GET", f"/3/ModelBuilders/{algo}").json()["model_builders"][algo]
    names = [parameter["name"] for parameter in parameters["parameters"]]
    usual = {"training_frame": key, "response_column": "y"}
    values = itertools.cycle(VALUES)
    for name, value in ((name, next(values)) for name in names for _ in range(3)):
        given = {k: v for k, v in usual.items() if k in names} | {name: value}
        answer = call("POST", f"/3/ModelBuilders/{algo}/parameters", data=given)
        assert answer.status_code in (200, 400, 404, 412), (name, value[:50], answer.text)
        assert "Traceback" not in answer.text.split('"stacktrace"')[0]


def test_a_blank_key_is_none(call: Call, key: str) -> None:
    given = {"training_frame": key, "response_column": "y", "model_id": " ", "ntrees": "1"}
    job = call("POST", "/3/ModelBuilders/gbm", data=given).json()["job"]
    assert job["dest"]["name"].startswith("GBM_model_")
    while job["status"] not in ("DONE", "FAILED", "CANCELLED"):
        job = call("GET", f"/3/Jobs/{job['key']['name']}").json()["jobs"][0]
    assert job["status"] == "DONE", job
