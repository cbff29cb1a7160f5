"""The ten group-by questions of db-benchmark beside Polars, pandas, Dask DataFrame and H2O.

    python benchmarks/bench_groupby.py [--rows 1000000] [--repeats 2] [--questions q1,q5]
                                       [--h2o URL]

All peers run in this process in turn, with as many threads as there are cores; the best of the
repeats counts, ratios are dh2o's seconds (and CPU seconds) by the peer's. Every answer is checked
against dh2o's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tables import (
    ask_all,
    computed,
    group_by_table,
    to_arrow,
    to_h2o,
    to_pandas,
    to_polars,
)

Q = {
    "q1": "sum v1 by id1",
    "q2": "sum v1 by id1:id2",
    "q3": "sum v1 mean v3 by id3",
    "q4": "mean v1:v3 by id4",
    "q5": "sum v1:v3 by id6",
    "q6": "median v3 sd v3 by id4 id5",
    "q7": "max v1 - min v2 by id3",
    "q8": "largest two v3 by id6",
    "q9": "regression v1 v2 by id2 id4",
    "q10": "sum v3 count by id1:id6",
}
ALL_IDS = ["id1", "id2", "id3", "id4", "id5", "id6"]


def done(frame: Any) -> Any:
    """Return the table of a frame, its formulas computed and stored."""
    from dh2o.rapids.passes import gather, store

    table = frame._table()
    return gather(table) if table.is_local else store(table)


def with_dh2o(columns: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    from dh2o.rapids import H2OFrame

    return questions(H2OFrame(to_arrow(columns)), done)


def with_h2o(columns: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    asked = questions(to_h2o(columns), computed)
    return {q: lambda ask=ask: computed(ask()) for q, ask in asked.items()}


def questions(x: Any, done: Callable[[Any], Any]) -> dict[str, Callable[[], Any]]:
    """Return the questions to a frame with H2O's methods; `done` computes one with formulas."""

    def by(keys: Any) -> Any:
        return x.group_by(keys)

    def q7() -> Any:
        found = by("id3").max("v1").min("v2").get_frame()
        found["range"] = found["max_v1"] - found["min_v2"]
        return done(found[["id3", "range"]])

    def q8() -> Any:
        ranked = x[["id6", "v3"]].rank_within_group_by(["id6"], ["v3"], [False], "rank")
        return done(ranked[ranked["rank"] <= 2, ["id6", "v3"]])

    def q9() -> Any:
        y = x[["id2", "id4", "v1", "v2"]]
        y["v12"] = y["v1"] * y["v2"]
        found = (
            y.group_by(["id2", "id4"])
            .count()
            .mean(["v1", "v2", "v12"])
            .var(["v1", "v2"])
            .get_frame()
        )
        n = found["nrow"]
        covariance = (found["mean_v12"] - found["mean_v1"] * found["mean_v2"]) * n / (n - 1)
        found["r2"] = covariance * covariance / (found["var_v1"] * found["var_v2"])
        return done(found[["id2", "id4", "r2"]])

    return {
        "q1": lambda: by("id1").sum("v1").get_frame(),
        "q2": lambda: by(["id1", "id2"]).sum("v1").get_frame(),
        "q3": lambda: by("id3").sum("v1").mean("v3").get_frame(),
        "q4": lambda: by("id4").mean(["v1", "v2", "v3"]).get_frame(),
        "q5": lambda: by("id6").sum(["v1", "v2", "v3"]).get_frame(),
        "q6": lambda: by(["id4", "id5"]).median("v3").sd("v3").get_frame(),
        "q7": q7,
        "q8": q8,
        "q9": q9,
        "q10": lambda: by(ALL_IDS).sum("v3").count().get_frame(),
    }


def with_polars(columns: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    import polars as pl

    x, c = to_polars(columns), pl.col

    def by(keys: Any, *aggregates: Any) -> Callable[[], Any]:
        return lambda: x.lazy().group_by(keys).agg(*aggregates).collect()

    return {
        "q1": by("id1", c("v1").sum()),
        "q2": by(["id1", "id2"], c("v1").sum()),
        "q3": by("id3", c("v1").sum(), c("v3").mean()),
        "q4": by("id4", c("v1", "v2", "v3").mean()),
        "q5": by("id6", c("v1", "v2", "v3").sum()),
        "q6": by(["id4", "id5"], c("v3").median().alias("m"), c("v3").std().alias("s")),
        "q7": by("id3", (c("v1").max() - c("v2").min()).alias("range")),
        "q8": lambda: (
            x.lazy().drop_nulls("v3").group_by("id6").agg(c("v3").top_k(2)).explode("v3").collect()
        ),
        "q9": by(["id2", "id4"], (pl.corr("v1", "v2") ** 2).alias("r2")),
        "q10": by(ALL_IDS, c("v3").sum(), c("v1").count()),
    }


def with_pandas(columns: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    x = to_pandas(columns)

    def by(keys: Any) -> Any:
        return x.groupby(keys, as_index=False, sort=False, observed=True, dropna=False)

    def q7() -> Any:
        found = by("id3").agg({"v1": "max", "v2": "min"})
        return found.assign(range=found["v1"] - found["v2"])[["id3", "range"]]

    def q8() -> Any:
        y = x[["id6", "v3"]].sort_values("v3", ascending=False)
        return y.groupby("id6", as_index=False, sort=False).head(2)

    def q9() -> Any:
        y = x[["id2", "id4", "v1", "v2"]]
        y = y.assign(v12=y["v1"] * y["v2"])
        found = y.groupby(["id2", "id4"], as_index=False, observed=True).agg(
            n=("v1", "size"), a=("v1", "mean"), b=("v2", "mean"), ab=("v12", "mean"),
            va=("v1", "var"), vb=("v2", "var"),
        )  # fmt: skip
        cov = (found["ab"] - found["a"] * found["b"]) * found["n"] / (found["n"] - 1)
        return found.assign(r2=cov**2 / (found["va"] * found["vb"]))[["id2", "id4", "r2"]]

    return {
        "q1": lambda: by("id1").agg({"v1": "sum"}),
        "q2": lambda: by(["id1", "id2"]).agg({"v1": "sum"}),
        "q3": lambda: by("id3").agg({"v1": "sum", "v3": "mean"}),
        "q4": lambda: by("id4").agg({"v1": "mean", "v2": "mean", "v3": "mean"}),
        "q5": lambda: by("id6").agg({"v1": "sum", "v2": "sum", "v3": "sum"}),
        "q6": lambda: by(["id4", "id5"]).agg(m=("v3", "median"), s=("v3", "std")),
        "q7": q7,
        "q8": q8,
        "q9": q9,
        "q10": lambda: by(ALL_IDS).agg(s=("v3", "sum"), n=("v1", "size")),
    }


def with_dask(columns: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    import dask
    import dask.dataframe as dd

    dask.config.set(scheduler="threads")
    x = dd.from_pandas(to_pandas(columns), npartitions=8)

    def by(keys: Any, what: dict[str, str]) -> Callable[[], Any]:
        return lambda: x.groupby(keys, observed=True).agg(what).compute().reset_index()

    return {
        "q1": by("id1", {"v1": "sum"}),
        "q2": by(["id1", "id2"], {"v1": "sum"}),
        "q3": by("id3", {"v1": "sum", "v3": "mean"}),
        "q4": by("id4", {"v1": "mean", "v2": "mean", "v3": "mean"}),
        "q5": by("id6", {"v1": "sum", "v2": "sum", "v3": "sum"}),
    }


def totals(peer: str, answer: Any) -> list[float]:
    """Return the number of groups and the sums of the value columns: the same for every peer."""
    if peer == "dh2o":
        table = done(answer) if hasattr(answer, "_table") else answer
        n_rows, columns = (
            table.n_rows,
            [c for n, c in zip(table.names, table.columns, strict=True) if not n.startswith("id")],
        )
        from dh2o.rapids.reducers import facts_of

        return [float(n_rows), *sorted(facts_of(table, columns).sums.tolist())]
    if peer == "h2o":
        values = [name for name in answer.names if not name.startswith("id")]
        return [float(answer.nrow), *sorted(float(answer[name].sum()) for name in values)]
    frame = answer.to_pandas() if peer == "polars" else answer
    values = frame[[c for c in frame.columns if not c.startswith("id")]]
    return [float(len(frame)), *sorted(values.sum().astype(float).tolist())]


if __name__ == "__main__":
    makers = {"dh2o": with_dh2o, "polars": with_polars, "pandas": with_pandas, "dask": with_dask}
    ask_all(__doc__, group_by_table, makers, Q, totals, with_h2o)
