"""A progress bar for a terminal or a notebook; silent where nobody would see it."""

from __future__ import annotations

import html
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_WIDTH = 30
_enabled = True


def set_progress(enabled: bool) -> None:
    """Switch progress bars on or off for this process."""
    global _enabled  # noqa: PLW0603  (a user's setting of the process, as H2O has it)
    _enabled = enabled


def is_enabled() -> bool:
    """Return whether progress bars are switched on."""
    return _enabled


class _Silent:
    def show(self, progress: float, message: str) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Nothing to end."""


class _Terminal:
    """One line that is written over."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._last = ""
        self._started = time.monotonic()

    def show(self, progress: float, message: str) -> None:
        filled = round(_WIDTH * progress)
        seconds = time.monotonic() - self._started
        bar = "█" * filled + "░" * (_WIDTH - filled)
        line = f"{self._title} |{bar}| {progress:4.0%} {seconds:6.1f} s  {message}"[:110]
        if line != self._last:
            sys.stderr.write("\r" + line.ljust(len(self._last)))
            sys.stderr.flush()
            self._last = line

    def close(self) -> None:
        if self._last:
            sys.stderr.write("\n")
            sys.stderr.flush()


class _Notebook:
    """One display that is updated."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._handle: Any = None

    def show(self, progress: float, message: str) -> None:
        from IPython import display as screen

        show: Any = screen
        text = show.HTML(
            f"<div>{html.escape(self._title)} <progress value='{progress:.3f}' max='1'></progress> "
            f"{progress:.0%} <small>{html.escape(message)}</small></div>"
        )
        if self._handle is None:
            self._handle = show.display(text, display_id=True)
        else:
            self._handle.update(text)

    def close(self) -> None:
        """Leave the display as it is."""


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and type(shell).__name__ == "ZMQInteractiveShell"


@contextmanager
def progress_bar(title: str, *, enabled: bool) -> Iterator[Any]:
    """Give a bar to ``show(progress, message)`` on."""
    bar: Any = _Silent()
    if enabled and _enabled:
        if _in_notebook():
            bar = _Notebook(title)
        elif sys.stderr.isatty():
            bar = _Terminal(title)
    try:
        yield bar
    finally:
        bar.close()
