"""One call of every public method of H2OFrame, the same for dh2o and for H2O's own client.

Every call is given a frame of two numbers (n, m), a category (e), a string (s) and a time (t).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["CALLS"]

UNARY = (
    *("abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh", "cospi"),
    *("digamma", "exp", "expm1", "floor", "gamma", "lgamma", "log", "log10", "log1p", "log2"),
    *("sign", "sin", "sinh", "sinpi", "sqrt", "tan", "tanh", "tanpi", "trigamma", "trunc"),
    *("cummax", "cummin", "cumprod", "cumsum", "logical_negation", "difflag1", "scale", "which"),
    *("round", "signif", "unique", "table", "modulo_kfold_column", "fillna", "hist"),
)
REDUCERS = ("all", "any", "any_na_rm", "max", "min", "median", "prod", "sd", "kurtosis", "skewness")
TIME_PARTS = ("day", "dayOfWeek", "hour", "minute", "month", "second", "week", "year")
TEXT = ("tolower", "toupper", "trim", "lstrip", "rstrip", "nchar", "entropy")

Call = Callable[[Any], Any]


def _method(column: str, name: str) -> Call:
    return lambda f: getattr(f[column], name)()


def _changed(f: Any, name: str, *args: Any) -> Any:
    """Return a copy of the frame after a method that changes it in place."""
    copy = f[["n", "m", "e", "s", "t"]]
    getattr(copy, name)(*args)
    return copy


def _crossed(f: Any) -> Any:
    copy = f[["n", "m", "e", "s", "t"]]
    copy["b"] = copy["e"]
    return copy.interaction(["e", "b"], True, 10, 1)


CALLS: dict[str, Call] = {
    **{name: _method("n", name) for name in (*UNARY, *REDUCERS)},
    **{name: _method("t", name) for name in TIME_PARTS},
    **{name: _method("s", name) for name in TEXT},
    "anyfactor": lambda f: f.anyfactor(),
    "append_levels": lambda f: f["e"].append_levels(["new"]),
    "apply": lambda f: f[["n", "m"]].apply(lambda x: x.sum(), axis=1),
    "as_date": lambda f: f["s"].as_date("yyyy-MM-dd"),
    "ascharacter": lambda f: f["e"].ascharacter(),
    "asfactor": lambda f: f["n"].asfactor(),
    "asnumeric": lambda f: f["e"].asnumeric(),
    "bottomN": lambda f: f.bottomN("n", 100),
    "categories": lambda f: f["e"].categories(),
    "cbind": lambda f: f[["n"]].cbind(f[["e"]]),
    "columns": lambda f: f.columns,
    "col_names": lambda f: f.col_names,
    "columns_by_type": lambda f: f.columns_by_type("numeric"),
    "concat": lambda f: f[["n"]].concat([f[["m"]]]),
    "cor": lambda f: f["n"].cor(f["m"]),
    "countmatches": lambda f: f["s"].countmatches("0"),
    "cut": lambda f: f["n"].cut([0, 1, 2]),
    "dim": lambda f: f.dim,
    "distance": lambda f: f[["n", "m"]].distance(f[["n", "m"]], "l2"),
    "drop": lambda f: f.drop(["e", "s", "t"]),
    "drop_duplicates": lambda f: f[["n", "e"]].drop_duplicates(["e"]),
    "filter_na_cols": lambda f: f.filter_na_cols(0.5),
    "flatten": lambda f: f[0, "n"],
    "getrow": lambda f: f[["n", "m"]].getrow(),
    "grep": lambda f: f["s"].grep("0"),
    "group_by": lambda f: f.group_by("e").count().mean("n").get_frame(),
    "gsub": lambda f: f["s"].gsub("0", "o"),
    "head": lambda f: f.head(2),
    "idxmax": lambda f: f[["n", "m"]].idxmax(),
    "idxmin": lambda f: f[["n", "m"]].idxmin(),
    "ifelse": lambda f: f["n"].ifelse(1, f["m"]),
    "impute": lambda f: _changed(f, "impute", "n", "mean"),
    "insert_missing_values": lambda f: f[["n"]].insert_missing_values(0.0, 1),
    "interaction": _crossed,
    "isax": lambda f: f[["n", "m"]].isax(2, 2),
    "ischaracter": lambda f: f.ischaracter(),
    "isfactor": lambda f: f.isfactor(),
    "isin": lambda f: f["n"].isin([1, 2]),
    "isna": lambda f: f.isna(),
    "isnumeric": lambda f: f.isnumeric(),
    "isstring": lambda f: f.isstring(),
    "kfold_column": lambda f: f.kfold_column(2, 1),
    "levels": lambda f: f.levels(),
    "match": lambda f: f["n"].match([1, 2]),
    "mean": lambda f: f[["n", "m"]].mean(),
    "melt": lambda f: f.melt(["e"], ["n", "m"]),
    "merge": lambda f: f[["e", "n"]].merge(f[["e", "m"]]),
    "moment": lambda f: f.moment(2020, f["n"], 1, 0, 0, 0, 0),
    "mktime": lambda f: f.mktime(2020, f["n"], 1, 0, 0, 0, 0),
    "mult": lambda f: f[["n", "m"]].mult(f[["n", "m"]].transpose()),
    "na_omit": lambda f: f.na_omit(),
    "nacnt": lambda f: f.nacnt(),
    "names": lambda f: f.names,
    "ncol": lambda f: f.ncol,
    "ncols": lambda f: f.ncols,
    "nlevels": lambda f: f.nlevels(),
    "nrow": lambda f: f.nrow,
    "nrows": lambda f: f.nrows,
    "pivot": lambda f: f.pivot("n", "e", "m"),
    "pop": lambda f: _changed(f, "pop", 0),
    "quantile": lambda f: f[["n", "m"]].quantile([0.5]),
    "rank_within_group_by": lambda f: f.rank_within_group_by("e", "n"),
    "rbind": lambda f: f.rbind(f),
    "relevel": lambda f: f["e"].relevel("b"),
    "relevel_by_frequency": lambda f: f["e"].relevel_by_frequency(),
    "rename": lambda f: _changed(f, "rename", {"n": "x"}),
    "rep_len": lambda f: f["n"].rep_len(4),
    "runif": lambda f: f.runif(1) < 2,
    "set_level": lambda f: f["e"].set_level("a"),
    "set_levels": lambda f: f["e"].set_levels(["p", "q"]),
    "set_name": lambda f: _changed(f, "set_name", "n", "x"),
    "set_names": lambda f: _changed(f, "set_names", ["a", "b", "c", "d", "f"]),
    "shape": lambda f: list(f.shape),
    "sort": lambda f: f.sort(["n", "m"]),
    "split_frame": lambda f: f.split_frame([0.5], seed=1)[0].rbind(f.split_frame([0.5], seed=1)[1]),
    "stratified_kfold_column": lambda f: f["e"].stratified_kfold_column(2, 1) < 2,
    "stratified_split": lambda f: f["e"].stratified_split(0.5, 1).nrow,
    "strdistance": lambda f: f["s"].strdistance(f["s"], "lv"),
    "strsplit": lambda f: f["s"].strsplit("-"),
    "sub": lambda f: f["s"].sub("0", "o"),
    "substring": lambda f: f["s"].substring(1, 3),
    "sum": lambda f: f[["n", "m"]].sum(),
    "tail": lambda f: f.tail(2),
    "tokenize": lambda f: f["s"].tokenize("-"),
    "topN": lambda f: f.topN("n", 100),
    "topNBottomN": lambda f: f.topNBottomN("n", 100, 1),
    "transpose": lambda f: f[["n", "m"]].transpose(),
    "type": lambda f: f.type("e"),
    "types": lambda f: f.types,
    "var": lambda f: f["n"].var(f["m"]),
}
