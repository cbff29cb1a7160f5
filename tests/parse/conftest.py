"""Parses without a cluster: the driver runs over an engine that does every task at once."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dh2o.chunks import Block
from dh2o.parse import guess_setup, plan
from dh2o.parse.run import ParseRun
from dh2o.parse.setup import ENUM, STRING, TIME, UUID
from dh2o.parse.sources import source_of


class Done:
    """A future that has its result."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def add_done_callback(self, fn: Callable[[Any], None]) -> None:
        fn(self)


class InlineBlocks(list):
    """Blocks that lie in this process."""

    @property
    def layout(self) -> tuple[int, ...]:
        return tuple(block.n_rows for block in self)


class InlineEngine:
    """Runs what it is given, at once, and counts the tasks by name."""

    scheduler_here = None

    def __init__(self) -> None:
        self.n_tasks: dict[str, int] = {}

    def submit(self, fn: Any, args: Any, *, deps: Any = None, name: str = "") -> list[Done]:
        self.n_tasks[name] = self.n_tasks.get(name, 0) + len(args)
        if deps is None:
            return [Done(fn(*a)) for a in args]
        pairs = zip(args, deps, strict=True)
        return [Done(fn(*a, [d.value for d in group])) for a, group in pairs]

    def submit_blocks(
        self, fn: Any, args: Any, *, deps: Any = None, layout: Any, name: str = ""
    ) -> InlineBlocks:
        blocks = InlineBlocks(done.value for done in self.submit(fn, args, deps=deps, name=name))
        assert blocks.layout == tuple(layout)
        return blocks

    def gather(self, futures: Any) -> list[Any]:
        return [future.value for future in futures]

    def wait(self, source: Any) -> None:
        """Nothing runs."""


class Told:
    """A job's context that only listens."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.messages: list[str] = []

    def update(self, progress: float, message: str) -> None:
        self.messages.append(f"{progress:.2f} {message}")

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def check(self) -> None:
        """Nobody cancels."""


class Parsed:
    """The columns of a parsed frame as Python lists, NA as None."""

    def __init__(self, frame: Any, setup: Any, engine: InlineEngine, told: Told) -> None:
        self.frame, self.setup, self.engine, self.told = frame, setup, engine, told
        kinds = [setup.types()[i] for i in setup.kept_columns] + [ENUM] * len(setup.partition_by)
        self.columns = {
            name: list(
                itertools.chain.from_iterable(
                    values_of(block, i, kind, vec.domain) for block in vec.ref[0]
                )
            )
            for i, (name, kind, vec) in enumerate(zip(frame.names, kinds, frame.vecs, strict=True))
        }

    def __getitem__(self, name: str) -> list[Any]:
        return self.columns[name]

    @property
    def domains(self) -> dict[str, Any]:
        return {n: v.domain for n, v in zip(self.frame.names, self.frame.vecs, strict=True)}


def values_of(block: Block, column: int, kind: str, domain: Any) -> list[Any]:
    """Return one column of a block as Python values."""
    chunk = block.chunk(column)
    if kind == ENUM and domain is not None:  # one without any level is of numbers
        return [None if code < 0 else domain[code] for code in chunk.codes().tolist()]
    if kind == STRING:
        return chunk.strings().to_pylist()
    if kind == UUID:
        return [None if x is None else x.hex() for x in chunk.uuids().to_pylist()]
    if kind == TIME:
        return [None if na else int(x) for x, na in zip(chunk.ints(), chunk.na_mask(), strict=True)]
    values = chunk.floats()
    return [None if np.isnan(x) else x for x in values.tolist()]


@pytest.fixture
def parse_text(tmp_path: Path) -> Callable[..., Parsed]:
    """Parse texts, each a file, cut into ranges of `cut` bytes."""
    numbers = itertools.count()

    def parse(
        *texts: str | bytes, cut: int = 4 << 20, name: str = "t.csv", **wishes: Any
    ) -> Parsed:
        paths = []
        for text in texts:
            path = tmp_path / str(next(numbers)) / name
            path.parent.mkdir()
            path.write_bytes(text.encode() if isinstance(text, str) else text)
            paths.append(path)
        setup = guess_setup(paths, chunk_size=cut, **wishes)
        return run(setup, paths)

    return parse


def run(setup: Any, paths: list[Path]) -> Parsed:
    """Run the driver inline."""
    sources = [source_of(path, setup.encoding) for path in paths]
    setup = plan.with_header_names(setup, sources)
    plan.check_setup(replace(setup, delete_on_done=False), "dest")
    engine, told = InlineEngine(), Told()
    frame = ParseRun(engine, setup, sources, told).frame()
    return Parsed(frame, setup, engine, told)
