"""Random CSV files, odd ones mostly: what H2O and dh2o should read alike.

Left out is what `docs/differences.md` lists: lone signs, large exponents, escaped quotes, noon, ISO
8601 with `T`, first lines that begin or end with a tab, doubled quotes and line ends in names, a
last line without an end; and the separator of a single line, which H2O leaves open.
"""

from __future__ import annotations

import random
from collections.abc import Callable

__all__ = ["random_csv"]

_BLANK = "\t\x01"

Cell = Callable[[random.Random], str]


def _of(*texts: str) -> Cell:
    return lambda rng: rng.choice(texts)


def _date(form: str, year: str = "full") -> Cell:
    def cell(rng: random.Random) -> str:
        years = {"full": rng.randint(1905, 2060), "short": rng.randint(0, 99)}
        month = rng.choice(("JAN", "feb", "Mar", "dec", "Sept", "June", "November"))
        day = rng.randint(1, 31)
        parts = {"m": rng.randint(1, 13), "d": day, "mmm": month, "y": years[year]}
        return form.format(**parts)

    return cell


def _clock(rng: random.Random) -> str:
    hour = rng.choice((*range(12), *range(13, 25)))
    mark, second = rng.choice(":."), rng.choice((0, 9, 30, 59, 60, 61))
    fraction = rng.choice(("", "", ".500", ".123456", ".123456789"))
    half = rng.choice(("", "", " AM", " PM"))
    return f"{hour:02d}{mark}{rng.randint(0, 60):02d}{mark}{second:02d}{fraction}{half}"


def _moment(date: Cell) -> Cell:
    return lambda rng: f"{date(rng)}{rng.choice((' ', ' ', ':'))}{_clock(rng)}"


def _uuid(rng: random.Random) -> str:
    text = f"{rng.getrandbits(128):032x}"
    text = f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
    return rng.choice((text, text.upper()))


CELLS: dict[str, Cell] = {
    "ints": lambda rng: str(rng.randint(-50, 50)),
    "zeros": _of("0", "1", "0", "00", "-0", "0.0"),
    "reals": lambda rng: f"{rng.uniform(-9, 9):.{rng.randint(0, 8)}f}",
    "exponents": _of("25E-1", "1E-5", "-2.5e-02", "1e-30", "1e", "1e+", "e5", "1e5.5", "0e0"),
    "percents": _of("5%", "10.5%", "-3%", "%", "% 5", "5 %", "100%", "7", "5%%"),
    "money": _of("$5", "$ 5", "-$5", "$-5", "$1.25", "$", "7", "€5", "5$"),
    "thousands": _of('"1,234"', '"12,345.6"', "1 234", "1_000", "1'000", "7"),
    "hex": _of("0x1F", "0xff", "1F", "12", "0b1", "5d", "5f", "1L"),
    "infinite": _of("inf", "-inf", "Inf", "Infinity", "nan", "NaN", "1", "2.5", "+inf"),
    "long numbers": _of(
        *("922337203685477580", "9223372036854775808", "123456789012345678901234567890", "1"),
        *("-123456789012345678", "0.1234567890123456789012345", "000000000000000000000000001"),
    ),
    "signs": _of("+5", "--5", "+-5", "5-", "5+", ".5", "5.", "-.5", "+.5e1"),
    "truth": _of("true", "false", "TRUE", "T", "F"),
    "NA words": _of("NA", "na", "N/A", "null", "NULL", "None", "NaN", "", "?"),
    "only NA": _of("NA", ""),
    "nothing": _of(""),
    "levels": _of("a", "b", "C", "longer one", "Ü"),
    "two levels": _of("yes", "no", "0"),
    "texts": lambda rng: "".join(rng.choice("abcdefghij xyz") for _ in range(rng.randint(3, 12))),
    "padded": _of(" a", " b ", "c  ", " 5", "5 ", " 5 ", '" q "', ' "q"', '"q" '),
    "quoted": _of(
        '"x, y"', '"x ""q"" y"', '""', '"5"', '"a\nb"', '" "', '"a;b"', '"""a"""', '"#no"'
    ),
    "single quotes": _of("'a'", "'a b'", "it's", "'5'", "'it''s'", "''", "b"),
    "backslashes": _of("a\\b", "\\n", "\\N", "c\\", "x"),
    "iso": lambda rng: (
        f"{rng.randint(1905, 2040)}-{rng.randint(1, 13):02d}-{rng.randint(1, 31):02d}"
    ),
    "months": lambda rng: f"{rng.randint(1990, 2030)}-{rng.randint(1, 13)}",
    "american": _date("{m}/{d}/{y}"),
    "short american": _date("{m:02d}-{d:02d}-{y}", "full"),
    "named months": _date("{d}-{mmm}-{y}"),
    "named short": _date("{d}{mmm}{y:02d}", "short"),
    "year and month": _date("{y:02d}-{mmm}", "short"),
    "month and year": _date("{mmm}-{y}"),
    "compact": lambda rng: f"{rng.randint(1990, 2030)}{rng.randint(1, 12):02d}11-10:11:12",
    "clock": _clock,
    "ids": _uuid,
    "addresses": _of("1.2.3.4", "192.168.1.1", "10.0.0.255"),
    "unicode": _of("Zürich", "日本", "😀", "é", "\u00a0x", "a\u2003b", "İ"),
    "long": lambda rng: "x" * rng.choice((10, 300, 5000)),
}
CELLS["iso with time"] = _moment(CELLS["iso"])
CELLS["american with time"] = _moment(CELLS["american"])
CELLS["named with time"] = _moment(CELLS["named months"])

QUOTED = {"quoted", "thousands"}  # Hive's files know no quotes
SPACED = {"padded", "texts", "levels", "single quotes", "percents", "money", "clock", *QUOTED}
SPACED |= {kind for kind in CELLS if kind.endswith("with time")} | {
    "nothing",
    "only NA",
    "NA words",
}


def _anything(rng: random.Random) -> str:
    return CELLS[rng.choice(list(CELLS))](rng)


def _header(rng: random.Random, n: int) -> list[str] | None:
    names = [f"c{i}" for i in range(n)]
    at = rng.randrange(n)
    how = rng.randrange(12)
    if how < 3:
        return None
    names[at] = {
        3: names[0],
        4: "",
        5: rng.choice(("1", "2.5", "2020-01-01", "true")),
        6: f'" {names[at]} "',
        7: f" {names[at]} ",
        8: "Üñ",
    }.get(how, names[at])
    if how == 9:
        names = [f'"{name}"' for name in names]
    return names[:-1] or names if how == 10 else [*names, "extra"] if how == 11 else names


def _damaged(rng: random.Random, cells: list[str]) -> list[list[str]]:
    """Return the row with a cell more or less, or something between it and the next."""
    return rng.choice(
        (
            [cells[:-1] or cells],
            [[*cells, rng.choice(("z", "5", ""))]],
            [cells, [""]],
            [cells, ["# a note"]],
            [cells, ["   "]],
            [[""] * len(cells)],
        )
    )


def _lines(rng: random.Random, separator: str) -> list[str]:
    left_out = {"\x01": QUOTED, " ": SPACED}.get(separator, set())
    kinds = rng.choices([k for k in CELLS if k not in left_out], k=rng.randint(1, 5))
    header = _header(rng, len(kinds))
    if "ids" in kinds:  # a name among ids, if taken for data, makes levels of them in H2O
        header = None
    rows = [] if header is None else [header]
    gaps = 0 if separator == " " else rng.choice((0, 0, 0.1, 0.3))  # several spaces are one
    others = 0 if "ids" in kinds else rng.choice((0, 0, 0.1))
    # Short rows change what H2O thinks of zeros among texts, and where a cell of quotes ends.
    is_robust = others == 0 and not {"zeros", "two levels", "quoted", "ids"} & set(kinds)
    faults = rng.choice((0, 0.1)) if is_robust else 0
    for _ in range(rng.choice((1, 2, 3, 8, 25, 60))):
        cells = [
            ""
            if rng.random() < gaps
            else (_anything if rng.random() < others else CELLS[kind])(rng)
            for kind in kinds
        ]
        rows.extend(_damaged(rng, cells) if rng.random() < faults else [cells])
    comment = ["# first a note"] if rng.random() < 0.05 else []
    return comment + [separator.join(row) for row in rows]


def random_csv(seed: int) -> bytes:
    """Return the file of a seed."""
    rng = random.Random(seed)
    while True:
        separator = rng.choice((",", ",", ",", ";", "\t", "|", " ", "\x01"))
        lines = _lines(rng, separator)
        cut_by_h2o = any(line[:1] in _BLANK or line[-1:] in _BLANK for line in lines[:12])
        told = [line for line in lines if line.strip() and not line.startswith("#")]
        odd_names = '""' in told[0] or "\n" in told[0] if told else True
        if len(told) > 1 and not odd_names and not (separator in _BLANK and cut_by_h2o):
            end = rng.choice(("\n", "\n", "\n", "\r\n", "\r"))
            text = "".join(line + end for line in lines)
            return (text.replace("\n", "\r") if end == "\r" else text).encode()
