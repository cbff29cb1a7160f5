"""Files of typed columns, written by the libraries that know them best."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

N_ROWS = 300
DAY = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


def rows(n: int = N_ROWS) -> dict[str, list[Any]]:
    """Return columns with NA in row 3."""
    columns: dict[str, list[Any]] = {
        "i": list(range(n)),
        "x": [i / 8 for i in range(n)],
        "c": ["zam"[i % 3] for i in range(n)],
        "t": [DAY + dt.timedelta(hours=i) for i in range(n)],
        "s": [f"text {i}" for i in range(n)],
    }
    for name in ("x", "c", "t", "s"):
        if n > 3:
            columns[name][3] = None
    return columns


def arrow_table(n: int = N_ROWS) -> pa.Table:
    """Return the columns as Arrow; the levels of c are z, a, m in this order."""
    columns = rows(n)
    codes = [None if c is None else "zam".index(c) for c in columns["c"]]
    return pa.table(
        {
            "i": pa.array(columns["i"], pa.int32()),
            "x": pa.array(columns["x"], pa.float64()),
            "c": pa.DictionaryArray.from_arrays(pa.array(codes, pa.int8()), ["z", "a", "m"]),
            "t": pa.array([None if t is None else t.replace(tzinfo=None) for t in columns["t"]],
                          pa.timestamp("ms")),
            "s": pa.array(columns["s"], pa.string()),
        }
    )  # fmt: skip


def write_parquet(path: Path, n: int = N_ROWS) -> None:
    pq.write_table(arrow_table(n), path, row_group_size=70)


def write_arrow(path: Path, n: int = N_ROWS) -> None:
    with pa.ipc.new_file(path, arrow_table(n).schema) as out:
        out.write_table(arrow_table(n), max_chunksize=70)


def write_arrow_stream(path: Path, n: int = N_ROWS) -> None:
    with pa.ipc.new_stream(path, arrow_table(n).schema) as out:
        out.write_table(arrow_table(n), max_chunksize=70)


def write_orc(path: Path, n: int = N_ROWS) -> None:
    from pyarrow import orc

    table = arrow_table(n)
    orc.write_table(table.set_column(2, "c", table.column("c").cast(pa.string())), path)


def write_avro(path: Path, n: int = N_ROWS) -> None:
    import fastavro

    def or_null(kind: Any) -> list[Any]:
        return ["null", kind]

    schema = {
        "type": "record",
        "name": "row",
        "fields": [
            {"name": "i", "type": "int"},
            {"name": "x", "type": or_null("double")},
            {"name": "c", "type": or_null({"type": "enum", "name": "e", "symbols": list("zam")})},
            {"name": "t", "type": or_null({"type": "long", "logicalType": "timestamp-millis"})},
            {"name": "s", "type": or_null("string")},
            {"name": "many", "type": {"type": "array", "items": "int"}},
        ],
    }
    columns = rows(n)
    records = ({**{k: v[i] for k, v in columns.items()}, "many": [i]} for i in range(n))
    with path.open("wb") as out:
        fastavro.writer(out, schema, records, codec="deflate", sync_interval=2000)


def write_xlsx(path: Path, n: int = N_ROWS) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    columns = rows(n)
    sheet.append(list(columns))
    for i in range(n):
        t = columns["t"][i]
        sheet.append([columns[k][i] if k != "t" else t and t.replace(tzinfo=None) for k in columns])
    book.save(path)


def write_xls(path: Path, n: int = N_ROWS) -> None:
    import xlwt

    book = xlwt.Workbook()
    sheet = book.add_sheet("rows")
    style = xlwt.easyxf(num_format_str="YYYY-MM-DD HH:MM:SS")
    for j, (name, values) in enumerate(rows(n).items()):
        sheet.write(0, j, name)
        for i, value in enumerate(values):
            if isinstance(value, dt.datetime):
                sheet.write(i + 1, j, value.replace(tzinfo=None), style)
            elif value is not None:
                sheet.write(i + 1, j, value)
    book.save(str(path))


WRITERS = {
    "parquet": write_parquet,
    "feather": write_arrow,
    "arrows": write_arrow_stream,
    "orc": write_orc,
    "avro": write_avro,
    "xlsx": write_xlsx,
    "xls": write_xls,
}
