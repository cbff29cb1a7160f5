"""How a frame is compressed and where it lies: H2O's chunk and distribution summaries."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dh2o.chunks import Block
from dh2o.frame.display import TextTable
from dh2o.frame.physical import engine_for, physical

if TYPE_CHECKING:
    from dh2o.frame.frame import Frame


@dataclass(frozen=True, slots=True)
class CodecLine:
    """The chunks of one codec: their number, bytes, and shares of all in percent."""

    codec: str
    n_chunks: int
    n_chunks_pct: float
    nbytes: int
    nbytes_pct: float


@dataclass(frozen=True, slots=True)
class WorkerLine:
    """What one worker holds of the frame (or a statistic over the workers)."""

    worker: str
    nbytes: float
    n_rows: float
    n_blocks: float
    n_chunks: float


@dataclass(frozen=True, slots=True)
class ChunkSummary:
    """Chunks by codec, and blocks by worker with mean, min, max, stddev and total below."""

    codecs: tuple[CodecLine, ...]
    workers: tuple[WorkerLine, ...]
    statistics: tuple[WorkerLine, ...]

    @property
    def nbytes(self) -> int:
        """Bytes of all chunks."""
        return sum(line.nbytes for line in self.codecs)

    def tables(self) -> tuple[TextTable, TextTable]:
        """Return both summaries as tables of text."""
        by_codec = TextTable(
            ("codec", "chunks", "chunks %", "size", "size %"),
            (
                tuple(line.codec for line in self.codecs),
                tuple(str(line.n_chunks) for line in self.codecs),
                tuple(f"{line.n_chunks_pct:.2f}" for line in self.codecs),
                tuple(size_text(line.nbytes) for line in self.codecs),
                tuple(f"{line.nbytes_pct:.2f}" for line in self.codecs),
            ),
            (),
            (False, True, True, True, True),
        )
        lines = (*self.workers, *self.statistics)
        by_worker = TextTable(
            ("worker", "size", "rows", "chunks per column", "chunks"),
            (
                tuple(line.worker for line in lines),
                tuple(size_text(line.nbytes) for line in lines),
                tuple(f"{line.n_rows:.10g}" for line in lines),
                tuple(f"{line.n_blocks:.10g}" for line in lines),
                tuple(f"{line.n_chunks:.10g}" for line in lines),
            ),
            (),
            (False, True, True, True, True),
        )
        return by_codec, by_worker


def chunk_summary(frame: Frame) -> ChunkSummary:
    """Return counts and bytes by codec and by worker."""
    if not frame.n_cols:
        return ChunkSummary((), (), ())
    engine = engine_for(frame)
    counted = engine.collect(frame, _count_codecs)
    n_chunks: Counter[str] = Counter()
    nbytes: Counter[str] = Counter()
    for chunks_of, nbytes_of in counted:
        n_chunks.update(chunks_of)
        nbytes.update(nbytes_of)
    per_worker: dict[str, list[float]] = {}
    sizes = [sum(nbytes_of.values()) for _, nbytes_of in counted]
    for worker, size, n_rows in zip(engine.places(frame), sizes, frame.layout, strict=True):
        held = per_worker.setdefault(worker, [0.0, 0.0, 0.0])
        held[0] += size
        held[1] += n_rows
        held[2] += 1
    workers = tuple(
        WorkerLine(worker, size, n_rows, n_blocks, n_blocks * frame.n_cols)
        for worker, (size, n_rows, n_blocks) in per_worker.items()
    )
    return ChunkSummary(_codec_lines(n_chunks, nbytes), workers, _statistics(workers))


def _count_codecs(block: Block) -> tuple[Counter[str], Counter[str]]:
    n_chunks: Counter[str] = Counter()
    nbytes: Counter[str] = Counter()
    for chunk in block.chunks:
        name = chunk.codec.name
        n_chunks[name] += 1
        nbytes[name] += chunk.nbytes
    return n_chunks, nbytes


def _codec_lines(n_chunks: Counter[str], nbytes: Counter[str]) -> tuple[CodecLine, ...]:
    all_chunks, all_nbytes = max(1, n_chunks.total()), max(1, nbytes.total())
    return tuple(
        CodecLine(name, n, 100 * n / all_chunks, nbytes[name], 100 * nbytes[name] / all_nbytes)
        for name, n in sorted(n_chunks.items())
    )


def _statistics(workers: tuple[WorkerLine, ...]) -> tuple[WorkerLine, ...]:
    if not workers:
        return ()
    columns = [
        [line.nbytes for line in workers],
        [line.n_rows for line in workers],
        [line.n_blocks for line in workers],
        [line.n_chunks for line in workers],
    ]
    measures: dict[str, Callable[[list[float]], float]] = {
        "mean": _mean,
        "min": min,
        "max": max,
        "stddev": _spread,
        "total": sum,
    }
    return tuple(
        WorkerLine(name, *(float(measure(column)) for column in columns))
        for name, measure in measures.items()
    )


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)


def _spread(values: list[float]) -> float:
    mean = _mean(values)
    return math.sqrt(_mean([(value - mean) ** 2 for value in values]))


def frame_nbytes(frame: Frame) -> int:
    """Return the bytes of the compressed columns of the frame."""
    known = [vec.cell.rollups for vec in frame.vecs if vec.sub_ms is None]
    rollups = [rolled for rolled in known if rolled is not None]
    if len(rollups) == frame.n_cols:
        return sum(rolled.nbytes for rolled in rollups)
    everything = physical(frame)
    return sum(engine_for(everything).collect(everything, _nbytes))


def _nbytes(block: Block) -> int:
    return block.nbytes


def size_text(nbytes: float) -> str:
    """Return a number of bytes for people, as ``1.5 MB``."""
    for unit in ("B", "KB", "MB", "GB"):
        if nbytes < 1024 or unit == "GB":
            break
        nbytes /= 1024
    return f"{nbytes:.0f} B" if unit == "B" else f"{nbytes:.1f} {unit}"
