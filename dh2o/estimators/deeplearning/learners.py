"""Where a network learns: on each worker from its own rows, or in one place from all of them."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from dh2o.estimators.deeplearning.losses import Loss
from dh2o.estimators.deeplearning.rows import F32, F64, Rows, RowSpec, build_rows
from dh2o.estimators.deeplearning.sgd import Batch, NetState, Sgd, SgdParams
from dh2o.models.deeplearning import DeepLearningModel
from dh2o.models.metrics import MetricBuilder
from dh2o.mrtask import LocalTask, current_engine
from dh2o.mrtask.threads import one_blas_thread

if TYPE_CHECKING:
    from dh2o.chunks import Block
    from dh2o.frame import Frame
    from dh2o.mrtask import WorkerContext

__all__ = ["Learned", "Learner", "Work", "learner_of", "mean_state"]

_STREAM = 0x0D1D
_DEAR = 5e8  # rows times weights of a measurement from where on single precision must do
_MEASURED = 4096  # rows that a thread measures at once
_HELD = 64  # counts that wait to be added up, in the order of the rows
_GATHERED = 64  # batches whose rows are copied side by side before they are learned from


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """One iteration: go on from `state` by `share` of the rows at hand (1: each of them once).

    With elastic averaging rows go on from their ``own`` state, by the number of the first of them.
    """

    state: NetState
    params: SgdParams
    loss: Loss
    seed: int
    epochs_before: float
    share: float
    own: Mapping[int, NetState] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """What was learned, side by side: states and how many rows each has, by their first row."""

    parts: Mapping[int, tuple[NetState, int]]

    def averaged(self, before: NetState) -> NetState:
        """Return the mean of the states by their rows, added up in one order."""
        parts = [part for _, part in sorted(self.parts.items())]
        if not parts:
            return before
        if len(parts) == 1:
            return parts[0][0]
        rows = np.array([n for _, n in parts], np.float64)
        averaged = mean_state([state for state, _ in parts], rows / rows.sum())
        averaged.n_samples = before.n_samples + sum(
            state.n_samples - before.n_samples for state, _ in parts
        )
        return averaged


def mean_state(states: Sequence[NetState], shares: Sequence[float] | F64) -> NetState:
    """Return the weighted mean of states."""
    arrays: list[F32] = []
    for same in zip(*(state.arrays for state in states), strict=True):
        mean = sum(a.astype(np.float64) * s for a, s in zip(same, shares, strict=True))
        arrays.append(np.asarray(mean, np.float64).astype(np.float32))
    return states[0].of(arrays)


def learn(rows: Rows, work: Work) -> Learned:
    """Return the state after the rows of one iteration."""
    if rows.n == 0:
        return Learned({})
    number = int(rows.row[0])
    state = work.own.get(number, work.state).copy()
    state.n_samples = work.state.n_samples
    first = round(work.epochs_before * rows.n)
    n = round((work.epochs_before + work.share) * rows.n) - first
    key = [(work.seed ^ _STREAM) & (2**64 - 1), first]
    rng = np.random.Generator(np.random.Philox(key=key))
    size, n_places = work.params.n_batch, state.weights[0].shape[0] - rows.numbers.shape[1]
    sgd = Sgd(state, work.params, work.loss, rng, size=size, n_places=n_places, center=work.state)
    order = rows.drawn(work.seed, first, n)
    with np.errstate(over="ignore", invalid="ignore"):  # an unstable network is found afterwards
        for start in range(0, n, _GATHERED * size):
            some = rows.take(order[start : start + _GATHERED * size])
            sgd.learn(Batch(some.places, some.numbers, some.y, some.offset))
    return Learned({number: (state, rows.n)})


def measure(
    rows: Rows, model: DeepLearningModel, builder: MetricBuilder[Any], one_in: int, back: RowSpec,
    threads: WorkerContext | None = None,
) -> Any:  # fmt: skip
    """Return the partial metrics of `model` on a sample of the rows."""
    some = rows.sample(one_in)
    is_dear = some.n * model.network.n_weights > _DEAR
    precision = np.float32 if is_dear else np.float64

    def count(at: int) -> Any:
        part = some.take(slice(at, at + _MEASURED))
        numbers = part.numbers.astype(precision, copy=False)
        preds = model.of_units(part.places, numbers, _offset(part, back))
        y: F64 = np.zeros(part.n)
        if part.y is not None:
            y = part.y.astype(np.float64) / back.scale + back.shift
        return builder.map(preds, y, part.weights)

    starts = range(0, max(some.n, 1), _MEASURED)
    run = map if threads is None else threads.map
    total: list[Any] = []
    for first in range(0, len(starts), _HELD):
        counted = run(count, starts[first : first + _HELD])
        total = [functools.reduce(builder.combine, [*total, *counted])]
    return total[0]


def _offset(rows: Rows, back: RowSpec) -> Any:
    return None if rows.offset is None else rows.offset.astype(np.float64) / back.scale


def errors(rows: Rows, model: DeepLearningModel, one_in: int) -> F64:
    """Return the sizes of the errors on the network's own scale."""
    some = rows.sample(one_in)
    if some.y is None or some.n == 0:
        return np.zeros(0)
    raw = model.network.forward(some.places, some.numbers.astype(np.float64))[:, 0]
    if some.offset is not None:
        raw = raw + some.offset
    return np.abs(some.y - raw)


class Learner(Protocol):
    """Holds the rows and runs what is to be done with them."""

    def learn(self, work: Work) -> Learned:
        """Return what one iteration learned."""

    def measure(self, model: DeepLearningModel, builder: MetricBuilder[Any], one_in: int) -> Any:
        """Return the partial metrics of `model` on a sample of the rows."""

    def errors(self, model: DeepLearningModel, one_in: int) -> F64:
        """Return the sizes of a regression's errors."""

    def rebuild(self) -> None:
        """Read the rows again, after a worker was lost."""

    def close(self) -> None:
        """Drop the rows."""


class _OnePlace:
    """All rows in this process: the same network whatever the number of workers."""

    def __init__(self, frame: Frame, spec: RowSpec) -> None:
        self.spec = spec
        self.frame = frame
        self.rows = self._read()

    def _read(self) -> Rows:
        _load_blas()
        parts = current_engine().collect(self.frame, _Reader(self.spec))
        return Rows.joined(parts or [_no_rows(self.spec)])

    def learn(self, work: Work) -> Learned:
        with one_blas_thread():
            return learn(self.rows, work)

    def measure(self, model: DeepLearningModel, builder: MetricBuilder[Any], one_in: int) -> Any:
        return measure(self.rows, model, builder, one_in, self.spec)

    def errors(self, model: DeepLearningModel, one_in: int) -> F64:
        return errors(self.rows, model, one_in)

    def rebuild(self) -> None:
        self.rows = self._read()

    def close(self) -> None:
        self.rows = _no_rows(self.spec)


@dataclass(frozen=True, slots=True)
class _Reader:
    spec: RowSpec

    def __call__(self, block: Block) -> Rows:
        return build_rows([block], self.spec)


def _no_rows(spec: RowSpec) -> Rows:
    nothing: F32 = np.zeros((0, len(spec.inputs.numerics)), np.float32)
    places = np.zeros((0, len(spec.inputs.categoricals)), np.int32)
    y = None if spec.roles.response is None else np.zeros(0, np.float32)
    offset = None if spec.roles.offset is None else np.zeros(0, np.float32)
    return Rows(places, nothing, y, offset, None, np.zeros(0, np.int64))


class _EachWorker:
    """Rows stay where they lie; workers learn side by side and their networks are averaged."""

    def __init__(self, frame: Frame, spec: RowSpec) -> None:
        self.spec = spec
        self.state = current_engine().local(frame, _rows_of, spec)

    def learn(self, work: Work) -> Learned:
        return self.state.run(_Learn(work))

    def measure(self, model: DeepLearningModel, builder: MetricBuilder[Any], one_in: int) -> Any:
        return self.state.run(_Measure(model, builder, one_in, self.spec))

    def errors(self, model: DeepLearningModel, one_in: int) -> F64:
        parts = self.state.run(_Errors(model, one_in))
        return np.concatenate([part for _, part in sorted(parts.items())])

    def rebuild(self) -> None:
        self.state.rebuild(self.spec)

    def close(self) -> None:
        self.state.close()


def _rows_of(blocks: list[Block], spec: RowSpec, worker: WorkerContext | None = None) -> Rows:
    _load_blas()
    return build_rows(blocks, spec, worker)


def _load_blas() -> None:
    """Load what compiled matrix products call, before a pass that holds BLAS to one thread."""
    import scipy.linalg.cython_blas  # noqa: F401


def learner_of(frame: Frame, spec: RowSpec, one_place: bool) -> Learner:
    """Return who learns from `frame`: this process alone, or each worker that holds blocks."""
    return _OnePlace(frame, spec) if one_place else _EachWorker(frame, spec)


@dataclass(frozen=True, slots=True)
class _Learn(LocalTask[Learned, Learned]):
    work: Work

    def map(self, state: Rows, worker: WorkerContext) -> Learned:  # noqa: ARG002
        return learn(state, self.work)

    def combine(self, a: Learned, b: Learned) -> Learned:
        return Learned({**a.parts, **b.parts})

    def finish(self, total: Learned | None) -> Learned:
        return total or Learned({})


@dataclass(frozen=True, slots=True)
class _Measure(LocalTask[Any, Any]):
    model: DeepLearningModel
    builder: MetricBuilder[Any]
    one_in: int
    spec: RowSpec

    def map(self, state: Rows, worker: WorkerContext) -> Any:
        return measure(state, self.model, self.builder, self.one_in, self.spec, worker)

    def combine(self, a: Any, b: Any) -> Any:
        return self.builder.combine(a, b)


@dataclass(frozen=True, slots=True)
class _Errors(LocalTask[Any, Any]):
    model: DeepLearningModel
    one_in: int

    def map(self, state: Rows, worker: WorkerContext) -> Any:  # noqa: ARG002
        if state.n == 0:
            return {}
        return {int(state.row[0]): errors(state, self.model, self.one_in)}

    def combine(self, a: Any, b: Any) -> Any:
        return {**a, **b}

    def finish(self, total: Any) -> Any:
        return total or {-1: np.zeros(0)}
