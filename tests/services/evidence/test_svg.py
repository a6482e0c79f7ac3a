"""services/evidence/svg.py: figures are well-formed, carry their numbers, and need nothing but the standard library."""

from __future__ import annotations

import ast
import math
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from scipy.stats import gaussian_kde

from playground.services.evidence import svg
from playground.services.evidence.svg import Axes, Bars, Line, Points, Violin

AXES, EVIL = Axes("scale & more", "y"), "<b>“R&D”</b>"
NAMESPACE = "{http://www.w3.org/2000/svg}"


def figures() -> dict[str, str]:
    nan = math.nan
    return {
        "lines": svg.lines(
            [
                Line(EVIL, [-1, 0, 1], [0.0, 0.5, 2.0], [-0.5, 0.0, 1.5], [0.5, 1.0, 2.5]),
                Line("random", [-1, 0, 1], [0.1, 0.2, nan], role="random"),
                Line("random", [-1, 0, 1], [0.2, 0.1, 0.0], role="random"),
            ],
            AXES, EVIL, marked=0.5,
        ),
        "points": svg.points([Points("one", [1, 2], [3, 4], [EVIL, "b"]), Points("two", [1], [nan])], AXES, "t"),
        "violins": svg.violins(
            [
                Violin(f"power\n{EVIL}", [1.0, 2.0, 2.5, nan]), Violin("random", [1.0, 1.0], role="random"),
                Violin("n", []),
            ],
            AXES, "t", marked=0.0,
        ),
        "bars": svg.bars(
            ["a", EVIL], [Bars("x", [0.2, 0.4]), Bars("z", [0.8, nan])],
            Axes("", "share", share=True), "t",
        ),
        "nothing": svg.lines([], AXES, "t"),
    }


def parts(figure: str, tag: str, style: str = "") -> list[ElementTree.Element]:
    return [
        each for each in ElementTree.fromstring(figure).iter(NAMESPACE + tag) if style in each.get("class", "").split()
        or not style
    ]


@pytest.mark.parametrize("name", sorted(figures()))
def test_a_figure_is_one_element_for_light_and_dark_with_text_that_stays_text(name):
    root = ElementTree.fromstring(figures()[name])
    assert root.tag == NAMESPACE + "svg"
    assert root.get("role") == "img"
    assert "prefers-color-scheme:dark" in figures()[name]
    assert not [each.tag for each in root.iter() if each.tag == NAMESPACE + "b"]
    assert "nan" not in re.sub(r"<style>.*?</style>", "", figures()[name])
    width, height = (float(number) for number in root.get("viewBox").split()[2:])
    for each in root.iter(NAMESPACE + "polyline"):
        for place in each.get("points").split():
            x, y = map(float, place.split(","))
            assert 0 <= x <= width
            assert 0 <= y <= height


def test_lines_have_bands_gaps_and_one_entry_a_name():
    figure = figures()["lines"]
    (band,) = parts(figure, "polygon", "band")
    assert len(band.get("points").split()) == 6
    assert [len(each.get("points").split()) for each in parts(figure, "polyline", "dotted")] == [2, 3]
    assert len(parts(figure, "circle")) == 3
    texts = [each.text for each in parts(figure, "text")]
    assert (texts.count("random"), texts.count(EVIL)) == (1, 1)
    (steered,) = [each for each in parts(figure, "polyline", "c0")]
    heights = [float(place.split(",")[1]) for place in steered.get("points").split()]
    # y grows downwards: 0, 0.5 and 2 lie 1 to 3 apart.
    assert (heights[1] - heights[2]) / (heights[0] - heights[1]) == pytest.approx(3, abs=0.02)


def test_lines_are_not_filled_and_bands_have_no_edge_in_either_mode():
    style = re.search(r"<style>(.*?)</style>", figures()["lines"])[1]
    colours = style.rindex(".c0{")  # rules of equal weight: the last one counts
    assert colours < style.index(".line{fill:none")
    assert colours < style.index(".band{stroke:none")


def test_shares_are_drawn_from_nought_to_a_hundred_per_cent():
    texts = [each.text for each in parts(figures()["bars"], "text")]
    assert "0 %" in texts
    assert "100 %" in texts
    assert len(parts(figures()["bars"], "rect", "bar")) == 3  # a value that is not finite has none


def test_the_density_of_a_violin_is_gaussian_with_silverman_s_bandwidth():
    values = np.random.default_rng(0).normal(size=200).tolist()
    drawn = svg.density(values)
    iqr = sorted(values)[150] - sorted(values)[50]
    width = 0.9 * min(np.std(values), iqr / 1.349) * 200**-0.2
    expected = gaussian_kde(values, bw_method=width / np.std(values, ddof=1))([x for x, _ in drawn])
    assert [height for _, height in drawn] == pytest.approx((expected / expected.max()).tolist(), abs=1e-9)
    assert (drawn[0][0], drawn[-1][0]) == (min(values), pytest.approx(max(values)))
    assert svg.density([2.0, 2.0]) == [(2.0, 1.0)]


def test_every_value_of_a_violin_is_a_point_and_its_mean_a_line():
    figure = figures()["violins"]
    assert len(parts(figure, "circle")) == 5
    titles = [each.text for each in parts(figure, "title")]
    assert f"power\n{EVIL}: mean 1.833 of 3" in titles


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]), (-7.4, 7.4, [-5, 0, 5]), (0.001, 0.0042, [0.001, 0.002, 0.003, 0.004])],
)
def test_ticks_are_round_numbers_within(low, high, expected):
    assert svg.ticks(low, high) == pytest.approx(expected)


def test_the_module_needs_the_standard_library_only():
    tree = ast.parse(Path(svg.__file__).read_text(encoding="utf-8"))
    names = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    assert all(name.split(".")[0] in sys.stdlib_module_names for name in names)
