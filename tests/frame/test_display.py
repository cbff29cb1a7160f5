from __future__ import annotations

import datetime as dt
import re

import pyarrow as pa

from dh2o.frame import Frame
from dh2o.frame.display import TextTable, number_text, text_cut, text_panels, time_text
from dh2o.mrtask import Engine


def flowers() -> Frame:
    table = pa.table(
        {
            "width": [5.1, 4.9, None],
            "kind": pa.array(["setosa", None, "virginica"]).dictionary_encode(),
            "day": [dt.date(2020, 1, 1), None, dt.date(2021, 1, 1)],
            "note": ["<b>", None, "two\nlines"],
        }
    )
    return Frame.from_arrow(table)


def test_describe_like_h2o(engine: Engine) -> None:
    description = flowers().describe()
    width = description.columns[0]
    assert (width.type, width.min, width.max, width.n_na) == ("real", 4.9, 5.1, 1)
    kind = description.columns[1]
    assert (kind.type, kind.min, kind.mean, kind.n_zero) == ("enum", None, None, None)
    lines = description.to_text().splitlines()
    assert lines[:2] == ["Rows:3", "Cols:4"]
    labels = [line.split()[0] for line in lines[5:]]
    assert labels == ["type", "mins", "mean", "maxs", "sigma", "zeros", "missing", "0", "1", "2"]


def test_text_shows_na_times_and_one_line_cells(engine: Engine) -> None:
    text = flowers().to_text()
    assert "2020-01-01 00:00:00" in text
    assert "two↵lines" in text
    assert "NA" in text
    assert text.endswith("[3 rows x 4 columns]")


def test_html_is_escaped(engine: Engine) -> None:
    html = flowers()._repr_html_()
    assert "&lt;b&gt;" in html
    assert "<b>" not in html


def test_wide_and_long_frames_are_cut(engine: Engine) -> None:
    frame = Frame.from_arrow(pa.table({f"column{i}": range(50) for i in range(300)}))
    text = frame.to_text(width=80)
    assert max(map(len, text.splitlines())) <= 80
    assert "…" in text
    assert "column299" in text
    hidden = int(re.search(r"(\d+) columns hidden", text)[1])  # type: ignore[index]
    shown = len([name for name in frame.names if re.search(rf"\b{name}\b", text)])
    assert hidden + shown == 300
    assert "first 10 rows shown" in text
    assert frame.to_html().count("<th>") < 100


def test_panels_hold_every_column_once(engine: Engine) -> None:
    table = TextTable(tuple("abcdef"), (("1" * 9,),) * 6, ("row",))
    panels = text_panels(table, 40)
    assert all(max(map(len, panel.splitlines())) <= 40 for panel in panels)
    assert "".join(panel.splitlines()[0].replace(" ", "") for panel in panels) == "abcdef"


def test_a_table_that_fits_is_not_cut() -> None:
    table = TextTable(("a", "b", "c"), (("1",), ("2",), ("3",)))
    assert text_cut(table, 40)[1] == 0


def test_numbers_and_times_as_text() -> None:
    assert number_text(1234567.0) == "1234567"
    assert number_text(0.1 + 0.2) == "0.3"
    assert number_text(-0.0) == "0"
    assert number_text(float("nan")) == "NA"
    assert number_text(float("inf")) == "inf"
    assert time_text(1) == "1970-01-01 00:00:00.001"
    assert time_text(10**18) == f"{10**18} ms"


def test_empty_frames(engine: Engine) -> None:
    assert "0 rows x 0 columns" in Frame.from_arrow(pa.table({})).to_text()
    no_rows = Frame.from_arrow(pa.table({"x": pa.array([], pa.int64())}))
    assert "[0 rows x 1 column]" in no_rows.to_text()
    assert "Rows:0" in no_rows.describe().to_text()


def test_chunk_summary_adds_up(any_engine: Engine) -> None:
    frame = Frame.from_arrow(pa.table({"a": range(90), "b": ["x"] * 90})).rebalance((30, 30, 30))
    summary = frame.chunk_summary()
    assert sum(line.n_chunks for line in summary.codecs) == 6
    assert sum(line.n_rows for line in summary.workers) == 90
    assert round(sum(line.nbytes_pct for line in summary.codecs)) == 100
    assert summary.nbytes == frame.nbytes
    assert summary.statistics[-1].n_chunks == 6
    assert summary.tables()[0].headers[0] == "codec"
