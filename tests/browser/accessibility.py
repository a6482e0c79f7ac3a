"""What axe-core finds on the page as it stands."""

from __future__ import annotations

import importlib.resources
from typing import Any

from playwright.sync_api import Page


def violations(page: Page) -> list[str]:
    """A line for each rule that an element breaks, with what stands there."""
    if not page.evaluate("'axe' in window"):
        source = importlib.resources.files("axe_playwright_python") / "axe.min.js"
        page.evaluate(source.read_text(encoding="utf-8"))
    found: dict[str, Any] = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{rule['id']}: {node['html'][:200]} ({' '.join(str(part) for part in node['target'])[:160]}) "
        f"{(node.get('failureSummary') or '').split(chr(10), 1)[-1].strip()[:200]}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
