"""dh2o: H2O-3 rebuilt for Dask.

``import dh2o`` is quick: what is behind each name is imported when the name is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dh2o import estimators as estimators
    from dh2o import frame as frame
    from dh2o import rapids as rapids
    from dh2o.api import (
        H2OFrame,
        as_list,
        assign,
        cluster,
        create_frame,
        deep_copy,
        download_csv,
        download_model,
        estimate_cluster_mem,
        export_file,
        frames,
        get_frame,
        get_grid,
        get_model,
        get_timezone,
        import_file,
        import_mojo,
        import_sql_select,
        import_sql_table,
        init,
        interaction,
        jobs,
        lazy_import,
        list_timezones,
        load_frame,
        load_grid,
        load_model,
        log_and_echo,
        ls,
        make_metrics,
        mojo_predict_csv,
        mojo_predict_pandas,
        no_progress,
        parse_raw,
        parse_setup,
        remove,
        remove_all,
        save_grid,
        save_model,
        set_timezone,
        shallow_copy,
        show_progress,
        shutdown,
        upload_custom_distribution,
        upload_custom_metric,
        upload_file,
        upload_model,
        upload_mojo,
    )
    from dh2o.chunks import Block, Chunk
    from dh2o.context import H2OContext
    from dh2o.estimators.explain.h2o_tree import H2OTree
    from dh2o.estimators.explain.report import (
        model_correlation_heatmap,
        pd_multi_plot,
        varimp_heatmap,
    )
    from dh2o.frame import Frame, Vec
    from dh2o.mrtask import MRTask

from dh2o.version import __version__ as __version__

__all__ = [
    "Block",
    "Chunk",
    "Frame",
    "H2OContext",
    "H2OFrame",
    "H2OTree",
    "MRTask",
    "Vec",
    "__version__",
    "as_list",
    "assign",
    "cluster",
    "create_frame",
    "deep_copy",
    "download_csv",
    "download_model",
    "estimate_cluster_mem",
    "estimators",
    "export_file",
    "frame",
    "frames",
    "get_frame",
    "get_grid",
    "get_model",
    "get_timezone",
    "import_file",
    "import_mojo",
    "import_sql_select",
    "import_sql_table",
    "init",
    "interaction",
    "jobs",
    "lazy_import",
    "list_timezones",
    "load_frame",
    "load_grid",
    "load_model",
    "log_and_echo",
    "ls",
    "make_metrics",
    "model_correlation_heatmap",
    "mojo_predict_csv",
    "mojo_predict_pandas",
    "no_progress",
    "parse_raw",
    "parse_setup",
    "pd_multi_plot",
    "rapids",
    "remove",
    "remove_all",
    "save_grid",
    "save_model",
    "set_timezone",
    "shallow_copy",
    "show_progress",
    "shutdown",
    "upload_custom_distribution",
    "upload_custom_metric",
    "upload_file",
    "upload_model",
    "upload_mojo",
    "varimp_heatmap",
]

_HOMES = {
    "Block": "dh2o.chunks",
    "Chunk": "dh2o.chunks",
    "Frame": "dh2o.frame",
    "H2OContext": "dh2o.context",
    "Vec": "dh2o.frame",
    "H2OTree": "dh2o.estimators.explain.h2o_tree",
    "MRTask": "dh2o.mrtask",
    "init": "dh2o.mrtask",
    "model_correlation_heatmap": "dh2o.estimators.explain.report",
    "pd_multi_plot": "dh2o.estimators.explain.report",
    "varimp_heatmap": "dh2o.estimators.explain.report",
}


_PACKAGES = ("estimators", "frame", "rapids")  # the last two can also be called, as H2O's functions


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'dh2o' has no attribute {name!r}")
    if name in _PACKAGES:
        return import_module(f"dh2o.{name}")
    return getattr(import_module(_HOMES.get(name, "dh2o.api")), name)


def __dir__() -> list[str]:
    return __all__
