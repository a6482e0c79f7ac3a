"""Words for times."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from playground.services.durations import Span, duration, to_go


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.1, 0.5, "under a second"),
        (0.4, 2.4, "under 2.5 s"),
        (3.2, 7.8, "about 3–8 s"),
        (8.0, 8.0, "about 8 s"),
        (33, 71, "about 30–80 s"),
        (50, 150, "about 50 s – 2.5 min"),
        (130, 230, "about 2–4 min"),
        (3000, 9000, "about 50 min – 2.5 h"),
        (1e6, 1e7, "about 100–2778 h"),
    ],
)
def test_a_range_is_rounded_outwards_to_numbers_that_people_say(low, high, said):
    span = Span(low, high)
    assert str(span) == said
    below, above = span.told
    assert below <= low <= high <= above


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "under a second"), (12.3, "12 s"), (200.0, "3 min"), (9000.0, "2.5 h")]
)
def test_one_time_has_sensible_digits(seconds, said):
    assert duration(seconds) == said


@dataclass(frozen=True)
class Event:
    seconds_to_go: float | None
    longer: bool = False


def test_time_to_go_is_told_once_it_is_known_and_says_when_it_is_longer():
    assert to_go(Event(None)) == to_go(Event(0.0)) == ""
    assert to_go(Event(0.3)) == " · under a second to go"
    assert to_go(Event(41.7)) == " · about 42 s to go"
    assert to_go(Event(41.7, longer=True), before="") == "about 42 s to go, longer than it looked"
