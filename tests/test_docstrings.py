"""Public docstrings: every parameter has its paragraph, every example gives what it shows."""

from __future__ import annotations

import doctest
import inspect
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import pytest

import dh2o
import dh2o.scorer
from dh2o import estimators
from dh2o.estimators import H2OEstimator, H2OGridSearch
from dh2o.estimators.trained.performance import ModelPerformance
from dh2o.mrtask import Engine
from dh2o.rapids.group_by import GroupBy


def _is_estimator(found: Any) -> bool:
    return inspect.isclass(found) and issubclass(found, H2OEstimator) and found is not H2OEstimator


CLASSES = [
    dh2o.Frame,
    dh2o.Vec,
    dh2o.H2OContext,
    dh2o.H2OFrame,
    dh2o.scorer.Scorer,
    GroupBy,
    dh2o.H2OTree,
    H2OGridSearch,
    ModelPerformance,
    *(
        cls
        for cls in (getattr(estimators, name) for name in estimators.__all__)
        if _is_estimator(cls)
    ),
]
MODULES = [
    "dh2o",
    *(f"dh2o.{name}" for name in ("api", "chunks", "context", "demo", "errors", "estimators")),
    *(
        f"dh2o.{name}"
        for name in ("frame", "models", "mrtask", "parse", "rapids", "scorer", "server")
    ),
]
FUNCTIONS = [f for f in (getattr(dh2o, name) for name in dh2o.__all__) if inspect.isfunction(f)]

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
    yield "dh2o.frame", type(dh2o.frame).__call__
    yield "dh2o.rapids", type(dh2o.rapids).__call__
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


@pytest.mark.parametrize("name", MODULES)
def test_modules_show_their_own_names_only(name: str) -> None:
    module = import_module(name)
    assert sorted(dir(module)) == sorted(module.__all__)
    assert all(hasattr(module, one) for one in module.__all__)


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
