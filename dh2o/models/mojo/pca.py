"""MOJOs of principal components."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from dh2o.models.expansion import Expansion
from dh2o.models.model import Model
from dh2o.models.mojo.draft import MojoDraft
from dh2o.models.mojo.errors import MojoError
from dh2o.models.mojo.kinds import MojoKind, register_kind
from dh2o.models.mojo.source import MojoSource
from dh2o.models.pca import PCAModel

__all__ = ["PCAMojo"]

_MAX = 100_000_000


@register_kind
class PCAMojo(MojoKind):
    """The components over indicators of levels and transformed numbers."""

    algorithm: ClassVar[str] = PCAModel.algo_full_name
    algo: ClassVar[str] = PCAModel.algo
    version: ClassVar[str] = "1.00"

    def write(self, model: Model, draft: MojoDraft) -> None:
        """Add the components and what is done to numbers."""
        assert isinstance(model, PCAModel)
        expansion, x = model.expansion, model.output.x
        draft.put("pcaMethod", str(model.params.get("pca_method", "GramSVD")))
        draft.put("pca_impl", str(model.params.get("pca_impl", "MTJ_EVD_SYMMMATRIX")))
        draft.put("k", model.n_outputs)
        draft.put("use_all_factor_levels", expansion.all_levels)
        draft.put("permutation", [x.index(name) for name in expansion.columns])
        draft.put("ncats", len(expansion.categoricals))
        draft.put("nnums", len(expansion.numerics))
        draft.put("normSub", np.asarray(expansion.shift, np.float64))
        draft.put("normMul", np.asarray(expansion.scale, np.float64))
        draft.put("catOffsets", list(expansion.starts))
        draft.put("eigenvector_size", len(model.vectors))
        draft.blob("eigenvectors_raw", model.vectors.astype(">f8").tobytes())

    def read(self, source: MojoSource) -> Model:
        """Return the model. What the components explain is not in a MOJO."""
        ini = source.ini
        expansion = _expansion(source)
        k, size = ini.count("k", _MAX), ini.count("eigenvector_size", _MAX)
        data = source.archive.read("eigenvectors_raw")
        if size != expansion.size or len(data) != 8 * k * size:
            raise MojoError(
                f"The MOJO has {len(data) // 8} coordinates for {k} components of {expansion.size}."
            )
        vectors = np.frombuffer(data, ">f8").reshape(size, k).astype(np.float64)
        unknown = np.full(k, np.nan)
        return PCAModel(
            source.key, source.params(), source.output(), expansion, vectors, unknown, 0, np.nan
        )


def _expansion(source: MojoSource) -> Expansion:
    ini, features = source.ini, source.features
    n_cats, n_nums = ini.count("ncats", _MAX), ini.count("nnums", _MAX)
    order = ini.integers("permutation", list(range(len(features))))
    if n_cats + n_nums != len(features) or sorted(order) != list(range(len(features))):
        raise MojoError(f"The MOJO has {n_cats} + {n_nums} predictors for {len(features)} columns.")
    names = [features[i] for i in order]
    levels = tuple(source.feature_domains[i] or () for i in order[:n_cats])
    shift = ini.numbers("normSub") if n_nums else np.zeros(0)
    scale = ini.numbers("normMul") if n_nums else np.zeros(0)
    expansion = Expansion(
        tuple(names[:n_cats]), levels, tuple(names[n_cats:]), (0,) * n_cats, np.zeros(n_nums),
        shift, scale, ini.flag("use_all_factor_levels"), imputes=False,
    )  # fmt: skip
    if list(expansion.starts) != ini.integers("catOffsets", [0]):
        raise MojoError("catOffsets of the MOJO do not fit the levels of its columns.")
    if not len(shift) == len(scale) == n_nums:
        raise MojoError("The MOJO does not say of each number how it is transformed.")
    return expansion
