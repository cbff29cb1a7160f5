"""Leaderboards: order, columns, and where the metrics come from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dh2o.errors import ParameterError
from dh2o.estimators.explain.leaderboard import leaderboard
from dh2o.frame import Frame

Train = Callable[..., Any]


def test_models_are_sorted_by_the_metric(gbm: Train, drf: Train, frame: Frame) -> None:
    models = [gbm("two").model, drf("two").model]
    board = leaderboard(models, frame)
    assert board.col_names[:4] == ("model_id", "auc", "logloss", "aucpr")
    assert board.column("auc") == sorted(board.column("auc"), reverse=True)
    by_loss = leaderboard(models, None, "logloss", ["ALL"], "train")
    assert by_loss.column("logloss") == sorted(by_loss.column("logloss"))
    assert set(by_loss.column("algo")) == {"gbm", "drf"}
    best = min(models, key=lambda m: m.output.training_metrics.logloss)
    assert by_loss.column("model_id")[0] == best.key


def test_what_cannot_be_ranked_is_refused(gbm: Train) -> None:
    two, number = gbm("two").model, gbm("number").model
    for arguments, words in (
        (([],), "at least one"),
        (([two, number],), "same kind"),
        (([two], None, "mae"), "sort_metric"),
        (([two], None, "auc", ["speed"]), "extra_columns"),
        (([two], None, "auc", [], "test"), "scoring_data"),
    ):
        with pytest.raises(ParameterError, match=words):
            leaderboard(*arguments)  # type: ignore[arg-type]  # wrong on purpose
