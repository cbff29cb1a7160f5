"""Random frames of every column type, as data for dh2o and as a CSV file for the real H2O."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from helpers import as_enums

from dh2o.frame import Frame

__all__ = ["RandomFrame", "random_frame"]

H2O_TYPES = {
    "num": "Numeric",
    "enum": "Enum",
    "text": "String",
    "time": "Time",
    "day": "String",
    "uuid": "UUID",
}
WORDS = ("foo", "Bar", "hello world", "a-b", "x1", "  pad ", "Zürich", "foo bar foo", "0.5", "12")
WORDS = (*WORDS, "Straße", "日本 語", "İx", "x" * 300)
LEVELS = ("a", "b", "c", "d", "longer level", "ÉCOLE", "level " * 40 + "end")


@dataclass(frozen=True)
class RandomFrame:
    """Columns by name, each of a kind: num, enum, text, time, day (a date as text) or uuid."""

    name: str
    kinds: dict[str, str]
    columns: dict[str, list[Any]]

    @property
    def n_rows(self) -> int:
        return len(next(iter(self.columns.values())))

    def of_kind(self, kind: str) -> list[int]:
        """Return the positions of the columns of a kind."""
        return [i for i, k in enumerate(self.kinds.values()) if k == kind]

    def levels(self, position: int) -> list[str]:
        """Return the levels of a categorical column."""
        return sorted({v for v in list(self.columns.values())[position] if v is not None})

    def store(self) -> None:
        """Store the frame in dh2o under its name."""
        frame = Frame.from_python(self.columns)
        enums = [name for name, kind in self.kinds.items() if kind == "enum"]
        (as_enums(frame, *enums) if enums else frame).put(self.name)

    def to_csv(self) -> str:
        """Return the text that H2O parses to this frame."""
        rows = zip(*self.columns.values(), strict=True)
        lines = [",".join(self.kinds), *(",".join(map(_cell, row)) for row in rows)]
        return "\n".join(lines) + "\n"

    def types(self) -> list[str]:
        """Return H2O's names of the column types."""
        return [H2O_TYPES[kind] for kind in self.kinds.values()]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return f'"{value}"' if isinstance(value, str) else repr(value)


def random_frame(rng: random.Random, name: str, n_rows: int) -> RandomFrame:
    """Return a frame with two to three columns of each kind, some of them degenerate."""
    makers = {
        "i": ("num", lambda: rng.randint(-5, 5)),
        "r": ("num", lambda: rng.choice((0.0, 0.5, -1.25, 2.75, 1e-3, 123.456, -7.0))),
        "b": ("num", lambda: rng.randint(0, 1)),
        "w": ("num", lambda: rng.randint(1, 4)),
        "e": ("enum", lambda: rng.choice(LEVELS)),
        "g": ("enum", lambda: rng.choice(LEVELS[:2])),
        "s": ("text", lambda: rng.choice(WORDS)),
        "z": ("text", lambda: rng.choice(WORDS[:4])),
        "t": ("time", lambda: _moment(rng)),
        "d": ("day", lambda: _moment(rng).strftime("%Y-%m-%d")),
        "u": ("uuid", lambda: uuid.UUID(int=rng.getrandbits(128))),
    }
    shares = {"b": 0.0, "w": 0.0, "g": 0.0, "z": 0.0}
    kinds, columns = {}, {}
    for key, (kind, make) in makers.items():
        share = shares.get(key, rng.choice((0.0, 0.2, 0.5)))
        values = [None if rng.random() < share else make() for _ in range(n_rows)]
        if all(v is None for v in values):  # H2O guesses anew what a column of NA is
            values[0] = make()
        kinds[key], columns[key] = kind, values
    return RandomFrame(name, kinds, columns)


def _moment(rng: random.Random) -> datetime:
    start = datetime(2019, 12, 28, tzinfo=UTC)
    return start + timedelta(days=rng.randint(0, 800), seconds=rng.choice((0, 3661, 86399)))
