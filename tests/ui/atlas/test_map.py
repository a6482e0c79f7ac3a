"""ui/atlas/map.py: the map as HTML says its numbers, colours by rank of size, and leaves out what is not known."""

from __future__ import annotations

import re

import pytest

from playground.services.atlas.colours import COLOURS
from playground.services.atlas.difference import PairDifference, difference_colours
from playground.ui.atlas.map import WAITING, map_html

GAIN, ALIKE = COLOURS["gain"], COLOURS["next target"]
LAYERS = (0, 3, 6)
VALUES = {(0, 3): 2.0, (0, 6): 8.0, (3, 6): 4.0}
GAINS = {pair: [value, value / 2] for pair, value in VALUES.items()}


def cells(html: str) -> dict[tuple[int, int], str]:
    found = re.findall(r'<button[^>]*data-source="(\d+)" data-target="(\d+)"[^>]*>', html)
    buttons = re.findall(r"<button[^>]*>", html)
    return {(int(s), int(t)): button for (s, t), button in zip(found, buttons, strict=True)}


def shade(button: str) -> float:
    return float(re.search(r"--shade:([\d.]+)", button)[1])


def test_a_cell_a_pair_with_its_numbers_on_hover():
    drawn = cells(map_html(LAYERS, VALUES, GAIN, GAINS))
    assert drawn.keys() == VALUES.keys()
    assert 'title="0 → 6: 8\nσ 8, 4"' in drawn[0, 6]
    assert 'aria-label="source 3, target 6: 4"' in drawn[3, 6]


def test_gains_are_coloured_by_their_logarithm_and_cosines_as_they_are():
    drawn = cells(map_html(LAYERS, VALUES, GAIN, GAINS))
    low, middle, high = (shade(drawn[pair]) for pair in ((0, 3), (3, 6), (0, 6)))
    assert middle - low == pytest.approx(high - middle, abs=2e-3)
    alike = cells(map_html(LAYERS, VALUES, ALIKE, GAINS))
    assert shade(alike[3, 6]) - shade(alike[0, 3]) == pytest.approx((high - low) / 3, abs=2e-3)


def test_a_log_ratio_is_coloured_on_both_sides_of_0_and_hover_says_both_numbers():
    changes = {(0, 3): PairDifference(-0.5, 12.0), (0, 6): PairDifference(1.0, 30.0), (3, 6): PairDifference(0.0, 0.0)}
    ratios = {pair: each.log_ratio for pair, each in changes.items()}
    html = map_html(LAYERS, ratios, difference_colours(changes)["log-ratio"], GAINS, changes=changes)
    drawn = cells(html)
    assert [pair for pair, button in drawn.items() if "sp-below" in button] == [(0, 3)]
    at_0 = shade(drawn[3, 6])
    assert shade(drawn[0, 3]) - at_0 == pytest.approx((shade(drawn[0, 6]) - at_0) / 2, abs=2e-3)
    assert 'title="0 → 3: −0.5\nlog-ratio of gains −0.5\nangle of leading subspaces 12°\nσ 2, 1"' in drawn[0, 3]
    assert 'aria-label="source 0, target 6: +1"' in drawn[0, 6]
    assert "<span>−1</span><i></i><span>+1</span>" in html, "0 is in the middle of the legend"


def test_what_is_not_known_yet_is_hatched_and_no_button():
    html = map_html(LAYERS, {(0, 3): 2.0}, GAIN, {})
    assert len(cells(html)) == 1
    assert html.count("sp-mapnone") == 2


def test_the_map_is_one_stop_of_the_tab_key_and_the_chosen_cell_is_it():
    drawn = cells(map_html(LAYERS, VALUES, GAIN, GAINS, (3, 6)))
    assert [pair for pair, button in drawn.items() if 'tabindex="0"' in button] == [(3, 6)]
    assert "sp-chosen" in drawn[3, 6]


def test_means_of_rows_and_columns_and_the_legend_say_their_numbers():
    html = map_html(LAYERS, VALUES, GAIN, GAINS)
    assert 'aria-label="source 0, mean 5"' in html
    assert 'aria-label="target 6, mean 6"' in html
    assert "<span>2</span><i></i><span>8</span>" in html


def test_equal_values_and_no_layers_draw_without_an_error():
    assert map_html((), {}, GAIN, {}) == WAITING
    assert len(cells(map_html(LAYERS, dict.fromkeys(VALUES, 1.0), GAIN, {}))) == 3
