"""Public docstrings: every parameter has its paragraph, every example gives what it shows."""

from __future__ import annotations

import doctest
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import dh2o
from dh2o.mrtask import Engine

CLASSES = [dh2o.H2OFrame]
FUNCTIONS: list[Callable[..., Any]] = []

_SECTION = re.compile(r"^(?:Other )?Parameters\n-+\n(.*?)(?=^\w[\w ]*\n-+\n|\Z)", re.S | re.M)
_HEAD = re.compile(r"^[*\w][*\w, ]*(?= : |$)", re.M)
_SHAPE = re.compile(r"\n\n\[\d+ rows? x \d+ columns?\]\n\Z")


def documented(doc: str) -> set[str]:
    """Return the names that the Parameters section of a docstring has paragraphs for."""
    found = _SECTION.search(doc)
    heads = _HEAD.findall(found[1]) if found else []
    return {name.strip().lstrip("*") for head in heads for name in head.split(",")}


def taken(function: Callable[..., Any]) -> set[str]:
    return set(inspect.signature(function).parameters) - {"self", "cls"}


def public_members(cls: type) -> Iterator[tuple[str, Any]]:
    for name, member in inspect.getmembers(cls):
        if not name.startswith("_") and callable(member):
            yield name, member


def described() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield everything public that is called, by its name."""
    seen: set[tuple[str, str]] = set()
    for function in FUNCTIONS:
        yield f"dh2o.{function.__name__}", function
    for cls in CLASSES:
        yield cls.__name__, cls
        for name, member in public_members(cls):
            home = next(base for base in cls.__mro__ if name in base.__dict__)
            if (home.__qualname__, name) not in seen:
                seen.add((home.__qualname__, name))
                yield f"{cls.__name__}.{name}", member


DESCRIBED = dict(described())


@pytest.mark.parametrize("name", DESCRIBED)
def test_every_parameter_is_documented_and_no_other(name: str) -> None:
    function = DESCRIBED[name]
    doc = inspect.getdoc(function) or ""
    assert doc, "no docstring"
    assert documented(doc) == taken(function)


class _WithoutShape(doctest.OutputChecker):
    """Examples show the rows of a frame, not the line of its shape below them."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        return super().check_output(want, _SHAPE.sub("\n", got), optionflags)


def examples() -> Iterator[doctest.DocTest]:
    find = doctest.DocTestFinder(recurse=False).find
    for name, function in DESCRIBED.items():
        for test in find(function, name, globs={"dh2o": dh2o}):
            if test.examples:
                yield test


EXAMPLES = {test.name: test for test in examples()}


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_give_what_they_show(engine: Engine, name: str) -> None:
    report: list[str] = []
    runner = doctest.DocTestRunner(checker=_WithoutShape())
    failed, _ = runner.run(EXAMPLES[name], out=report.append)
    assert not failed, "".join(report)
