"""The same expressions on the real H2O, which comes with the package h2o and needs Java."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import close, run

from dh2o.errors import DH2OError
from dh2o.rapids import Session
from tests.real_h2o import RealH2O, Refused, column_values, number, started

pytestmark = [pytest.mark.h2o, pytest.mark.slow]

CSV = {
    "f": "a,b,c,s,t\n1.5,1,x,hello world,2020-01-01\n,2,y,Foo bar,2020-02-03\n-2.25,3,x,,\n"
    "4,4,z,aaa,2021-12-31\n1.5,5,,Hello,2019-07-15\n",
    "gf": "g,v,w,d\na,1,2,2020-01-01\nb,2,3,2020-01-02\na,3,4,2020-01-03\nb,,5,2020-01-04\n"
    "c,5,6,2020-01-05\n",
}
TYPES = {
    "f": ["Numeric", "Numeric", "Enum", "String", "Time"],
    "gf": ["Enum", "Numeric", "Numeric", "Time"],
}


def load(real: RealH2O) -> None:
    """Parse the golden frames; some expressions of H2O damage their operands."""
    real.open()
    for name, text in CSV.items():
        real.load(name, text, TYPES[name])


def answer(real: RealH2O, text: str) -> Any:
    """Return the value of an expression, as `helpers.plain` shows ours."""
    found = real.run(text)
    if "columns" in found:
        return {c["label"]: column_values(c) for c in found["columns"]}
    value = found.get("scalar", found.get("string"))
    return [number(v) for v in value] if isinstance(value, list) else number(value)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealH2O]:
    with started(tmp_path_factory.mktemp("h2o")) as server:
        load(server)
        yield server


EXPRESSIONS = (Path(__file__).parent / "expressions.txt").read_text().splitlines()


def test_every_expression_agrees(real: RealH2O, session: Session, f: str, gf: str) -> None:
    wrong = []
    for text in EXPRESSIONS:
        try:
            expected = answer(real, text)
        except Refused:  # an earlier expression damaged its frame, or H2O refuses
            load(real)
            expected = _or_refused(real, text)
        try:
            found = run(session, text)
        except DH2OError:
            found = "refused"
        if not close(expected, found):
            wrong.append(f"{text}\n  H2O  {expected}\n  dh2o {found}")
    assert not wrong, "\n".join(wrong)


def _or_refused(real: RealH2O, text: str) -> Any:
    try:
        return answer(real, text)
    except Refused:
        return "refused"
