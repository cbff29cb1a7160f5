"""Freed memory goes back to the operating system."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from dh2o.mrtask.allocator import give_back

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


def test_giving_back_nothing_is_harmless() -> None:
    give_back()
    give_back()
    assert psutil.Process().is_running()
