"""Compiled loops: by one process of a machine only, with helpers on a new one, which end with it.

Run as a script it writes `FIRST_KERNELS` anew: what the demo and a table with decimals need.
"""

from __future__ import annotations

import inspect
import io
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest

from dh2o.compiled import first_kernels
from dh2o.compiled.cache import SharedCache
from dh2o.compiled.claims import Claims

Call = tuple[str, str, tuple[Any, ...], float]

_LOOP = """
import sys
import numpy as np
from dh2o.compiled import njit

@njit(nogil=True, cache=True)
def inner(x):
    return x * 2.0

@njit(nogil=True, cache=True)
def total(values):
    s = 0.0
    for i in range(values.size):
        s += inner(values[i])
    return s

@njit(nogil=True, cache=True)
def wrong(values):
    return values.no_such_thing
"""
_CALL = """
import logging, sys
logging.basicConfig(format="TOLD %(message)s")
import loop
print("ready", flush=True)
sys.stdin.readline()
assert loop.total(loop.np.ones(3)) == 6.0
print("compiled", sum(loop.total.stats.cache_misses.values()), flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def at_home(tmp_path: Path) -> dict[str, str]:
    """Give the surroundings of a process for which nothing is compiled yet, without helpers."""
    (tmp_path / "loop.py").write_text(_LOOP)
    root = Path(first_kernels.__file__).parents[2]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(root)]),
        "NUMBA_CACHE_DIR": str(tmp_path / "kept"),
        "DH2O_COMPILE_HELPERS": "0",
    }


@contextmanager
def _process(code: str, env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    pipes: Any = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen([sys.executable, "-c", code], env=env, text=True, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


def _run(code: str, env: dict[str, str], text: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "ignore", "-c", code]
    return subprocess.run(command, env=env, input=text, capture_output=True, text=True, check=True)


def _says(process: subprocess.Popen[str], text: str = "\n") -> str:
    """Send a line to `process` and return what it answers."""
    assert process.stdin
    assert process.stdout
    process.stdin.write(text)
    process.stdin.flush()
    return process.stdout.readline().strip()


def test_two_processes_compile_a_loop_once(at_home: dict[str, str]) -> None:
    with _process(_CALL, at_home) as one, _process(_CALL, at_home) as two:
        for process in (one, two):
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        assert one.stdin
        one.stdin.write("\n")
        one.stdin.flush()
        answers = sorted([_says(two), one.stdout.readline().strip()])  # type: ignore[union-attr]
        told = [process.communicate("\n")[1] for process in (one, two)]
    assert answers == ["compiled 0", "compiled 1"]
    assert sorted(text.count("TOLD dh2o compiles loops") for text in told) == [0, 1]
    assert at_home["NUMBA_CACHE_DIR"] in "".join(told)


def test_who_finds_all_compiled_is_told_nothing(at_home: dict[str, str]) -> None:
    _, second = (_run(_CALL, at_home, "\n\n") for _ in range(2))
    assert "compiled 0" in second.stdout
    assert second.stderr == ""


def test_a_loop_that_fails_is_claimed_no_longer(at_home: dict[str, str]) -> None:
    code = (
        "import loop, numba\n"
        "try:\n    loop.wrong(loop.np.ones(3))\n"
        "except numba.TypingError:\n    print('failed', flush=True)\n"
        "input()\n"
    )
    other = "import loop\nprint(loop.wrong._cache.claim(wait=False))"
    with _process(code, at_home) as process:
        assert process.stdout
        assert process.stdout.readline() == "failed\n"
        free = _run(other, at_home)
    assert free.stdout == "True\n"


def test_claims_end_with_their_process(tmp_path: Path) -> None:
    code = (
        f"from dh2o.compiled.claims import Claims\nc = Claims({str(tmp_path)!r})\n"
        "print(c.take('a'), c.take('a'), flush=True)\ninput()"
    )
    claims = Claims(str(tmp_path))
    with _process(code, dict(os.environ)) as process:
        assert process.stdout
        assert process.stdout.readline() == "True True\n"
        assert not claims.take("a", wait=False)
        assert claims.take("b", wait=False)
    assert claims.take("a")


def test_folders_that_cannot_be_written_need_no_claims(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert Claims(str(tmp_path / "file" / "below")).take("a")


def test_helpers_compile_what_another_process_begins_and_end_with_it(
    at_home: dict[str, str],
) -> None:
    code = (
        "import dh2o.compiled.helpers as helpers\n"
        "from dh2o.parse.levels import _refill\n"
        "import numpy as np\n"
        "_refill(np.zeros(8, np.int32), np.zeros(8, np.int64), 1)\n"
        "print(*[p.pid for p in helpers._running], flush=True)\n"
        "input()"
    )
    with _process(code, {**at_home, "DH2O_COMPILE_HELPERS": "1"}) as process:
        assert process.stdout
        (helper,) = map(int, process.stdout.readline().split())
        os.kill(helper, 0)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and _is_running(helper):
        time.sleep(0.05)
    assert not _is_running(helper)


def _is_running(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_every_first_kernel_is_there_and_takes_what_the_list_says() -> None:
    for module, name, signature in first_kernels.FIRST_KERNELS:
        loop = getattr(import_module(module), name)
        assert isinstance(loop._cache, SharedCache)
        assert len(inspect.signature(loop.py_func).parameters) == len(signature)


def test_nothing_is_listed_twice() -> None:
    kernels = first_kernels.FIRST_KERNELS
    assert len(set(kernels)) == len(kernels) > 30


_SMALL_JOB = """
import sys
sys.path.insert(0, ROOT)
from tests.test_compiled import _calls_recorded, _small_job
with _calls_recorded() as calls:
    _small_job()
from dh2o.compiled.first_kernels import FIRST_KERNELS
print([call[:3] for call in calls if call[:3] not in FIRST_KERNELS])
"""


def test_a_first_job_needs_only_what_is_listed() -> None:
    root = str(Path(__file__).parents[1])
    done = _run(_SMALL_JOB.replace("ROOT", repr(root)), dict(os.environ))
    assert done.stdout.splitlines()[-1] == "[]", "run python tests/test_compiled.py"


# ------------------------------------------------------------------------- how the list is made


@contextmanager
def _calls_recorded() -> Iterator[list[Call]]:
    """Give the list of the loops that Python code needs, for what types, and seconds to compile."""
    calls: list[Call] = []
    load, save = SharedCache.load_overload, SharedCache.save_overload
    begun: list[float] = []

    def loading(self: SharedCache, sig: Any, target_context: Any) -> Any:
        found = load(self, sig, target_context)
        if not begun:
            module, _, name = self.name.rpartition(".")
            calls.append((module, name, tuple(sig), 0.0))
        if found is None:
            begun.append(time.perf_counter())
        return found

    def saving(self: SharedCache, sig: Any, data: Any) -> None:
        calls[-1] = (*calls[-1][:3], time.perf_counter() - begun.pop())
        save(self, sig, data)

    SharedCache.load_overload, SharedCache.save_overload = loading, saving  # type: ignore[method-assign]
    try:
        yield calls
    finally:
        SharedCache.load_overload, SharedCache.save_overload = load, save  # type: ignore[method-assign]


def _small_job() -> None:
    """Read numbers with decimals, levels and times; train, judge and score."""
    import dh2o
    from dh2o.estimators import H2OGradientBoostingEstimator

    rng = np.random.default_rng(1)
    x = rng.normal(size=3000).round(3)
    words = np.where(x + rng.normal(size=3000) > 0, "yes", "no")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        rows = (
            f"{a},{i % 12},{'abc'[i % 3]},2013-01-{i % 28 + 1:02d} 05:00:00,{w}"
            for i, (a, w) in enumerate(zip(x, words, strict=True))
        )
        path.write_text("a,n,level,at,y\n" + "\n".join(rows) + "\n")
        dh2o.init(n_workers=1, threads_per_worker=1, processes=False)
        frame = dh2o.import_file(str(path))
        model = H2OGradientBoostingEstimator(ntrees=3, seed=1)
        model.train(x=["a", "n", "level"], y="y", training_frame=frame)
        model.predict(frame).head(2).to_arrow()
        dh2o.shutdown()


def _spelled(t: Any) -> str:
    """Return the text that stands for a type in `first_kernels`."""
    types = numba.types
    if isinstance(t, types.Array):
        ndim = f", {t.ndim}" if t.ndim != 1 or t.layout != "C" else ""
        layout = f', "{t.layout}"' if t.layout != "C" else ""
        return f"_array({_spelled(t.dtype)}{ndim}{layout}{'' if t.mutable else ', readonly=True'})"
    if isinstance(t, types.NamedTuple):
        cls = f"{t.instance_class.__module__}:{t.instance_class.__qualname__}"
        return f'_named("{cls}", {", ".join(map(_spelled, t.types))})'
    if isinstance(t, types.UniTuple):
        return f"_tuple({_spelled(t.dtype)}, {t.count})"
    if t is types.boolean:
        return "boolean"
    if isinstance(t, types.Number):
        return str(t)
    raise TypeError(f"no text for {t!r}")


def _lines(calls: list[Call]) -> Iterator[str]:
    for module, name, signature, _ in calls:
        yield f'    ("{module}", "{name}", ('
        words = [f"{_spelled(item)}, " for item in signature]
        words[-1] = words[-1].rstrip() + ")),"
        line = "        "
        for word in words:
            if len(line) + len(word.rstrip()) > 99:
                yield line.rstrip()
                line = "        "
            line += word
        yield line.rstrip()


def _write() -> None:
    """Write the list: what parsing needs first, and what takes long before what does not.

    Whoever is first to need a loop then waits least.
    """
    from dh2o.demo import run
    from dh2o.mrtask import use_engine
    from dh2o.mrtask.start import start_cluster

    with _calls_recorded() as calls:
        with start_cluster() as engine, use_engine(engine):
            run(engine, io.StringIO())
        _small_job()
    calls = list({call[:3]: call for call in reversed(calls)}.values())
    calls.sort(key=lambda call: (not call[0].startswith("dh2o.parse"), -call[3]))
    path = Path(first_kernels.__file__)
    text = re.sub(
        r"(?s)(\.\.\.\]\], \.\.\.\] = \(\n).*?(\)\n# fmt: on)",
        lambda found: found[1] + "".join(f"{line}\n" for line in _lines(calls)) + found[2],
        path.read_text(),
    )
    path.write_text(text)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as nothing:
        numba.config.CACHE_DIR = nothing  # all is compiled, so that what takes long is seen
        os.environ["DH2O_COMPILE_HELPERS"] = "0"
        _write()
