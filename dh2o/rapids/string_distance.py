"""Similarities of two texts: 1 for equal texts, 0 for texts with nothing in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dh2o.rapids.program import tile_op

__all__ = ["DISTANCES"]

QGRAM = 2
MIN_COMMON = 2  # shorter common substrings say nothing


def _levenshtein(a: str, b: str) -> float:
    """1 - edits / longer length."""
    longest = max(len(a), len(b))
    if not longest:
        return 1.0
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return 1.0 - row[-1] / longest


def _common_substrings(a: str, b: str) -> float:
    """Length of common substrings, the longest taken out first, over the shorter length."""
    shortest = min(len(a), len(b))
    if a == b or not shortest:
        return float(a == b)
    taken = 0
    while True:
        length, i, j = _longest_common(a, b)
        if length < MIN_COMMON:
            return taken / shortest
        taken += length
        a, b = a[:i] + a[i + length :], b[:j] + b[j + length :]


def _longest_common(a: str, b: str) -> tuple[int, int, int]:
    """Return the length of the longest common substring and where it starts in both."""
    best = (0, 0, 0)
    row = [0] * (len(b) + 1)
    for i, x in enumerate(a, 1):
        last = 0
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], last + 1 if x == y else 0
            if row[j] > best[0]:
                best = (row[j], i - row[j], j - row[j])
    return best


def _qgram(a: str, b: str) -> float:
    """Pairs of characters in common, over the pairs of the text that has fewer."""
    x = {a[i : i + QGRAM] for i in range(len(a) - QGRAM + 1)}
    y = {b[i : i + QGRAM] for i in range(len(b) - QGRAM + 1)}
    fewest = min(len(x), len(y))
    return float(a == b) if not fewest else len(x & y) / fewest


def _jaccard(a: str, b: str) -> float:
    """Words in common over words in either; a word that comes twice counts twice, as in H2O."""
    x, y = a.split(), b.split()
    if a == b or not x + y:
        return 1.0
    fewer, more = (x, set(y)) if len(x) <= len(y) else (y, set(x))
    common = sum(word in more for word in fewer)
    return common / (len(x) + len(y) - common)


def _jaro_winkler(a: str, b: str) -> float:
    """Jaro's similarity raised by up to four equal first characters.

    Characters match at most once, in order and within half the longer text; as in H2O a step back
    among the matches counts as one transposition.
    """
    if a == b:
        return 1.0
    if len(a) > len(b):
        a, b = b, a
    reach = len(b) // 2
    free: list[str | None] = list(b)
    n_common = n_moved = 0
    before = -1
    for i, x in enumerate(a):
        near = range(max(0, i - reach), min(len(b), i + reach))
        at = next((j for j in near if free[j] == x), None)
        if at is not None:
            free[at] = None
            n_common += 1
            n_moved += at < before
            before = at
    if not n_common:
        return 0.0
    score = (n_common / len(a) + n_common / len(b) + (n_common - n_moved) / n_common) / 3
    prefix = 0
    for x, y in zip(a[:4], b[:4], strict=False):
        if x != y:
            break
        prefix += 1
    return score + prefix * (1 - score) / 10


_SOUND = {
    c: str(d) for d, cs in enumerate(("", "BFPV", "CGJKQSXZ", "DT", "L", "MN", "R")) for c in cs
}


def _soundex_code(text: str) -> str:
    """Return the first character and the codes of the letters behind it, as H2O has them.

    It differs from the census' Soundex: the first letter's own code does not silence the next
    one (Pf), letters without a code separate equal ones, and the first character's case counts.
    """
    code, last = text[:1], ""
    for letter in text[1:]:
        if letter.isascii() and letter.isalpha():
            digit = _SOUND.get(letter.upper(), "")
            code += digit if digit != last else ""
            last = digit
    return code[:4].ljust(4, "0")


def _soundex(a: str, b: str) -> float:
    """1 for equal texts, 0.9 for texts that sound alike."""
    if a == b:
        return 1.0
    return 0.9 if _soundex_code(a) == _soundex_code(b) else 0.0


DISTANCES: dict[str, Callable[[str, str], float]] = {
    "lv": _levenshtein,
    "lcs": _common_substrings,
    "qgram": _qgram,
    "jaccard": _jaccard,
    "jw": _jaro_winkler,
    "soundex": _soundex,
}


@tile_op("distance")
def _distance(operands: list[Any], params: Any, n_rows: int) -> Any:
    measure, compare_empty = params
    compare = DISTANCES[measure]
    out = np.full(n_rows, np.nan)
    pairs = zip(operands[0].to_pylist(), operands[1].to_pylist(), strict=True)
    for i, (a, b) in enumerate(pairs):
        if a is None or b is None or (not compare_empty and not (a and b)):
            continue
        out[i] = compare(a, b)
    return out
