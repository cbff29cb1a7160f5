from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dh2o.parse.times import NOT_A_TIME, any_time_at, time_at, to_utc

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def ms_of(text: str) -> int | None:
    buf = np.frombuffer(text.encode(), np.uint8).copy()
    ms, _ = time_at(buf, 0, len(buf))
    return None if ms == NOT_A_TIME else ms


FORMATS = [
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%dT%H:%M:%S+00:00",
    "%Y%m%d-%H:%M:%S",
    "%d-%b-%Y %H:%M:%S",
    "%d%B%Y:%H:%M:%S",
    "%m/%d/%Y %H.%M.%S",
    "%m-%d-%Y %I:%M:%S %p",
    "%Y-%m-%d %I:%M:%S %p",
]


@settings(deadline=None)
@given(
    st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from(FORMATS),
)
def test_every_format(when: datetime, form: str) -> None:
    when = when.replace(microsecond=0)
    text = when.strftime(form)
    assert ms_of(text) == (when - EPOCH) // timedelta(milliseconds=1), text


@settings(deadline=None)
@given(st.dates(date(1969, 1, 1), date(2068, 12, 31)))
def test_two_digit_years(day: date) -> None:
    for form in ("%d-%b-%y", "%m/%d/%y"):
        assert ms_of(day.strftime(form)) == (day - date(1970, 1, 1)).days * 86_400_000


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2020-01", 1577836800000),
        ("20-Jan", 1577836800000),
        ("Jan2020", 1577836800000),
        ("01:02:03 PM", 46923000),
        ("12:00:00 AM", 0),
        ("12:00:00 PM", 43200000),
        ("1:2:3.5", 3723500),
        ("1.2.3.456 PM", 46923456),
        ("2020-01-01 00:00:00.123456789", 1577836800123),
        ("2020-01-04T10:11:12+02:00", 1578125472000),
        ("2020-01-04T10:11:12-0530", 1578152472000),
        ("2020-01-04 10:11", 1578132660000),
    ],
)
def test_spellings(text: str, ms: int) -> None:
    assert ms_of(text) == ms


@pytest.mark.parametrize(
    "text",
    [
        *("2020-02-30", "2020-13-01", "1.2.3.4", "13/25/2020", "20200102", "2020", "may", "10:11"),
        *("12:61:00", "25:00:00", "2020-01-02x", "123-45-6789", "2020-01-02T", "1-2-3-4", "jan 5"),
    ],
)
def test_what_is_no_time(text: str) -> None:
    assert ms_of(text) is None


def test_local_times_become_utc_and_skipped_ones_na() -> None:
    local = np.array([0, 1583634600000, 5, NOT_A_TIME])  # the second: 2020-03-08 02:30
    fixed = np.array([False, False, True, False])
    got = to_utc(local, fixed, "America/New_York")
    assert got.tolist() == [5 * 3_600_000, NOT_A_TIME, 5, NOT_A_TIME]


def test_numbers_in_a_column_of_times_are_milliseconds(parse_text: Any) -> None:
    cells = ["2020-01-01", "1577836800000", '"-5"', "1.5", "0", "1e12", "", "253402300800000", "x"]
    text = "t,n\n" + "".join(f"{cell},1\n" for cell in cells)
    got = parse_text(text, column_types=["Time", "Numeric"], timezone="America/New_York")
    midnight = 1577836800000
    assert got["t"][:6] == [midnight + 5 * 3_600_000, midnight, -5, 1, 0, 10**12]
    assert got["t"][6:] == [None, None, None]  # the last number is of the year 10000
    assert "2 cells are no time" in got.told.warnings[0]


def test_timezone_of_a_parse(parse_text: Any) -> None:
    text = "t,n\n2020-01-01 00:00:00,1\n2020-01-01T00:00:00Z,2\n"
    got = parse_text(text, timezone="America/New_York")
    assert got["t"] == [1577836800000 + 5 * 3_600_000, 1577836800000]


def _iso_texts() -> st.SearchStrategy[str]:
    two = st.sampled_from([0, 1, 2, 12, 13, 23, 24, 28, 29, 30, 31, 32, 59, 60, 99])
    date = st.builds("{:04d}-{:02d}-{:02d}".format, st.integers(0, 9999), two, two)
    clock = st.builds("{}{:02d}:{:02d}:{:02d}{}".format, *(
        st.sampled_from(["T", "t", " ", "_"]), two, two, two, st.sampled_from(["", "Z", "z", "5"])
    ))  # fmt: skip
    whole = st.builds("{}{}".format, date, st.one_of(st.just(""), clock))
    mark = st.sampled_from("0129-:TZ .x+/")
    broken = st.builds(lambda t, k, c: t[: k % len(t)] + c + t[k % len(t) + 1 :], whole,
                       st.integers(0, 19), mark)  # fmt: skip
    return st.one_of(whole, broken)


@settings(max_examples=600, deadline=None)
@given(_iso_texts())
def test_the_quick_way_through_iso_times_is_the_grammar(text: str) -> None:
    buf = np.frombuffer(f"9{text}9".encode(), np.uint8).copy()
    assert time_at(buf, 1, len(buf) - 1) == any_time_at(buf, 1, len(buf) - 1)
