"""Requests that no client of good will sends, and what every answer carries."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
import requests

from dh2o.mrtask import Engine
from dh2o.server import Server, ServerOptions

Call = Callable[..., requests.Response]


def error_of(response: requests.Response) -> tuple[int, str]:
    body = response.json()
    assert body["__meta"]["schema_name"] == "H2OErrorV3"
    assert body["http_status"] == response.status_code
    return response.status_code, body["msg"]


def test_every_answer_carries_the_headers(call: Call) -> None:
    for response in (call("GET", "/3/Ping"), call("GET", "/3/Foo")):
        assert response.headers["X-h2o-rest-api-version-max"] == "3"
        assert response.headers["X-h2o-build-project-version"] == "3.46.0.12"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["X-Frame-Options"] == "deny"
    response = call("GET", "/3/Ping", headers={"X-Requested-With": "x"})
    assert response.headers["Cache-Control"] == "no-cache"


def test_head_answers_without_a_body(call: Call) -> None:
    response = call("HEAD", "/3/Cloud")
    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/3/Foo?bar=baz", 404, "Resource /3/Foo not found"),
        ("POST", "/3/Foo", 404, "POST /3/Foo not found"),
        ("POST", "/3/ImportFiles?path=http://x/3/ImportFiles?path=y", 412, "Recursive path"),
        ("GET", "/3/Frames/nokey", 404, "nokey"),
        ("GET", "/3/Models/nokey", 404, "nokey"),
        ("GET", "/3/Jobs/nokey", 404, "nokey"),
        ("GET", "/3/Cloud?colour=red", 412, "Unknown parameter: colour"),
        ("GET", "/3/Frames/x?row_count=many", 412, "row_count: expected int, got 'many'"),
        ("GET", "/3/Frames/x?row_offset=-1", 404, "x"),
        ("POST", "/3/ModelBuilders/zork", 404, "zork"),
        ("GET", "/3/Metadata/schemas/Zork", 404, "Zork"),
        ("GET", "/3/DownloadDataset", 412, "frame_id"),
        ("POST", "/3/ParseSetup?source_frames=[upload_none]", 404, "Import or upload it first"),
        ("POST", "/3/ImportFiles?path=/etc/passwd", 400, "access denied"),
        ("POST", "/3/ImportFiles?path=/tmp/../etc/passwd", 400, "access denied"),
        ("GET", "/99/Models.bin/x?dir=/etc/cron.d/x", 404, "x"),
        ("POST", "/99/Models.bin/?dir=/proc/self/mem", 400, "access denied"),
        ("TRACE", "/3/Cloud", 405, "TRACE"),
    ],
)
def test_errors_are_typed_and_help(
    call: Call, method: str, path: str, status: int, words: str
) -> None:
    code, message = error_of(call(method, path))
    assert code == status
    assert words in message


@pytest.mark.parametrize("body", [b"{", b"[1]", b"[" * 100_000, b"\xff\xfe"])
def test_a_body_that_is_not_a_json_object(call: Call, body: bytes) -> None:
    response = call(
        "POST", "/3/LogAndEcho", data=body, headers={"Content-Type": "application/json"}
    )
    assert error_of(response)[0] == 412


def test_parameters_come_by_query_form_and_json(call: Call) -> None:
    by_query = call("POST", "/3/LogAndEcho?message=hi")
    by_form = call("POST", "/3/LogAndEcho", data={"message": "hi"})
    by_json = call("POST", "/3/LogAndEcho", json={"message": "hi"})
    assert [r.json()["message"] for r in (by_query, by_form, by_json)] == ["hi"] * 3


def test_fields_are_left_out_on_request(call: Call) -> None:
    body = call("GET", "/3/Cloud?_exclude_fields=nodes/pid,version").json()
    assert "version" not in body
    assert "pid" not in body["nodes"][0]


def test_a_body_over_the_limit_is_refused_before_it_is_read(embedded: Engine) -> None:
    with Server(embedded, ServerOptions(port=0, no_auth=True, max_body_nbytes=1000)) as server:
        response = requests.post(f"{server.url}/3/PostFile", data=b"x" * 2000, timeout=600)
        assert response.status_code == 413
        assert requests.get(f"{server.url}/3/Ping", timeout=600).status_code == 200


def test_a_broken_request_leaves_the_server_up(server: Server, call: Call) -> None:
    address = (urlsplit(server.url).hostname, server.port)
    for junk in (
        b"\x00\x01\x02\r\n\r\n",
        b"GET / HTTP/9\r\n\r\n",
        b"POST /3/PostFile HTTP/1.1\r\n",
    ):
        with socket.create_connection(address, timeout=10) as raw:
            raw.sendall(junk)
    assert call("GET", "/3/Ping").status_code == 200


def test_two_requests_on_one_connection(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
    for _ in range(2):
        connection.request("GET", "/3/Ping")
        assert connection.getresponse().read()
    connection.close()


def test_the_page_at_the_root_is_for_people(call: Call) -> None:
    response = call("GET", "/")
    assert response.headers["Content-Type"].startswith("text/html")
    assert "h2o.connect" in response.text


def test_parameters_of_a_form_may_be_long(call: Call) -> None:
    long = "x" * 700_000
    for sent in ({"data": {"message": long}}, {"files": {"message": (None, long)}}):
        assert call("POST", "/3/LogAndEcho", **sent).json()["message"] == long


def test_of_parameters_with_one_name_the_first_counts(call: Call) -> None:
    answers = [
        call("POST", "/3/LogAndEcho?message=a&message=b"),
        call("POST", "/3/LogAndEcho", data=[("message", "a"), ("message", "b")]),
        call("POST", "/3/LogAndEcho?message=c", data={"message": "a"}),
        call("POST", "/3/LogAndEcho", files={"message": (None, "a")}),
    ]
    assert [answer.json()["message"] for answer in answers] == ["a"] * 4


def test_a_refused_method_names_those_that_are_served(call: Call) -> None:
    response = call("OPTIONS", "/3/Cloud")
    assert error_of(response)[0] == 405
    assert response.headers["Allow"] == "GET, POST, PUT, DELETE, HEAD"
    assert response.headers["X-h2o-rest-api-version-max"] == "3"


def test_head_of_an_error_has_no_body(call: Call) -> None:
    response = call("HEAD", "/3/Foo")
    assert (response.status_code, response.content) == (404, b"")
    assert int(response.headers["Content-Length"]) > 0
