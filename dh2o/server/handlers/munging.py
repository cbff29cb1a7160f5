"""Makers and changers of frames that clients start as jobs."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from dh2o.errors import ParameterError
from dh2o.rapids.assembly import fit_assembly
from dh2o.rapids.makers import insert_missing, interaction
from dh2o.rapids.random_frames import CreateFrameSpec, create_frame
from dh2o.server.schemas.base import Key

from .frames import frame_of
from .jobs import job_schema

if TYPE_CHECKING:
    from dh2o.frame import Frame
    from dh2o.mrtask import JobContext
    from dh2o.server.app import Call
    from dh2o.server.schemas.cluster import JobV3
    from dh2o.server.schemas.munging import (
        AssemblyV99,
        CreateFrameV3,
        InteractionV3,
        MissingInserterV3,
        SplitFrameV3,
    )

__all__ = ["assemble", "cross", "insert_na", "make_frame", "split"]


def assemble(call: Call, args: AssemblyV99) -> AssemblyV99:
    """Run the steps of an assembly on a frame."""
    frame = frame_of(args.frame)
    key = _fresh("assembly")
    fit_assembly(call.state.engine, frame, args.steps or [], f"{key}_result")
    args.result, args.assembly = Key(f"{key}_result", "Frame"), Key(key, "Assembly")
    return args


def make_frame(call: Call, args: CreateFrameV3) -> JobV3:
    """Start to make a frame of random values."""
    spec = CreateFrameSpec(
        **{
            name: value
            for name, value in vars(args).items()
            if name not in ("dest", "key") and value is not None
        }
    )
    spec.check()
    key = args.dest.name if args.dest else _fresh("createframe")
    job = call.state.engine.start_job(
        "Create Frame", _create, spec, key, dest=key, dest_type="Key<Frame>"
    )
    return job_schema(job)


def insert_na(call: Call, args: MissingInserterV3) -> JobV3:
    """Start to replace values of a frame by NA; the frame keeps its key."""
    frame = frame_of(args.dataset)
    if not 0 <= args.fraction <= 1:
        raise ParameterError(f"fraction: expected 0 to 1, got {args.fraction}.")
    job = call.state.engine.start_job(
        "Insert Missing Values", _insert, frame, args.fraction, args.seed,
        dest=frame.key, dest_type="Key<Frame>",
    )  # fmt: skip
    return job_schema(job)


def cross(call: Call, args: InteractionV3) -> JobV3:
    """Start to cross categorical columns of a frame into new ones."""
    frame = frame_of(args.source_frame)
    key = args.dest.name if args.dest else _fresh("interaction")
    names = [name for name in args.factor_columns or [] if name]
    job = call.state.engine.start_job(
        "Interactions", _cross, frame, names, bool(args.pairwise), args.max_factors,
        args.min_occurrence, key, dest=key, dest_type="Key<Frame>",
    )  # fmt: skip
    return job_schema(job)


def split(call: Call, args: SplitFrameV3) -> SplitFrameV3:
    """Start to split a frame by ratios, in row order."""
    frame = frame_of(args.dataset)
    ratios = [float(r) for r in args.ratios or []]
    if not ratios or min(ratios) <= 0 or sum(ratios) > 1:
        raise ParameterError(f"ratios: expected numbers above 0 with a sum of at most 1: {ratios}")
    n_parts = len(ratios) + (sum(ratios) < 1)
    given = [key.name for key in args.destination_frames or [] if key is not None]
    if given and len(given) != n_parts:
        raise ParameterError(f"destination_frames: {n_parts} keys are needed, got {len(given)}.")
    keys = given or [f"{frame.key}_part{i}" for i in range(n_parts)]
    job = call.state.engine.start_job("SplitFrame", _split, frame, ratios, keys, dest=keys[0])
    args.key = Key(job.key, "Job")
    args.destination_frames = [Key(key, "Frame") for key in keys]
    return args


def _fresh(what: str) -> str:
    return f"{what}_{secrets.token_hex(8)}"


def _create(ctx: JobContext, spec: CreateFrameSpec, key: str) -> str:
    _store(ctx, create_frame(spec), key)
    return key


def _insert(ctx: JobContext, frame: Frame, fraction: float, seed: int) -> str:
    _store(ctx, insert_missing(frame, fraction, seed), str(frame.key))
    return str(frame.key)


def _cross(ctx: JobContext, frame: Frame, names: list[str], *rest: Any) -> str:
    *options, key = rest
    _store(ctx, interaction(frame, names, *options), key)
    return str(key)


def _split(ctx: JobContext, frame: Frame, ratios: list[float], keys: list[str]) -> list[str]:
    start = 0
    for i, key in enumerate(keys):
        last = i == len(keys) - 1
        stop = frame.n_rows if last else min(start + int(frame.n_rows * ratios[i]), frame.n_rows)
        _store(ctx, frame.slice_rows(start, stop), key)
        start = stop
    return keys


def _store(ctx: JobContext, frame: Frame, key: str) -> None:
    ctx.dkv.put(key, frame.with_key(key), kind="frame")
