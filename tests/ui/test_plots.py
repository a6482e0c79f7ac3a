"""Plots hold the numbers they are given, and read in light and dark."""

from __future__ import annotations

import time

import pytest

from playground.ui import find_plots, ortho_plots, plots
from playground.ui.linearity_plot import linearity


def figures() -> dict[str, object]:
    return {
        "waiting": plots.waiting("nothing yet"),
        "curve": plots.difference_curve([-1, 0, 1], [2, 1, -1], [[1, 1, 1.5], [0.5, 1, 1]], 1.0, -1.0, ("yes", "no")),
        "convergence": find_plots.convergence([(1, [2.0, 1.0], [0.2, 0.3]), (2, [2.2, 1.4], [0.01, 0.02])]),
        "spectrum": find_plots.spectrum([3.0, 2.95, 1.0], [0.001, 0.2, 0.001], [(0, 2)], 0.01),
        "heights": find_plots.heights([1.0, 1.0], "displacement"),
        "climb": find_plots.climb([(0, [1.0, 0.5]), (1, [2.0, 0.7])], "displacement", "no. "),
        "effect": ortho_plots.effect_left([0.9, 0.5, 0.1], 0.05, unfinished=1),
        "divergence": ortho_plots.divergence([0.1] * 8),
        "norm": ortho_plots.norm([3.0, 4.0], base=7.0),
        "linearity": linearity([0.1, 1.0], [[1.0, 7.0], [1.0, 9.0]], [1.0, 10.0], [0.8, 0.0]),
    }


@pytest.mark.parametrize("name", sorted(figures()))
def test_figures_are_transparent_with_grey_text_and_no_legend(name: str) -> None:
    layout = figures()[name].layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert layout.font.color == "#888"
    assert layout.showlegend is False
    assert layout.xaxis.gridcolor == "rgba(128,128,128,.25)"


@pytest.mark.parametrize("name", sorted(set(figures()) - {"waiting"}))
def test_axes_are_named(name: str) -> None:
    layout = figures()[name].layout
    assert layout.xaxis.title.text
    assert layout.yaxis.title.text


def test_curve_marks_where_the_sliders_stand_and_draws_every_control() -> None:
    figure = figures()["curve"]
    marked = [trace for trace in figure.data if trace.mode == "markers"]
    assert [(trace.x[0], trace.y[0]) for trace in marked] == [(1, -1.0)]
    assert sum(trace.line.dash == "dot" for trace in figure.data if trace.line.dash) == 2


def test_convergence_draws_one_line_a_vector_and_its_uncertainty() -> None:
    figure = figures()["convergence"]
    lines = [trace for trace in figure.data if trace.mode == "lines+markers"]
    bands = [trace for trace in figure.data if trace.fill == "toself"]
    assert len(lines) == len(bands) == 2
    assert max(lines[-1].y) == 2.2


def test_convergence_without_steps_says_what_will_come() -> None:
    assert "Compute" in find_plots.convergence([]).layout.annotations[0].text


def test_spectrum_is_paler_above_the_tolerance_and_brackets_subspaces() -> None:
    figure = figures()["spectrum"]
    colours = figure.data[0].marker.color
    assert colours[0] == colours[2] != colours[1]
    assert [note.text for note in figure.layout.annotations] == ["subspace"]


def test_markup_in_answers_does_not_reach_a_label() -> None:
    figure = plots.difference_curve([0, 1], [0, 1], [], 0.0, 1.0, ("<a href='http://x'>y</a>", "no"))
    assert "<a" not in figure.layout.yaxis.title.text


def test_a_long_climb_is_thinned_and_keeps_its_end() -> None:
    figure = find_plots.climb([(step, [float(step)]) for step in range(1000)], "displacement")
    assert len(figure.data[0].x) <= find_plots.POINTS + 1
    assert figure.data[0].x[-1] == 999


def test_effect_left_shows_what_is_not_finished_as_hollow_and_where_it_stops() -> None:
    done, unfinished = figures()["effect"].data
    assert list(done.y) == [90, 50]
    assert list(unfinished.x) == [2]
    assert unfinished.marker.symbol == "circle-open"
    assert figures()["effect"].layout.shapes[0].y0 == 5


def test_moving_average_is_the_mean_of_its_window_and_whole_at_the_ends() -> None:
    values = [float(v * v % 17) for v in range(300)]
    averages, window = ortho_plots.moving_average(values)
    assert window == 7
    assert averages[150] == pytest.approx(sum(values[147:154]) / 7)
    assert averages[0] == pytest.approx(sum(values[:4]) / 4)
    assert averages[-1] == pytest.approx(sum(values[-4:]) / 4)


def test_linearity_marks_the_radius_where_it_is_reached_only() -> None:
    assert [shape.x0 for shape in figures()["linearity"].layout.shapes] == [0.8]


def test_the_picture_of_a_large_set_is_drawn_at_once() -> None:
    begun = time.perf_counter()
    ortho_plots.divergence([0.1] * 1500).to_json()
    assert time.perf_counter() - begun < 1.0
