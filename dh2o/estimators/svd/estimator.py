"""The estimator that users call."""

from __future__ import annotations

from typing import Any

from dh2o.estimators.estimator import H2OEstimator
from dh2o.estimators.pca.estimator import ProjectionSide
from dh2o.estimators.svd.params import PARAMS


class H2OSingularValueDecompositionEstimator(ProjectionSide, H2OEstimator, table=PARAMS):
    """Singular value decomposition of numeric and categorical columns."""

    algo = "svd"
    supervised_learning = False

    def d(self) -> list[float]:
        """Return the singular values, the largest first."""
        return [float(value) for value in self._projection().values]

    def u(self) -> Any:
        """Return the frame of left singular vectors, None if it was not kept."""
        return self._frame_of("u_key")

    def v(self) -> Any:
        """Return the frame of right singular vectors, one row for each expanded column."""
        return self._frame_of("v_key")

    def _frame_of(self, name: str) -> Any:
        from dh2o.frame import Frame
        from dh2o.rapids import H2OFrame

        key = self._projection().output.extra[name]
        return None if key is None else H2OFrame(Frame.get(key["name"]))
