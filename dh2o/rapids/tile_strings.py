"""Tile operations on strings: Arrow arrays in, Arrow or float64 arrays out.

Patterns run in RE2, which takes time linear in the text whatever the pattern.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dh2o.rapids.kernels import F64
from dh2o.rapids.program import tile_op

__all__ = ["lower", "split_texts", "upper"]


def _strings(operand: Any, n_rows: int) -> Any:
    """Return an operand as an Arrow array; a constant can only be NA."""
    if isinstance(operand, pa.Array):
        return operand
    return pa.nulls(n_rows, pa.large_string())


def _floats(array: Any) -> F64:
    """Return an Arrow number or flag array as float64, null as NaN."""
    return np.array(array.cast(pa.float64()).to_numpy(zero_copy_only=False))


def _large(array: Any) -> Any:
    return array if array.type == pa.large_string() else array.cast(pa.large_string())


@tile_op("string_equal")
def _string_equal(operands: list[Any], params: Any, n_rows: int) -> F64:
    """1 where the text is params[0] (NA and "" count as the same), flipped if params[1]."""
    array = _strings(operands[0], n_rows)
    text, negate = params
    filled = pc.fill_null(array, "")
    out = _floats(pc.equal(filled, text or ""))
    return 1.0 - out if negate else out


@tile_op("strings_equal")
def _strings_equal(operands: list[Any], params: Any, n_rows: int) -> F64:
    left, right = (pc.fill_null(_strings(o, n_rows), "") for o in operands)
    out = _floats(pc.equal(left, right))
    return 1.0 - out if params[0] else out


@tile_op("text_code")
def _text_code(operands: list[Any], params: Any, n_rows: int) -> F64:
    """Position of the text among the levels params[0]; NA where it is not among them."""
    levels = pa.array(params[0], type=pa.large_string())
    return _floats(pc.index_in(_strings(operands[0], n_rows), value_set=levels))


@tile_op("text_number")
def _text_number(operands: list[Any], _params: Any, n_rows: int) -> F64:
    """Read the number that the text is, NA where it is none."""
    array = pc.utf8_trim_whitespace(_strings(operands[0], n_rows))
    plain = pc.match_substring_regex(
        array, r"^[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|Infinity)$"
    )
    kept = pc.if_else(plain, array, pa.scalar(None, array.type))
    kept = pc.replace_substring(kept, "Infinity", "inf")
    kept = pc.replace_substring_regex(kept, r"^\+", "")
    return _floats(kept)


def java_text(value: float) -> str | None:
    """Return a number as H2O's as.character writes it: integers plain, others as Java does."""
    from dh2o.rapids.arithmetic import java_double

    if math.isnan(value):
        return None
    if value == math.floor(value) and abs(value) < 2**63:
        return str(int(value))
    return java_double(value)


def _by_unique(values: F64, text: Callable[[float], str | None]) -> Any:
    found, place = np.unique(values, return_inverse=True)
    texts = pa.array([text(float(v)) for v in found], type=pa.large_string())
    return texts.take(pa.array(place.ravel()))


@tile_op("number_text")
def _number_text(operands: list[Any], _params: Any, n_rows: int) -> Any:
    return _by_unique(np.broadcast_to(operands[0], (n_rows,)), java_text)


@tile_op("time_text")
def _time_text(operands: list[Any], _params: Any, n_rows: int) -> Any:
    """Write times as milliseconds, as H2O does."""
    values = np.broadcast_to(operands[0], (n_rows,))
    return _by_unique(values, lambda v: None if math.isnan(v) else str(int(v)))


@tile_op("level_text")
def _level_text(operands: list[Any], params: Any, n_rows: int) -> Any:
    levels = pa.array(params[0], type=pa.large_string())
    codes = np.broadcast_to(operands[0], (n_rows,))
    missing = np.isnan(codes)
    places = np.where(missing, 0, codes).astype(np.int64)
    return levels.take(pa.array(places, mask=missing))


@tile_op("uuid_text")
def _uuid_text(operands: list[Any], _params: Any, _n_rows: int) -> Any:
    from dh2o.frame.exchange.decode import uuid_texts

    return pa.array(uuid_texts(operands[0]), pa.large_string())


@tile_op("string_set")
def _string_set(operands: list[Any], params: Any, n_rows: int) -> Any:
    """params[0] where the condition is exactly 1, the old text elsewhere."""
    old, condition = operands
    chosen = pa.array(np.equal(np.broadcast_to(condition, (n_rows,)), 1.0))
    new = pa.scalar(params[0], type=pa.large_string())
    return _large(pc.if_else(chosen, new, _large(_strings(old, n_rows))))


@tile_op("string_put")
def _string_put(operands: list[Any], params: Any, n_rows: int) -> Any:
    """params[0][pick] where pick is a row number of it, the old text elsewhere."""
    old, pick = operands
    missing = np.isnan(np.broadcast_to(pick, (n_rows,)))
    places = pa.array(np.where(missing, 0, pick).astype(np.int64), mask=missing)
    new = _large(params[0]).take(places)
    return pc.if_else(pa.array(missing), _large(_strings(old, n_rows)), new)


@tile_op("strings")
def _strings_op(operands: list[Any], params: Any, n_rows: int) -> Any:
    """Apply a text function by name, see `text_function`."""
    name, *arguments = params
    made = text_function(name, arguments)(_large(_strings(operands[0], n_rows)))
    return (
        _floats(made)
        if name in ("strlen", "countmatches", "entropy", "grep", "words")
        else _large(made)
    )


def text_function(name: str, arguments: list[Any]) -> Callable[[Any], Any]:
    """Return the function of an Arrow string array that a text operation is."""
    if name in _TEXT:
        return lambda array: _TEXT[name](array, *arguments)
    raise KeyError(name)


def _substring(array: Any, start: int, end: int | None) -> Any:
    return pc.utf8_slice_codeunits(array, start, end)


def lower(array: Any) -> Any:
    """Return the texts in lower case."""
    return _by_python(array, pc.utf8_lower(array), str.lower)


def upper(array: Any) -> Any:
    """Return the texts in upper case; one letter may become several, as in STRASSE."""
    return _by_python(array, pc.utf8_upper(array), str.upper)


def _by_python(array: Any, done: Any, cased: Callable[[str], str]) -> Any:
    """Return `done` but for texts beyond ASCII: Arrow leaves out letters that become several."""
    beyond = pc.fill_null(pc.invert(pc.string_is_ascii(array)), False)
    if not pc.any(beyond).as_py():
        return done
    texts = [cased(text) for text in array.filter(beyond).to_pylist()]
    return pc.replace_with_mask(done, beyond, pa.array(texts, done.type))


def _replace(
    array: Any, pattern: str, replacement: str, ignore_case: bool, most: int | None
) -> Any:
    source = lower(array) if ignore_case else array
    return pc.replace_substring_regex(
        source, pattern, java_replacement(replacement), max_replacements=most
    )


def java_replacement(text: str) -> str:
    r"""Return a Java replacement text ($1 is a group, \x is x) in RE2's way of writing it."""
    out = []
    i = 0
    while i < len(text):
        char, after = text[i], text[i + 1 : i + 2]
        if char == "$" and after.isdigit():
            out.append("\\" + after)
            i += 2
        elif char == "\\" and after:
            out.append("\\\\" if after == "\\" else after)
            i += 2
        else:
            out.append(char)
            i += 1
    return "".join(out)


def _count(array: Any, patterns: list[str]) -> Any:
    counts = [pc.count_substring(array, pattern) for pattern in patterns]
    total = counts[0]
    for count in counts[1:]:
        total = pc.add(total, count)
    return total


def _entropy(array: Any) -> Any:
    return pa.array(
        [None if t is None else text_entropy(t) for t in array.to_pylist()], pa.float64()
    )


def text_entropy(text: str) -> float:
    """- sum p log2 p over the characters of the text."""
    n = len(text)
    return sum((-k / n) * math.log(k / n) / math.log(2) for k in Counter(text).values())


def _words(array: Any, words: frozenset[str]) -> Any:
    def count(text: str) -> int:
        n = len(text)
        found = 0
        for i in range(n - 1):
            found += sum(text[i:j] in words for j in range(i + 2, n + 1))
        return found

    return pa.array([None if t is None else count(t) for t in array.to_pylist()], pa.float64())


def _grep(array: Any, pattern: str, ignore_case: bool) -> Any:
    return pc.match_substring_regex(array, pattern, ignore_case=ignore_case)


def _split_part(array: Any, pattern: str, part: int) -> Any:
    """Part number `part` of each text cut at a pattern; empty parts at the end do not count."""
    lists = split_texts(array, pattern)
    return pa.array([p[part] if part < len(p) else None for p in lists], pa.large_string())


_CUT = "\uffff"  # no character: marks where a text is cut


def split_texts(array: Any, pattern: str) -> list[list[str]]:
    """Return each text cut at a pattern as Java's String.split does; NA gives no parts.

    Matches are replaced by a mark and the mark is split at: a pattern that matches nothing at all
    ("") then ends too. Without a match of at least one character at the start, no part is empty
    there.
    """
    marked = pc.replace_substring_regex(array, pattern, _CUT)
    opening = pc.replace_substring_regex(array, f"^(?:{pattern})", "", max_replacements=1)
    begins = pc.less(pc.utf8_length(opening), pc.utf8_length(array)).to_pylist()
    out = []
    for cut, begins_with_match in zip(
        pc.split_pattern(marked, _CUT).to_pylist(), begins, strict=True
    ):
        parts = list(cut or ())
        if len(parts) > 1 and parts[0] == "" and not begins_with_match:
            parts = parts[1:]
        while len(parts) > 1 and parts[-1] == "":
            parts.pop()
        out.append(parts if parts != [""] or len(cut or ()) == 1 else [])
    return out


def _is_ascii(array: Any) -> bool:
    """Return whether a character is a byte in all texts, and in what may lie under NA."""
    if array.type != pa.large_string():
        return False
    _, offsets, data = array.buffers()
    if data is None or not len(array):
        return True
    ends = np.frombuffer(offsets, np.int64)[array.offset :]
    used = np.frombuffer(data, np.uint8)[ends[0] : ends[len(array)]]
    return used.size == 0 or int(used.max()) < 128


def _by_bytes(of_bytes: Callable[[Any], Any], of_characters: Callable[[Any], Any]) -> Any:
    """Return a text function that goes by bytes, many times as fast, where that is the same."""
    return lambda array: (of_bytes if _is_ascii(array) else of_characters)(array)


_TEXT: dict[str, Callable[..., Any]] = {
    "tolower": _by_bytes(pc.ascii_lower, lower),
    "toupper": _by_bytes(pc.ascii_upper, upper),
    "trim": lambda array: pc.utf8_trim(array, "".join(map(chr, range(33)))),
    "lstrip": pc.utf8_ltrim,
    "rstrip": pc.utf8_rtrim,
    "strlen": _by_bytes(pc.binary_length, pc.utf8_length),
    "substring": _substring,
    "replace": _replace,
    "countmatches": _count,
    "entropy": _entropy,
    "words": _words,
    "grep": _grep,
    "part": _split_part,
}
