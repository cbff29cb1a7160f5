"""Models of segments: one model for the rows of each combination of some columns' values."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import DH2OError, JobCancelledError, ParameterError
from dh2o.estimators.builder import builder_of, validate
from dh2o.estimators.building.driver import run_build
from dh2o.estimators.building.job_parts import JobPart
from dh2o.estimators.building.keep import keep_model
from dh2o.estimators.messages import BuilderError
from dh2o.frame import Frame, new_frame_key
from dh2o.mrtask import MRTask

if TYPE_CHECKING:
    from dh2o.chunks import Block
    from dh2o.mrtask import Engine, Job, JobContext

__all__ = ["SegmentModels", "SegmentResult", "segments_frame", "start_segments"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
_MAX_SEGMENTS = 100_000


@dataclass(frozen=True, slots=True)
class SegmentResult:
    """What became of one segment: the model's key, and why there is none."""

    model: str
    status: str
    errors: str | None = None
    warnings: str | None = None


@dataclass(frozen=True, slots=True)
class SegmentModels:
    """The segments, in the order of their frame, and what became of each so far.

    A value is the text of a level, a whole number, or None for NA.
    """

    key: str
    columns: tuple[str, ...]
    is_enum: tuple[bool, ...]
    values: tuple[tuple[Any, ...], ...]
    results: tuple[SegmentResult, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class SegmentTask:
    """Whose models are wanted: the algorithm, its parameters, and the segments."""

    algo: str
    params: dict[str, Any]
    segments: SegmentModels


def start_segments(
    engine: Engine,
    algo: str,
    params: Mapping[str, Any],
    segments: Frame | Sequence[str],
    key: str | None = None,
) -> Job:
    """Start the job that builds a model for each segment; its ``dest`` is the collection.

    `segments` is a frame with one row for each segment, or the columns of the training frame whose
    combinations of values are the segments.
    """
    builder = builder_of(algo)
    train = Frame.get(str(params["training_frame"]))
    own = segments if isinstance(segments, Frame) else train.select(_columns(train, segments))
    _check_segments(own, train)
    name = key or f"segment_models_{builder.algo}_{uuid.uuid4().hex[:8]}"
    found = _distinct(own, name, keep_order=isinstance(segments, Frame))
    return engine.start_job(
        f"{builder.algo_full_name} segment models build",
        run_segments,
        SegmentTask(builder.algo, dict(params), found),
        dest=name,
        dest_type="Key<SegmentModels>",
    )


def _columns(train: Frame, names: Sequence[str]) -> list[str]:
    unknown = [name for name in names if name not in train.names]
    if unknown or not names:
        raise ParameterError(f"segment_columns: {unknown or names} not in the training frame.")
    return list(names)


def _check_segments(segments: Frame, train: Frame) -> None:
    missing = [name for name in segments.names if name not in train.names]
    if missing:
        raise ParameterError(f"segments: {missing} are no columns of the training frame.")
    stats = segments.rollups()
    wrong = [
        name
        for name, vec, found in zip(segments.names, segments.vecs, stats, strict=True)
        if not (vec.is_enum or (vec.is_numeric and found.is_int))
    ]
    if wrong:
        raise ParameterError(
            "Columns to segment-by can only be categorical and integer of type, invalid columns: "
            f"{wrong}"
        )


def _distinct(segments: Frame, key: str, keep_order: bool) -> SegmentModels:
    """Return the different rows, ascending, or in the order in which they stand first."""
    rows, first = DistinctRows(segments.n_cols).do_all(segments)
    if len(rows) > _MAX_SEGMENTS:
        raise ParameterError(f"segments: {len(rows)} segments are too many ({_MAX_SEGMENTS}).")
    if keep_order:
        rows = rows[np.argsort(first, kind="stable")]
    domains = [vec.domain for vec in segments.vecs]
    values = tuple(tuple(map(_value, row.tolist(), domains)) for row in rows)
    return SegmentModels(key, segments.names, tuple(d is not None for d in domains), values)


def _value(number: float, domain: tuple[str, ...] | None) -> str | int | None:
    if number == -np.inf:
        return None
    return int(number) if domain is None else domain[int(number)]


class DistinctRows(MRTask[tuple[F64, I64], tuple[F64, I64]]):
    """The different rows, ascending (NA, as minus infinity, first), and where each stands first."""

    def __init__(self, n_cols: int) -> None:
        self.n_cols = n_cols

    def map(self, block: Block) -> tuple[F64, I64]:
        columns = [block.chunk(i).floats() for i in range(self.n_cols)]
        rows = np.column_stack(columns)
        rows[np.isnan(rows)] = -np.inf
        different, first = np.unique(rows, axis=0, return_index=True)
        return different, first.astype(np.int64) + block.row_start

    def combine(self, a: tuple[F64, I64], b: tuple[F64, I64]) -> tuple[F64, I64]:
        rows, first = np.concatenate([a[0], b[0]]), np.concatenate([a[1], b[1]])
        different, where = np.unique(rows, axis=0, return_index=True)
        return different, first[where]

    def finish(self, total: tuple[F64, I64] | None) -> tuple[F64, I64]:
        return (np.empty((0, self.n_cols)), np.empty(0, np.int64)) if total is None else total


def run_segments(ctx: JobContext, task: SegmentTask) -> str:
    """Build the models one after another; the collection is stored after each."""
    found = task.segments
    before = ctx.dkv.find(found.key)
    if isinstance(before, SegmentModels) and before.values == found.values:
        found = replace(before, results=before.results[: len(found.values)])
    if ctx.restore() is None:  # not a driver that goes on
        found = replace(found, results=())
    for number in range(len(found.results), len(found.values)):
        ctx.check()
        part = JobPart(ctx, number, len(found.values))
        result = _build_segment(part, task, found.values[number], number)
        found = replace(found, results=(*found.results, result))
        ctx.dkv.put(found.key, found, kind="segment_models")
        ctx.dkv.keep(found.key)
        part.checkpoint("done")
    ctx.dkv.put(found.key, found, kind="segment_models")
    return found.key


def _build_segment(
    part: JobPart, task: SegmentTask, values: tuple[Any, ...], number: int
) -> SegmentResult:
    key = f"{task.segments.key}_{number}"
    params = dict(task.params)
    stored = []
    try:
        for name in ("training_frame", "validation_frame"):
            if params.get(name):
                frame = _rows_of(Frame.get(str(params[name])), task.segments, values)
                params[name] = new_frame_key("segment")
                frame.put(params[name])
                stored.append(params[name])
        spec = validate(part.engine, task.algo, params, model_id=key)
        model = run_build(part, builder_of(task.algo), spec)
        keep_model(part, model)
    except JobCancelledError:
        raise
    except BuilderError as error:
        texts = [str(m) for m in error.messages if m.message_type == "ERRR"]
        return SegmentResult(key, "FAILED", "".join(f"{text}\n" for text in texts))
    except DH2OError as error:
        return SegmentResult(key, "FAILED", str(error))
    finally:
        part.dkv.remove(*stored)
    return SegmentResult(key, "SUCCEEDED", None, "\n".join(model.output.warnings) or None)


def _rows_of(frame: Frame, segments: SegmentModels, values: tuple[Any, ...]) -> Frame:
    """Return the rows of one segment."""
    wanted: dict[str, float] = {}
    for name, value in zip(segments.columns, values, strict=True):
        if value is None:
            wanted[name] = np.nan
            continue
        domain = frame.vec(name).domain
        known = domain is None or str(value) in domain
        code = -1.0 if not known else float(value if domain is None else domain.index(str(value)))
        wanted[name] = code
    return frame.filter(_IsSegment(wanted))


class _IsSegment:
    """Whether each row of a block belongs to a segment."""

    def __init__(self, wanted: dict[str, float]) -> None:
        self.wanted = wanted

    def __call__(self, block: Block) -> NDArray[np.bool_]:
        keep = np.ones(block.n_rows, dtype=np.bool_)
        for name, value in self.wanted.items():
            column = block.floats(name)
            keep &= np.isnan(column) if np.isnan(value) else column == value
        return keep


def segments_frame(found: SegmentModels) -> Frame:
    """Return the segments with model, status, errors and warnings of each, as a frame."""
    import pyarrow as pa

    columns: dict[str, Any] = {}
    for i, name in enumerate(found.columns):
        values = [row[i] for row in found.values]
        if found.is_enum[i]:
            columns[name] = pa.array(values, pa.string()).dictionary_encode()
        else:
            columns[name] = pa.array(values, pa.int64())
    waiting = len(found.values) - len(found.results)
    results = [*found.results, *([SegmentResult("", "PENDING")] * waiting)]
    for name in ("model", "status", "errors", "warnings"):
        texts = pa.array([getattr(result, name) for result in results], pa.string())
        columns[name] = texts.dictionary_encode() if name == "status" else texts
    return Frame.from_arrow(pa.table(columns))
