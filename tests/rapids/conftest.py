from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dh2o.mrtask import Engine
from dh2o.rapids import Session

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session on the embedded engine; its temporaries go with it."""
    with Session(engine) as opened:
        yield opened


@pytest.fixture
def f(engine: Engine) -> Iterator[str]:
    """The key of the first golden frame."""
    from helpers import golden_f

    golden_f().put("f")
    yield "f"
    if engine.dkv.contains("f"):
        engine.dkv.remove("f")


@pytest.fixture
def gf(engine: Engine) -> Iterator[str]:
    """The key of the second golden frame."""
    from helpers import golden_gf

    golden_gf().put("gf")
    yield "gf"
    if engine.dkv.contains("gf"):
        engine.dkv.remove("gf")
