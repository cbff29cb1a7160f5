"""H2OFrame: strings and times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from dh2o.errors import RapidsError
from dh2o.rapids.h2oframe_base import FrameBase

__all__ = ["FrameText"]


def _date_parts(
    date: Any, days: list[Any], clock: list[Any], time: Any
) -> tuple[list[Any], list[Any]]:
    """Return year, month, day, and the time of day where `date` has one (datetime, Timestamp)."""
    if hasattr(date, "astype"):  # numpy.datetime64
        date = date.astype("M8[ms]").astype("O")
    if any(part is not None for part in days):
        raise RapidsError("year, month and day cannot be used with `date`.")
    days = [date.year, date.month, date.day]
    if hasattr(date, "hour"):
        if time is not None or any(part is not None for part in clock):
            raise RapidsError("A `date` with a time of day cannot be used with another time.")
        clock = [date.hour, date.minute, date.second, date.microsecond // 1000]
    return days, clock


def _names_of(frame: FrameBase) -> tuple[range, list[str]]:
    names = list(frame._table().names)
    return range(len(names)), names


def _simple(symbol: str, what: str) -> Callable[..., Any]:
    def method(self: FrameBase) -> Any:
        return self._apply(symbol)._apply("colnames=", *_names_of(self))

    method.__doc__ = f"Return {what}."
    return method


class FrameText(FrameBase):
    """Text functions (on strings and on levels) and the parts of times."""

    __slots__ = ()

    def _named_like(self, other: FrameBase) -> Self:
        """Return this frame under the column names of another."""
        return self._apply("colnames=", *_names_of(other))

    trim = _simple("trim", "the texts without white space at both ends")
    tolower = _simple("tolower", "the texts in lower case")
    toupper = _simple("toupper", "the texts in upper case")
    nchar = _simple("strlen", "the number of characters")
    entropy = _simple("entropy", "Shannon's entropy of the characters in bits")
    year = _simple("year", "the year")
    month = _simple("month", "the month, 1 to 12")
    week = _simple("week", "the week of the year")
    day = _simple("day", "the day of the month")
    dayOfWeek = _simple("dayOfWeek", "the day of the week, Mon to Sun")  # noqa: N815 - H2O's name
    hour = _simple("hour", "the hour, 0 to 23")
    minute = _simple("minute", "the minute")
    second = _simple("second", "the second")

    def lstrip(self, set: str = " ") -> Self:  # noqa: A002 - H2O's name
        """Return the texts without these characters at the start.

        Parameters
        ----------
        set : str
            The characters, in any order.
        """
        return self._apply("lstrip", set)._named_like(self)

    def rstrip(self, set: str = " ") -> Self:  # noqa: A002 - H2O's name
        """Return the texts without these characters at the end.

        Parameters
        ----------
        set : str
            The characters, in any order.
        """
        return self._apply("rstrip", set)._named_like(self)

    def substring(self, start_index: int, end_index: int | None = None) -> Self:
        """Return characters start_index (from 0) to end_index (excluded).

        Parameters
        ----------
        start_index : int
            The first character; a negative one counts as 0.
        end_index : int, optional
            The character after the last one; default: to the end of each text.
        """
        args = (start_index,) if end_index is None else (start_index, end_index)
        return self._apply("substring", *args)._named_like(self)

    def sub(self, pattern: str, replacement: str, ignore_case: bool = False) -> Self:
        """Return the texts with the first match replaced.

        Parameters
        ----------
        pattern : str
            A regular expression (RE2's: no look-around, no back references).
        replacement : str
            What stands there instead; ``$1`` is what the first group matched.
        ignore_case : bool
            Capitals match small letters; the texts come back in small letters then, as from H2O.
        """
        made = self._apply("replacefirst", pattern, replacement, ignore_case)
        return made._named_like(self)

    def gsub(self, pattern: str, replacement: str, ignore_case: bool = False) -> Self:
        """Return the texts with every match replaced.

        Parameters
        ----------
        pattern : str
            A regular expression (RE2's: no look-around, no back references).
        replacement : str
            What stands there instead; ``$1`` is what the first group matched.
        ignore_case : bool
            Capitals match small letters; the texts come back in small letters then, as from H2O.
        """
        return self._apply("replaceall", pattern, replacement, ignore_case)._named_like(self)

    def strsplit(self, pattern: str) -> Self:
        """Return the parts of the texts between matches, one column each.

        Parameters
        ----------
        pattern : str
            A regular expression (RE2's).

        Returns
        -------
        H2OFrame
            Columns C1, C2, … as many as the most parts; NA where a text has fewer.
        """
        return self._apply("strsplit", pattern)

    def tokenize(self, split: str) -> Self:
        """Return one column of all parts, NA after each row.

        Parameters
        ----------
        split : str
            A regular expression (RE2's) that matches what lies between parts.

        Returns
        -------
        H2OFrame
            One string column C1: the parts of the first row, NA, those of the second, NA, …
        """
        return self._apply("tokenize", split)

    def countmatches(self, pattern: str | list[str]) -> Self:
        """Return how often the texts contain the patterns.

        Parameters
        ----------
        pattern : str or list of str
            The texts to look for, as they are written (no regular expressions); their counts are
            added.
        """
        patterns = [pattern] if isinstance(pattern, str) else list(pattern)
        return self._apply("countmatches", patterns)._named_like(self)

    def num_valid_substrings(self, path_to_words: str) -> Self:
        """Return how many substrings are words of a file.

        Parameters
        ----------
        path_to_words : str
            A text file with one word a line, which this process reads.

        Raises
        ------
        RapidsError
            The file cannot be read.
        """
        return self._apply("num_valid_substrings", path_to_words)._named_like(self)

    def grep(
        self,
        pattern: str,
        ignore_case: bool = False,
        invert: bool = False,
        output_logical: bool = False,
    ) -> Self:
        """Return the numbers of the rows that match, or 1 where a row matches.

        Parameters
        ----------
        pattern : str
            A regular expression (RE2's) that some part of the text matches.
        ignore_case : bool
            Capitals match small letters.
        invert : bool
            The rows that do not match.
        output_logical : bool
            0 or 1 for each row, instead of the numbers of rows (from 0).
        """
        return self._apply("grep", pattern, ignore_case, invert, output_logical)

    def strdistance(self, y: FrameBase, measure: str = "lv", compare_empty: bool = True) -> Self:
        """Return the similarity of the texts of two frames, 1 for equal ones.

        Parameters
        ----------
        y : H2OFrame
            The other texts, of the same shape.
        measure : {"lv", "lcs", "qgram", "jaccard", "jw", "soundex"}
            Levenshtein, longest common subsequence, q-grams, Jaccard, Jaro-Winkler or Soundex.
        compare_empty : bool
            Whether an empty text is compared; if not, it gives NA.
        """
        return self._apply("strDistance", y, measure, compare_empty)

    def as_date(self, format: str) -> Self:  # noqa: A002 - H2O's name
        """Return the times of texts in a pattern such as yyyy-MM-dd or %Y-%m-%d.

        Parameters
        ----------
        format : str
            The pattern, in Java's or C's letters; times are those of the session's zone.

        Raises
        ------
        RapidsError
            The pattern is unknown, or a text does not fit it.
        """
        return self._apply("as.Date", format)

    @classmethod
    def moment(
        cls,
        year: Any = None,
        month: Any = None,
        day: Any = None,
        hour: Any = None,
        minute: Any = None,
        second: Any = None,
        msec: Any = None,
        date: Any = None,
        time: Any = None,
    ) -> Self:
        """Return the time column of years, months and days (from 1), numbers or columns.

        A ``datetime.date`` or ``datetime`` as `date` stands for the first three (or all), a
        ``datetime.time`` as `time` for the others.

        Parameters
        ----------
        year, month, day : int or H2OFrame, optional
            The day; needed unless there is a `date`. Months and days count from 1.
        hour, minute, second, msec : int or H2OFrame, optional
            The time of day; default: 0.
        date : datetime.date, datetime.datetime or numpy.datetime64, optional
            Instead of the day, with a time of day instead of all.
        time : datetime.time, optional
            Instead of the time of day.

        Returns
        -------
        H2OFrame
            A column ``time``, of one row if all are numbers; NA where there is no such day.

        Raises
        ------
        RapidsError
            Something is told twice, or the day not at all.
        """
        days, clock = [year, month, day], [hour, minute, second, msec]
        if date is not None:
            days, clock = _date_parts(date, days, clock, time)
        if time is not None:
            if any(part is not None for part in clock):
                raise RapidsError("hour, minute, second and msec cannot be used with `time`.")
            clock = [time.hour, time.minute, time.second, time.microsecond // 1000]
        if any(part is None for part in days):
            raise RapidsError("Give `year`, `month` and `day`, or `date`.")
        return cls._call("moment", *days, *(0 if part is None else part for part in clock))

    @classmethod
    def mktime(
        cls,
        year: Any = 1970,
        month: Any = 0,
        day: Any = 0,
        hour: Any = 0,
        minute: Any = 0,
        second: Any = 0,
        msec: Any = 0,
    ) -> Any:
        """Return milliseconds since 1970; month and day count from 0.

        Parameters
        ----------
        year : int or H2OFrame
            The year.
        month, day : int or H2OFrame
            Month of the year and day of the month, from 0.
        hour, minute, second, msec : int or H2OFrame
            The time of day.

        Returns
        -------
        float or H2OFrame
            A number, or a column ``msec`` if one part is a column.
        """
        parts = (year, month, day, hour, minute, second, msec)
        made = cls._call("mktime", *parts)
        if any(isinstance(part, FrameBase) for part in parts):
            return made
        from dh2o.rapids.h2oframe_base import python_session

        return cls._plain(python_session().execute(made._node))
