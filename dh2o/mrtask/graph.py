"""The graph carrier: what outlives a pass is the result of Dask tasks, so it can be made again.

Every task made here names its inputs by Dask keys, is placed softly where its first input lies (or,
without inputs, in contiguous ranges over the workers), and gives one value; block tasks give one
`Block`.
"""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from dh2o.errors import FrameError
from dh2o.mrtask import direct
from dh2o.mrtask.blocks import Blocks, Claim, Recipe, assemble
from dh2o.mrtask.plan import contiguous_homes
from dh2o.mrtask.threads import one_blas_thread
from dh2o.mrtask.wire import Parcel, mentions, pack

if TYPE_CHECKING:
    from dh2o.chunks import Block
    from dh2o.mrtask.engine import Engine

_INLINE_NBYTES = 20_000  # a larger function or argument travels once, as a task of its own


class Dependency:
    """One input of a task: how to make it from the results of other tasks."""

    __slots__ = ("futures", "place", "shape")

    def __init__(self, futures: list[Any], shape: Any, place: Any) -> None:
        self.futures = futures
        self.shape = shape  # (picks, names) of a block; None: the first result as it is
        self.place = place

    def open(self, values: Sequence[Any]) -> Any:
        """Return the input from the results of `futures`."""
        if self.shape is None:
            return values[0]
        picks, names = self.shape
        return assemble(values, picks, names, self.place)


def block_input(engine: Engine, recipe: Recipe, idx: int) -> Dependency:
    """Return block `idx` of a table as an input."""
    futures = [
        engine.futures(part)[key]
        for part, key in zip(recipe.parts, recipe.keys_of(idx), strict=True)
    ]
    place = (idx, recipe.row_starts[idx], recipe.layout[idx])
    return Dependency(futures, (recipe.picks, recipe.names), place)


class TaskCall:
    """What a task runs; a callable of its own, so that Dask does not look into its arguments."""

    __slots__ = ("makes_block", "name")

    def __init__(self, name: str, makes_block: bool) -> None:
        self.name = name
        self.makes_block = makes_block

    def __reduce__(self) -> tuple[Any, ...]:
        return TaskCall, (self.name, self.makes_block)

    @property
    def __name__(self) -> str:
        return self.name

    def __call__(self, fn: Parcel, args: Parcel, recipes: Any, values: list[Any]) -> Any:
        """Run the task on a worker; `recipes` says which of `values` make which input."""
        function, spread = _opened(fn)
        with one_blas_thread():
            return self.invoke(function, spread, args.open(), recipes.items, values)

    def invoke(
        self,
        fn: Callable[..., Any],
        spread: bool,
        args: tuple[Any, ...],
        recipes: list[Any],
        values: list[Any],
    ) -> Any:
        """Return what `fn` makes of the inputs, checked."""
        inputs, at = [], 0
        for n_values, shape, place in recipes:
            got = values[at : at + n_values]
            at += n_values
            inputs.append(got[0] if shape is None else assemble(got, shape[0], shape[1], place))
        result = fn(*inputs, *args) if spread else fn(*args, inputs)
        return as_block(result, self.name) if self.makes_block else result


_opened_lock = threading.Lock()
_opened_cache: dict[bytes, Any] = {}


def _opened(parcel: Parcel) -> Any:
    """Return the value of a parcel, unpickled once for all tasks of a call on this worker."""
    with _opened_lock:
        value = _opened_cache.get(parcel.head)
    if value is None:
        value = parcel.open()
        if not parcel.buffers:
            with _opened_lock:
                while len(_opened_cache) > 16:
                    _opened_cache.pop(next(iter(_opened_cache)))
                _opened_cache[parcel.head] = value
    return value


def as_block(result: Any, name: str) -> Block:
    """Return what a block task made as a Block without a place."""
    from dh2o.chunks import Block

    if isinstance(result, Block):
        return result.placed(0, 0, ()) if result.names or result.index else result
    if isinstance(result, tuple) and result:
        return Block.of(result)
    raise FrameError(
        f"{name} gave {type(result).__name__}: a task that makes blocks returns a Block or a "
        "non-empty tuple of chunks."
    )


def submit(
    engine: Engine,
    call: TaskCall,
    fn: Callable[..., Any],
    args: Sequence[tuple[Any, ...]],
    inputs: Sequence[Sequence[Dependency]],
    *,
    spread: bool,
    homes: Sequence[str] = (),
    n_cells: int | None = None,
) -> tuple[str, dict[Any, Any], tuple[str, ...]]:
    """Start one task for each of `args`; return their common name, futures and places."""
    name = f"{task_name(call.name)}-{uuid.uuid4().hex[:12]}"
    keys = [(name, i) for i in range(len(args))]
    recipes = [[(len(d.futures), d.shape, d.place) for d in group] for group in inputs]
    if direct.is_small(engine, len(args), n_cells):
        needed = [[future.key for d in group for future in d.futures] for group in inputs]

        def invoke(i: int, values: list[Any]) -> Any:
            return call.invoke(fn, spread, args[i], recipes[i], values)

        made = direct.run(engine, invoke, keys, needed)
        if made is not None:
            return name, made, (engine.own_address or "",) * len(args)
    workers = engine.workers()
    alive = {address for address, _ in workers}
    if not homes:
        homes = ("",) * len(args) if any(inputs) else contiguous_homes(len(args), workers)
    with mentions() as found:
        function = travelling(engine, pack((fn, spread)), name)
        parcels = [travelling(engine, pack(a), name) for a in args]
    groups: dict[str, list[int]] = {}
    for i, home in enumerate(homes or ("",) * len(args)):
        groups.setdefault(home if home in alive else "", []).append(i)
    futures: dict[Any, Any] = {}
    for home, numbers in groups.items():
        place = {"workers": [home], "allow_other_workers": True} if home else {}
        tasks = engine.client.map(
            call,
            [function] * len(numbers),
            [parcels[i] for i in numbers],
            [_Inputs(recipes[i]) for i in numbers],
            [[f for d in inputs[i] for f in d.futures] for i in numbers],
            key=[keys[i] for i in numbers],
            pure=False,
            **place,
        )
        futures.update(zip([keys[i] for i in numbers], tasks, strict=True))
    engine.bind_files(found, keys)
    return name, {key: futures[key] for key in keys}, tuple(homes)


class _Inputs:
    """How a task's inputs are made; no tuple, so that Dask does not search it for futures."""

    __slots__ = ("items",)

    def __init__(self, items: list[Any]) -> None:
        self.items = items

    def __reduce__(self) -> tuple[Any, ...]:
        return _Inputs, (self.items,)


def travelling(engine: Engine, parcel: Parcel, name: str) -> Any:
    """Return the parcel, or for a large one the future of a task that gives it."""
    if parcel.nbytes <= _INLINE_NBYTES:
        return parcel
    key = f"{name}-arg-{uuid.uuid4().hex[:8]}"
    return engine.client.submit(_same, parcel, key=key, pure=False)


def _same(value: Any) -> Any:
    return value


def task_name(fn: Any) -> str:
    """Return what the dashboard shows for tasks of `fn`."""
    text = fn if isinstance(fn, str) else getattr(fn, "__name__", type(fn).__name__)
    return re.sub(r"[^0-9a-zA-Z_]+", "-", text).strip("-") or "task"


def make_blocks(
    engine: Engine,
    fn: Callable[..., Any],
    recipes: Sequence[Recipe],
    args: tuple[Any, ...],
    layout: Sequence[int] | None,
    name: str | None = None,
) -> Blocks:
    """Return the blocks ``fn(block of each recipe, *args)``; without a layout, once there."""
    n_blocks = len(recipes[0].layout)
    if any(len(r.layout) != n_blocks for r in recipes):
        sizes = [len(r.layout) for r in recipes]
        raise FrameError(f"Tables of one call need the same number of blocks, not {sizes}.")
    inputs = [[block_input(engine, r, i) for r in recipes] for i in range(n_blocks)]
    call = TaskCall(task_name(name or fn), True)
    key, futures, homes = submit(
        engine,
        call,
        fn,
        [args] * n_blocks,
        inputs,
        spread=True,
        homes=recipes[0].homes(),
        n_cells=sum(r.n_cells for r in recipes),
    )
    return finished_blocks(engine, key, futures, homes, layout)


def finished_blocks(
    engine: Engine,
    name: str,
    futures: dict[Any, Any],
    homes: Sequence[str],
    layout: Sequence[int] | None,
) -> Blocks:
    """Return futures as Blocks; an unknown layout is asked of the results."""
    claim = Claim(engine, futures)
    engine.remember(name, claim)
    known = layout if layout is not None else [0] * len(futures)
    blocks = Blocks(name, known, homes=homes, claim=claim)
    if layout is None:
        counts = engine.lane.collect(Recipe.of(blocks), _n_rows, None)
        blocks = Blocks(name, counts, homes=homes, claim=claim)
    return blocks


def fold(engine: Engine, task: Any, recipe: Recipe) -> Any:
    """Return the total of ``task.map`` as a tree of tasks, combined as the lane combines."""
    n = len(recipe.layout)
    if not n:
        return None
    name = task_name(type(task).__name__)
    inputs = [[block_input(engine, recipe, i)] for i in range(n)]
    call = TaskCall(f"{name}-map", False)
    _, made, _ = submit(engine, call, task.map, [()] * n, inputs, spread=True, homes=recipe.homes())
    level = list(made.values())
    while len(level) > 1:
        pairs = [level[i : i + 2] for i in range(0, len(level) - 1, 2)]
        inputs = [[Dependency([future], None, None) for future in pair] for pair in pairs]
        call = TaskCall(f"{name}-combine", False)
        _, made, _ = submit(engine, call, task.combine, [()] * len(pairs), inputs, spread=True)
        level = [*made.values(), *level[2 * len(pairs) :]]
    return engine.gather(level)[0]


def _n_rows(block: Block) -> int:
    return block.n_rows
