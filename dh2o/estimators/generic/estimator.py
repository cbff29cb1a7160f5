"""H2OGenericEstimator: a MOJO file as a model of the cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from dh2o.estimators.building.inputs import engine_or_start
from dh2o.estimators.estimator import H2OEstimator
from dh2o.estimators.generic.params import PARAMS

__all__ = ["H2OGenericEstimator"]


class H2OGenericEstimator(H2OEstimator, table=PARAMS):
    """A model read from a MOJO of H2O or of dh2o; ``train`` takes no frame."""

    supervised_learning: ClassVar[bool] = False

    def train(self, *args: Any, model_id: str | None = None, **ignored: Any) -> H2OEstimator:  # noqa: ARG002  # H2O's signature
        """Read the file; returns self.

        Parameters
        ----------
        *args, **ignored
            Those of other estimators, not looked at: there is nothing to train.
        model_id : str, optional
            Key of the model; instead of the constructor's.

        Raises
        ------
        ModelError
            The file is missing, or is no MOJO, or one of an algorithm that is not read.
        """
        raw = {name: getattr(self, name) for name in ("path", "model_key")}
        raw["model_key"] = getattr(raw["model_key"], "key", raw["model_key"])
        if raw["path"] is not None:
            raw["path"] = str(Path(raw["path"]).expanduser().resolve())
        engine_or_start()
        given = {name: value for name, value in raw.items() if value is not None}
        self._job = self._start(given, model_id or self._model_id)
        self._job.wait(progress=True)
        self._model = self._job.result()
        self._after_training()
        return self

    @staticmethod
    def from_file(file: str | Path, model_id: str | None = None) -> H2OGenericEstimator:
        """Return the model in the MOJO `file`.

        Parameters
        ----------
        file : str or Path
            A file that the workers reach under this path.
        model_id : str, optional
            Key of the model; default: a new one.
        """
        estimator = H2OGenericEstimator(path=str(file), model_id=model_id)
        estimator.train()
        return estimator
