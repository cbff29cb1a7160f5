"""A pass maps a pure function over blocks where they lie and folds the results in block order.

The only package that knows `distributed`: passes and their two carriers, the DKV, jobs, the spool.
"""

from __future__ import annotations

from dh2o.mrtask.blocks import Blocks, ColumnRef, HasColumns
from dh2o.mrtask.dkv import DKV, Entry
from dh2o.mrtask.driver import JobContext
from dh2o.mrtask.engine import Engine, current_engine, use_engine
from dh2o.mrtask.jobs import Job
from dh2o.mrtask.lane_worker import WorkerContext
from dh2o.mrtask.local import LocalState, LocalTask, StateLost
from dh2o.mrtask.progress import set_progress
from dh2o.mrtask.shards import FromShards, IntoShard, ShardLostError
from dh2o.mrtask.spool import Spool, SpoolRef
from dh2o.mrtask.start import dask_client, init
from dh2o.mrtask.task import MRTask

__all__ = [
    "DKV",
    "Blocks",
    "ColumnRef",
    "Engine",
    "Entry",
    "FromShards",
    "HasColumns",
    "IntoShard",
    "Job",
    "JobContext",
    "LocalState",
    "LocalTask",
    "MRTask",
    "ShardLostError",
    "Spool",
    "SpoolRef",
    "StateLost",
    "WorkerContext",
    "current_engine",
    "dask_client",
    "init",
    "set_progress",
    "use_engine",
]


def __dir__() -> list[str]:
    return __all__
