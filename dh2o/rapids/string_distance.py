"""Similarities of two texts: 1 for equal texts, 0 for texts with nothing in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from dh2o.rapids.program import tile_op

__all__ = ["DISTANCES"]

QGRAM = 2


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


def _common_subsequence(a: str, b: str) -> float:
    """2 * length of the longest common subsequence / sum of lengths, as a similarity."""
    total = len(a) + len(b)
    if not total:
        return 1.0
    row = [0] * (len(b) + 1)
    for x in a:
        last = 0
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], last + 1 if x == y else max(row[j], row[j - 1])
    return 2.0 * row[-1] / total


def _grams(text: str) -> Counter[str]:
    return Counter(text[i : i + QGRAM] for i in range(len(text) - QGRAM + 1))


def _qgram(a: str, b: str) -> float:
    """1 - sum |difference of gram counts| / number of grams."""
    x, y = _grams(a), _grams(b)
    total = sum(x.values()) + sum(y.values())
    if not total:
        return 1.0 if a == b else 0.0
    apart = sum(abs(x[g] - y[g]) for g in x.keys() | y.keys())
    return 1.0 - apart / total


def _jaccard(a: str, b: str) -> float:
    """Characters in common / characters in either."""
    x, y = set(a), set(b)
    return len(x & y) / len(x | y) if x | y else 1.0


def _jaro_winkler(a: str, b: str) -> float:
    if a == b:
        return 1.0
    if not a or not b:
        return 0.0
    reach = max(max(len(a), len(b)) // 2 - 1, 0)
    taken = [False] * len(b)
    matched = []
    for i, x in enumerate(a):
        for j in range(max(0, i - reach), min(len(b), i + reach + 1)):
            if not taken[j] and b[j] == x:
                taken[j] = True
                matched.append(x)
                break
    m = len(matched)
    if not m:
        return 0.0
    other = [y for j, y in enumerate(b) if taken[j]]
    moved = sum(x != y for x, y in zip(matched, other, strict=True)) / 2
    jaro = (m / len(a) + m / len(b) + (m - moved) / m) / 3
    prefix = 0
    for x, y in zip(a[:4], b[:4], strict=False):
        if x != y:
            break
        prefix += 1
    return jaro + 0.1 * prefix * (1 - jaro)


_SOUND = {
    c: str(d) for d, cs in enumerate(("", "BFPV", "CGJKQSXZ", "DT", "L", "MN", "R")) for c in cs
}


def _soundex_code(text: str) -> str:
    letters = [c for c in text.upper() if "A" <= c <= "Z"]
    if not letters:
        return ""
    code = [letters[0]]
    last = _SOUND.get(letters[0], "")
    for letter in letters[1:]:
        digit = _SOUND.get(letter, "")
        if digit and digit != last:
            code.append(digit)
        if letter not in "HW":
            last = digit
    return "".join(code)[:4].ljust(4, "0")


def _soundex(a: str, b: str) -> float:
    """Share of equal places in the four-character codes."""
    x, y = _soundex_code(a), _soundex_code(b)
    if not x or not y:
        return 1.0 if x == y else 0.0
    return sum(p == q for p, q in zip(x, y, strict=True)) / 4


DISTANCES: dict[str, Callable[[str, str], float]] = {
    "lv": _levenshtein,
    "lcs": _common_subsequence,
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
