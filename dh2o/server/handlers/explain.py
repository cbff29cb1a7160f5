"""Partial dependence, interactions of features, and the H statistic."""

from __future__ import annotations

import dataclasses
import re
import secrets
from typing import TYPE_CHECKING, Any

from dh2o.errors import KeyNotFoundError, ParameterError
from dh2o.estimators.explain.interactions import friedman_h
from dh2o.estimators.explain.partial import (
    PartialDependence,
    PartialRequest,
    partial_dependence,
)
from dh2o.models.explain.interactions import InteractionLimits, feature_interactions
from dh2o.models.explain.raw_score import tree_model_of
from dh2o.server.schemas.base import Key
from dh2o.server.schemas.models import PartialDependenceV3
from dh2o.server.tables import table_schema

from .frames import frame_of
from .jobs import job_schema
from .models import model_of

if TYPE_CHECKING:
    from dh2o.frame import Frame
    from dh2o.models import Model, TwoDimTable
    from dh2o.mrtask import JobContext
    from dh2o.server.app import Call
    from dh2o.server.schemas.cluster import JobV3
    from dh2o.server.schemas.explain import FeatureInteractionV3, FriedmanPopescusHV3

__all__ = ["show_h", "show_interactions", "show_partial", "start_partial"]

_KIND = "PartialDependence"


def start_partial(call: Call, args: PartialDependenceV3) -> JobV3:
    """Start to compute partial dependence; the job's result is fetched by its key."""
    model, frame = model_of(call, args.model_id), frame_of(args.frame_id)
    request = _request(frame, args)
    given = args.destination_key.name if args.destination_key is not None else None
    key = given or f"partial_dependence_{secrets.token_hex(8)}"
    job = call.state.engine.start_job(
        "PartialDependence", _partial, model, frame, request, key,
        dest=key, dest_type=f"Key<{_KIND}>",
    )  # fmt: skip
    return job_schema(job)


def show_partial(call: Call, params: dict[str, Any]) -> PartialDependenceV3:
    """Return the tables that a job of partial dependence has made."""
    key, args = str(params.get("name") or ""), PartialDependenceV3()
    dkv = call.state.engine.dkv
    found = dkv.get(key) if key and dkv.contains(key) else None
    if not isinstance(found, PartialDependence):
        raise KeyNotFoundError.of(_KIND, key or "")
    request = found.request
    args.model_id, args.frame_id = Key(found.model_key, "Model"), Key(found.frame_key, "Frame")
    args.destination_key = Key(key, _KIND)
    args.cols = list(request.columns)
    args.col_pairs_2dpdp = [list(pair) for pair in request.pairs] or None
    args.nbins, args.add_missing_na = request.nbins, request.with_na
    args.row_index = -1 if request.row is None else request.row
    args.targets = list(request.targets) or None
    args.partial_dependence_data = [table_schema(_plain_names(table)) for table in found.tables]
    return args


def show_interactions(call: Call, args: FeatureInteractionV3) -> FeatureInteractionV3:
    """Return which features are split one after the other, and what that gains."""
    model = tree_model_of(model_of(call, args.model_id), "feature_interaction")
    limits = InteractionLimits(args.max_interaction_depth, args.max_tree_depth, args.max_deepening)
    tables = feature_interactions(model, limits)
    shown = [table_schema(_plain_names(table), row_header=True) for table in tables]
    args.feature_interaction = shown or None
    return args


def show_h(call: Call, args: FriedmanPopescusHV3) -> FriedmanPopescusHV3:
    """Return how strongly columns interact."""
    model, frame = model_of(call, args.model_id), frame_of(args.frame)
    args.h = friedman_h(model, frame, [str(name) for name in args.variables or []])
    return args


def _plain_names(table: TwoDimTable) -> TwoDimTable:
    """Return the table with column names as H2O spells them in JSON: ``Avg Gain``, avg_gain."""
    names = ("_".join(re.split(r"[\s_]+", name)).lower() for name in table.col_names)
    plain = tuple(re.sub(r"[^\w]", "", name, flags=re.ASCII) for name in names)
    return dataclasses.replace(table, col_names=plain)


def _partial(ctx: JobContext, model: Model, frame: Frame, request: PartialRequest, key: str) -> str:
    def progress(share: float) -> None:
        ctx.update(share, "partial dependence")
        ctx.check()

    ctx.dkv.put(key, partial_dependence(model, frame, request, progress), kind="partial")
    return key


def _request(frame: Frame, args: PartialDependenceV3) -> PartialRequest:
    """Return what is asked for; columns by name, values by column."""
    weights = None
    if args.weight_column_index is not None and args.weight_column_index >= 0:
        if args.weight_column_index >= frame.n_cols:
            raise ParameterError(
                f"weight_column_index: the frame has {frame.n_cols} columns, got "
                f"{args.weight_column_index}."
            )
        weights = frame.names[args.weight_column_index]
    row = args.row_index if args.row_index is not None and args.row_index >= 0 else None
    return PartialRequest(
        columns=tuple(args.cols or ()),
        pairs=tuple((str(a), str(b)) for a, b in args.col_pairs_2dpdp or ()),
        nbins=args.nbins,
        weights=weights,
        with_na=bool(args.add_missing_na),
        user_splits=_user_splits(args),
        row=row,
        targets=tuple(args.targets or ()),
    )


def _user_splits(args: PartialDependenceV3) -> dict[str, tuple[float, ...]]:
    names: list[Any] = args.user_cols or []
    counts: list[Any] = args.num_user_splits or []
    values: list[Any] = args.user_splits or []
    if len(names) != len(counts) or sum(counts) != len(values):
        raise ParameterError(
            f"user_splits: {len(names)} columns with {sum(counts)} values were announced, "
            f"{len(values)} values were given."
        )
    splits, at = {}, 0
    for name, count in zip(names, counts, strict=True):
        splits[str(name)] = tuple(float(v) for v in values[at : at + count])
        at += count
    return splits
