"""``categorical_encoding``: the training frame with its categorical columns made into others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dh2o.chunks import Block, Chunk, encode_codes, encode_floats
from dh2o.frame import Frame, VecType
from dh2o.models.encoding import Encoding, EncodingStep
from dh2o.mrtask import MRTask

if TYPE_CHECKING:
    from dh2o.estimators.spec import TrainSpec

__all__ = ["encoded", "encoded_frame", "sorted_by_response"]

I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
_AS_IT_IS = ("AUTO", "Enum", "OneHotInternal", "SortByResponse")
_MAX_EIGEN_LEVELS = 1024
_OTHER = "other"


def encoded(spec: TrainSpec, before: Encoding | None = None) -> TrainSpec:
    """Return the spec whose frames are encoded as its parameters ask.

    `before` is the encoding of a model that the build goes on from: it is used again.
    """
    scheme = spec.params.get("categorical_encoding", "AUTO")
    if scheme in _AS_IT_IS:
        return spec
    sources = [n for n in spec.x if spec.train.vec(n).is_enum and spec.train.vec(n).n_levels > 0]
    if before is not None and before.scheme == scheme:
        steps = before.steps
    else:
        steps = _steps(spec, scheme, sources)
    if not steps:
        return spec
    train = spec.train
    encoding = Encoding(scheme, train.names, tuple(vec.domain for vec in train.vecs), steps)
    special = tuple(name for name in train.names if name not in spec.x)
    names = encoding.encoded_names(special)
    return spec.replace(
        train=encoded_frame(train, encoding, names),
        valid=None if spec.valid is None else encoded_frame(spec.valid, encoding, names),
        x=names[: len(names) - len(special)],
        encoding=encoding,
    )


def _steps(spec: TrainSpec, scheme: str, sources: list[str]) -> tuple[EncodingStep, ...]:
    domains = {name: spec.train.vec(name).domain or () for name in sources}
    if scheme == "OneHotExplicit":
        return tuple(EncodingStep.one_hot(name, domains[name]) for name in sources)
    if scheme == "Binary":
        return tuple(EncodingStep.binary(name, domains[name]) for name in sources)
    if scheme == "LabelEncoder":
        return tuple(_label_step(name, domains[name]) for name in sources)
    if scheme == "EnumLimited":
        most = spec.params.get("max_categorical_levels", 10)
        sources = [n for n in sources if _is_too_wide(domains[n], most)]
        counts = _level_counts(spec, sources)
        return tuple(_limited_step(n, domains[n], counts[n], most) for n in sources)
    counts = _level_counts(spec, sources)
    return tuple(_eigen_step(n, domains[n], counts[n], spec.train.n_rows) for n in sources)


def _is_too_wide(domain: tuple[str, ...], most: int) -> bool:
    """Whether a column has more levels than that, and was not cut down before."""
    return len(domain) > most and not (len(domain) == most + 1 and domain[-1] == _OTHER)


def _label_step(name: str, domain: tuple[str, ...]) -> EncodingStep:
    """Levels that are whole numbers in writing stand for themselves, others for their position."""
    try:
        values = np.array([int(level) for level in domain], dtype=np.float64)
    except ValueError:
        values = np.arange(len(domain), dtype=np.float64)
    return EncodingStep(name, domain, "map", (name,), values)


def _most_frequent(counts: I64, most: int) -> tuple[I64, bool]:
    """Return the levels that occur most, the most frequent first, and whether there are others."""
    order = np.argsort(-counts, kind="stable")
    seen = order[counts[order] > 0]
    return seen[:most], len(seen) > most


def _limited_step(name: str, domain: tuple[str, ...], counts: I64, most: int) -> EncodingStep:
    kept, has_others = _most_frequent(counts, most)
    values = np.full(len(domain), float(len(kept)) if has_others else np.nan)
    values[kept] = np.arange(len(kept))
    levels = [domain[i] for i in kept] + ([_OTHER] if has_others else [])
    made = f"{name}.top_{most}_levels"
    return EncodingStep(name, domain, "map", (made,), values, tuple(levels))


def _eigen_step(name: str, domain: tuple[str, ...], counts: I64, n_rows: int) -> EncodingStep:
    """Return a number for each level, from the last eigenvector of ``I - sqrt(c c') / n``.

    c are the levels' counts. NA counts as the most frequent level. Beyond 1024
    levels, the rarer ones share a value.
    """
    kept, has_others = _most_frequent(counts, _MAX_EIGEN_LEVELS)
    where = np.full(len(domain), len(kept), dtype=np.int64)
    where[kept] = np.arange(len(kept))
    sums = np.bincount(where, weights=counts, minlength=len(kept) + 1)
    if not has_others:
        sums = sums[: len(kept)]
    if len(sums) == 0:
        return EncodingStep(name, domain, "map", (f"{name}.Eigen",), np.full(len(domain), np.nan))
    sums[0] += n_rows - counts.sum()
    root = np.sqrt(sums / max(n_rows, 1))
    found, vectors = np.linalg.eigh(np.eye(len(sums)) - np.outer(root, root))
    row = np.append(vectors[int(np.argmax(found))].astype(np.float32), np.nan)
    values = row[np.minimum(where, len(row) - 1)].astype(np.float64)
    return EncodingStep(name, domain, "map", (f"{name}.Eigen",), values)


def encoded_frame(frame: Frame, encoding: Encoding, names: tuple[str, ...]) -> Frame:
    """Return the frame with the columns `names`, made by the steps of `encoding` where need be."""
    sources = [step.source for step in encoding.steps]
    made = [name for step in encoding.steps for name in step.names]
    domains = [encoding.domain_of(name) for name in made]
    types = [VecType.NUMERIC if domain is None else VecType.ENUM for domain in domains]
    blocks = EncodeColumns(encoding.steps).new_blocks(frame.select(sources), len(made))
    new = Frame.of(made, blocks, types, domains)
    vecs = dict(zip(frame.names, frame.vecs, strict=True))
    vecs |= dict(zip(new.names, new.vecs, strict=True))
    return Frame(names, tuple(vecs[name] for name in names), frame.layout, frame.key)


class EncodeColumns(MRTask[None, None]):
    """The columns that the steps make of the columns they read."""

    __slots__ = ("steps",)

    def __init__(self, steps: tuple[EncodingStep, ...]) -> None:
        self.steps = steps

    def map(self, block: Block) -> tuple[Chunk, ...]:  # type: ignore[override]  # makes chunks
        chunks: list[Chunk] = []
        for step in self.steps:
            encode = encode_floats if step.domain is None else _codes
            chunks.extend(map(encode, step.columns(block.floats(step.source)).values()))
        return tuple(chunks)


def _codes(values: F64) -> Chunk:
    return encode_codes(np.where(np.isnan(values), -1, values).astype(np.int32))


class LevelCounts(MRTask[dict[str, I64], dict[str, I64]]):
    """How many rows have each level, by column."""

    def __init__(self, n_levels: dict[str, int]) -> None:
        self.n_levels = n_levels

    def map(self, block: Block) -> dict[str, I64]:
        return {name: self._counts(block, name) for name in self.n_levels}

    def _counts(self, block: Block, name: str) -> I64:
        codes = block.codes(name)
        return np.bincount(codes[codes >= 0], minlength=self.n_levels[name]).astype(np.int64)

    def combine(self, a: dict[str, I64], b: dict[str, I64]) -> dict[str, I64]:
        return {name: a[name] + b[name] for name in a}


def _level_counts(spec: TrainSpec, sources: list[str]) -> dict[str, I64]:
    if not sources:
        return {}
    n_levels = {name: spec.train.vec(name).n_levels for name in sources}
    return LevelCounts(n_levels).do_all(spec.train.select(sources))


def sorted_by_response(spec: TrainSpec) -> TrainSpec:
    """Return the spec in whose training frame levels are in the order of their mean response.

    Only with ``categorical_encoding="SortByResponse"``; means are weighted, a level without rows
    counts as 0. Frames to judge on fit by the names of levels.
    """
    if spec.params.get("categorical_encoding") != "SortByResponse" or spec.response is None:
        return spec
    sources = [n for n in spec.x if spec.train.vec(n).is_enum and spec.train.vec(n).n_levels > 1]
    if not sources:
        return spec
    n_levels = {name: spec.train.vec(name).n_levels for name in sources}
    means = LevelMeans(n_levels, spec.response, spec.weights).do_all(spec.train)
    steps = tuple(_sorting_step(spec.train.vec(n).domain or (), n, means[n]) for n in sources)
    train = encoded_frame(spec.train, Encoding("map", (), (), steps), spec.train.names)
    valid = spec.valid
    if valid is not None:
        valid = encoded_frame(valid, Encoding("map", (), (), steps), valid.names)
    return spec.replace(train=train, valid=valid)


def _sorting_step(domain: tuple[str, ...], name: str, means: F64) -> EncodingStep:
    order = np.argsort(means, kind="stable")
    position = np.empty(len(order))
    position[order] = np.arange(len(order))
    levels = tuple(domain[i] for i in order)
    return EncodingStep(name, domain, "map", (name,), position, levels)


class LevelMeans(MRTask[dict[str, F64], dict[str, F64]]):
    """The weighted mean response of each level, by column."""

    def __init__(self, n_levels: dict[str, int], response: str, weights: str | None) -> None:
        self.n_levels = n_levels
        self.response = response
        self.weights = weights

    def map(self, block: Block) -> dict[str, F64]:
        y = block.floats(self.response)
        w = block.floats(self.weights) if self.weights else np.ones(len(y))
        used = ~np.isnan(y) & (w > 0)
        found = {}
        for name, n in self.n_levels.items():
            codes = block.codes(name)
            rows = used & (codes >= 0)
            weighted = np.bincount(codes[rows], w[rows], minlength=n)
            responses = np.bincount(codes[rows], (w * y)[rows], n)
            found[name] = np.stack([weighted, responses]).astype(np.float64)
        return found

    def combine(self, a: dict[str, F64], b: dict[str, F64]) -> dict[str, F64]:
        return {name: a[name] + b[name] for name in a}

    def finish(self, total: dict[str, F64] | None) -> dict[str, F64]:
        found = {}
        for name, n in self.n_levels.items():
            weighted, responses = np.zeros((2, n)) if total is None else total[name]
            found[name] = np.divide(responses, weighted, out=np.zeros(n), where=weighted > 0)
        return found
