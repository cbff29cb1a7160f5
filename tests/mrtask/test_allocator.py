"""Freed memory goes back to the operating system."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest

from dh2o.mrtask.allocator import give_back, reuse_memory

# Small objects under a survivor at the top of the heap: free() alone cannot shrink the heap.
SCRIPT = """
import psutil
from dh2o.mrtask.allocator import give_back, limit_arenas
assert limit_arenas()
held = [bytes(900) for _ in range(200_000)]
last = held[-1]
del held
before = psutil.Process().memory_info().rss
assert give_back()
print(before - psutil.Process().memory_info().rss)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="malloc_trim is glibc's")
def test_freed_memory_is_given_back() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], check=True, capture_output=True, text=True
    )
    assert int(done.stdout) > 100e6


# What a nanny sets, then arrays as passes make them: pages that are used again cost no faults.
REUSING = """
import resource, numpy as np
from dh2o.mrtask.allocator import reuse_memory
def n_faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        np.ones(250_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
first = n_faults()
assert reuse_memory()
n_faults()
print(first, n_faults())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mallopt is glibc's")
def test_workers_use_memory_again() -> None:
    env = {**os.environ, "MALLOC_TRIM_THRESHOLD_": "65536"}
    done = subprocess.run(
        [sys.executable, "-c", REUSING], check=True, capture_output=True, text=True, env=env
    )
    before, after = map(int, done.stdout.split())
    assert after < before / 10


def test_a_users_own_limits_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1000000")
    assert not reuse_memory()


def test_giving_back_nothing_is_harmless() -> None:
    give_back()
    give_back()
    assert psutil.Process().is_running()
