"""Random expressions on the real H2O and on dh2o; ``--differential-seed`` and ``-count`` for more.

With ``--h2o-url`` a server that runs already answers instead of one that the test starts.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from differential import differences

from dh2o.mrtask import Engine
from tests.real_h2o import RealH2O, started

pytestmark = pytest.mark.h2o


@pytest.fixture(scope="module")
def real(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealH2O]:
    url = request.config.getoption("--h2o-url")
    if url:
        yield RealH2O(url)
        return
    with started(tmp_path_factory.mktemp("h2o")) as server:
        yield server


def test_random_expressions_agree(
    request: pytest.FixtureRequest, real: RealH2O, engine: Engine
) -> None:
    seed = request.config.getoption("--differential-seed")
    found = differences(real, engine, seed, request.config.getoption("--differential-count"))
    assert not found, "\n".join(map(str, found))
