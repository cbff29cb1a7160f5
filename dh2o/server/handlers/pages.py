"""The page at the root: where a person with a browser lands."""
# ruff: noqa: ARG001 (all handlers are called alike)

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from flask import Response

if TYPE_CHECKING:
    from dh2o.server.app import Call

__all__ = ["root_page"]

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>dh2o</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem}}
code{{background:#eee;padding:.1rem .3rem}}</style>
<h1>dh2o</h1>
<p>{n_workers} worker(s), {n_frames} frame(s), {n_models} model(s). Speaks the REST interface of H2O
{version}.</p>
<p>From Python: <code>h2o.connect(url="{url}")</code></p>
<p><a href="/3/Frames">Frames</a> · <a href="/3/Models">Models</a> · <a href="/3/Jobs">Jobs</a> ·
<a href="/3/Metadata/endpoints">Routes</a></p></html>
"""


def root_page(call: Call, params: dict[str, Any]) -> Response:
    """Return a page with the state of the cluster."""
    engine = call.state.engine
    page = _PAGE.format(
        n_workers=len(engine.workers()),
        n_frames=len(engine.dkv.keys(kind="frame")),
        n_models=len(engine.dkv.keys(kind="model")),
        version=escape(call.state.options.client_version),
        url=escape(call.request.host_url.rstrip("/"), quote=True),
    )
    return Response(page, content_type="text/html; charset=utf-8")
