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


def _estimates(found: Any) -> bool:
    return inspect.isclass(found) and issubclass(found, H2OEstimator) and found is not H2OEstimator


CLASSES = [
    *(dh2o.Block, dh2o.Chunk, dh2o.Frame, dh2o.Vec, dh2o.H2OContext, dh2o.H2OFrame, GroupBy),
    *(dh2o.H2OTree, dh2o.MRTask, dh2o.scorer.Scorer, H2OGridSearch, ModelPerformance),
    *(found for found in (getattr(estimators, n) for n in estimators.__all__) if _estimates(found)),
]
MODULES = [
    *("dh2o", "dh2o.api", "dh2o.chunks", "dh2o.context", "dh2o.demo", "dh2o.errors"),
    *("dh2o.estimators", "dh2o.frame", "dh2o.models", "dh2o.mrtask", "dh2o.parse"),
    *("dh2o.rapids", "dh2o.scorer", "dh2o.server"),
]
FUNCTIONS = [
    (f"{module.__name__}.{name}", getattr(module, name))
    for module in (dh2o, estimators)
    for name in module.__all__
    if inspect.isfunction(getattr(module, name))
]
# Left out, as their fields say all and only authors of algorithms make them: ModelBuilder, Param,
# ParamTable, TrainSpec, Message and BuilderError of dh2o.estimators (see its DESIGN.md).

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
    yield from FUNCTIONS
    for cls in CLASSES:
        yield cls.__name__, cls
        for name, member in public_members(cls):
            home = next(base for base in cls.__mro__ if name in base.__dict__)
            if (home.__qualname__, name) not in seen:
                seen.add((home.__qualname__, name))
                yield f"{cls.__name__}.{name}", member


DESCRIBED = dict(described())


def test_everything_public_has_a_docstring() -> None:
    assert [name for name, function in DESCRIBED.items() if not inspect.getdoc(function)] == []


def test_every_parameter_is_documented_and_no_other() -> None:
    wrong = {}
    for name, function in DESCRIBED.items():
        told = documented(inspect.getdoc(function) or "")
        if told != taken(function):
            wrong[name] = f"missing: {taken(function) - told}, unknown: {told - taken(function)}"
    assert len(DESCRIBED) > 500
    assert wrong == {}


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
