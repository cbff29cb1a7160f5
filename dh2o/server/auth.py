"""Who may come in: passwords, tokens, and the checks that keep other web pages out."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dh2o.errors import DH2OError

from .options import is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.datastructures import Headers

    from .options import ServerOptions

__all__ = ["ForbiddenError", "Gate", "UnauthorizedError"]


class UnauthorizedError(DH2OError):
    """The request carries no valid password or token."""

    http_status = HTTPStatus.UNAUTHORIZED


class ForbiddenError(DH2OError):
    """The request comes from a page or by a name that is not this server's."""

    http_status = HTTPStatus.FORBIDDEN


class Gate:
    """Lets a request in by its headers, or raises.

    Secrets are kept as keyed hashes under a key of this process, and compared in constant time.
    """

    def __init__(self, options: ServerOptions) -> None:
        self._hash_key = secrets.token_bytes(32)
        self._open = options.no_auth
        self._host = options.host
        self._basic = self._hash(f"{options.user}:{options.password}") if options.password else None
        self._bearer = self._hash(options.token) if options.token else None

    def check(self, headers: Mapping[str, str] | Headers) -> None:
        """Raise unless a request with these `headers` may come in."""
        self._check_origin(headers)
        if self._open:
            self._check_host(headers.get("Host", ""))
        elif not self._has_secret(headers.get("Authorization", "")):
            raise UnauthorizedError(
                "A user name and password, or a token, is needed. The server printed the line to "
                "connect with when it started: h2o.connect(url=…, auth=(user, password))."
            )

    def _hash(self, secret: str) -> bytes:
        return hmac.new(self._hash_key, secret.encode(), hashlib.sha256).digest()

    def _has_secret(self, header: str) -> bool:
        scheme, _, rest = header.strip().partition(" ")
        if scheme.lower() == "bearer":
            return self._matches(rest.strip(), self._bearer)
        if scheme.lower() == "basic":
            try:
                pair = base64.b64decode(rest.strip(), validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                return False
            return self._matches(pair, self._basic)
        return False

    def _matches(self, given: str, wanted: bytes | None) -> bool:
        return wanted is not None and hmac.compare_digest(self._hash(given), wanted)

    def _check_host(self, host: str) -> None:
        # A page can point its own name at 127.0.0.1 (DNS rebinding); its requests carry the name.
        name = _without_port(host)
        if not (is_loopback(name) or name == self._host):
            raise ForbiddenError(
                f"Host {host!r} is not this server's. Use http://{self._host}, or start the server "
                "with a password."
            )

    def _check_origin(self, headers: Mapping[str, str] | Headers) -> None:
        # Browsers say from which page a request comes; a page of another server may not send any.
        origin = headers.get("Origin")
        if origin and urlsplit(origin).netloc.lower() != headers.get("Host", "").lower():
            raise ForbiddenError(f"Requests from pages of {origin!r} are not accepted.")
        if headers.get("Sec-Fetch-Site") == "cross-site":
            raise ForbiddenError("Requests from pages of other sites are not accepted.")


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if host.count(":") == 1 else host
