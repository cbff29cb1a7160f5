"""The examples of docs/frames.md and docs/parse.md run as they stand."""

from __future__ import annotations

import gzip
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import cloudpickle
import pandas as pd
import pytest

from dh2o.mrtask import Engine

DOCS = Path(__file__).parents[1] / "docs"


def run_page(monkeypatch: pytest.MonkeyPatch, name: str, **given: Any) -> dict[str, Any]:
    """Run all Python blocks of a page, one after the other, and return what they defined."""
    code = "\n".join(re.findall(r"```python\n(.*?)```", (DOCS / name).read_text("utf8"), re.DOTALL))
    page = ModuleType(f"docs_{Path(name).stem}")
    monkeypatch.setitem(sys.modules, page.__name__, page)
    cloudpickle.register_pickle_by_value(page)
    page.__dict__.update(given)
    exec(compile(code, name, "exec"), page.__dict__)
    return page.__dict__


def test_frames(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    table = pd.DataFrame(
        {
            "carrier": ["UA", "DL", "UA"],
            "delay": [5.0, 40.0, None],
            "late": [0, 1, None],
            "distance": [100.0, 200.0, 300.0],
            "air_time": [1.0, 2.0, 4.0],
            "a": [1.0, 2.0, 3.0],
            "b": [4.0, 5.0, 6.0],
        }
    )
    found = run_page(monkeypatch, "frames.md", table=table)
    assert found["late"].to_pandas()["carrier"].tolist() == ["DL"]
    assert found["frame"].nrows == 3


def test_parse(engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flights").mkdir()
    for name in ("a", "b"):
        with gzip.open(tmp_path / "flights" / f"{name}.csv.gz", "wt") as file:
            file.write("tailnum,delay\nN1,2\n-,NA\n")
    found = run_page(monkeypatch, "parse.md")
    assert found["flights"].types == {"tailnum": "enum", "delay": "int"}
    assert found["flights"].nacnt() == [2.0, 2.0]
