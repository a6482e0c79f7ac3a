"""Visitors share nothing of their own."""

from __future__ import annotations

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
