"""What an engine says about its cluster in a notebook."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dh2o.mrtask.engine import Engine

_GIB = 2**30


def status_html(engine: Engine) -> str:
    """Return a small table of the cluster's workers."""
    if engine.closed:
        return "<div>dh2o: the engine is closed.</div>"
    facts = engine.worker_facts()
    rows = "".join(
        f"<tr><td>{html.escape(f['address'])}</td><td>{f['n_threads']}</td>"
        f"<td>{f['memory'] / _GIB:.2f} of {f['memory_limit'] / _GIB:.2f} GiB</td></tr>"
        for f in facts
    )
    link = engine.dashboard_link
    dashboard = f" <a href='{html.escape(link)}'>Dask dashboard</a>" if link else ""
    n_threads = sum(f["n_threads"] for f in facts)
    return (
        f"<div><b>dh2o</b>: {len(facts)} workers, {n_threads} threads.{dashboard}"
        f"<table><tr><th>worker</th><th>threads</th><th>memory</th></tr>{rows}</table></div>"
    )
