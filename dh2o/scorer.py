"""Scores a MOJO or a saved model on tables and single rows, with neither Dask nor Java.

>>> scorer = Scorer.load("model.zip")
>>> scorer.predict_row({"x": 1.5, "colour": "red"})
{'predict': 'yes', 'no': 0.2, 'yes': 0.8}

A row is a dict; a table is pandas, Polars, Arrow, NumPy (columns in the model's order) or a dict of
columns. Columns that are missing count as NA; columns that the model does not know are passed over,
with a warning where a row lacks a column of nearly that name. Data without any column of the model
are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from dh2o.errors import ModelError
from dh2o.models.columns import Columns
from dh2o.models.files import model_from_bytes
from dh2o.models.model import Model
from dh2o.models.mojo.archive import MojoArchive
from dh2o.models.mojo.files import read_mojo
from dh2o.models.row import RowReader, RowWriter, row_score
from dh2o.models.tree_model import TreeModel

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Scorer"]

Policy = Literal["na", "error"]
_MODEL_FILE = "model.json"


class Scorer:
    """A trained model, ready to score.

    Parameters
    ----------
    model
        A model of dh2o; `load` reads one from a file.
    unknown_levels : {"na", "error"}
        What a level that the model was not trained on means: NA, or a `ModelError` that names it.
    invalid_numbers : {"na", "error"}
        What a text that is no number means in a numeric column of a row.
    """

    def __init__(
        self, model: Model, *, unknown_levels: Policy = "na", invalid_numbers: Policy = "error"
    ) -> None:
        for name, value in (
            ("unknown_levels", unknown_levels),
            ("invalid_numbers", invalid_numbers),
        ):
            if value not in ("na", "error"):
                raise ModelError(f"{name}: expected 'na' or 'error', got {value!r}.")
        self.model: Model = getattr(model, "inner", model)
        self.unknown_levels = unknown_levels
        self._read = RowReader(self.model, unknown_levels == "na", invalid_numbers == "na")
        self._score = row_score(self.model)
        self._write = RowWriter(self.model)

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        unknown_levels: Policy = "na",
        invalid_numbers: Policy = "error",
    ) -> Scorer:
        """Return the scorer of the model in a file: a MOJO of H2O or dh2o, or a saved model.

        Parameters
        ----------
        path : str or Path
            The file, which this process reads.
        unknown_levels : {"na", "error"}
            What a level that the model was not trained on means: NA, or a `ModelError` that names
            it.
        invalid_numbers : {"na", "error"}
            What a text that is no number means in a numeric column of a row.

        Raises
        ------
        ModelError
            The file is missing, or damaged, or holds a model that cannot be read here.
        """
        file = Path(path).expanduser()
        try:
            data = file.read_bytes()
        except OSError as problem:
            raise ModelError(f"Cannot read model {str(path)!r}: {problem.strerror}.") from None
        return cls.of_bytes(
            data, file.stem, unknown_levels=unknown_levels, invalid_numbers=invalid_numbers
        )

    @classmethod
    def of_bytes(
        cls,
        data: bytes,
        key: str = "model",
        *,
        unknown_levels: Policy = "na",
        invalid_numbers: Policy = "error",
    ) -> Scorer:
        """Return the scorer of the model whose file has these bytes.

        Parameters
        ----------
        data : bytes
            The file.
        key : str
            Name of the model of a MOJO, which does not hold its own; a saved model keeps its key.
        unknown_levels, invalid_numbers : {"na", "error"}
            As of `load`.

        Raises
        ------
        ModelError
            The bytes are damaged, or hold a model that cannot be read here.
        """
        is_own = _MODEL_FILE in MojoArchive.of(data)
        model = model_from_bytes(data) if is_own else read_mojo(data, key)
        return cls(model, unknown_levels=unknown_levels, invalid_numbers=invalid_numbers)

    # ---- what the model reads and gives

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the predictors, in the order that NumPy arrays need."""
        return self.model.output.input_names

    @property
    def levels(self) -> tuple[str, ...] | None:
        """The classes, None if the model predicts numbers."""
        return self.model.prediction_domain

    @property
    def prediction_names(self) -> tuple[str, ...]:
        """Names of all that is predicted of a row."""
        return self.model.prediction_names

    # ---- one row

    def predict_row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return all predictions of a row by name: the class (or number) and the probabilities.

        Parameters
        ----------
        row : dict
            Values by column: numbers, texts or None (NA). Predictors that are missing are NA; other
            names are passed over.

        Raises
        ------
        ModelError
            A level or a text that the policies of this scorer do not take.
        """
        return self._write.all_of(self._score(self._read(row)))

    # ---- rows or tables

    def predict(self, data: Any) -> Any:
        """Return the class or number of each row of a table; of a dict of scalars, the one.

        Parameters
        ----------
        data : dict, pandas, Polars, Arrow or NumPy table
            Rows; a dict of scalars is one row, a dict of lists columns. The columns of a NumPy
            array are `columns`, in their order.

        Returns
        -------
        numpy.ndarray, or one value of a row
            Shape (n_rows,): numbers, or classes as texts (object, NA as None).

        Examples
        --------
        >>> from dh2o.estimators import H2OGeneralizedLinearEstimator
        >>> fr = dh2o.H2OFrame({"x": [1, 2, 3, 4], "y": [2, 4, 6, 8]})
        >>> glm = H2OGeneralizedLinearEstimator(lambda_=0).train(y="y", training_frame=fr)
        >>> scorer = dh2o.scorer.Scorer(glm.model)
        >>> round(scorer.predict({"x": 5}), 6)
        10.0
        >>> scorer.predict({"x": [5, 6]}).round(6)
        array([10., 12.])
        """
        if _is_row(data):
            return self.predict_row(data)[self.prediction_names[0]]
        return self.predict_table(data)[self.prediction_names[0]]

    def predict_proba(self, data: Any) -> Any:
        """Return the probabilities of the classes, shape (n_rows, K); of a row, by class.

        Parameters
        ----------
        data : dict, pandas, Polars, Arrow or NumPy table
            Rows, as `predict` takes them.

        Raises
        ------
        ModelError
            The model predicts numbers, not classes.
        """
        if not self.model.output.category.is_classifier:
            raise ModelError(
                f"{self.model.algo_full_name} model {self.model.key} predicts numbers, not classes."
            )
        levels = self.levels or ()
        raw = self.model.score(self._read(data) if _is_row(data) else self._columns(data))
        shares = raw[:, : len(levels)]
        if _is_row(data):
            return dict(zip(levels, shares[0].tolist(), strict=True))
        return shares

    def predict_table(self, data: Any) -> dict[str, NDArray[Any]]:
        """Return the prediction columns of a table by name; classes as texts, NA as None.

        Parameters
        ----------
        data : dict, pandas, Polars, Arrow or NumPy table
            Rows, as `predict` takes them.

        Returns
        -------
        dict of numpy.ndarray
            One array of n_rows for each of `prediction_names`.
        """
        raw = self.model.score(self._columns(data))
        columns = dict(zip(self.prediction_names, self.model.predictions(raw), strict=True))
        if self.levels is not None:
            names = np.array([*self.levels, None], dtype=object)
            columns["predict"] = names[columns["predict"]]
        return columns

    def predict_pandas(self, data: Any) -> pd.DataFrame:
        """Return the prediction columns of a table as a pandas frame.

        Parameters
        ----------
        data : dict, pandas, Polars, Arrow or NumPy table
            Rows, as `predict` takes them.
        """
        import pandas as pd

        return pd.DataFrame(self.predict_table(data))

    # ---- why

    def contributions(self, data: Any) -> dict[str, Any]:
        """Return the Shapley values of each predictor and the bias, by name.

        They add up to the score before the inverse link. Of a row, numbers; of a table, arrays.

        Parameters
        ----------
        data : dict, pandas, Polars, Arrow or NumPy table
            Rows, as `predict` takes them.

        Raises
        ------
        ModelError
            The model has no trees.
        """
        from dh2o.models.explain.contributions import contribution_names, contributions

        trees = self._trees("contributions")
        values = contributions(trees, self._read(data) if _is_row(data) else self._columns(data))
        return _by_name(contribution_names(trees), values, _is_row(data))

    def leaf_nodes(self, data: Any) -> dict[str, Any]:
        """Return the number of the leaf in which each tree puts a row, by tree (``T1.C1``).

        Parameters
        ----------
        data : dict, pandas, Polars, Arrow or NumPy table
            Rows, as `predict` takes them.

        Raises
        ------
        ModelError
            The model has no trees.
        """
        from dh2o.models.explain.leaves import node_numbers, tree_column_names

        trees = self._trees("leaf_nodes")
        columns = self._read(data) if _is_row(data) else self._columns(data)
        names = tree_column_names(trees.forest, trees.output.n_classes)
        numbers = node_numbers(trees.forest, trees.tree_rows(columns))
        return _by_name(names, numbers.T, _is_row(data))

    def _trees(self, what: str) -> TreeModel:
        from dh2o.models.explain.raw_score import tree_model_of

        return tree_model_of(self.model, what)

    def _columns(self, data: Any) -> Columns:
        from dh2o.models.predict_local import local_columns_of

        if self.unknown_levels == "error":
            _refuse_unknown(self.model, data)
        return local_columns_of(self.model, data)

    def __repr__(self) -> str:
        output = self.model.output
        return (
            f"Scorer({self.model.algo_full_name} {self.model.key!r}, {output.category.value}, "
            f"{len(self.columns)} predictors)"
        )


def _is_row(data: Any) -> bool:
    """Return whether `data` is a dict of scalars (texts are scalars)."""
    return isinstance(data, Mapping) and all(
        isinstance(value, str) or np.ndim(value) == 0 for value in data.values()
    )


def _by_name(names: Any, values: NDArray[Any], one: bool) -> dict[str, Any]:
    flat = values.reshape(len(values), -1)
    if one:
        return dict(zip(names, flat[0].tolist(), strict=True))
    return {name: flat[:, idx] for idx, name in enumerate(names)}


def _refuse_unknown(model: Model, data: Any) -> None:
    """Raise `ModelError` if a column of levels has one that the model was not trained on."""
    from dh2o.models.row import input_domains
    from dh2o.models.table_input import local_table

    table = local_table(data, model.output.input_names).table
    for name, domain in input_domains(model).items():
        if domain is None or name not in table.column_names:
            continue
        known = set(domain)
        for level in table.column(name).unique().to_pylist():
            if level is not None and str(level) not in known:
                raise ModelError(f"Unknown categorical level ({name},{level}).")


def __dir__() -> list[str]:
    return __all__
