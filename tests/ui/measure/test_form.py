"""ui/measure_form.py: from what the page sends to requests, or one sentence."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from playground.analyses.common.request import MeasuredVector
from playground.errors import InputError
from playground.library.origin import Origin, now
from playground.library.prompts import built_in
from playground.library.recipe import format as format_recipe
from playground.library.scale_window import ScaleWindow
from playground.library.vector_set import VectorSet
from playground.ui.measure.form import MeasureForm, scale_numbers, suggested_scales
from playground.ui.widgets.prompt_source import BALANCED, BUILT_IN, DRAWN, FIRST


def made(name: str, rows: int) -> VectorSet:
    origin = Origin(
        model="m", fingerprint="f", width=4, block_count=4, source=1, method="random", residual_norm=2.5, created=now(),
    )
    return VectorSet(vectors=torch.ones(rows, 4), origin=origin, name=name)


SETS = {"a": made("a", 8), "b": made("b", 2)}
FORM = MeasureForm(
    kind="Choices", source=BUILT_IN, set_name="organism-oversight", typed="", use=48, order=FIRST,
    draw_seed=0, category=None, mode="chat", system="",
    sets=["a"], rows="all", one_set="a", one_row="3", scales="-0.5 0 0.5", unit="r", controls=4,
    seed=1, positions="all", new_tokens=24, followed=6, leaderboard=False, patterns="", samples=1, temperature=0,
)
CHOICES, SUMS = built_in()["organism-oversight"], built_in()["organism-sums"]


def test_a_choice_request_says_what_the_form_says():
    request = FORM.request(CHOICES, SETS.__getitem__)
    assert request.vectors == tuple(MeasuredVector("a", row=row) for row in range(8))
    assert (request.scales, request.unit, request.controls, request.seed) == ((-0.5, 0, 0.5), "r", 4, 1)
    assert (request.max_items, request.format.chat, request.format.system) == (None, True, None)


def test_several_sets_and_some_items_and_a_system_prompt():
    form = replace(FORM, sets=["a", "b"], rows="1, 0", use=10, system=" Be brief. ", unit="a")
    request = form.request(CHOICES, SETS.__getitem__)
    assert [str(vector) for vector in request.vectors] == ["a#1", "a#0", "b#1", "b#0"]
    assert (len(request.items), request.format.system, request.unit) == (10, "Be brief.", "a")


def test_averages_are_chosen_as_on_the_command_line():
    request = replace(FORM, rows="3, mean:0-4,0-1").request(CHOICES, SETS.__getitem__)
    assert [str(vector) for vector in request.vectors] == ["a#3", "a#mean:0-4", "a#0", "a#1"]
    assert [str(vector) for vector in replace(FORM, rows="2,").vectors(SETS.__getitem__)] == ["a#2"]


def test_a_leaderboard_draws_as_many_random_directions_as_there_are_vectors():
    assert replace(FORM, leaderboard=True).request(CHOICES, SETS.__getitem__).controls == 8
    assert replace(FORM, leaderboard=True, rows="2").request(CHOICES, SETS.__getitem__).controls == 4


def test_exact_answers_take_their_own_room():
    request = replace(FORM, kind="Exact answers").request(SUMS, SETS.__getitem__)
    assert (request.sampling.max_new_tokens, request.questions.name) == (24, "organism-sums")


def test_replies_take_patterns_a_line_each_and_samples():
    form = replace(FORM, kind="Replies", patterns=" yes=(?i)\\byes \n\nno=n=o", samples=3, temperature=0.7, use=4)
    request = form.request(built_in()["neutral"], SETS.__getitem__)
    assert [(pattern.name, pattern.regex) for pattern in request.patterns] == [("yes", "(?i)\\byes"), ("no", "n=o")]
    assert (request.samples, request.sampling.temperature, request.sampling.seed) == (3, 0.7, 1)
    assert (request.sampling.max_new_tokens, request.max_items) == (24, 4)
    assert replace(FORM, kind="Replies").request(CHOICES, SETS.__getitem__).groups[0] == "matching"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"patterns": "please"}, "NAME=REGEX"),
        ({"patterns": "a=("}, "unclosed group"),
        ({"patterns": ""}, "Expected patterns for the replies to “neutral”"),
        ({"samples": 2}, "temperature above 0"),
        ({"samples": None}, "samples"),
        ({"temperature": -1}, "temperature of 0"),
        ({"temperature": "hot"}, "number for a temperature"),
    ],
)
def test_what_is_wrong_with_replies_is_one_sentence(changes, words):
    form = replace(FORM, kind="Replies", patterns="a=b")
    with pytest.raises(InputError, match=words):
        replace(form, **changes).request(built_in()["neutral"], SETS.__getitem__)


def test_the_next_token_follows_one_vector_in_units_of_the_scales():
    form = replace(FORM, kind="Next token")
    relative = form.request(CHOICES, SETS.__getitem__)
    assert format_recipe(relative.recipe) == "a#3@2.5"
    assert (relative.multipliers, relative.tokens, relative.texts) == ((-0.5, 0, 0.5), 6, CHOICES.texts())
    absolute = replace(form, unit="a").request(CHOICES, SETS.__getitem__)
    assert format_recipe(absolute.recipe) == "a#3@1"
    calibrated = SETS["a"].with_windows({(3, -1): ScaleWindow(0.1, None, 0.25, 1.0)})
    found = replace(form, unit="f").request(CHOICES, {"a": calibrated}.__getitem__)
    assert format_recipe(found.recipe) == "a#3@0.25"  # the other sign's, for want of its own
    with pytest.raises(InputError, match="Expected a found scale for vector 3 of a, got none"):
        replace(form, unit="f").request(CHOICES, SETS.__getitem__)


def test_scales_are_numbers_however_they_are_separated():
    assert scale_numbers("−0.5, 0;0.5  1e0") == (-0.5, 0.0, 0.5, 1.0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sets": []}, "vector set"),
        ({"sets": None}, "vector set"),
        ({"rows": "99"}, "vectors of a"),
        ({"rows": "mean:0-9"}, "rows of a"),
        ({"rows": "mean:3"}, "as mean:A-B"),
        ({"scales": " "}, "scales"),
        ({"scales": "1 two"}, "number for a scale"),
        ({"controls": 0}, "random controls"),
        ({"controls": None}, "random controls"),
        ({"seed": -1}, "seed"),
        ({"use": 0}, "items"),
        ({"positions": "none"}, "positions"),
    ],
)
def test_what_is_wrong_is_one_sentence(changes, words):
    with pytest.raises(InputError, match=words):
        replace(FORM, **changes).request(CHOICES, SETS.__getitem__)


def test_an_unknown_kind_and_a_missing_vector_are_one_sentence():
    with pytest.raises(InputError, match="kind of measurement"):
        _ = replace(FORM, kind="Guess").analysis
    with pytest.raises(InputError, match="vector set to follow"):
        replace(FORM, kind="Next token", one_set=None).request(CHOICES, SETS.__getitem__)


def test_drawn_items_are_drawn_from_their_own_seed_and_letters_may_be_alike():
    request = replace(FORM, use=8, order=BALANCED, draw_seed=5).request(CHOICES, SETS.__getitem__)
    assert (request.max_items, request.sample_seed, request.balance) == (8, 5, True)
    assert sorted(item.matching for item in request.items) == ["(A)"] * 4 + ["(B)"] * 4
    drawn = replace(FORM, use=8, order=DRAWN, draw_seed=5).request(CHOICES, SETS.__getitem__)
    assert (drawn.sample_seed, drawn.balance, len(drawn.items)) == (5, False, 8)
    assert drawn.items != CHOICES.items[:8]
    with pytest.raises(InputError, match="to balance"):
        replace(FORM, kind="Exact answers", order=BALANCED).request(SUMS, SETS.__getitem__)


def test_scales_to_suggested_scales_are_multiples_of_the_found_ones():
    model, organism = SimpleNamespace(name="m"), SimpleNamespace(name="organism")
    windows = {
        (0, 1): ScaleWindow(0.1, None, 0.25, 1.0), (0, -1): ScaleWindow(0.1, None, 0.5, 1.0),
        (1, 1): ScaleWindow(0.1, None, 2.5, 5.0), (1, -1): ScaleWindow(None, 0.1, None, 5.0),
    }  # fmt: skip
    calibrated = SETS["a"].with_windows(windows)
    for loaded in (model, organism):
        assert suggested_scales(loaded, calibrated) == ("f", "-1.5 -1 -0.5 0 0.5 1 1.5")
    assert suggested_scales(model, calibrated, few=True) == ("f", "-1 -0.5 0 0.5 1")
    # In other units about as strong: the median of the found scales, 0.5, over the reference norm, 2.5.
    assert suggested_scales(model, calibrated, unit="r") == ("r", "-0.3 -0.2 -0.1 0 0.1 0.2 0.3")
    assert suggested_scales(model, calibrated, unit="a") == ("a", "-0.75 -0.5 -0.25 0 0.25 0.5 0.75")
    assert suggested_scales(model, SETS["a"]) == suggested_scales(None, None) == ("r", "-0.3 -0.2 -0.1 0 0.1 0.2 0.3")
    assert suggested_scales(organism, SETS["a"]) == ("r", "-0.9 -0.6 -0.3 0 0.3 0.6 0.9")
