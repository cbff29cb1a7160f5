"""Progress bars show where somebody looks, and only there."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from dh2o.mrtask import progress
from dh2o.mrtask.progress import progress_bar, set_progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    screen = Terminal()
    # not sys.stderr itself: pytest sets that anew between a fixture and its test
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=screen, modules={}))
    yield screen
    set_progress(True)


def show(enabled: bool = True) -> None:
    with progress_bar("Parsing", enabled=enabled) as bar:
        bar.show(0.25, "block 1 of 4")
        bar.show(1.0, "done")


def test_terminal_writes_one_line_over(terminal: Terminal) -> None:
    show()
    text = terminal.getvalue()
    assert text.count("\n") == 1
    assert "Parsing |" in text
    assert " 25%" in text
    assert "100%" in text


def test_switched_off(terminal: Terminal) -> None:
    set_progress(False)
    show()
    set_progress(True)
    show(enabled=False)
    assert terminal.getvalue() == ""


def test_silent_when_not_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    show()
    assert screen.getvalue() == ""


def test_notebook_updates_one_display(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    class Handle:
        def update(self, html: object) -> None:
            shown.append(html.data)

    def display(html: object, display_id: bool) -> Handle:
        shown.append(html.data)
        return Handle()

    monkeypatch.setattr(progress, "_in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", display)
    with progress_bar("<Parsing>", enabled=True) as bar:
        bar.show(0.5, "half")
        bar.show(1.0, "done")
    assert len(shown) == 2
    assert "&lt;Parsing&gt;" in shown[0]
    assert "50%" in shown[0]
