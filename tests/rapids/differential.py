"""Runs random expressions on the real H2O and on dh2o and says where the answers differ."""

from __future__ import annotations

import math
import random
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers import column_list
from random_expressions import Generator
from random_frames import random_frame

import dh2o.estimators  # noqa: F401  # some primitives are registered with the models
from dh2o.errors import DH2OError
from dh2o.mrtask import Engine
from dh2o.rapids import Session, ValFrame, ValNum, ValNums, ValStr, ValStrs
from dh2o.rapids.passes import gather
from tests.real_h2o import RealH2O, Refused, column_values, number

__all__ = ["Difference", "differences"]

ROWS = (1, 6, 23)  # rows of the random frames
KNOWN_WORDS = ("foo", "bar", "hello", "world", "ell", "or", "oo")  # of the list of words
FAULTS = ("exist in DKV", "was deleted", "unimplemented")  # what H2O says when it fails


@dataclass(frozen=True)
class Answer:
    """What one side said: columns (name, type, levels, values), a plain value, or an error."""

    columns: tuple[Any, ...] | None = None
    value: Any = None
    error: str | None = None
    crashed: bool = False

    def __str__(self) -> str:
        if self.error is not None:
            return f"{'crash' if self.crashed else 'error'}: {self.error}"
        if self.columns is None:
            return repr(self.value)
        return "\n         ".join(map(str, self.columns)) or "no columns"


@dataclass(frozen=True)
class Difference:
    """An expression with two answers."""

    expression: str
    h2o: Answer
    dh2o: Answer

    def __str__(self) -> str:
        return f"{self.expression}\n    H2O  {self.h2o}\n    dh2o {self.dh2o}"


def differences(real: RealH2O, engine: Engine, seed: int, n_expressions: int) -> list[Difference]:
    """Return the expressions of a seed on which the two disagree."""
    rng = random.Random(seed)
    frames = [random_frame(rng, f"{real.prefix}f{i}", n) for i, n in enumerate(ROWS)]
    real.open()
    for frame in frames:
        real.load(frame.name, frame.to_csv(), frame.types())
        frame.store()
    found = []

    def asked(text: str) -> Answer:
        answer = _of_h2o(real, text)
        if answer.error is None or "was deleted" not in answer.error:
            return answer
        for frame in frames:  # an expression before this one has damaged its frame in H2O
            real.load(frame.name, frame.to_csv(), frame.types())
        return _of_h2o(real, text)

    with tempfile.TemporaryDirectory() as folder, Session(engine) as session:
        words = Path(folder) / "words.txt"
        words.write_text("\n".join(KNOWN_WORDS))
        generator = Generator(seed, frames, str(words))
        for _ in range(n_expressions):
            text = generator.expression()
            theirs, ours = asked(text), _of_dh2o(session, text)
            if not agree(theirs, ours):
                found.append(Difference(text, theirs, ours))
    for frame in frames:
        for key in (frame.name, generator.kept(frame)):
            real.remove(key)
            if engine.dkv.contains(key):
                engine.dkv.remove(key)
    return found


def _of_h2o(real: RealH2O, text: str) -> Answer:
    try:
        answer = real.run(text)
    except Refused as refused:
        crashed = refused.status >= 500 or any(said in str(refused) for said in FAULTS)
        if crashed:
            real.open()
        return Answer(error=str(refused).strip(), crashed=crashed)
    if "columns" in answer:
        columns = [
            (c["label"], c["type"], tuple(c["domain"] or ()), column_values(c))
            for c in answer["columns"]
        ]
        return Answer(columns=tuple(columns))
    value = answer.get("scalar", answer.get("string"))
    return Answer(value=[number(v) for v in value] if isinstance(value, list) else number(value))


def _of_dh2o(session: Session, text: str) -> Answer:
    try:
        value = session.execute(text)
        columns = tuple(_columns(value)) if isinstance(value, ValFrame) else None
    except DH2OError as error:
        return Answer(error=str(error))
    except Exception as error:  # noqa: BLE001 - an error that is not typed is a finding
        return Answer(error=f"{type(error).__name__}: {error}", crashed=True)
    if columns is not None:
        return Answer(columns=columns)
    if isinstance(value, ValNums | ValStrs):
        return Answer(value=[_plain(v) for v in value.values])
    return Answer(value=_plain(value.value) if isinstance(value, ValNum | ValStr) else value)


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value
    return None if math.isnan(value) else float(value)


def _columns(value: ValFrame) -> list[Any]:
    types = value.frame.types
    held = gather(value.table)
    return [
        (name, types[name], column.domain or (), list(map(_as_text, column_list(column))))
        for name, column in zip(held.names, held.columns, strict=True)
    ]


def _as_text(value: Any) -> Any:
    return str(uuid.UUID(bytes=value)).upper() if isinstance(value, bytes) else value


def agree(theirs: Answer, ours: Answer) -> bool:
    """Whether two answers are the same; where H2O crashed, dh2o may do as it likes."""
    if ours.crashed:
        return False
    if theirs.error is not None:
        return theirs.crashed or ours.error is not None
    if ours.error is not None or (theirs.columns is None) != (ours.columns is None):
        return False
    if theirs.columns is None or ours.columns is None:
        return same(theirs.value, ours.value)
    return len(theirs.columns) == len(ours.columns) and all(
        _same_column(a, b) for a, b in zip(theirs.columns, ours.columns, strict=True)
    )


def _same_column(theirs: Any, ours: Any) -> bool:
    if theirs[0] != ours[0] or tuple(theirs[2]) != tuple(ours[2]):
        return False
    empty = all(v is None for v in theirs[3])  # H2O's type of a column of NA is an accident
    alike = empty or theirs[1] == ours[1] or (_whole(theirs) and _whole(ours))
    return alike and same(list(theirs[3]), list(ours[3]))


def _whole(column: Any) -> bool:
    """Whether numbers are whole but for rounding: int or real is an accident then."""
    if column[1] not in ("int", "real"):
        return False
    finite = [v for v in column[3] if v is not None and not math.isinf(v)]
    return all(math.isclose(v, round(v), rel_tol=1e-10, abs_tol=1e-11) for v in finite)


def same(a: Any, b: Any) -> bool:
    """Whether two plain values agree, numbers to ten digits."""
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, int | float) and isinstance(b, int | float):
        return math.isclose(a, b, rel_tol=1e-10, abs_tol=1e-11)
    return bool(a == b)
