"""Grid search: one job that builds a model for each combination of hyper-parameters.

A combination that cannot be built is noted and the search goes on. The grid is stored after every
model, so clients see it grow, and a search that is started again skips what is there.
"""

from __future__ import annotations

import itertools
import math
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dh2o.errors import DH2OError, JobCancelledError, KeyNotFoundError, ParameterError
from dh2o.estimators.builder import builder_of, validate
from dh2o.estimators.building.driver import run_build
from dh2o.estimators.building.job_parts import JobPart, JobParts
from dh2o.estimators.building.keep import keep_model
from dh2o.estimators.building.side_by_side import MOST_AT_A_TIME, n_threads_of, run_parts
from dh2o.estimators.building.stopping import StopRule
from dh2o.estimators.search.ranking import metrics_of
from dh2o.estimators.search.search_criteria import SearchCriteria
from dh2o.models import ModelCategory

if TYPE_CHECKING:
    from dh2o.models import Model
    from dh2o.mrtask import Engine, Job, JobContext

__all__ = ["Grid", "GridFailure", "GridSearch", "SearchCriteria", "resume_grid", "start_grid"]

#: The combinations of a random search are drawn by number, so there may be very many of them.
_MAX_COMBINATIONS = 1 << 62


@dataclass(frozen=True, slots=True)
class GridFailure:
    """A combination that could not be built, and why."""

    values: dict[str, Any]
    message: str


@dataclass(frozen=True, slots=True)
class Grid:
    """The models of a search, in the order in which they were built."""

    key: str
    algo: str
    hyper_names: tuple[str, ...]
    model_keys: tuple[str, ...] = ()
    failures: tuple[GridFailure, ...] = ()
    warnings: tuple[str, ...] = ()
    tried: tuple[str, ...] = field(default=(), repr=False)
    search: GridSearch | None = field(default=None, repr=False)

    def with_model(self, key: str, tried: str) -> Grid:
        """Return the grid with one more model."""
        return replace(self, model_keys=(*self.model_keys, key), tried=(*self.tried, tried))

    def with_failure(self, failure: GridFailure, tried: str) -> Grid:
        """Return the grid with one more combination that failed."""
        return replace(self, failures=(*self.failures, failure), tried=(*self.tried, tried))


@dataclass(frozen=True, slots=True)
class GridSearch:
    """A search: the parameters that all models share, and the values to combine."""

    algo: str
    params: dict[str, Any]
    spaces: tuple[dict[str, tuple[Any, ...]], ...]
    criteria: SearchCriteria
    parallelism: int = 1  # models built at a time; 0: as many as there are threads

    @property
    def hyper_names(self) -> tuple[str, ...]:
        """The parameters that vary, in the order given."""
        return tuple(dict.fromkeys(name for space in self.spaces for name in space))

    @property
    def n_combinations(self) -> int:
        """How many combinations there are."""
        if self.criteria.strategy == "Sequential":
            return sum(len(next(iter(space.values()))) for space in self.spaces)
        return sum(math.prod(len(values) for values in space.values()) for space in self.spaces)

    def combinations(self) -> Iterator[dict[str, Any]]:
        """Yield the combinations in the order of the strategy."""
        if self.criteria.strategy == "Cartesian":
            for space in self.spaces:
                for values in itertools.product(*space.values()):
                    yield dict(zip(space, values, strict=True))
        elif self.criteria.strategy == "Sequential":
            for space in self.spaces:  # the i-th values of all parameters belong together
                for values in zip(*space.values(), strict=True):
                    yield dict(zip(space, values, strict=True))
        else:
            for number in _shuffled(self.n_combinations, self.criteria.seed):
                yield self._combination(number)

    def seed_of(self, number: int) -> int | None:
        """Return the seed of model `number`: a seeded random search seeds its models one by one."""
        criteria = self.criteria
        given = self.params.get("seed")
        if criteria.strategy != "RandomDiscrete" or criteria.seed == -1:
            return None
        if "seed" in self.hyper_names or (given is not None and int(given) != -1):
            return None
        return criteria.seed + number

    def text_of(self, values: Mapping[str, Any]) -> str:
        """Return a combination as text, the same however its values were written."""
        table = builder_of(self.algo).params
        typed: dict[str, Any] = {}
        for name, value in values.items():
            param = table.find(name)
            with suppress(ValueError):
                value = value if param is None else param.read(value)
            typed[name] = value
        return repr(sorted(typed.items()))

    def _combination(self, number: int) -> dict[str, Any]:
        for space in self.spaces:
            size = math.prod(len(values) for values in space.values())
            if number < size:
                break
            number -= size
        found: dict[str, Any] = {}
        for name, values in reversed(space.items()):
            number, idx = divmod(number, len(values))
            found[name] = values[idx]
        return {name: found[name] for name in space}


def _shuffled(n: int, seed: int) -> Iterator[int]:
    """Yield 0 … n-1 once each in a random order that depends on the seed alone."""
    rng = np.random.default_rng(None if seed == -1 else seed & (2**64 - 1))
    if n <= 1 << 20:
        yield from rng.permutation(n).tolist()
        return
    seen: set[int] = set()
    while len(seen) < n:
        number = int(rng.integers(n))
        if number not in seen:
            seen.add(number)
            yield number


def start_grid(
    engine: Engine,
    algo: str,
    params: Mapping[str, Any],
    hyper_params: Mapping[str, Any],
    criteria: Mapping[str, Any] | None = None,
    grid_id: str | None = None,
    recovery_dir: str | None = None,
    parallelism: int = 1,
) -> Job:
    """Check the names now, then start the job that builds the models; its ``dest`` is the grid."""
    builder = builder_of(algo)
    spaces = _spaces(builder.algo, hyper_params, params)
    if parallelism < 0:
        raise ParameterError(f"Parallelism level must be >= 0. Given value: '{parallelism}'")
    found = SearchCriteria.of(criteria or {})
    if found.strategy != "Sequential":
        spaces = tuple({name: _once(values) for name, values in s.items()} for s in spaces)
    search = GridSearch(builder.algo, dict(params), spaces, found, parallelism)
    if search.criteria.strategy == "Sequential":
        _check_sequential(spaces)
    if search.n_combinations > _MAX_COMBINATIONS:
        raise ParameterError("hyper_parameters: more combinations than can be counted.")
    for name in search.hyper_names:
        param = builder.params.find(name)
        if param is None or not param.gridable:
            why = "is not gridable" if param is not None else f"does not exist in {algo}"
            raise ParameterError(
                f"Illegal hyper parameter for grid search! The parameter '{name} {why}!"
            )
    unknown = [name for name in params if builder.params.find(name) is None]
    if unknown:
        raise ParameterError(f"Unknown parameter: {', '.join(unknown)}.")
    key = grid_id or f"Grid_{builder.algo.upper()}_{uuid.uuid4().hex[:12]}"
    before = engine.dkv.find(key)
    if before is not None and (not isinstance(before, Grid) or before.algo != builder.algo):
        raise ParameterError(f"grid_id: {key!r} is taken by something else. Choose another.")
    grid = before or Grid(key, builder.algo, search.hyper_names)
    if set(grid.hyper_names) != set(search.hyper_names):
        raise ParameterError(
            f"grid_id: grid {key!r} varies {', '.join(grid.hyper_names)}; a search that goes on "
            "with it must vary the same. Choose another grid_id."
        )
    told = tuple(builder.grid_warnings[n] for n in search.hyper_names if n in builder.grid_warnings)
    return _start(engine, search, replace(grid, search=search, warnings=told), recovery_dir)


def resume_grid(engine: Engine, key: str, recovery_dir: str | None = None) -> Job:
    """Start the job that goes on with the grid stored under `key`, as it was searched last."""
    grid = engine.dkv.find(key)
    if not isinstance(grid, Grid):
        raise KeyNotFoundError.of("Grid", key, engine.dkv.keys(kind="grid"))
    if grid.search is None:
        raise ParameterError(f"grid_id: grid {key!r} does not know what it was searching for.")
    return _start(engine, grid.search, grid, recovery_dir)


def _start(engine: Engine, search: GridSearch, grid: Grid, recovery_dir: str | None) -> Job:
    builder = builder_of(search.algo)
    return engine.start_job(
        f"{builder.algo_full_name} grid search", run_grid, search, grid, recovery_dir,
        dest=grid.key, dest_type="Key<Grid>",
    )  # fmt: skip


def _check_sequential(spaces: Sequence[Mapping[str, Sequence[Any]]]) -> None:
    for space in spaces:
        lengths = {name: len(values) for name, values in space.items()}
        if len(set(lengths.values())) > 1:
            raise ParameterError(
                "hyper_parameters: a sequential search takes as many values of each parameter; got "
                + ", ".join(f"{n} of {name}" for name, n in lengths.items())
            )


def _spaces(
    algo: str, hyper: Mapping[str, Any], params: Mapping[str, Any]
) -> tuple[dict[str, tuple[Any, ...]], ...]:
    shared = {name: _values(name, v) for name, v in hyper.items() if name != "subspaces"}
    subspaces = hyper.get("subspaces") or [{}]
    spaces = tuple(
        {**shared, **{name: _values(name, v) for name, v in sub.items()}} for sub in subspaces
    )
    if not any(spaces):
        raise ParameterError("hyper_parameters: give at least one parameter to vary.")
    twice = [name for space in spaces for name in space if _is_given(algo, name, params)]
    if twice:
        raise ParameterError(
            f"hyper_parameters: {', '.join(dict.fromkeys(twice))} is given as a fixed parameter "
            "too. Leave out one of the two."
        )
    return spaces


def _once(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return each value once: combinations that occur several times are built once (H2O)."""
    return tuple({repr(value): value for value in values}.values())


def _is_given(algo: str, name: str, params: Mapping[str, Any]) -> bool:
    param = builder_of(algo).params.find(name)
    if param is None or params.get(name) is None:
        return False
    try:  # clients send all parameters, with defaults where the user gave none
        return bool(param.read(params[name]) != param.default)
    except ValueError:
        return True


def _values(name: str, values: Any) -> tuple[Any, ...]:
    listed = tuple(values) if isinstance(values, list | tuple) else (values,)
    if not listed:
        raise ParameterError(f"hyper_parameters: {name} has no values to try.")
    return listed


def run_grid(
    ctx: JobContext, search: GridSearch, grid: Grid, recovery_dir: str | None = None
) -> str:
    """Build the models of the search, store the grid after each, and return its key.

    With a `recovery_dir` the grid, its models and frames are written there as well, so that the
    search can go on in another cluster.
    """
    stored = ctx.dkv.find(grid.key)
    if isinstance(stored, Grid):
        grid = replace(stored, search=search, warnings=grid.warnings)
    ctx.dkv.put(grid.key, grid, kind="grid")
    keep = _Keeper(search, recovery_dir)
    keep.start(grid)
    n_wanted = search.n_combinations
    if search.criteria.max_models:
        n_wanted = min(n_wanted, search.criteria.max_models)
    deadline = time.time() + (search.criteria.max_runtime_secs or math.inf)
    n_at_a_time = min(search.parallelism or n_threads_of(ctx.engine), MOST_AT_A_TIME)
    left = _Left(search, grid)
    scores: list[float] = []
    while time.time() < deadline and not _has_converged(search, scores):
        ctx.check()
        some = left.take(n_at_a_time, n_wanted - left.n_known - len(scores))
        if not some:
            break
        for grown, model in _built(ctx, search, grid, some, n_wanted, deadline):
            grid = grown
            ctx.dkv.put(grid.key, grid, kind="grid")
            ctx.dkv.keep(grid.key)
            if model is not None:
                keep_model(ctx, model)
                scores.append(_stopping_value(search, model))
            keep.model(grid, model)
    ctx.update(1.0, f"{len(grid.model_keys)} models")
    return grid.key


class _Left:
    """The combinations that were not tried yet, with the text that tells them apart."""

    def __init__(self, search: GridSearch, grid: Grid) -> None:
        self.search = search
        self.tried = set(grid.tried)
        self.n_known = 0  # combinations that came up and were tried by a search before
        self._combinations = search.combinations()

    def take(self, n: int, wanted: int) -> list[tuple[dict[str, Any], str]]:
        """Return the next `n` combinations at most; those tried before count as wanted ones."""
        some: list[tuple[dict[str, Any], str]] = []
        while len(some) < min(n, wanted):
            values = next(self._combinations, None)
            if values is None:
                break
            text = self.search.text_of(values)
            if text in self.tried:
                self.n_known += 1
                wanted -= 1
            else:
                some.append((values, text))
        return some


def _built(
    ctx: JobContext,
    search: GridSearch,
    grid: Grid,
    some: list[tuple[dict[str, Any], str]],
    n_wanted: int,
    deadline: float,
) -> Iterator[tuple[Grid, Model | None]]:
    """Yield the grid after each of some combinations, and its model; they are built together."""
    first = len(grid.tried)
    parts = JobParts(ctx, max(n_wanted, first + len(some)))
    parts.start_at(first)

    def build(number: int) -> GridFailure | Model:
        values, _ = some[number - first]
        return _build_one(parts.part(number), search, grid.key, values, deadline)

    numbers = range(first, first + len(some))
    for found, (_, text) in zip(run_parts(parts, numbers, len(some), build), some, strict=True):
        if isinstance(found, GridFailure):
            grid = grid.with_failure(found, text)
            yield grid, None
        else:
            grid = grid.with_model(found.key, text)
            yield grid, found


class _Keeper:
    """Writes the grid to files as it grows, where that is asked for."""

    def __init__(self, search: GridSearch, recovery_dir: str | None) -> None:
        self.export_dir = search.params.get("export_checkpoints_dir")
        self.recovery_dir = recovery_dir
        self.frames: list[str] = []

    def start(self, grid: Grid) -> None:
        """Write what there is before the first model."""
        from dh2o.estimators.search.grid_files import export_grid

        if self.recovery_dir:
            export_grid(grid, self.recovery_dir, frames=True)

    def model(self, grid: Grid, model: Model | None) -> None:
        """Write the grid after one more model; its builder has exported the model itself."""
        from dh2o.estimators.search.grid_files import add_model, write_grid

        if self.export_dir:
            write_grid(grid, str(self.export_dir))
        if self.recovery_dir:
            add_model(grid, model, self.recovery_dir)


def _build_one(
    part: JobPart, search: GridSearch, grid_key: str, values: dict[str, Any], deadline: float
) -> GridFailure | Model:
    """Return the model of a combination, or why there is none; `part` has its number."""
    key = f"{grid_key}_model_{part.number + 1}"
    raw = {**search.params, **values}
    seed = search.seed_of(part.number)
    if seed is not None:
        raw["seed"] = seed
    own_limit = float(raw.get("max_runtime_secs") or math.inf)
    limit = min(own_limit, max(1e-3, deadline - time.time()))
    if math.isfinite(limit):
        raw["max_runtime_secs"] = limit
    try:
        spec = validate(part.engine, search.algo, raw, model_id=key)
        return run_build(part, builder_of(search.algo), spec)
    except JobCancelledError:
        raise
    except DH2OError as error:
        return GridFailure(values, str(error))


def _rule(search: GridSearch, category: ModelCategory) -> StopRule:
    """Return the rule by which a search ends early: that of models, over the models so far."""
    criteria = search.criteria
    metric = criteria.stopping_metric
    if metric == "AUTO":
        metric = "logloss" if category.is_classifier else "deviance"
    rounds = criteria.stopping_rounds if criteria.early_stopping else 0
    return StopRule(rounds, metric, criteria.stopping_tolerance)


def _stopping_value(search: GridSearch, model: Model) -> float:
    return _rule(search, model.output.category).value(metrics_of(model))


def _has_converged(search: GridSearch, values: Sequence[float]) -> bool:
    """Return whether moving averages over the models no longer improve."""
    return _rule(search, ModelCategory.UNKNOWN).should_stop(values)
