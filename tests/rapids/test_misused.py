"""Expressions put together wrongly: every one is answered or refused with a typed error."""

from __future__ import annotations

import random
import re

import pytest
from random_expressions import Generator
from random_frames import random_frame

from dh2o.errors import DH2OError
from dh2o.mrtask import Engine
from dh2o.rapids import Session, ValFrame
from dh2o.rapids.passes import gather

TOKEN = re.compile(r'"[^"]*"|\[[^\]]*\]|[(){}]|[^\s(){}\[\]"]+')
STRANGE = (
    *("-1", "0", "1e300", "-1e300", "NaN", "99", "0.5", "1e10", "-0.5", "_", '""', '"none such"'),
    *("[]", "[0 1 2 3]", "[-1]", "[99]", "[NaN]", "[0.5]", "[1e300]", '["a" "b"]', '["s"]'),
    *("True", "False", "{x . x}", "{x . (sum x)}", "sum", "(ls)", '"("', '"\\\\d+"', "(cols"),
)


def misused(rng: random.Random, text: str, frames: list[str]) -> str:
    """Return the expression with one to three of its words replaced, left out, doubled or moved."""
    words = TOKEN.findall(text)
    for _ in range(rng.randint(1, 3)):
        if len(words) < 3:
            break
        at = rng.randrange(1, len(words))
        how = rng.random()
        if how < 0.6 and words[at] not in "(){}":
            words[at] = rng.choice((*STRANGE, *frames))
        elif how < 0.75:
            del words[at]
        elif how < 0.9:
            words.insert(at, rng.choice((words[at], *STRANGE)))
        else:
            other = rng.randrange(1, len(words))
            words[at], words[other] = words[other], words[at]
    return " ".join(words)


def outcome(session: Session, text: str) -> str | None:
    """Return what is wrong with how an expression is answered, None when nothing is."""
    try:
        value = session.execute(text)
        if isinstance(value, ValFrame):
            gather(value.table)
    except DH2OError as error:
        return None if str(error).strip() else f"{text}: an error without words"
    except Exception as error:  # noqa: BLE001 - finding these is the purpose
        return f"{text}: {type(error).__name__}: {error}"
    return None


@pytest.mark.parametrize("seed", [1])
def test_what_is_put_together_wrongly_is_answered_or_refused(
    request: pytest.FixtureRequest, engine: Engine, seed: int
) -> None:
    rng = random.Random(seed)
    frames = [random_frame(rng, f"misused{i}", n) for i, n in enumerate((1, 6))]
    for frame in frames:
        frame.store()
    generator = Generator(seed, frames, "no such file", depth=2)
    names = [frame.name for frame in frames]
    with Session(engine) as session:
        found = [
            outcome(session, misused(rng, generator.expression(), names))
            for _ in range(request.config.getoption("--differential-count"))
        ]
    engine.dkv.remove_all()
    assert [text for text in found if text is not None] == []
