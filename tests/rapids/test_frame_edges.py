"""Every public method of H2OFrame on a frame without rows, of NA only, and of one row.

``frame_edges.json`` holds the answers. They were read beside those of H2O's own client; where the
two differ, dh2o's is meant. Written anew by ``python tests/rapids/test_frame_edges.py``.
"""

from __future__ import annotations

import inspect
import json
import math
from pathlib import Path
from typing import Any

import pytest
from frame_calls import CALLS
from helpers import as_enums, close, day, rows_of

from dh2o.errors import DH2OError
from dh2o.frame import Frame
from dh2o.mrtask import Engine
from dh2o.rapids import H2OFrame

ANSWERS = Path(__file__).with_name("frame_edges.json")
ROWS = {"empty": slice(0, 0), "all NA": slice(1, 4), "one row": slice(0, 1)}
ELSEWHERE = {  # what is tested in other files: files, figures, exchange, functions, keys, making
    *("as_data_frame", "describe", "detach", "dtype", "frame", "frame_id", "from_python"),
    *("get_frame", "get_frame_data", "get_summary", "key", "map_blocks", "num_valid_substrings"),
    *("refresh", "save", "show", "show_summary", "structure", "summary", "to_arrow", "to_dask"),
    *("to_dask_array", "to_dask_bag", "to_delayed", "to_numpy", "to_pandas", "to_polars"),
}


def edge_frame(rows: slice) -> H2OFrame:
    """Return some rows of a frame of five: one with values, three of NA, one with others."""
    first, last = day("2020-01-05"), day("2021-01-01")
    frame = Frame.from_python(
        {
            "n": [1.0, None, None, None, 7.0],
            "m": [2.0, None, None, None, 8.0],
            "e": ["a", None, None, None, "b"],
            "s": ["2020-01-05", None, None, None, "x"],
            "t": [first, None, None, None, last],
        }
    )
    made: H2OFrame = H2OFrame(as_enums(frame, "e"))[rows, :]
    return made.refresh()


def plain(value: Any) -> Any:
    """Return an answer as JSON would: a frame by its columns (type, levels, values)."""
    if isinstance(value, H2OFrame):
        types, columns = value.types, rows_of(value._table())
        levels = [c.domain for c in value._table().columns]
        return [
            [name, types[name], None if domain is None else list(domain), plain(values)]
            for (name, values), domain in zip(columns.items(), levels, strict=True)
        ]
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, float):
        return None if math.isnan(value) else repr(value) if math.isinf(value) else value
    return value


def answer(name: str, frame: H2OFrame) -> Any:
    """Return what a call gives, or the text of its error; only typed errors are answers."""
    try:
        return plain(CALLS[name](frame))
    except DH2OError as error:
        return f"{type(error).__name__}: {error}"


def test_every_public_method_is_called_and_says_what_it_gives() -> None:
    public = {name for name in dir(H2OFrame) if not name.startswith("_")}
    assert public - set(CALLS) == ELSEWHERE
    assert set(CALLS) <= public
    for name in public:
        found = inspect.getattr_static(H2OFrame, name)
        about = found.fget if isinstance(found, property) else getattr(H2OFrame, name)
        assert (inspect.getdoc(about) or "").partition("\n")[0].endswith("."), name


@pytest.mark.parametrize("rows", ROWS)
def test_every_method_on_few_rows(engine: Engine, rows: str) -> None:
    frame = edge_frame(ROWS[rows])
    expected = json.loads(ANSWERS.read_text())
    before = plain(frame)
    wrong = {}
    for name in CALLS:
        found = answer(name, frame)
        if not close(found, expected[name][rows]):
            wrong[name] = (found, expected[name][rows])
    assert not wrong
    assert plain(frame) == before  # no call has changed the frame that it was given


def write() -> None:
    """Write the answers of this state."""
    import dh2o

    dh2o.init(n_workers=1, threads_per_worker=2, processes=False)
    frames = {name: edge_frame(rows) for name, rows in ROWS.items()}
    lines = [
        f'"{name}": ' + json.dumps({rows: answer(name, frame) for rows, frame in frames.items()})
        for name in CALLS
    ]
    ANSWERS.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    write()
