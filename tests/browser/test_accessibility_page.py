"""axe finds nothing and no word is cut, on any tab, light and dark, before and after runs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from accessibility import clipped, violations
from pictures import DO
from visiting import Visitor

TABS = ("Steer", "Discover", "Scan", "Measure", "Atlas", "Library")


def found_on_all_tabs(visitor: Visitor) -> list[str]:
    found = []
    for name in TABS:
        visitor.tab(name)
        visitor.page.wait_for_timeout(600)
        found += [f"{name}: {line}" for line in violations(visitor.page)]
        found += [f"{name}: cut: {text}" for text in clipped(visitor.page)]
    return found


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_nothing_is_found_before_and_after_runs(visit: Callable[..., Visitor], dark: bool) -> None:
    visitor = visit(width=1280, height=720, dark=dark)
    assert found_on_all_tabs(visitor) == []
    for name in TABS:
        visitor.tab(name)
        DO[name.lower()](visitor)
    assert found_on_all_tabs(visitor) == []


def test_nothing_is_found_on_a_phone(visit: Callable[..., Visitor]) -> None:
    assert found_on_all_tabs(visit(width=390, height=844)) == []
