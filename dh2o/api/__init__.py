"""The functions of ``import dh2o``: each is one step onto the layers below.

Names and arguments are those of the official H2O Python client, so that a script moves by changing
one import.
"""

from __future__ import annotations

from dh2o.api.files import (
    download_csv,
    export_file,
    import_file,
    import_sql_select,
    import_sql_table,
    lazy_import,
    load_frame,
    parse_raw,
    parse_setup,
    upload_file,
)
from dh2o.api.session import (
    cluster,
    estimate_cluster_mem,
    log_and_echo,
    no_progress,
    show_progress,
    shutdown,
)
from dh2o.api.stored import (
    as_list,
    assign,
    create_frame,
    deep_copy,
    frames,
    get_frame,
    get_grid,
    get_timezone,
    interaction,
    jobs,
    list_timezones,
    ls,
    remove,
    remove_all,
    set_timezone,
    shallow_copy,
)
from dh2o.api.trained import (
    download_model,
    get_model,
    import_mojo,
    load_grid,
    load_model,
    make_metrics,
    mojo_predict_csv,
    mojo_predict_pandas,
    save_grid,
    save_model,
    upload_custom_distribution,
    upload_custom_metric,
    upload_model,
    upload_mojo,
)
from dh2o.mrtask import Engine, init
from dh2o.rapids import H2OFrame

__all__ = [
    "Engine",
    "H2OFrame",
    "as_list",
    "assign",
    "cluster",
    "create_frame",
    "deep_copy",
    "download_csv",
    "download_model",
    "estimate_cluster_mem",
    "export_file",
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
    "mojo_predict_csv",
    "mojo_predict_pandas",
    "no_progress",
    "parse_raw",
    "parse_setup",
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
]


def __dir__() -> list[str]:
    return __all__
