from __future__ import annotations

import datetime as dt
import io

import numpy as np
import pandas as pd
import pyarrow as pa

from dh2o.frame import Frame
from dh2o.mrtask import Engine
from tests.frame.tables import a_bit_of_everything


def text(frame: Frame, **options: object) -> str:
    return b"".join(frame.to_csv_stream(**options)).decode()


def test_h2o_form(engine: Engine) -> None:
    table = pa.table(
        {
            'a "q"': [1, None],
            "r": [0.1, 5.0],
            "s": ['he said "hi"', None],
            "e": pa.array(["x", None]).dictionary_encode(),
            "t": [dt.datetime(1970, 1, 1, 0, 0, 1, tzinfo=dt.UTC), None],
            "b": [True, None],
            "u": pa.array([bytes(range(16)), None], pa.binary(16)),
        }
    )
    assert text(Frame.from_arrow(table)) == (
        '"a ""q""","r","s","e","t","b","u"\n'
        '1,0.1,"he said ""hi""","x",1000,"True",00010203-0405-0607-0809-0A0B0C0D0E0F\n'
        ",5.0,,,,,\n"
    )


def test_numbers_are_the_shortest_that_read_back_exactly(engine: Engine) -> None:
    values = np.array([0.1, 1 / 3, 1e300, -5e-324, 123456789.123, 1e22, np.inf, -np.inf, 2.0])
    got = text(Frame.from_numpy(values)).splitlines()[1:]
    assert [float(cell.replace("Infinity", "inf")) for cell in got] == values.tolist()
    assert got[0] == "0.1"
    assert got[6:] == ["Infinity", "-Infinity", "2.0"]


def test_big_integers_are_whole(engine: Engine) -> None:
    assert text(Frame.from_python([2**62 + 1])).splitlines()[1] == str(2**62 + 1)


def test_options(engine: Engine) -> None:
    frame = Frame.from_python({"a": [0.5], "b": ['x"y']})
    assert text(frame, header=False, separator=";") == '0.5;"x""y"\n'
    assert text(frame, quote_header=False).startswith("a,b\n")
    assert text(frame, escape="\\", header=False) == '0.5,"x\\"y"\n'
    assert float.fromhex(text(frame, hex_floats=True).splitlines()[1].split(",")[0]) == 0.5


def test_pandas_reads_it_back(any_engine: Engine) -> None:
    frame = Frame.from_arrow(a_bit_of_everything(50)).rebalance((0, 20, 30))
    got = pd.read_csv(io.StringIO(text(frame)))
    want = frame.to_pandas()
    np.testing.assert_array_equal(got["real"], want["real"])
    assert got["text"].fillna("NA").tolist() == want["text"].fillna("NA").tolist()
    assert len(got) == 50


def test_no_rows(engine: Engine) -> None:
    assert text(Frame.from_arrow(pa.table({"x": pa.array([], pa.int64())}))) == '"x"\n'


def test_weaving_is_joining() -> None:
    from dh2o.frame.exchange.csv_out import lines_of

    columns = [["a", "", "é…"], ["", "22", "3"], ["x", "y", ""]]
    cells = [pa.array(["cut off", *column], pa.large_string()).slice(1) for column in columns]
    naive = "".join("; ".join(row) + "\n" for row in zip(*columns, strict=True))
    assert lines_of(cells, "; ").decode() == naive
    assert lines_of([pa.array(["", ""], pa.large_string())], ",") == b"\n\n"
