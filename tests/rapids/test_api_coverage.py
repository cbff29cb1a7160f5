"""dh2o beside the Python client of H2O: names and parameters, read from the client's source."""

from __future__ import annotations

import ast
import importlib.util
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import dh2o
from dh2o.rapids import H2OFrame

FRAME_LEFT_OUT = {
    "convert_H2OFrame_2_DMatrix": "scipy and XGBoost take what to_numpy or to_pandas give",
    "convert_with_polars": "reads a CSV file of H2O's own exchange; to_polars needs none",
    "save_to_hive": "needs H2O's Hive extension in Java",
}
MODULE_LEFT_OUT = {
    "api": "there is no connection over HTTP; use an HTTP client on a server of dh2o",
    "connect": "dh2o.init(address) joins a cluster",
    "connection": "as api",
    "cluster_info": "deprecated in H2O; cluster()",
    "cluster_status": "deprecated in H2O; cluster()",
    "demo": "demos of H2O's own; see the notebooks",
    "download_all_logs": "the logs are those of Dask's workers",
    "download_pojo": "no Java is written; a MOJO serves",
    "enable_expr_optimizations": "expressions are always optimised",
    "is_expr_optimizations_enabled": "as enable_expr_optimizations",
    "flow": "the web interface is the server's",
    "import_frame": "deprecated in H2O; import_file",
    "import_hive_table": "needs H2O's Hive extension in Java",
    "load_dataset": "reads data that ship with the package h2o",
    "parse": "deprecated in H2O; dh2o.parse is the package of the parser",
    "models": "dh2o.models is the package of models; ls() lists what is stored",
    "network_test": "deprecated in H2O",
    "print_mojo": "runs Java; import_mojo and H2OTree show a MOJO's trees",
    "resume": "jobs outlive their client and resume by themselves",
    "set_telemetry": "nothing is reported to anybody",
    "telemetry_enabled": "as set_telemetry",
    "version_check": "deprecated in H2O",
}
OTHER_PARAMETERS = {
    "save_model": "predictions of folds are frames of their own",
    "download_model": "as save_model",
    "make_metrics": "uplift metrics are not built",
    "upload_custom_metric": "a Python object is given, no source text",
    "upload_custom_distribution": "as upload_custom_metric",
}


def client_source(name: str) -> ast.Module:
    """Return the parsed source of a module of the package h2o, which is not imported."""
    found = importlib.util.find_spec("h2o")
    if found is None or found.origin is None:
        pytest.skip("the package h2o, the client to compare with, is not installed")
    return ast.parse((Path(found.origin).parent / name).read_text())


def functions(body: list[ast.stmt]) -> Iterator[ast.FunctionDef]:
    """Yield the public functions of a module or class; setters of properties are left out."""
    for node in body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            marks = {ast.unparse(d).rsplit(".", 1)[-1] for d in node.decorator_list}
            if "setter" not in marks:
                yield node


def parameters(function: ast.FunctionDef) -> dict[str, str]:
    """Return the parameters of a function with the text of their defaults ("" for none)."""
    plain = [a.arg for a in function.args.args if a.arg not in ("self", "cls")]
    defaults = [ast.unparse(d) for d in function.args.defaults]
    return dict(zip(plain, [""] * (len(plain) - len(defaults)) + defaults, strict=True))


def missing_parameters(function: ast.FunctionDef, ours: Any) -> list[str]:
    """Return what a caller of H2O's function cannot say to ours."""
    if isinstance(ours, property) or not callable(ours):
        return []
    known = inspect.signature(ours).parameters
    kinds = {p.kind for p in known.values()}
    names = [n for n in known if n != "self"]
    theirs = list(parameters(function))
    wrong = []
    if inspect.Parameter.VAR_KEYWORD not in kinds:
        wrong = [name for name in theirs if name not in known]
    shared = [n for n in names if n in theirs and known[n].kind is not known[n].KEYWORD_ONLY]
    if shared != [n for n in theirs if n in shared]:
        wrong.append(f"order {shared}")
    for name, default in parameters(function).items():
        if default and name in known and known[name].default is inspect.Parameter.empty:
            wrong.append(f"{name} has no default")
    return wrong


def frame_methods() -> list[ast.FunctionDef]:
    tree = client_source("frame.py")
    found = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "H2OFrame")
    return list(functions(found.body))


def test_every_public_method_of_a_frame_is_there() -> None:
    missing = {f.name for f in frame_methods() if not hasattr(H2OFrame, f.name)}
    assert missing == set(FRAME_LEFT_OUT)


def test_methods_of_a_frame_take_the_same_parameters() -> None:
    wrong = {}
    for function in frame_methods():
        ours = inspect.getattr_static(H2OFrame, function.name, None)
        ours = getattr(ours, "__func__", ours)
        if ours is not None and (found := missing_parameters(function, ours)):
            wrong[function.name] = found
    assert wrong == {}


def test_every_function_about_frames_is_there() -> None:
    theirs = {f.name for f in functions(client_source("h2o.py").body)}
    assert theirs - set(dh2o.__all__) == set(MODULE_LEFT_OUT)


def test_functions_take_the_same_parameters() -> None:
    wrong = {}
    for function in functions(client_source("h2o.py").body):
        ours = getattr(dh2o, function.name) if function.name in dh2o.__all__ else None
        if ours is not None and (found := missing_parameters(function, ours)):
            wrong[function.name] = found
    assert {name: found for name, found in wrong.items() if name not in OTHER_PARAMETERS} == {}
