"""Typed errors of dh2o: every failure a user can meet has a class, a message and a remedy.

The layers below the server raise these; the server maps them to HTTP once, by ``http_status``.
"""

from __future__ import annotations

from collections.abc import Collection
from http import HTTPStatus
from typing import Self

__all__ = [
    "DH2OError",
    "FileWriteError",
    "FrameError",
    "JobCancelledError",
    "KeyLockedError",
    "KeyNotFoundError",
    "MissingExtraError",
    "ModelError",
    "ParameterError",
    "ParseError",
    "RapidsError",
    "WorkerLostError",
]


class DH2OError(Exception):
    """Base of all errors that dh2o raises on purpose."""

    http_status: HTTPStatus = HTTPStatus.BAD_REQUEST
    #: H2O's sentence, where scripts compare it; the message begins with it and says more.
    h2o_sentence: str | None = None

    def of_h2o(self, sentence: str) -> Self:
        """Return this error, which H2O's clients shall meet as `sentence`."""
        self.h2o_sentence = sentence
        return self


class KeyNotFoundError(DH2OError):
    """No frame, model or job is stored under the key."""

    http_status = HTTPStatus.NOT_FOUND

    @classmethod
    def of(cls, kind: str, key: str, known: Collection[str] = ()) -> KeyNotFoundError:
        """Return the error for a `key` of `kind`, naming up to five `known` keys."""
        some = ", ".join(sorted(known)[:5]) or "none"
        return cls(f"{kind} {key!r} not found. Known keys: {some}.")


class KeyLockedError(DH2OError):
    """The key is in use by somebody else in a way that excludes this use."""

    http_status = HTTPStatus.PRECONDITION_FAILED


class ParameterError(DH2OError):
    """A parameter is unknown, of the wrong type or out of its range."""

    http_status = HTTPStatus.PRECONDITION_FAILED


class FrameError(DH2OError):
    """A frame has not the columns, types or shape that the operation needs."""


class ParseError(DH2OError):
    """A file cannot be read as a table."""

    http_status = HTTPStatus.PRECONDITION_FAILED


class FileWriteError(DH2OError):
    """A file cannot be written where it should be."""


class RapidsError(DH2OError):
    """A Rapids expression is malformed or applied to operands it does not take."""


class ModelError(DH2OError):
    """A model cannot be built, read or used as asked."""


class JobCancelledError(DH2OError):
    """The job stopped because somebody asked it to."""


class WorkerLostError(DH2OError):
    """Workers left faster than lost data could be computed again."""

    http_status = HTTPStatus.SERVICE_UNAVAILABLE


class MissingExtraError(DH2OError):
    """An optional package is needed and is not installed."""

    http_status = HTTPStatus.NOT_IMPLEMENTED

    @classmethod
    def of(cls, package: str, extra: str, purpose: str) -> MissingExtraError:
        """Return the error that says how to install `package` for `purpose`."""
        return cls(f"{purpose} needs {package}. Install it with: pip install 'dh2o[{extra}]'")


def __dir__() -> list[str]:
    return __all__
