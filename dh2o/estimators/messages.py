"""What a builder says about parameters and data, and the error that carries it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from dh2o.errors import ParameterError

Level = Literal["ERRR", "WARN", "INFO"]


@dataclass(frozen=True, slots=True)
class Message:
    """One finding: how grave, about which parameter, what."""

    message_type: Level
    field_name: str
    message: str

    @classmethod
    def error(cls, field: str, message: str) -> Message:
        """Return a finding that stops the build."""
        return cls("ERRR", field, message)

    @classmethod
    def warn(cls, field: str, message: str) -> Message:
        """Return a finding that the user should see."""
        return cls("WARN", field, message)

    def __str__(self) -> str:
        return f"{self.message_type} on field: _{self.field_name}: {self.message}"


class BuilderError(ParameterError):
    """A model cannot be built as asked; ``messages`` holds every finding, not just the first."""

    def __init__(self, algo: str, messages: Iterable[Message], model_id: str | None = None) -> None:
        self.algo = algo
        self.messages = tuple(messages)
        self.model_id = model_id
        errors = [m for m in self.messages if m.message_type == "ERRR"]
        details = "\n".join(str(m) for m in errors)
        of = f": {model_id}" if model_id else ""
        super().__init__(f"Illegal argument(s) for {algo.upper()} model{of}.  Details: {details}")

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.algo, self.messages, self.model_id))

    @property
    def error_count(self) -> int:
        """How many of the findings stop the build."""
        return sum(m.message_type == "ERRR" for m in self.messages)


def raise_errors(algo: str, messages: Iterable[Message], model_id: str | None = None) -> None:
    """Raise `BuilderError` if any of `messages` is an error."""
    found = tuple(messages)
    if any(m.message_type == "ERRR" for m in found):
        raise BuilderError(algo, found, model_id)
