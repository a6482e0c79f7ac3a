"""Plots hold the numbers they are given, and read in light and dark."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from playground.analyses.compare.run import Angles, ComparedSet, Comparison
from playground.ui.discover import find_plots, ortho_plots
from playground.ui.kit import plots
from playground.ui.measure import compare_plots
from playground.ui.measure import scale_plots as measure_plots
from playground.ui.measure.scale_plots import Axes, Curve
from playground.ui.steer.plots import difference_curve
from playground.ui.widgets.linearity_plot import linearity

AXES = Axes("relative scale", "mean logit difference / nats")


def curve(name: str, *values: float) -> Curve:
    return Curve(name, [-1, 0, 1], values, [value - 0.5 for value in values], [value + 0.5 for value in values])


def comparison() -> Comparison:
    found = (ComparedSet("a", (0, 1), ("0", "1"), 1, "singular value σ", torch.tensor([2.0, 1.0])),
             ComparedSet("b", (4,), ("4 “code”",), 1, "native norm", torch.tensor([3.0])))
    return Comparison(found, torch.eye(3), (Angles(0, 1, torch.tensor([0.5])),), ())


def figures() -> dict[str, object]:
    return {
        "waiting": plots.waiting("nothing yet"),
        "curve": difference_curve([-1, 0, 1], [2, 1, -1], [[1, 1, 1.5], [0.5, 1, 1]], 1.0, -1.0, ("yes", "no")),
        "convergence": find_plots.convergence([(1, [2.0, 1.0], [0.2, 0.3]), (2, [2.2, 1.4], [0.01, 0.02])]),
        "spectrum": find_plots.spectrum([3.0, 2.95, 1.0], [0.001, 0.2, 0.001], [(0, 2)], 0.01),
        "heights": find_plots.heights([1.0, 1.0], "displacement"),
        "climb": find_plots.climb([(0, [1.0, 0.5]), (1, [2.0, 0.7])], "displacement", "no. "),
        "effect": ortho_plots.effect_left([0.9, 0.5, 0.1], 0.05, unfinished=1, last_effects=[0.7, -0.2]),
        "divergence": ortho_plots.divergence([0.1] * 8, 0.4),
        "norm": ortho_plots.norm([3.0, 4.0], base=7.0),
        "over scales": measure_plots.over_scales(
            [curve("a#0", -2, 0, 2), curve("a#1", 0, 0, 1)], [curve("random-0", 0, 0, 0.2)], 0.1, "a#0", AXES,
            curve("b#0", 1, 0, -1),
        ),
        "items": measure_plots.items_over_scales("a#0", [-1, 1], [[-2.0, 1.0], [3.0, -0.5]], [0, 7], AXES),
        "sets": measure_plots.items_over_sets(
            [measure_plots.Violin("a#0", "power", [1.0, -2.0], "a#0|1|"),
             measure_plots.Violin("random-0", "random", [0.5, 0.0], random=True)], 0.25, [0, 7], AXES
        ),
        "groups": measure_plots.groups_over_scales([curve("a#0", 0, 1, 0.5), curve("a#0", 1, 0, 0.5)], AXES),
        "tokens": measure_plots.tokens_over_scales(["I", "class"], [[0.9, 0.1], [0.0, 0.8]], [0, 1], AXES.x),
        "cosines": compare_plots.cosines(comparison()),
        "angles": compare_plots.angles(comparison()),
        "spectra": compare_plots.spectra(comparison()),
        "linearity": linearity([0.1, 1.0], [[1.0, 7.0], [1.0, 9.0]], [1.0, 10.0], [0.8, 0.0]),
    }


@pytest.mark.parametrize("name", sorted(figures()))
def test_figures_are_transparent_with_grey_text_and_no_legend(name: str) -> None:
    layout = figures()[name].layout.template.layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert layout.font.color == "#888"
    assert layout.showlegend is False
    assert layout.xaxis.gridcolor == layout.yaxis.gridcolor == "rgba(128,128,128,.25)"
    assert len(figures()[name].layout.template.to_plotly_json()["layout"]) < 20  # plotly's own weighs seven kilobytes


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
    figure = difference_curve([0, 1], [0, 1], [], 0.0, 1.0, ("<a href='http://x'>y</a>", "no"))
    assert "<a" not in figure.layout.yaxis.title.text


@pytest.mark.parametrize("draw", [compare_plots.cosines, compare_plots.angles, compare_plots.spectra])
def test_markup_in_the_name_of_a_set_does_not_reach_a_comparison(draw: Callable) -> None:
    name = "<b>%{y} \u202e"
    sets = tuple(ComparedSet(name, (0, 1), (name, ""), 3, "norm", torch.ones(2)) for _ in range(2))
    drawn = str(draw(Comparison(sets, torch.eye(4), (Angles(0, 1, torch.zeros(2)),), ())).to_dict())
    assert "&lt;b&gt;% {y}" in drawn
    assert "<b>" not in drawn
    assert "\u202e" not in drawn


def test_a_long_climb_is_thinned_and_keeps_its_end() -> None:
    figure = find_plots.climb([(step, [float(step)]) for step in range(1000)], "displacement")
    assert len(figure.data[0].x) <= find_plots.POINTS + 1
    assert figure.data[0].x[-1] == 999


def test_effect_left_shows_what_is_not_finished_as_hollow_and_where_it_stops() -> None:
    done, unfinished, last = figures()["effect"].data
    assert (list(last.x), list(last.y), last.marker.symbol) == ([0, 1], [70, -20], "diamond")
    assert figures()["effect"].layout.yaxis.range[0] < -20
    assert list(done.y) == [90, 50]
    assert list(unfinished.x) == [2]
    assert unfinished.marker.symbol == "circle-open"
    assert figures()["effect"].layout.shapes[0].y0 == 5


def test_divergence_from_the_base_without_a_push_is_a_line_within_the_picture() -> None:
    layout = figures()["divergence"].layout
    assert layout.shapes[0].y0 == 0.4
    assert layout.yaxis.range[1] > 0.4
    assert "no push 0.4 nats" in layout.annotations[0].text  # in the key above the plot, where it covers no point


def test_moving_average_is_the_mean_of_its_window_and_whole_at_the_ends() -> None:
    values = [float(v * v % 17) for v in range(300)]
    averages, window = ortho_plots.moving_average(values)
    assert window == 7
    assert averages[150] == pytest.approx(sum(values[147:154]) / 7)
    assert averages[0] == pytest.approx(sum(values[:4]) / 4)
    assert averages[-1] == pytest.approx(sum(values[-4:]) / 4)


def test_linearity_marks_the_radius_where_it_is_reached_only() -> None:
    assert [shape.x0 for shape in figures()["linearity"].layout.shapes] == [0.8]


def test_the_picture_of_a_large_set_is_drawn_at_once(quickest: Callable) -> None:
    assert quickest(lambda: ortho_plots.divergence([0.1] * 1500).to_json()) < 0.5


def test_the_vector_looked_at_is_strongest_and_random_ones_are_dotted() -> None:
    traces = figures()["over scales"].data
    widths = {trace.customdata[0].split("|")[0]: trace.line.width for trace in traces if trace.customdata is not None}
    assert widths["a#0"] > widths["a#1"]
    dotted = [trace for trace in traces if trace.line.dash == "dot"]
    assert [list(trace.y) for trace in dotted] == [[0, 0, 0.2]]
    band = next(trace for trace in traces if trace.fill == "toself" and "13,159,120" in trace.fillcolor)
    assert list(band.y) == [-1.5, 0.5, 2.5, 1.5, -0.5, -2.5]


def test_every_item_is_a_point_that_says_what_a_click_opens() -> None:
    strips = [trace for trace in figures()["items"].data if trace.type == "scatter"]
    assert [list(strip.customdata) for strip in strips] == [["a#0|0|0", "a#0|0|7"], ["a#0|1|0", "a#0|1|7"]]
    assert [list(strip.y) for strip in strips] == [[-2.0, 1.0], [3.0, -0.5]]
    for strip in strips:
        colours = [strip.marker.color[place] for place in range(2)]
        assert colours == [plots.sign_colour(1 if value > 0 else -1) for value in strip.y]


def test_a_set_of_1500_vectors_is_drawn_in_few_cells_and_fast(quickest: Callable) -> None:
    rows = tuple(range(1500))
    large = ComparedSet("large", rows, tuple(map(str, rows)), 1, "effect left", torch.ones(1500))
    compared = Comparison((large,), torch.eye(1500), (), ())
    assert quickest(lambda: compare_plots.cosines(compared)) < 1
    figure = compare_plots.cosines(compared)
    assert len(figure.data[0].z) <= compare_plots.MOST_CELLS
