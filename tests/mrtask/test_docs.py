"""The examples of docs/mrtask.md run, and print what their comments say."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import cloudpickle
import pytest

from dh2o.mrtask import Engine

PAGE = Path(__file__).parents[2] / "docs" / "mrtask.md"


def test_examples_print_what_they_say(
    engine: Engine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text("utf8"), re.DOTALL))
    said = re.findall(r"^print\(.*\) +# (.*)$", code, re.MULTILINE)
    page = ModuleType("docs_mrtask")
    monkeypatch.setitem(sys.modules, page.__name__, page)  # dataclasses look their module up
    cloudpickle.register_pickle_by_value(page)
    exec(compile(code, str(PAGE), "exec"), page.__dict__)
    assert capsys.readouterr().out.splitlines() == said
    assert len(said) == 5
    engine.dkv.remove("my_result")
