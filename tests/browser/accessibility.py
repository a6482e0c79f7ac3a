"""Faults of the page as it stands: what axe-core finds, and words that are cut."""

from __future__ import annotations

import importlib.resources
from typing import Any

from playwright.sync_api import Page

_CLIPPED = """() => [...document.querySelectorAll('button, label > span, legend, h1, h2, h3, th, small, .sp-chip, '
    + '.sp-hint, input[role=combobox], [data-testid=block-info]')]
  .filter((each) => each.offsetParent && !each.matches('.sr-only') && each.clientWidth > 0)
  .filter((each) => each.scrollWidth > each.clientWidth + 2)
  .filter((each) => each.matches('input') || getComputedStyle(each).overflow !== 'visible'
    || each.getBoundingClientRect().right > innerWidth + 1)
  .map((each) => (each.value || each.textContent).trim().slice(0, 60))"""


def clipped(page: Page) -> list[str]:
    """Labels, buttons, headings and chosen values that do not fit where they stand."""
    found: list[str] = page.evaluate(_CLIPPED)
    return found


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
