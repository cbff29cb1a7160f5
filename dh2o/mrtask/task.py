"""MRTask: a pass as one pure value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from dh2o.errors import ParameterError
from dh2o.mrtask.blocks import Blocks, HasColumns, Recipe, Source

if TYPE_CHECKING:
    from dh2o.chunks import Block
    from dh2o.mrtask.engine import Engine

P = TypeVar("P")
R = TypeVar("R")


class MRTask(Generic[P, R]):
    """One pass over the blocks of a frame: subclass it, give it `map` and `combine`, and run it.

    ``map`` makes a partial result of one block, where the block lies; it is pure and never changes
    the block, since it may run again after a worker was lost. ``combine`` adds up two partial
    results, left before right, in a fixed order, so that results have the same bits on every
    cluster; it may change and return its left one. ``finish`` makes the result of the total, once.
    Parameters are attributes of the task; it must be picklable.
    """

    __slots__ = ()

    def map(self, block: Block) -> P:
        """Return the partial result of one block.

        Parameters
        ----------
        block : Block
            The columns of the frame for one range of rows; it is never changed.
        """
        raise NotImplementedError

    def combine(self, a: P, b: P) -> P:
        """Return the partial result of `a` (earlier blocks) and `b` (later blocks).

        Parameters
        ----------
        a, b
            Partial results; `a` may be changed and returned.
        """
        raise NotImplementedError

    def finish(self, total: P | None) -> R:
        """Return the result; `total` is None when the frame has no blocks.

        Parameters
        ----------
        total
            The partial result of all blocks; it is the result itself unless a subclass says
            otherwise.
        """
        return total  # type: ignore[return-value]  # the default result is the total itself

    def do_all(self, frame: Source, *, carrier: str = "lane") -> R:
        """Return the result of this pass over all blocks of `frame`.

        Parameters
        ----------
        frame : Frame or Blocks
            The rows.
        carrier : {"lane", "graph"}
            "lane" is quick and is repeated from the start when a worker is lost, "graph" makes Dask
            tasks of which only the lost ones are repeated.

        Examples
        --------
        >>> class CountRows(dh2o.MRTask):
        ...     def map(self, block):
        ...         return block.n_rows
        ...
        ...     def combine(self, a, b):
        ...         return a + b
        >>> CountRows().do_all(dh2o.H2OFrame({"x": [1, 2, 3]}).frame)
        3
        """
        if carrier not in ("lane", "graph"):
            raise ParameterError(f"carrier: expected 'lane' or 'graph', got {carrier!r}.")
        recipe = Recipe.of(frame)
        return self.finish(_engine_of(recipe).fold(self, recipe, carrier))

    def new_blocks(self, frame: Source, n_columns: int | None = None) -> Blocks:
        """Return new blocks, aligned with `frame`, of the chunks that `map` returns.

        Parameters
        ----------
        frame : Frame or Blocks
            The rows.
        n_columns : int, optional
            How many chunks `map` must return; default: not checked.

        Raises
        ------
        FrameError
            `map` gave another number of rows or columns for a block.
        """
        recipe = Recipe.of(frame)
        engine = _engine_of(recipe)
        return engine.map_blocks(
            _MapCall(self, n_columns), [recipe], layout=recipe.layout, name=type(self).__name__
        )

    def new_frame(self, frame: HasColumns, names: Sequence[str], types: Any, **how: Any) -> Any:
        """Return a new frame, aligned with `frame`, of the columns that `map` returns.

        Parameters
        ----------
        frame : Frame
            The rows.
        names : list of str
            Names of the new columns.
        types : list of VecType or str
            Their types.
        **how
            ``domains`` and ``sources``, as of `Frame.of`.

        Raises
        ------
        FrameError
            `map` gave another number of rows or columns for a block.
        """
        blocks = self.new_blocks(frame, len(names))
        _engine_of(Recipe.of(frame)).wait(blocks)
        return type(frame)._from_blocks(tuple(names), blocks, types, **how)  # type: ignore[attr-defined]


class _MapCall:
    """``task.map`` as the function of block tasks; checks what it returns."""

    __slots__ = ("n_columns", "task")

    def __init__(self, task: Any, n_columns: int | None) -> None:
        self.task = task
        self.n_columns = n_columns

    def __reduce__(self) -> tuple[Any, ...]:
        return _MapCall, (self.task, self.n_columns)

    def __call__(self, block: Block) -> Any:
        from dh2o.mrtask.graph import as_block

        made = as_block(self.task.map(block), type(self.task).__name__)
        check_block(made, block.n_rows, self.n_columns, type(self.task).__name__)
        return made


def check_block(made: Block, n_rows: int, n_columns: int | None, name: str) -> None:
    """Raise if an aligned block has not the rows and columns that were asked for."""
    from dh2o.errors import FrameError

    if made.n_rows != n_rows:
        raise FrameError(f"{name} gave {made.n_rows} rows for a block of {n_rows}.")
    if n_columns is not None and made.n_cols != n_columns:
        raise FrameError(f"{name} gave {made.n_cols} columns, {n_columns} were asked for.")


def _engine_of(recipe: Recipe) -> Engine:
    from dh2o.mrtask.engine import engine_of

    return engine_of(recipe.parts)
