"""The quick way through rows of bare cells gives what the tokeniser gives."""

from __future__ import annotations

import numpy as np
import pytest

from dh2o.parse.levels import LevelTable
from dh2o.parse.plain_rows import MARKS_SLACK, may_be_plain, tokenise_plain
from dh2o.parse.tokenise import dialect_of, new_tally, slots_of, tokenise

TEXTS = {
    "plain": (b"a,b,c\n1,2,3\n,,\n", 3),
    "crlf": (b"a,b,c\r\n1,2,3\r\n", 2),
    "cr": (b"a,b,c\r1,2,3\rx,y,z\n", 3),
    "spaces": (b"  a, b ,\tc\n1,2,3\n", 2),
    "quoted": (b'a,b,c\n"x,y",2,"3"\n1,"",3\n', 3),
    "quoted after spaces": (b'a, "b",c\n"1" ,2,3\n', 1),
    "line ends in quotes": (b'a,"b\r\n\nb",c\n1,2,"\n"\r\n', 2),
    "doubled quote ends it": (b'a,b,c\n1,"x""y",3\n1,2,3\n', 1),
    "text after a quote ends it": (b'a,b,c\n1,"x"y,3\n', 1),
    "only quotes end it": (b'a,b,c\n"","""",""\n', 1),
    "open quote ends it": (b'a,b,c\n1,"2,3\n4,5,6\n', 1),
    "short row ends it": (b"a,b,c\n1,2\n1,2,3\n", 1),
    "long row ends it": (b"a,b,c\n1,2,3,4\n", 1),
    "blank ends it": (b"a,b,c\n\n1,2,3\n", 1),
    "comment ends it": (b"a,b,c\n#1,2,3\n", 1),
    "unfinished": (b"a,b,c\n1,2,3", 1),
    "quote within ends it": (b'1,2,3\na,b"b,c\n1,2,3\n', 1),
    "long": (b"1234567890,abcdefghijklmnopqrstuvwxyz,\n" * 7, 7),
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("n_marks", [8, 64])
def test_plain_rows_are_those_of_the_tokeniser(name: str, n_marks: int) -> None:
    text, n_expected = TEXTS[name]
    buf = np.frombuffer(text, np.uint8).copy()
    dialect = dialect_of(ord(","), ord('"'), 0, b"#")
    assert may_be_plain(dialect, 3)
    slots = slots_of(3, (0, 2))
    cells, expected = np.zeros((8, 2, 2), np.int32), np.zeros((8, 2, 2), np.int32)
    marks = np.empty(n_marks + MARKS_SLACK, np.int32)
    n, pos = tokenise_plain(buf, 0, len(buf), len(buf), dialect, slots, cells, marks)
    assert n == n_expected
    n_all, _, _ = tokenise(
        buf, 0, max(pos, 1), len(buf), True, dialect, slots, expected, 0, new_tally()
    )
    assert n_all == n or pos == 0
    np.testing.assert_array_equal(cells[:n], expected[:n])


def test_levels_of_any_length_are_told_apart() -> None:
    texts = [b"a", b"a\0", b"1234567", b"12345678", b"12345679", b"x" * 40, b"x" * 41, b"a", b""]
    buf = np.frombuffer(b"".join(texts), np.uint8).copy()
    ends = np.cumsum([len(t) for t in texts])
    cells = np.stack([ends - [len(t) for t in texts], ends], axis=1)[:, None, :].astype(np.int32)
    codes = np.empty(len(texts), np.int32)
    table = LevelTable()
    table.read(buf, cells, len(texts), 0, dialect_of(ord(","), ord('"'), 0, b""), codes, 0)
    assert codes.tolist() == [0, 1, 2, 3, 4, 5, 6, 0, -1]
    assert table.texts() == texts[:7]
