"""Faults in cells and rows, as sentences for the user."""

from __future__ import annotations

from collections.abc import Sequence

from dh2o.parse.bad_cells import BadCells
from dh2o.parse.ranges import RangeReport
from dh2o.parse.setup import NUMERIC, TIME, UUID, ParseSetup
from dh2o.parse.tokenise import FIRST_LONG, FIRST_UNMATCHED, N_LONG, N_UNMATCHED


def fault_sentences(setup: ParseSetup, reports: Sequence[RangeReport]) -> list[str]:
    """Return what went wrong in the cells: one sentence for each column, with an example."""
    texts = []
    names, types = setup.names(), setup.types()
    for slot, column in enumerate(setup.kept_columns):
        count, row, text = _total_bad([_bad_of(report, slot) for report in reports], reports)
        if count:
            what = {NUMERIC: "number", TIME: "time", UUID: "UUID"}.get(types[column], "value")
            are = "cells are" if count > 1 else "cell is"
            texts.append(
                f"Column {names[column]!r}: {count} {are} no {what} and became NA, the first "
                f"{text!r} in row {row + 1}. Give column_types or na_strings if that is wrong."
            )
    for n_slot, first_slot, sentence in _ROW_FAULTS:
        count = sum(report.tally[n_slot] for report in reports)
        if count:
            row = _first_row(reports, first_slot)
            texts.append(sentence.format(count=count, n=setup.number_columns, row=row + 1))
    return texts


_ROW_FAULTS = (
    (
        N_LONG,
        FIRST_LONG,
        "{count} row(s) have more than {n} cells; the extra ones were ignored. First: row {row}.",
    ),
    (
        N_UNMATCHED,
        FIRST_UNMATCHED,
        "A quote that opens in row {row} is never closed; the rest of the file is one cell.",
    ),
)


def _bad_of(report: RangeReport, slot: int) -> BadCells:
    return report.bad[slot] if slot < len(report.bad) else BadCells()


def _total_bad(bad: Sequence[BadCells], reports: Sequence[RangeReport]) -> tuple[int, int, str]:
    count, row, text, start = 0, -1, "", 0
    for cells, report in zip(bad, reports, strict=True):
        if cells.count and row < 0:
            row, text = start + cells.row, cells.text
        count += cells.count
        start += report.n_rows
    return count, row, text


def _first_row(reports: Sequence[RangeReport], slot: int) -> int:
    start = 0
    for report in reports:
        if report.tally[slot] >= 0:
            return start + report.tally[slot]
        start += report.n_rows
    return -1
