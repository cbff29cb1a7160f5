"""The time zones as H2O lists them: offset, name, other names."""

from __future__ import annotations

import zoneinfo
from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from pathlib import Path

__all__ = ["time_zone_lines"]

# Zones that belong to no country and yet are no other name of one.
_ELSEWHERE = ("CET", "CST6CDT", "EET", "EST", "EST5EDT", "HST", "MET", "MST", "MST7MDT", "PST8PDT")
_UNIVERSAL = ("Etc/GMT", "Etc/UTC", "UTC", "WET")


@cache
def time_zone_lines() -> tuple[str, ...]:
    """Return ``+01:00 Europe/Oslo, Atlantic/Jan_Mayen`` and so on, in the order of the text."""
    known = zoneinfo.available_timezones()
    by_country = {line.split("\t")[2] for line in _table("zone.tab") if "\t" in line}
    offsets = {name for name in known if name.startswith("Etc/GMT") and name[7:8] in ("+", "-")}
    names = (by_country | offsets | {*_ELSEWHERE, *_UNIVERSAL}) & known - {"Etc/GMT+0", "Etc/GMT-0"}
    if not by_country:  # the system has no such table: list everything
        names = known
    others: dict[str, list[str]] = {}
    for line in _table("tzdata.zi"):
        mark, _, rest = line.partition(" ")
        target, _, other = rest.partition(" ")
        if mark == "L" and other in known and other not in names:
            others.setdefault(target, []).append(other)
    lines = (f"{_offset(name)} {', '.join([name, *others.get(name, ())])}" for name in names)
    return tuple(sorted(lines))


def _offset(name: str) -> str:
    winter = datetime(2020, 1, 1, tzinfo=zoneinfo.ZoneInfo(name)).utcoffset() or timedelta(0)
    minutes = int(winter.total_seconds() // 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _table(file: str) -> list[str]:
    """Return the lines of a table that comes with the time zones, without its comments."""
    for folder in zoneinfo.TZPATH:
        path = Path(folder) / file
        if path.is_file():
            return _plain(path.read_text())
    try:
        return _plain(resources.files("tzdata").joinpath("zoneinfo", file).read_text())
    except (ModuleNotFoundError, FileNotFoundError):
        return []


def _plain(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]
