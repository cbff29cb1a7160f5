from __future__ import annotations

from pathlib import Path

from dh2o.server.routes import ROUTES


def test_the_page_lists_every_route() -> None:
    page = (Path(__file__).parents[2] / "docs" / "rest.md").read_text()
    missing = [
        r.pattern for r in ROUTES if f"| `{r.method} {r.pattern}` | {r.summary} |" not in page
    ]
    assert missing == []
    listed = [
        line for line in page.splitlines() if line.startswith(("| `GET", "| `P", "| `DELETE"))
    ]
    assert len(listed) == len(ROUTES)
