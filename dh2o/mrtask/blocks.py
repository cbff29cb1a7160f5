"""Blocks: the Dask task results that hold a frame's rows, and how parts of several make one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from dh2o.errors import FrameError
from dh2o.mrtask import wire

if TYPE_CHECKING:
    from dh2o.chunks import Block
    from dh2o.mrtask.engine import Engine

BlockKey: TypeAlias = tuple[str, int]


class Blocks:
    """Names of the tasks whose results are the blocks of one table, and the row count of each.

    Small and picklable. The data live on the workers; they stay there as long as some process holds
    these Blocks (a `claim`), or the DKV does. In a process without an engine Blocks are names only.
    """

    __slots__ = ("__weakref__", "claim", "homes", "indices", "layout", "name")

    def __init__(
        self,
        name: str,
        layout: Iterable[int],
        *,
        homes: Sequence[str] = (),
        indices: Sequence[int] | None = None,
        claim: Claim | None = None,
    ) -> None:
        self.name = name
        self.layout = tuple(layout)
        self.homes = tuple(homes)
        self.indices = None if indices is None else tuple(indices)
        self.claim = claim

    @property
    def keys(self) -> tuple[BlockKey, ...]:
        """The Dask key of every block."""
        numbers = range(len(self.layout)) if self.indices is None else self.indices
        return tuple((self.name, i) for i in numbers)

    @property
    def uid(self) -> tuple[str, tuple[int, ...] | None]:
        """What tells these blocks from all others."""
        return self.name, self.indices

    @property
    def n_rows(self) -> int:
        """Rows of all blocks."""
        return sum(self.layout)

    def __len__(self) -> int:
        return len(self.layout)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Blocks) and self.uid == other.uid and self.layout == other.layout

    def __hash__(self) -> int:
        return hash(self.uid)

    def __repr__(self) -> str:
        return f"<Blocks {self.name}: {len(self.layout)} blocks, {self.n_rows} rows>"

    def select(self, numbers: Sequence[int]) -> Blocks:
        """Return the blocks of these numbers only (no task, the same data)."""
        own = range(len(self.layout)) if self.indices is None else self.indices
        return Blocks(
            self.name,
            [self.layout[i] for i in numbers],
            homes=[self.homes[i] for i in numbers] if self.homes else (),
            indices=[own[i] for i in numbers],
            claim=self.claim,
        )

    def __reduce__(self) -> tuple[Any, ...]:
        wire.mention(self)
        return _restored, (self.name, self.layout, self.homes, self.indices)


def _restored(
    name: str, layout: tuple[int, ...], homes: tuple[str, ...], indices: tuple[int, ...] | None
) -> Blocks:
    """Return unpickled Blocks. A plain function: cloudpickle would send a method's code along."""
    blocks = Blocks(name, layout, homes=homes, indices=indices)
    wire.mention(blocks)
    return blocks


class Claim:
    """Holds one process's Dask futures of some keys; dropping it lets Dask free the data."""

    __slots__ = ("__weakref__", "engine", "futures")

    def __init__(self, engine: Engine, futures: dict[BlockKey, Any]) -> None:
        self.engine = engine
        self.futures = futures


ColumnRef: TypeAlias = tuple[Blocks, int]


class HasColumns(Protocol):
    """A table: named columns, each one column of some Blocks, all of one layout."""

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def columns(self) -> tuple[ColumnRef, ...]: ...

    @property
    def layout(self) -> tuple[int, ...]: ...


Source: TypeAlias = "Blocks | HasColumns | Recipe"


@dataclass(frozen=True)
class Recipe:
    """How block i of a table is put together from the i-th blocks of its parts.

    ``picks[j] = (part, column)`` says where column j is found; None takes the only part as it is.
    """

    parts: tuple[Blocks, ...]
    layout: tuple[int, ...]
    names: tuple[str, ...] = ()
    picks: tuple[tuple[int, int], ...] | None = None

    @classmethod
    def of(cls, source: Source) -> Recipe:
        """Return the recipe of Blocks or of a frame."""
        if isinstance(source, Recipe):
            return source
        if isinstance(source, Blocks):
            return cls((source,), source.layout)
        parts: dict[Any, int] = {}
        blocks: list[Blocks] = []
        picks = []
        number = 0
        last = None
        for part, column in source.columns:
            if part is last:  # as of most columns: there may be 100,000
                picks.append((number, column))
                continue
            last = part
            if part.layout != source.layout:
                raise FrameError(
                    f"Columns of one frame need one layout: {part!r} has {len(part)} blocks, "
                    f"the frame {len(source.layout)}. Align them first."
                )
            number = parts.setdefault(part.uid, len(blocks))
            if number == len(blocks):
                blocks.append(part)
            picks.append((number, column))
        return cls(tuple(blocks), source.layout, tuple(source.names), tuple(picks))

    @cached_property
    def row_starts(self) -> tuple[int, ...]:
        """First row of each block within the whole table."""
        return (0, *accumulate(self.layout))[: len(self.layout)]

    @property
    def uid(self) -> tuple[Any, ...]:
        """The identity of the parts: what decides where the blocks of this table lie."""
        return tuple(part.uid for part in self.parts)

    @cached_property
    def key_lists(self) -> tuple[tuple[BlockKey, ...], ...]:
        """The keys of each part."""
        return tuple(part.keys for part in self.parts)

    @property
    def n_cells(self) -> int:
        """Rows times columns; Blocks do not know how many they have: a guess that errs upwards."""
        n_columns = 32 if self.picks is None else len(self.picks)
        return sum(self.layout) * n_columns

    def keys_of(self, idx: int) -> tuple[BlockKey, ...]:
        """Return the keys needed for block `idx`."""
        return tuple(keys[idx] for keys in self.key_lists)

    def homes(self) -> tuple[str, ...]:
        """Where the first part with a known place wants its blocks."""
        return next((part.homes for part in self.parts if part.homes), ())

    def assemble(self, idx: int, blocks: Sequence[Block]) -> Block:
        """Return block `idx` of the table from the blocks of its parts; chunks are shared."""
        return assemble(
            blocks, self.picks, self.names, (idx, self.row_starts[idx], self.layout[idx])
        )


def assemble(
    blocks: Sequence[Block],
    picks: tuple[tuple[int, int], ...] | None,
    names: tuple[str, ...],
    place: tuple[int, int, int],
) -> Block:
    """Return the picked columns of `blocks` as one block; `place` is (index, row_start, n_rows)."""
    index, row_start, n_rows = place
    if picks is None:
        return replace(blocks[0], index=index, row_start=row_start)
    from dh2o.chunks import Block

    chunks = tuple(blocks[part].chunks[column] for part, column in picks)
    return Block(n_rows=n_rows, chunks=chunks, names=names, index=index, row_start=row_start)
