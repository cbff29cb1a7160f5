"""The table of routes: what it holds, and how a request finds its row."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from dh2o.errors import DH2OError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .schemas.base import Schema

__all__ = ["Route", "RouteNotFoundError", "RouteTable"]

_LATEST = 1 << 30
_ALIASES = {"LATEST": _LATEST, "EXPERIMENTAL": 99}


class RouteNotFoundError(DH2OError):
    """No route answers the method and path. ``GET /3/Metadata/endpoints`` lists those that do."""

    http_status = HTTPStatus.NOT_FOUND

    def __init__(self, wanted: str) -> None:
        super().__init__(f"{wanted} not found")
        self.wanted = wanted


@dataclass(frozen=True)
class Route:
    """One row of the table: a method and path pattern, who answers, and in which schemas.

    A handler is called with the call and the filled `takes` schema (or, where that is None, the
    plain parameters), and returns a schema or a response.
    """

    method: str
    pattern: str
    handler: Callable[..., Any]
    takes: type[Schema] | None
    gives: type[Schema] | None
    summary: str
    segments: tuple[str, ...] = field(init=False, repr=False)
    version: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        version, *rest = self.pattern.strip("/").split("/")
        object.__setattr__(self, "version", int(version) if version.isdigit() else 0)
        segments = rest if version.isdigit() else [s for s in (version, *rest) if s]
        object.__setattr__(self, "segments", tuple(segments))

    @property
    def path_params(self) -> list[str]:
        """Names of the parameters in the path."""
        return [s[1:-1] for s in self.segments if s.startswith("{")]

    @property
    def api_name(self) -> str:
        """Name of the route for metadata: what its handler is called."""
        return self.handler.__name__

    def match(self, segments: tuple[str, ...]) -> dict[str, str] | None:
        """Return the path parameters if `segments` fit the pattern, else None."""
        own = self.segments
        if len(segments) > len(own) and own and own[-1].startswith("{"):
            # Keys may hold slashes (nfs://…): the last parameter takes all that is left.
            segments = (*segments[: len(own) - 1], "/".join(segments[len(own) - 1 :]))
        if len(segments) != len(own):
            return None
        found = {}
        for mine, given in zip(own, segments, strict=True):
            if mine.startswith("{"):
                found[mine[1:-1]] = given
            elif mine != given:
                return None
        return found


class RouteTable:
    """All routes; finds the one for a request, by version number, LATEST or EXPERIMENTAL."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = list(routes)
        self._by_method: dict[str, _Rows] = {}
        seen: set[tuple[str, str]] = set()
        for route in self.routes:
            row = (route.method, route.pattern)
            if row in seen:
                raise ValueError(f"Two routes for {route.method} {route.pattern}")
            seen.add(row)
            self._by_method.setdefault(route.method, _Rows()).add(route)

    def find(self, method: str, raw_path: str) -> tuple[Route, dict[str, str]]:
        """Return the route for `method` and the still quoted path, and its path parameters.

        A request for version n is answered by the newest route of version n or older. The pattern
        with the most fixed words wins.
        """
        version, segments = _split(raw_path)
        best: tuple[tuple[bool, int, int], Route, dict[str, str]] | None = None
        for route in self._candidates(method, segments):
            if route.version > version:
                continue
            params = route.match(segments)
            if params is None:
                continue
            is_exact = len(route.segments) == len(segments)
            rank = (is_exact, len(route.segments) - len(params), route.version)
            if best is None or rank > best[0]:
                best = (rank, route, params)
        if best is None:
            path = unquote(raw_path.partition("?")[0])
            raise RouteNotFoundError(f"{'Resource' if method == 'GET' else method} {path}")
        return best[1], best[2]

    def _candidates(self, method: str, segments: tuple[str, ...]) -> Iterator[Route]:
        for name in (method, "GET") if method == "HEAD" else (method,):
            if name in self._by_method:
                yield from self._by_method[name].starting_as(segments)


class _Rows:
    """The routes of one method by their first word; those that begin with a parameter apart."""

    def __init__(self) -> None:
        self._by_word: dict[str, list[Route]] = {}
        self._open: list[Route] = []

    def add(self, route: Route) -> None:
        first = route.segments[0] if route.segments else ""
        rows = self._open if first.startswith("{") else self._by_word.setdefault(first, [])
        rows.append(route)

    def starting_as(self, segments: tuple[str, ...]) -> Iterator[Route]:
        """Yield the routes that may fit these segments."""
        yield from self._by_word.get(segments[0] if segments else "", ())
        yield from self._open


def _split(raw_path: str) -> tuple[int, tuple[str, ...]]:
    parts = raw_path.partition("?")[0].lstrip("/").split("/")
    if parts and parts[-1] == "" and len(parts) > 1:
        parts = parts[:-1]
    first, rest = parts[0], parts[1:]
    if first.isdigit() or first in _ALIASES:
        version = _ALIASES.get(first) or int(first)
        return version, tuple(unquote(s) for s in rest)
    return _LATEST, tuple(unquote(s) for s in parts if s)
