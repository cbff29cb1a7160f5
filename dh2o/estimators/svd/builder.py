"""Builds singular value decompositions."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from dh2o.chunks import Block, Chunk, encode_floats
from dh2o.estimators.builder import ModelBuilder, register
from dh2o.estimators.messages import Message
from dh2o.estimators.params import ParamTable
from dh2o.estimators.pca.decompose import Found, decompose, history_table
from dh2o.estimators.pca.moments import F64
from dh2o.estimators.spec import TrainSpec
from dh2o.estimators.svd.params import PARAMS
from dh2o.frame import Frame, VecType
from dh2o.models import Model, ModelCategory, TwoDimTable
from dh2o.models.columns import Columns
from dh2o.models.expansion import Expansion
from dh2o.models.pca import SVDModel
from dh2o.mrtask import MRTask

if TYPE_CHECKING:
    from dh2o.mrtask import JobContext


class SVDBuilder(ModelBuilder):
    """X = U D V' of the expanded and transformed rows."""

    algo: ClassVar[str] = "svd"
    algo_full_name: ClassVar[str] = "Singular Value Decomposition"
    params: ClassVar[ParamTable] = PARAMS
    supervised: ClassVar[bool] = False
    category = ModelCategory.DIM_REDUCTION
    can_build: ClassVar[tuple[ModelCategory, ...]] = (ModelCategory.DIM_REDUCTION,)
    visibility: ClassVar[str] = "Experimental"
    model_class: ClassVar[type[Model]] = SVDModel

    def check(self, spec: TrainSpec) -> Iterable[Message]:
        drops = 0 if spec.params["use_all_factor_levels"] else 1
        vecs = [spec.train.vec(name) for name in spec.x]
        most = sum(max(v.n_levels - drops, 0) if v.is_enum else 1 for v in vecs)
        if not 1 <= spec.params["nv"] <= most:
            yield Message.error(
                "nv", f"Number of right singular values must be between 1 and {most}"
            )

    def build(self, ctx: JobContext, spec: TrainSpec) -> Model:
        """Return the model; frames of the singular vectors are stored beside it."""
        params = spec.params
        method, nv = params["svd_method"], int(params["nv"])
        found = decompose(ctx, spec, method, nv, imputes=False, what="nv")
        n_found = len(found.parts.values)
        if n_found < nv:
            ctx.warn(
                f"_train SVD: Dataset is rank deficient.  _parms._nv was {nv} and is now set to "
                f"{n_found}"
            )
            spec = spec.with_actual(nv=n_found)
        v_key = f"SVDVMatrix_{secrets.token_hex(16)}"
        ctx.dkv.put(v_key, _v_frame(found).with_key(v_key), kind="frame")
        u_key = None
        if params["keep_u"]:
            u_key = params["u_name"] or f"SVDUMatrix_{secrets.token_hex(16)}"
            ctx.dkv.put(u_key, _u_frame(spec, found).with_key(u_key), kind="frame")
        return _model(spec, found, v_key, u_key)


class LeftVectors(MRTask[None, None]):
    """U = X V / d of rows without NA."""

    def __init__(self, expansion: Expansion, scaled: F64) -> None:
        self.expansion = expansion
        self.scaled = scaled

    def map(self, block: Block) -> tuple[Chunk, ...]:  # type: ignore[override]  # makes chunks
        columns = {name: block.floats(name) for name in self.expansion.columns}
        u = self.expansion.projected(Columns(columns, block.n_rows), self.scaled, block.n_rows)
        return tuple(encode_floats(np.ascontiguousarray(column)) for column in u.T)


def _u_frame(spec: TrainSpec, found: Found) -> Frame:
    """Return the left singular vectors of the rows that were used."""
    frame = spec.train.select(found.expansion.columns)
    if found.n_rows < frame.n_rows:
        from dh2o.rapids import H2OFrame

        frame = H2OFrame(frame).na_omit().frame
    values = found.parts.values
    scaled = found.parts.vectors / np.where(values > 0, values, np.inf)
    names = [f"C{i + 1}" for i in range(len(values))]
    task = LeftVectors(found.expansion, scaled)
    return task.new_frame(frame, names, [VecType.NUMERIC] * len(names))


def _v_frame(found: Found) -> Frame:
    vectors = found.parts.vectors
    return Frame.from_numpy(vectors, names=[f"C{i + 1}" for i in range(vectors.shape[1])])


def _model(spec: TrainSpec, found: Found, v_key: str, u_key: str | None) -> SVDModel:
    parts = found.parts
    columns = {f"sval{i + 1}": ("double", [value]) for i, value in enumerate(parts.values)}
    method = spec.params["svd_method"]
    history = None
    if method != "GramSVD":
        history = history_table(parts, method, spec.start_time_ms, spec.start_time_ms)
    output = spec.output(
        model_summary=TwoDimTable.of("Singular values", {"": ("string", [""]), **columns}),
        scoring_history=history,
        extra={"d": parts.values.tolist(), "v_key": _key(v_key), "u_key": _key(u_key)},
    )
    return SVDModel(
        spec.model_key, spec.params, output, found.expansion, parts.vectors, parts.values,
        found.n_rows, found.total_variance,
    )  # fmt: skip


def _key(name: str | None) -> dict[str, str] | None:
    """Return the key of a frame as H2O's clients read it."""
    if name is None:
        return None
    return {"name": name, "type": "Key<Frame>", "URL": f"/3/Frames/{name}"}


register(SVDBuilder())
