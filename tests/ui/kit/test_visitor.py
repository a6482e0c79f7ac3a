"""Visitors share nothing of their own."""

from __future__ import annotations

import pytest

from playground.errors import InputError
from playground.ui.kit.visitor import Visitors


def test_each_session_has_its_own_visitor() -> None:
    visitors = Visitors()
    assert visitors.of("a") is visitors.of("a")
    assert visitors.of("a") is not visitors.of("b")


def test_who_left_is_forgotten() -> None:
    visitors = Visitors()
    first = visitors.of("a")
    visitors.leave("a")
    assert visitors.of("a") is not first


def test_the_oldest_are_forgotten_beyond_capacity() -> None:
    visitors = Visitors(capacity=2)
    first = visitors.of("a")
    visitors.of("b")
    visitors.of("a")
    visitors.of("c")
    assert len(visitors) == 2
    assert visitors.of("a") is first


def test_a_session_belongs_to_the_browser_that_began_it() -> None:
    visitors = Visitors()
    visitors.of("a", "this browser")
    with pytest.raises(InputError, match="reload the page"):
        visitors.of("a", "another browser")
    with pytest.raises(InputError, match="reload the page"):
        visitors.of("a", None)
