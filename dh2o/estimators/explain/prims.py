"""Primitives of Rapids that explain models; importing this module adds them to the table."""

from __future__ import annotations

from typing import Any

import numpy as np

from dh2o.errors import RapidsError
from dh2o.estimators.explain.fairness import fairness_metrics
from dh2o.estimators.explain.permutation import PermutationRequest, permutation_importance
from dh2o.frame import Frame
from dh2o.models import Model, TwoDimTable
from dh2o.mrtask import current_engine
from dh2o.rapids.columns import Table
from dh2o.rapids.evaluator import Env
from dh2o.rapids.table import primitive
from dh2o.rapids.values import Val, ValFrame, ValMapFrame, ValStr

__all__ = ["frame_of_table"]


@primitive(
    "PermutationVarImp",
    "model:model fr:frame metric:str n_samples:num n_repeats:num features:strs? seed:num",
    "How much worse the model gets when a column is shuffled, by column.",
)
def permutation(
    _env: Env,
    model: Any,
    table: Table,
    metric: str,
    n_samples: float,
    n_repeats: float,
    features: tuple[str, ...] | None,
    seed: float,
) -> Val:
    frame = ValFrame(table).frame
    if n_samples > frame.n_rows:
        raise RapidsError(
            f"n_samples: expected at most the {frame.n_rows} rows of the frame, got {n_samples:g}."
        )
    request = PermutationRequest(
        metric=metric,
        n_samples=int(n_samples),
        n_repeats=int(n_repeats),
        features=features or (),
        seed=int(seed),
    )
    found = permutation_importance(_model(model), frame, request)
    return ValFrame(Table.of(frame_of_table(found)))


@primitive(
    "fairnessMetrics",
    "model:model test_frame:frame protected_columns:strs reference:strs? favourable_class:str",
    "Metrics of a binomial model for each group of protected columns.",
)
def fairness(
    _env: Env,
    model: Any,
    table: Table,
    protected: tuple[str, ...],
    reference: tuple[str, ...] | None,
    favourable: str,
) -> Val:
    frame = ValFrame(table).frame
    tables = fairness_metrics(_model(model), frame, protected, reference or None, favourable)
    return ValMapFrame({name: ValFrame(Table.of(made)) for name, made in tables.items()})


@primitive(
    "tree.update.weights",
    "model:model frame:frame weights_column:str",
    "Count the weights of the trees' nodes on other rows; OK, or a warning of empty nodes.",
)
def update_weights(_env: Env, model: Any, table: Table, weights: str) -> Val:
    from dh2o.estimators.explain.reweight import store_reweighted

    return ValStr(store_reweighted(_model(model), ValFrame(table).frame, weights))


@primitive(
    "makeLeaderboard",
    "models:strs leaderboardFrame:str? sortMetric:str extensions:strs? scoringData:str",
    "Models by their metrics, the best first.",
)
def make_leaderboard(
    _env: Env,
    keys: tuple[str, ...],
    frame_key: str | None,
    sort_metric: str,
    extensions: tuple[str, ...] | None,
    scoring_data: str,
) -> Val:
    from dh2o.estimators.explain.leaderboard import leaderboard

    dkv = current_engine().dkv
    models = [_model(dkv.find(key)) for key in keys]
    frame = Frame.get(frame_key) if frame_key else None
    found = leaderboard(models, frame, sort_metric, extensions or (), scoring_data)
    return ValFrame(Table.of(frame_of_table(found)))


def _model(value: Any) -> Model:
    if not isinstance(value, Model):
        raise RapidsError(f"Expected a model, found a {type(value).__name__}.")
    return value


def frame_of_table(table: TwoDimTable) -> Frame:
    """Return a small table as a frame: texts as strings, NA for empty cells."""
    columns: dict[str, Any] = {}
    for name, kind in zip(table.col_names, table.col_types, strict=True):
        cells: Any = table.column(name)
        if kind != "string":
            cells = np.array([np.nan if c is None else c for c in cells], dtype=np.float64)
        columns[name] = cells
    return Frame.from_any(columns)
