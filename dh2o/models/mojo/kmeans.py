"""MOJOs of K-means models."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from dh2o.models.kmeans import KMeansModel, Space
from dh2o.models.model import Model
from dh2o.models.mojo.draft import MojoDraft
from dh2o.models.mojo.errors import MojoError
from dh2o.models.mojo.kinds import MojoKind, register_kind
from dh2o.models.mojo.source import MojoSource

__all__ = ["KMeansMojo"]

_MOST_CENTERS = 10_000_000


@register_kind
class KMeansMojo(MojoKind):
    """The centres, and how numbers are standardised.

    Without standardising the format has nothing that stands in for NA: the scorer passes it over.
    """

    algorithm: ClassVar[str] = KMeansModel.algo_full_name
    algo: ClassVar[str] = KMeansModel.algo
    version: ClassVar[str] = "1.00"

    def write(self, model: Model, draft: MojoDraft) -> None:
        """Add the centres."""
        assert isinstance(model, KMeansModel)
        space = model.space
        draft.put("standardize", space.mults is not None)
        if space.mults is not None:
            draft.put("standardize_means", np.asarray(space.means, np.float64))
            draft.put("standardize_mults", np.asarray(space.mults, np.float64))
            draft.put("standardize_modes", [int(mode) for mode in space.modes])
        draft.put("center_num", len(model.centers))
        for idx, center in enumerate(model.centers):
            draft.put(f"center_{idx}", np.asarray(center, np.float64))

    def read(self, source: MojoSource) -> Model:
        """Return the model."""
        ini, n = source.ini, len(source.features)
        is_level = np.array([domain is not None for domain in source.feature_domains])
        modes = np.where(is_level, -2, -1)
        means, mults = np.full(n, np.nan), None
        if ini.flag("standardize"):
            means, mults = ini.numbers("standardize_means"), ini.numbers("standardize_mults")
            modes = np.array(ini.integers("standardize_modes", []), np.int64)
        if not len(means) == len(modes) == n or ((modes == -1) == is_level).any():
            raise MojoError("The MOJO does not say of each column how it is standardised.")
        if mults is not None and len(mults) != n:
            raise MojoError("The MOJO does not say of each column how it is standardised.")
        count = ini.count("center_num", _MOST_CENTERS)
        centers = [ini.numbers(f"center_{idx}") for idx in range(count)]
        if not centers or any(len(center) != n for center in centers):
            raise MojoError(f"Each centre of the MOJO needs {n} coordinates, and one is needed.")
        space = Space(source.features, means, mults, modes.astype(np.int64))
        return KMeansModel(source.key, source.params(), source.output(), np.array(centers), space)
