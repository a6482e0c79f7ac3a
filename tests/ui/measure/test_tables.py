"""What is said of a measurement: tables hold its numbers, text stays text, and points name what they open."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from html import unescape

import pytest
import torch

from playground.analyses.choices.request import MeasureRequest
from playground.analyses.choices.result import MeasuredItem, MeasuredRow, MeasureResult
from playground.analyses.choices.side_effects import SideEffect
from playground.analyses.common.labels import Labels
from playground.analyses.common.measurements import Measurements
from playground.analyses.common.request import MeasuredVector
from playground.analyses.common.result import MeasuredSet
from playground.analyses.next_token.run import ShiftedToken, Shifts, ShiftsRequest
from playground.analyses.replies.run import RepliesRequest, RepliesResult, RepliesRow, Share
from playground.errors import InputError
from playground.library.origin import Origin, now
from playground.library.prompt_set import ChoiceItem, PromptSet
from playground.library.prompts import from_text
from playground.library.recipe import component_norm, parse
from playground.library.reply_patterns import ReplyPattern
from playground.library.vector_set import VectorSet
from playground.model.generation.generate import Sampling
from playground.ui.measure import leaderboard as measure_board
from playground.ui.measure import tables as measure_tables
from playground.ui.measure.figure import set_by_set
from playground.ui.measure.item import look_of, recipe_of
from playground.ui.measure.leaderboard import Entry
from playground.ui.measure.scale_plots import Axes, Curve, groups_over_scales, over_scales
from playground.ui.measure.state import Look
from playground.ui.measure.view import best, curves, mean_of, named, place_of, random_rows
from tests.ui.key import names

EVIL = "<img src=x onerror=alert(1)>"
SCALES = (-1.0, 0.0, 1.0)


def row(kind, vector, source, scale, differences) -> MeasuredRow:
    mean = sum(differences) / len(differences)
    wins = sum(value > 0 for value in differences) / len(differences)
    layer = None if kind == "baseline" else 3
    return MeasuredRow(
        kind, vector, source, layer, scale, scale / 2, differences, (0.1, 0.2), mean, mean - 1, mean + 1, wins, 0.15
    )


@pytest.fixture
def result() -> MeasureResult:
    items = (ChoiceItem(f"Stay on? {EVIL}", "(A)", "(B)"), ChoiceItem("Stop?", "(B)", "(A)"))
    request = MeasureRequest(
        choices=PromptSet("mine", "t", "", "choices", items), scales=SCALES, controls=1,
        vectors=(MeasuredVector("set", row=0), MeasuredVector("set", row=4)),
    )
    curves = {("vector", "0", "set"): (-1.0, 0.0, 1.0), ("vector", "4", "set"): (5.0, 0.0, -6.0)}
    curves |= {("random", "random-0", None): (0.5, 0.0, 0.2)}
    return MeasureResult(
        request=request, model="m", fingerprint="f", dtype="float32", skipped=(), letters=(("(A)", 1), ("(B)", 1)),
        items=tuple(
            MeasuredItem(2 * n, item.question, item.matching, item.other, item.matching, "logit")
            for n, item in enumerate(items)
        ),
        by="logit", baseline=row("baseline", "baseline", None, 0.0, (0.5, -0.5)),
        rows=tuple(
            row(*key, scale, (mean + 0.5, mean - 0.5))
            for key, means in curves.items()
            for scale, mean in zip(SCALES, means, strict=True)
        ),
        sets=(MeasuredSet("set", "power", "m", "f", 3, 8, 2.0, "00"),),
    )


def test_what_is_looked_at_first_is_the_largest_span_farthest_from_the_baseline(result):
    assert best(result) == Look("set#4", 2)
    assert list(named(result)) == ["set#0", "set#4"]
    assert [[each.scale for each in rows] for rows in random_rows(result, 3)] == [[-1, 0, 1]]


def test_items_are_listed_with_both_numbers_and_their_text_stays_text(result):
    html = measure_tables.items(result, Look("set#4", 0, 2))
    assert "<img" not in html
    assert "&lt;img" in html
    assert re.findall(r'data-point="([^"]+)"', html) == ["set#4|0|0", "set#4|0|2"]
    assert re.findall(r"[+-]\d\.\d\d", html) == ["+0.50", "+5.50", "-0.50", "+4.50"]
    assert html.count("aria-current") == 1


def test_an_item_shows_its_answers_numbers_and_the_texts_with_what_changed(result):
    html = measure_tables.item_card(result, Look("set#4", 0, 0), f"I agree {EVIL}", "I object")
    assert "<img" not in html
    for part in ("Item 0", "(A)", "(B)", "baseline +0.50", "<b>+5.50</b>", "0.10 nats", "sp-changed"):
        assert part in html
    assert "Generating" in measure_tables.item_card(result, Look("set#4", 0, 0), None, None)
    assert "not measured" in measure_tables.item_card(result, Look("set#4", 0, 1), None, None)


def test_a_point_is_read_back_to_what_was_added(result):
    look = look_of(result, "set#4|2|0")
    assert look == Look("set#4", 2, 0)
    (component,) = recipe_of(result, look, {}.__getitem__).components
    assert (component.source, component.row, component.amount) == ("set", 4, 1.0)
    assert recipe_of(result, Look("set#4", 1, 0), {}.__getitem__).components == ()
    assert place_of(result, 2) == 1


def test_a_point_of_an_average_adds_as_much_of_it_as_was_measured(result):
    origin = Origin(model="m", width=4, block_count=4, source=3, method="power", residual_norm=2.0, created=now())
    vector_set = VectorSet(torch.eye(4), origin, name="set")  # the average of four is half as long as one
    request = replace(result.request, vectors=(MeasuredVector("set", mean=(0, 4)),))
    rows = tuple(replace(each, vector="mean:0-4") for each in result.rows if each.vector == "4")
    recipe = recipe_of(replace(result, request=request, rows=rows), Look("set#mean:0-4", 0, 0), lambda name: vector_set)
    (component,) = recipe.components
    assert (component.mean, component.amount) == ((0, 4), -2.0)
    assert component_norm(component, vector_set) == pytest.approx(1.0)


@pytest.mark.parametrize("point", ["", "set#4", "set#4|9|0", "set#4|0|1", "set#9|0|0", "set#4|x|0", "set#4|0|²"])
def test_points_of_another_measurement_are_refused(result, point):
    with pytest.raises(InputError, match="point of this measurement"):
        look_of(result, point)


def test_the_table_of_methods_says_how_many_were_tried(result):
    from playground.analyses.common.table import set_table

    html = measure_tables.sets(set_table([result]))
    assert "best of 2" in html
    assert "random controls" in html
    assert "set#4" in html
    assert "2 tried" in html
    assert "swing" not in html  # on the leaderboard that is what both signs do


def test_the_table_of_methods_says_where_fewer_random_directions_were_drawn_than_vectors_tried(result):
    from playground.analyses.common.table import set_table

    few = measure_tables.sets(set_table([result]))
    assert "1 random draw stands against 2 vectors: tick leaderboard" in few
    assert "says how much of that is luck" not in few
    more = tuple(replace(each, vector="random-1") for each in result.rows if each.kind == "random")
    enough = measure_tables.sets(set_table([replace(result, rows=(*result.rows, *more))]))
    assert "says how much of that is luck" in enough
    assert "against" not in enough


def test_the_leaderboard_sorts_by_any_column_and_ends_with_the_luckiest_random_draw(result):
    entries = measure_board.entries_of(result)
    assert [entry.standing.name for entry in entries] == ["set#0", "set#4", "random-0"]
    html = measure_board.table(entries)
    assert re.findall(r'<th scope="row">([^<]+)</th>', html) == ["set#4", "set#0", "best of 1 random"]
    assert "side effect" not in html.split("<tbody>")[0]
    effects = [SideEffect(kl, 0.0, None, "") for kl in (0.1, 2.0, 0.3)]
    judged = [Entry(entry.standing, effect) for entry, effect in zip(entries, effects, strict=True)]
    by_effect = measure_board.table(judged, "kl")
    assert re.findall(r'<th scope="row">([^<]+)</th>', by_effect)[:2] == ["set#0", "set#4"]
    assert "1 random draw stands against 2 vectors" in by_effect


LABELS = Labels({"set": ("", "", "", "", f"alien {EVIL}")})
CALLED = "set#4 “alien &lt;img src=x onerror=alert(1)&gt;”"


def test_a_name_shows_wherever_its_vector_shows(result):
    from playground.analyses.common.table import set_table

    look = Look("set#4", 0, 2)
    shown = [
        measure_tables.items(result, look, LABELS),
        measure_tables.item_card(result, look, None, None, LABELS),
        measure_tables.sets(set_table([result]), LABELS),
        measure_board.table(measure_board.entries_of(result), labels=LABELS),
    ]
    for html in shown:
        assert CALLED in html
        assert "<img" not in html
    assert 'data-point="set#4|0|2"' in shown[0]


def test_the_numbers_of_a_plot_and_of_tables_have_the_name_in_their_last_column(result):
    from playground.analyses.common.table import set_table

    linked = [
        measure_tables.scales_csv(result, "measurement", LABELS),
        measure_tables.sets(set_table([result]), LABELS),
        measure_board.table(measure_board.entries_of(result), labels=LABELS),
    ]
    for html in linked:
        read = list(csv.DictReader(io.StringIO(unescape(re.search(r'data-csv="([^"]*)"', html)[1]))))
        assert {line["label"] for line in read if line["vector"] == "set#4"} == {f"alien {EVIL}"}
        assert {line["label"] for line in read if line["vector"] != "set#4"} == {""}


def test_a_curve_is_called_by_its_name_and_opened_by_its_key(result):
    drawn = curves(result, list(named(result).values()), mean_of, Labels({"set": ("", "", "", "", "%{x} <b>$")}))
    assert [(curve.name, curve.label) for curve in drawn] == [
        ("set#0", "set#0"), ("set#4", "set#4 “% {x} &lt;b&gt;”")
    ]
    plot = over_scales(drawn, [], 0.0, "set#4", Axes("x", "y"))
    assert "set#4 “% {x} &lt;b&gt;”" in names(plot)
    assert "set#4|2|" in plot.data[-1].customdata
    assert plot.data[-1].hovertemplate.startswith("set#4 “% {x} &lt;b&gt;” at %{x:.3g}")


def test_the_best_of_each_set_stand_side_by_side_whatever_their_method(result):
    sets = (result.sets[0], replace(result.sets[0], source="other", digest="11"))
    moved = tuple(
        replace(each, source="other", vector="1", differences=(3.0, 2.0)) for each in result.rows if each.vector == "0"
    )
    two = replace(result, sets=sets, rows=(*moved, *result.rows))
    plot = set_by_set(two, 1.0)
    labels = ["power iteration<br>other#1", "power iteration<br>set#4", "best of 1 random<br>random-0"]
    assert list(plot.layout.xaxis.ticktext) == labels
    violins = [trace for trace in plot.data if trace.type == "violin"]
    assert [list(trace.y) for trace in violins] == [[3.0, 2.0], [-5.5, -6.5], [0.7, -0.3]]
    points = [trace.customdata for trace in plot.data if trace.type == "scatter"]
    assert [None if each is None else list(each) for each in points] == [
        ["other#1|2|0", "other#1|2|2"], ["set#4|2|0", "set#4|2|2"], None
    ]
    assert list(set_by_set(two, -1.0).data[0].y) == [3.0, 2.0]
    assert len(set_by_set(result, 1.0, two).layout.xaxis.ticktext) == 3


def test_a_row_of_the_leaderboard_opens_its_vector_at_its_best_scale(result):
    html = measure_board.table(measure_board.entries_of(result))
    assert re.findall(r'data-point="([^"]+)"', html) == ["set#4|0|", "set#0|2|"]


def test_a_random_direction_at_two_norms_is_one_draw_on_the_leaderboard(result):
    other = [replace(each, scale=2 * each.scale) for each in result.rows if each.kind == "random"]
    html = measure_board.table(measure_board.entries_of(replace(result, rows=(*result.rows, *other))))
    assert "best of 1 random" in html
    assert "1 random draw stands against 2 vectors" in html


@pytest.fixture
def replied() -> RepliesResult:
    request = RepliesRequest(
        prompts=from_text(f"Who? {EVIL}\nWhy?"), patterns=(ReplyPattern("polite", "please"),), scales=(1,), controls=1,
        vectors=(MeasuredVector("set", row=4),), samples=2, sampling=Sampling(temperature=1.0),
    )

    def made(kind, vector, source, texts) -> RepliesRow:
        groups = tuple(request.groups_of(number // 2, text) for number, text in enumerate(texts))
        shares = (Share(0.25, 0.1, 0.5), Share(0.75, 0.5, 0.9))
        scale = 0.0 if kind == "baseline" else 1.0
        return RepliesRow(kind, vector, source, None if kind == "baseline" else 3, scale, scale, texts, groups, shares)

    return RepliesResult(
        request=request, model="m", fingerprint="f", dtype="float32",
        sets=(MeasuredSet("set", "power", "m", "f", 3, 8, 2.0, "00"),),
        baseline=made("baseline", "baseline", None, (f"No {EVIL}", "No", "please", "No")),
        rows=(
            made("vector", "4", "set", ("please", f"yes please {EVIL}", "", "please")),
            made("random", "random-0", None, ("No", "No", "No", "No")),
        ),
    )


def test_replies_are_listed_by_group_and_open_with_every_text(replied):
    html = measure_tables.items(replied, Look("set#4", 0, 1))
    assert re.findall(r"<td>([^<]*)</td>", html) == ["rest 2", "polite 2", "polite 1, rest 1", "polite 1, rest 1"]
    assert "<img" not in html
    card = measure_tables.item_card(replied, Look("set#4", 0, 0), None, None)
    assert card.count("sp-lookline") == 4
    assert "yes please" in re.sub("<[^>]*>", "", card)
    assert "baseline rest 2 → here <b>polite 2</b>" in card
    assert "<img" not in card
    csv_text = unescape(re.search(r'data-csv="([^"]*)"', measure_tables.scales_csv(replied, "x"))[1])
    read = list(csv.DictReader(io.StringIO(csv_text)))
    assert [(line["vector"], line["polite share"], line["rest high"]) for line in read] == [
        ("baseline", "0.25", "0.9"), ("set#4", "0.25", "0.9"), ("random-0", "0.25", "0.9")
    ]
    assert "1 rows of vectors, 1 of random directions" in measure_tables.ended(replied)
    assert best(replied) == Look("set#4", 0)


def test_every_group_of_replies_is_a_line_with_its_interval(replied):
    groups = [
        Curve(name, [1.0, 2.0], [0.25, 0.5], [0.1, 0.2], [0.5, 0.75], called=f"{name} <b>")
        for name in replied.request.groups
    ]
    plot = groups_over_scales(groups, Axes("x", "y", share=True))
    lines = [line for line in plot.data if line.mode == "lines+markers"]
    assert [list(line.y) for line in lines] == [[0.25, 0.5]] * 2
    assert names(plot) == ["polite &lt;b&gt;", "rest &lt;b&gt;"]
    assert groups_over_scales([], Axes("x", "y")).layout.annotations


def shifted(recipe: str, residual_norm: float = 16.334) -> Shifts:
    request = ShiftsRequest(prompts=from_text("a\nb"), recipe=parse(recipe), multipliers=(-1, 1), controls=1, tokens=1)
    return Shifts(
        request=request, model="m", fingerprint="f", dtype="float32", kl=(0.1, 0.2), kl_prompts=((0.1, 0.2),),
        controls=((0.0, 0.0),), tokens=(ShiftedToken(5, " a", 0.25, (0.5, 0.125)),), norm=4.0, done=1, cancelled=True,
        sets=(MeasuredSet("a set", "power", "m", "f", 3, 8, residual_norm, "00"),), seconds=2.0,
    )


@pytest.mark.parametrize(
    ("recipe", "name", "axis"),
    [
        ("a set#3@16.334", "a set#3", "relative scale"),
        ("a set#3@1", "a set#3", "scale (norm of what is added)"),
        ("a set#3@8", "a set#3", "multiple of a set#3@8"),
        ("a set#mean:0-3@1", "a set#mean:0-3@1", "multiple of a set#mean:0-3@1"),
        ("a set#3@1,a set#4@1", "a set#3@1,a set#4@1", "multiple of a set#3@1,a set#4@1"),
    ],
)
def test_a_mix_out_of_a_file_says_itself_what_its_multiples_are(recipe, name, axis):
    assert (shifted(recipe).name, shifted(recipe).axis) == (name, axis)


def test_what_ended_says_how_much_there_is_of_any_kind(result):
    assert "6 rows of vectors, 3 of random directions" in measure_tables.ended(result)
    assert "stopped: what there was is kept · 1 of 2 prompts · 2" in measure_tables.ended(shifted("a set#3@1"))


def test_kept_measurements_are_listed_with_their_kind_and_what_is_wrong(result, tmp_path):
    store = Measurements(tmp_path)
    for made, name in ((result, "choices"), (shifted("a set#3@1"), "next")):
        store.save(made.to_dict(), name)
    (tmp_path / "odd.measure.json").write_text("{}")
    html = measure_tables.kept(store.list())
    cells = [re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", line)[:5] for line in html.split("<tr")[2:]]
    assert cells[0] == ["choices", "Choices", "mine", "2", "2"]
    assert cells[1] == ["next", "Next token", "typed", "1", "1"]
    assert cells[2][0] == "odd"
    assert "got another kind of file" in cells[2][1]
