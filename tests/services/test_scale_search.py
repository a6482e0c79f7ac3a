"""services/scales/search.py and onsets.py: what simulated directions with a known break and onset are found to have."""

from __future__ import annotations

import math
import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from playground.services.scales.onsets import PASSES, OnsetBracket
from playground.services.scales.search import ScaleSearch, Verdict

LEAST, MOST = 0.0125, 3.2
BREAKS = st.floats(0.03, 2.5)


def searched(is_noise, differs=lambda scale: True, texts: int = 5) -> ScaleSearch:
    search = ScaleSearch(0.2, LEAST, MOST)
    for number in range(texts):
        scale = search.next_scale
        assert LEAST <= scale <= MOST
        search.record(Verdict(scale, number % 3, is_noise(scale), differs(scale)))
    return search


@given(BREAKS)
def test_a_sharp_break_is_found_within_a_factor_and_the_found_scale_lies_below_it(break_):
    window = searched(lambda scale: scale >= break_).window(0.001)
    assert 0.4 * break_ <= window.break_ <= 2.5 * break_
    assert 0.2 * break_ <= window.found < break_


@given(BREAKS, st.integers(0, 2**32))
def test_a_single_loop_far_below_the_break_does_not_empty_the_window(break_, seed):
    lapse = random.Random(seed).randrange(5)
    calls = iter(range(100))
    window = searched(lambda scale: (scale >= break_) ^ (next(calls) == lapse)).window(0.001)
    assert window.found is not None
    assert window.found <= 1.5 * break_


def test_noise_at_the_found_scale_is_as_rare_as_it_is_meant_to_be():
    rng = random.Random(1)
    noise, found = 0.0, 0
    for _ in range(400):
        break_ = 0.22 * math.exp(rng.gauss(0, 0.8))

        def chance(scale: float, break_: float = break_) -> float:
            return 0.06 + 0.88 * 0.5 * (1 + math.erf(math.log(scale / break_) / (0.35 * math.sqrt(2))))

        window = searched(lambda scale: rng.random() < chance(scale)).window(0.001)
        if window.found is not None:
            found += 1
            noise += chance(window.found)
    assert found >= 390
    assert noise / found <= 0.2


def test_what_is_noise_everywhere_has_no_window_and_is_noise():
    window = searched(lambda scale: True).window(LEAST)
    assert (window.found, window.noise) == (None, True)


def test_what_changes_nothing_and_never_breaks_has_no_window():
    window = searched(lambda scale: False, differs=lambda scale: False).window(None)
    assert (window.onset, window.break_, window.found) == (None, None, None)
    assert window.tried == MOST


def test_a_found_scale_is_not_below_the_onset():
    window = searched(lambda scale: scale > 0.3).window(0.29)
    assert window.found is None or window.found >= 0.29


def test_while_all_is_text_scales_double_and_while_all_is_noise_they_halve():
    up, down = ScaleSearch(0.2, LEAST, MOST), ScaleSearch(0.2, LEAST, MOST)
    for _ in range(3):
        up.record(Verdict(up.next_scale, 0, noise=False, differs=True))
        down.record(Verdict(down.next_scale, 0, noise=True, differs=True))
    assert [v.scale for v in up.verdicts] == pytest.approx([0.2, 0.4, 0.8])
    assert all(b.scale <= a.scale / 2 for a, b in zip(down.verdicts, down.verdicts[1:], strict=False))


@given(st.lists(st.tuples(st.floats(0.5, 8), st.floats(0.2, 40)), min_size=1, max_size=20))
def test_an_onset_under_linear_margins_is_found_in_two_passes(tokens):
    still = torch.tensor([margin for margin, _ in tokens])
    slopes = torch.tensor([slope for _, slope in tokens])
    truth = float((still / slopes).min())
    bracket = OnsetBracket(0.0, 1.7 * truth, still)
    for _ in range(PASSES):
        bracket.record(still - bracket.trial * slopes)
    assert truth - 1e-6 <= bracket.high <= 1.25 * truth + 1e-6
