from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable

import requests

Call = Callable[..., requests.Response]


def test_all_routes_are_listed_with_schemas_that_are_listed(call: Call) -> None:
    routes = call("GET", "/3/Metadata/endpoints").json()["routes"]
    schemas = {s["name"] for s in call("GET", "/3/Metadata/schemas").json()["schemas"]}
    assert {"GET /3/Cloud", "POST /99/Rapids"} <= {
        f"{r['http_method']} {r['url_pattern']}" for r in routes
    }
    named = {r["input_schema"] for r in routes} | {r["output_schema"] for r in routes}
    assert named - schemas - {"Schema", "Request"} == set()


def test_one_route_by_number_or_path(call: Call) -> None:
    first = call("GET", "/3/Metadata/endpoints/0").json()["routes"][0]
    assert first["url_pattern"] == "/"
    found = call("GET", "/3/Metadata/endpoints/3%2FCloud").json()["routes"][0]
    assert found["url_pattern"] == "/3/Cloud"


def test_a_schema_describes_its_fields(call: Call) -> None:
    schema = call("GET", "/3/Metadata/schemas/JobsV3").json()["schemas"][0]
    fields = {f["name"]: f for f in schema["fields"]}
    assert fields["job_id"]["schema_name"] == "JobKeyV3"
    assert fields["job_id"]["direction"] == "INPUT"
    assert (fields["jobs"]["type"], fields["jobs"]["is_schema"]) == ("Job[]", True)


def test_what_is_served_has_the_fields_that_metadata_says(call: Call) -> None:
    for path, name in (("/3/Cloud", "CloudV3"), ("/3/Ping", "PingV3"), ("/3/Jobs", "JobsV3")):
        schema = call("GET", f"/3/Metadata/schemas/{name}").json()["schemas"][0]
        body = call("GET", path).json()
        assert body["__meta"]["schema_name"] == name
        assert {f["name"] for f in schema["fields"]} == set(body) - {"__meta", "_exclude_fields"}


def test_logs_and_meters(call: Call) -> None:
    call("POST", "/3/LogAndEcho?message=find-me")
    assert "find-me" in call("GET", "/3/Logs/nodes/0/files/info").json()["log"]
    assert b"find-me" in call("GET", "/3/Logs/download/LOG").content
    outer = zipfile.ZipFile(io.BytesIO(call("GET", "/3/Logs/download").content))
    node = zipfile.ZipFile(io.BytesIO(outer.read(outer.namelist()[0])))  # as from H2O
    text = node.read(node.namelist()[0]).decode()
    assert re.search(r"^\d\d-\d\d [\d:.]+ \d+ .* INFO water.default: find-me$", text, re.MULTILINE)
    assert call("GET", "/3/JStack").json()["traces"][0]["thread_traces"]
    assert call("GET", "/3/NetworkTest").json()["table"]["rowcount"] == 1
    assert call("GET", "/3/Profiler?depth=3").json()["nodes"][0]["entries"]
    assert call("GET", "/3/SteamMetrics").json()["idle_millis"] >= 0
