from __future__ import annotations

import base64

import pytest
import requests

from dh2o.errors import ParameterError
from dh2o.mrtask import Engine
from dh2o.server import Server, ServerOptions
from dh2o.server.auth import ForbiddenError, Gate, UnauthorizedError
from dh2o.server.options import is_loopback


def basic(user: str, password: str) -> dict[str, str]:
    word = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {word}", "Host": "127.0.0.1:54321"}


def test_the_right_password_or_token_comes_in() -> None:
    gate = Gate(ServerOptions(user="u", password="p", token="t"))
    gate.check(basic("u", "p"))
    gate.check({"Authorization": "Bearer t"})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic("u", "wrong"),
        basic("other", "p"),
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic /w=="},
        {"Authorization": "Bearer p"},
        {"Authorization": "p"},
    ],
)
def test_anything_else_stays_out(headers: dict[str, str]) -> None:
    with pytest.raises(UnauthorizedError):
        Gate(ServerOptions(user="u", password="p", token="t")).check(headers)


def test_a_password_is_made_when_none_is_given() -> None:
    first, second = ServerOptions(), ServerOptions()
    assert first.password
    assert first.password != second.password
    assert first.password not in repr(first)


def test_no_auth_is_refused_where_others_can_reach_it() -> None:
    with pytest.raises(ParameterError, match="can be reached from other machines"):
        ServerOptions(host="0.0.0.0", no_auth=True)
    assert ServerOptions(host="localhost", no_auth=True).password is None
    assert [is_loopback(h) for h in ("127.0.0.2", "[::1]", "10.0.0.1", "example.org")] == [
        *(True, True),
        *(False, False),
    ]


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "attacker.example"},
        {"Host": "127.0.0.1:54321", "Origin": "http://attacker.example"},
        {"Host": "127.0.0.1:54321", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_pages_of_other_sites_stay_out(headers: dict[str, str]) -> None:
    with pytest.raises(ForbiddenError):
        Gate(ServerOptions(no_auth=True)).check(headers)


def test_the_own_page_comes_in() -> None:
    headers = {"Host": "127.0.0.1:54321", "Origin": "http://127.0.0.1:54321"}
    Gate(ServerOptions(no_auth=True)).check(headers)


def test_over_http(embedded: Engine) -> None:
    options = ServerOptions(port=0, user="u", password="p")
    with Server(embedded, options) as server:
        refused = requests.get(f"{server.url}/3/Cloud", timeout=600)
        wrong = requests.get(f"{server.url}/3/Cloud", auth=("u", "x"), timeout=600)
        right = requests.get(f"{server.url}/3/Cloud", auth=("u", "p"), timeout=600)
    assert [refused.status_code, wrong.status_code, right.status_code] == [401, 401, 200]
    assert refused.headers["WWW-Authenticate"].startswith("Basic")
    assert refused.json()["__meta"]["schema_name"] == "H2OErrorV3"
    assert "h2o.connect" in refused.json()["msg"]
