from __future__ import annotations

import pytest

from dh2o.server.routes import ROUTES
from dh2o.server.routing import RouteNotFoundError, RouteTable

TABLE = RouteTable(ROUTES)


@pytest.mark.parametrize(
    ("method", "path", "pattern", "params"),
    [
        ("GET", "/3/Cloud", "/3/Cloud", {}),
        ("HEAD", "/3/Cloud", "/3/Cloud", {}),
        ("GET", "/LATEST/Cloud?skip_ticks=true", "/3/Cloud", {}),
        ("GET", "/EXPERIMENTAL/Models/m", "/3/Models/{model_id}", {"model_id": "m"}),
        ("GET", "/99/Models/m", "/3/Models/{model_id}", {"model_id": "m"}),
        ("POST", "/99/Models.bin/", "/99/Models.bin", {}),
        ("GET", "/3/Frames/a%20b%2Fc.hex", "/3/Frames/{frame_id}", {"frame_id": "a b/c.hex"}),
        ("DELETE", "/3/DKV/nfs://tmp/x.csv", "/3/DKV/{key}", {"key": "nfs://tmp/x.csv"}),
        ("GET", "/3/Frames/f/light", "/3/Frames/{frame_id}/light", {"frame_id": "f"}),
        (
            "GET",
            "/3/Frames/f/columns/a%2Fb/summary",
            "/3/Frames/{frame_id}/columns/{column}/summary",
            {"frame_id": "f", "column": "a/b"},
        ),
        ("GET", "/3/Frames/a/b/c", "/3/Frames/{frame_id}", {"frame_id": "a/b/c"}),
        ("GET", "/", "/", {}),
    ],
)
def test_a_path_finds_its_route(
    method: str, path: str, pattern: str, params: dict[str, str]
) -> None:
    route, found = TABLE.find(method, path)
    assert (route.pattern, found) == (pattern, params)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/3/Foo"), ("POST", "/3/Cloud"), ("GET", "/2/Cloud"), ("PATCH", "/3/Frames/f")],
)
def test_an_unknown_path_is_refused(method: str, path: str) -> None:
    with pytest.raises(RouteNotFoundError, match="not found"):
        TABLE.find(method, path)


def test_every_route_names_its_path_parameters_in_its_schema() -> None:
    for route in ROUTES:
        if route.takes is not None:
            assert set(route.path_params) <= set(route.takes.wire_fields()), route.pattern
        assert route.summary.endswith("."), route.pattern
