from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dh2o.rapids.grammar import MAX_DEPTH, RapidsSyntaxError, parse
from dh2o.rapids.tree import Apply, Id, Lambda, Node, Num, NumList, Str, StrList, text_of

READ = {
    "1": Num(1.0),
    "-2.5e3": Num(-2500.0),
    "Infinity": Num(math.inf),
    "1d": Num(1.0),
    "abc.def$1": Id("abc.def$1"),
    "1a": Id("1a"),
    "+": Id("+"),
    '"a\\"b"': Str('a"b'),
    "'x\\x41\\u00e9\\U0001F600'": Str("xAé😀"),
    "[]": NumList(()),
    "[1, 2 3]": NumList.of([1, 2, 3]),
    "[1:3:2]": NumList(((1.0, 3, 2.0),)),
    "[\"a\", 'b']": StrList(("a", "b")),
}


@pytest.mark.parametrize("text", READ)
def test_reads_leaves(text: str) -> None:
    assert parse(text) == READ[text]


def test_reads_applications_and_functions() -> None:
    node = parse("({x y . (+ x y)} 2 [1 2 3:2 10:3:2])")
    assert isinstance(node, Apply)
    assert isinstance(node.function, Lambda)
    assert node.function.params == ("x", "y")
    numbers = node.args[1]
    assert isinstance(numbers, NumList)
    assert numbers.expand().tolist() == [1, 2, 3, 4, 10, 12, 14]


def test_an_arrow_names_the_result() -> None:
    assert text_of(parse("(f (g 1)->t)")) == "(f (tmp= t (g 1)))"


BAD = {
    "": "ran out of text",
    "(": "ran out of text",
    ")": "Unexpected",
    "(a}": "Unexpected",
    "()": "expected a function",
    "a b": "text after its end",
    '"abc': "not closed",
    '"\\q"': "Invalid escape",
    '"\\x4"': "hexadecimal",
    '"\\U00110000"': "codepoint",
    '[1 "a"]': "only strings or only numbers",
    "[a]": "Expected a number",
    "[1:0]": "positive integer",
    "[1:nan]": "positive integer",
    "[1:2:-1]": "Stride",
    "[1:3 2]": "overlap",
    "{1 . 2}": "identifier",
    "{x . 1 2}": "one expression",
    "(f)-x": "->",
}


@pytest.mark.parametrize("text", BAD)
def test_refuses_with_the_position(text: str) -> None:
    with pytest.raises(RapidsSyntaxError, match=BAD[text]) as caught:
        parse(text)
    assert 0 <= caught.value.position <= len(text)


@pytest.mark.parametrize(
    "text", ["(" * 100_000, "[" * 50_000, "{x . " * 50_000, "(a " * (MAX_DEPTH + 1)]
)
def test_depth_is_bounded(text: str) -> None:
    with pytest.raises(RapidsSyntaxError):
        parse(text)


def test_the_deepest_allowed_text_parses() -> None:
    node = parse("(f " * MAX_DEPTH + "1" + ")" * MAX_DEPTH)
    assert getattr(node, "depth", 0) == MAX_DEPTH


names = st.from_regex(r"[a-z][a-z0-9_.]{0,6}", fullmatch=True).filter(lambda n: n != "nan")
numbers = st.floats(allow_nan=False, width=64)
leaves: st.SearchStrategy[Node] = st.one_of(
    numbers.map(Num),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8).map(Str),
    names.map(Id),
    st.lists(numbers, max_size=4).map(NumList.of),
    st.lists(st.text("ab'\"\\ ", max_size=4), min_size=1, max_size=3).map(
        lambda v: StrList(tuple(v))
    ),
)
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(names, st.lists(inner, max_size=3)).map(lambda t: Apply(Id(t[0]), tuple(t[1]))),
        st.tuples(st.lists(st.sampled_from(["x", "y1", "z_"]), max_size=2), inner).map(
            lambda t: Lambda(tuple(t[0]), t[1])
        ),
    ),
    max_leaves=12,
)


@given(trees)
@settings(max_examples=200, deadline=None)
def test_text_and_tree_round_trip(tree: Node) -> None:
    text = text_of(tree)
    assert text_of(parse(text)) == text


@given(st.text("()[]{}\"'\\.:,->_ \t\nabx01e+-NaN", max_size=60))
@settings(max_examples=500, deadline=None)
def test_any_text_gives_a_tree_or_a_typed_error(text: str) -> None:
    with contextlib.suppress(RapidsSyntaxError):
        parse(text)
