"""The five joins of db-benchmark, and sorts, beside Polars, pandas, Dask DataFrame and H2O.

    python benchmarks/bench_join.py [--rows 1000000] [--repeats 2] [--questions q1,s1] [--h2o URL]

As `bench_groupby.py`. dh2o gives the joined rows sorted by key, as H2O does, and stores them
compressed; the peers leave them in the order in which they come.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench_groupby import done
from tables import ask_all, computed, join_tables, to_arrow, to_h2o, to_pandas, to_polars

JOINS = {
    "q1": ("small inner on int", "small", "id1", "inner"),
    "q2": ("medium inner on int", "medium", "id2", "inner"),
    "q3": ("medium outer on int", "medium", "id2", "left"),
    "q4": ("medium inner on factor", "medium", "id5", "inner"),
    "q5": ("big inner on int", "big", "id3", "inner"),
}
SORTS = {
    "s1": ("sort by an int", ["id3"], [True]),
    "s2": ("sort by a factor and a double", ["id5", "v1"], [True, False]),
}


def with_dh2o(tables: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    from dh2o.rapids import H2OFrame

    frames = {name: H2OFrame(to_arrow(columns)) for name, columns in tables.items()}
    x = frames["x"]

    def join(other: str, by: str, how: str) -> Callable[[], Any]:
        return lambda: done(x.merge(frames[other], all_x=how == "left", by_x=[by], by_y=[by]))

    def sort(by: list[str], up: list[bool]) -> Callable[[], Any]:
        return lambda: done(x.sort(by, ascending=up))

    return {q: join(*j[1:]) for q, j in JOINS.items()} | {q: sort(*s[1:]) for q, s in SORTS.items()}


def with_polars(tables: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    frames = {name: to_polars(columns) for name, columns in tables.items()}
    x = frames["x"]

    def join(other: str, by: str, how: str) -> Callable[[], Any]:
        return lambda: x.lazy().join(frames[other].lazy(), on=by, how=how).collect()

    def sort(by: list[str], up: list[bool]) -> Callable[[], Any]:
        return lambda: x.lazy().sort(by, descending=[not u for u in up]).collect()

    return {q: join(*j[1:]) for q, j in JOINS.items()} | {q: sort(*s[1:]) for q, s in SORTS.items()}


def with_pandas(tables: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    frames = {name: to_pandas(columns) for name, columns in tables.items()}
    x = frames["x"]

    def join(other: str, by: str, how: str) -> Callable[[], Any]:
        return lambda: x.merge(frames[other], on=by, how=how)

    def sort(by: list[str], up: list[bool]) -> Callable[[], Any]:
        return lambda: x.sort_values(by, ascending=up)

    return {q: join(*j[1:]) for q, j in JOINS.items()} | {q: sort(*s[1:]) for q, s in SORTS.items()}


def with_dask(tables: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    import dask
    import dask.dataframe as dd

    dask.config.set(scheduler="threads")
    frames = {name: to_pandas(columns) for name, columns in tables.items()}
    x = dd.from_pandas(frames["x"], npartitions=8)

    def join(other: str, by: str, how: str) -> Callable[[], Any]:
        return lambda: x.merge(frames[other], on=by, how=how).compute()

    return {q: join(*j[1:]) for q, j in JOINS.items() if j[1] != "big" and j[2] != "id5"}


def with_h2o(tables: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    frames = {name: to_h2o(columns) for name, columns in tables.items()}
    x = frames["x"]

    def join(other: str, by: str, how: str) -> Callable[[], Any]:
        y = frames[other]
        return lambda: computed(x.merge(y, all_x=how == "left", by_x=[by], by_y=[by]))

    def sort(by: list[str], up: list[bool]) -> Callable[[], Any]:
        return lambda: computed(x.sort(by, ascending=up))

    return {q: join(*j[1:]) for q, j in JOINS.items()} | {q: sort(*s[1:]) for q, s in SORTS.items()}


def totals(peer: str, answer: Any) -> list[float]:
    """Return the number of rows and the sums of v1 and v2: the same for every peer."""
    if peer == "dh2o":
        from dh2o.rapids.reducers import facts_of

        places = [i for i, name in enumerate(answer.names) if name.startswith("v")]
        facts = facts_of(answer, [answer.columns[i] for i in places])
        return [float(answer.n_rows), *facts.sums.tolist()]
    if peer == "h2o":
        values = [name for name in answer.names if name.startswith("v")]
        return [float(answer.nrow), *(float(answer[name].sum()) for name in values)]
    values = (
        answer.select(["v1", *(["v2"] if "v2" in answer.columns else [])])
        if peer == "polars"
        else answer
    )
    names = [c for c in ("v1", "v2") if c in values.columns]
    return [float(len(answer)), *(float(values[c].sum()) for c in names)]


if __name__ == "__main__":
    makers = {"dh2o": with_dh2o, "polars": with_polars, "pandas": with_pandas, "dask": with_dask}
    titles = {q: j[0] for q, j in JOINS.items()} | {q: s[0] for q, s in SORTS.items()}
    ask_all(__doc__, join_tables, makers, titles, totals, with_h2o)
