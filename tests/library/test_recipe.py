"""A recipe means the same as text, as a value and as what is added to the model."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.errors import FileError, InputError
from playground.library.recipe import (
    Component,
    Recipe,
    component_norm,
    format,
    parse,
    recipes_of,
    resolve,
)
from playground.library.scale_window import ScaleWindow
from playground.limits import LIMITS

AMOUNTS = st.floats(allow_nan=False, allow_infinity=False)
SOURCES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(
    lambda text: "," not in text and text == text.strip() and text.isprintable()
)
RANGES = st.tuples(st.integers(0, 999), st.integers(1, 999)).map(lambda pair: (pair[0], pair[0] + pair[1]))
COMPONENTS = st.builds(
    Component, SOURCES, row=st.integers(0, 99_999), amount=AMOUNTS, unit=st.sampled_from(["", "a", "r", "n", "f"]),
    blocks=st.none() | st.tuples(st.integers(0, 99), st.integers(100, 199)) | st.just((7, 7)),
) | st.builds(
    Component, SOURCES, mean=RANGES, amount=AMOUNTS, unit=st.sampled_from(["", "a", "r", "n"]),
    operation=st.sampled_from(["add", "cap", "floor"]),
) | st.builds(Component, SOURCES, span=RANGES, operation=st.just("ablate"), blocks=st.none() | st.just((1, 2)))


@settings(deadline=None)
@given(st.lists(COMPONENTS, min_size=1, max_size=4))
def test_a_recipe_survives_the_way_through_its_text(components):
    recipe = Recipe(tuple(components))
    assert parse(format(recipe)) == recipe


@settings(deadline=None)
@given(st.text(max_size=30) | st.text("ab#@:-,.0123456789e meanspcflort=", max_size=30))
def test_any_text_is_a_recipe_or_gets_one_sentence(text):
    try:
        recipe = parse(text)
    except InputError as error:
        sentence = str(error)
    else:
        assert parse(format(recipe)) == recipe
        return
    assert "\n" not in sentence
    assert sentence.endswith(".")


@pytest.mark.parametrize(
    ("text", "component"),
    [
        ("code#3@5", Component("code", row=3, amount=5)),
        ("code#3@-3.5", Component("code", row=3, amount=-3.5)),
        ("code#0@1e1", Component("code", row=0, amount=10)),
        ("code#0@+.5E-1", Component("code", row=0, amount=0.05)),
        (" code # 0 @ 1. ", Component("code", row=0, amount=1)),
        ("code#mean:0-12@-0.25", Component("code", mean=(0, 12), amount=-0.25)),
        ("code#3@-16.3a", Component("code", row=3, amount=-16.3)),
        ("code#3@0.2r", Component("code", row=3, amount=0.2, unit="r")),
        ("code#3@-1f", Component("code", row=3, amount=-1, unit="f")),
        ("code#3@2 n", Component("code", row=3, amount=2, unit="n")),
        ("code#3@5:4-9", Component("code", row=3, amount=5, blocks=(4, 9))),
        ("code#mean:0-3@2r : 4", Component("code", mean=(0, 3), amount=2, unit="r", blocks=(4, 4))),
        ("code#mean:0-3@1n", Component("code", mean=(0, 3), amount=1)),
        ("code#mean:0-20@7a", Component("code", mean=(0, 20), amount=7, unit="a")),
        ("runs@home/a#b.safetensors#7@2", Component("runs@home/a#b.safetensors", row=7, amount=2)),
    ],
)
def test_the_forms_of_a_component(text, component):
    assert parse(text) == Recipe((component,))


def test_components_are_joined_by_commas():
    recipe = parse("code#3@5, plan#mean:0-2@0.5")
    assert [component.source for component in recipe.components] == ["code", "plan"]
    assert format(recipe) == "code#3@5,plan#mean:0-2@0.5"


def test_negated_turns_every_component_around():
    recipe = parse("code#3@5,plan#mean:0-2@-0.5")
    assert format(recipe.negated()) == "code#3@-5,plan#mean:0-2@0.5"
    assert recipe.negated().negated() == recipe


def test_no_component_is_the_baseline():
    assert format(Recipe()) == ""
    assert resolve(Recipe(), None) == ()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("code", "FILE#ROW@SCALE"),
        ("code#3", "FILE#ROW@SCALE"),
        ("code@3", "FILE#ROW@SCALE"),
        ("#3@1", "name"),
        ("code#@1", "row number"),
        ("code#-1@1", "row number"),
        ("code#1.5@1", "row number"),
        ("code#x@1", "row number"),
        ("code#99999999999@1", "row number"),
        ("code#3@", "number after @"),
        ("code#3@big", "number after @"),
        ("code#3@nan", "number after @"),
        ("code#3@inf", "number after @"),
        ("code#3@1_0", "number after @"),
        ("code#3@0x10", "number after @"),
        ("code#3@٣", "number after @"),
        ("code#3@1e999", "finite"),
        ("code#3@1,5", "commas"),
        ("a,b#3@1", "commas"),
        ("code#mean@1", "mean:A-B"),
        ("code#mean:3@1", "mean:A-B"),
        ("code#mean:3-3@1", "A below B"),
        ("code#mean:4-3@1", "A below B"),
        ("code#3@1,", "FILE#ROW@SCALE"),
        ("code#3@1x", "number"),
        ("code#mean:0-3@1f", "single rows"),
        ("code#3@1:", "blocks after :"),
        ("code#3@1:x", "blocks after :"),
        ("code#3@1:4-", "blocks after :"),
        ("code#3@1:9-4", "the first up to the last"),
        ("co\tde#3@1", "name"),
    ],
)
def test_a_text_that_is_no_recipe_gets_the_reason(text, word):
    with pytest.raises(InputError, match=word) as caught:
        parse(text)
    assert str(caught.value).startswith("Expected ")
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"row": 1, "mean": (0, 2)},
        {"row": -1},
        {"mean": (2, 2)},
        {"mean": (-1, 2)},
        {"row": 0, "amount": math.nan},
        {"row": 0, "amount": math.inf},
        {"row": 0, "unit": "x"},
        {"mean": (0, 2), "unit": "f"},
    ],
)
def test_a_component_is_checked_when_built(fields):
    with pytest.raises(InputError):
        Component("code", **fields)


@pytest.mark.parametrize("source", ["", " a", "a,b", "a\nb", "\ud800"])
def test_a_source_that_no_text_could_name_is_refused(source):
    with pytest.raises(InputError):
        Component(source, row=0)


def test_a_recipe_of_too_many_components_is_refused():
    with pytest.raises(InputError, match=str(LIMITS.components)):
        parse(",".join(["code#0@1"] * (LIMITS.components + 1)))


def library(**sets):
    return lambda source: sets[source]


def test_a_row_is_added_with_the_scale_as_its_norm_whatever_its_native_norm(make_set):
    code = make_set(vectors=torch.randn(4, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 7)
    (push,) = resolve(parse("code#2@-3.5"), library(code=code))
    row = code.vectors[2].double()
    expected = -3.5 * row / row.norm()
    assert push.layer == 3
    assert push.vector.dtype == torch.float32
    # One rounding from float64 to float32.
    torch.testing.assert_close(push.vector.double(), expected, rtol=1e-7, atol=1e-9)
    assert component_norm(Component("code", row=2, amount=-3.5), code) == pytest.approx(3.5)


def test_a_mean_is_the_average_in_native_norm_times_the_multiplier_and_leaves_row_b_out(make_set):
    code = make_set()
    (push,) = resolve(parse("code#mean:1-3@2"), library(code=code))
    expected = 2 * (code.vectors[1].double() + code.vectors[2].double()) / 2
    torch.testing.assert_close(push.vector.double(), expected, rtol=1e-7, atol=1e-9)
    component = Component("code", mean=(1, 3), amount=-2)
    assert component_norm(component, code) == pytest.approx(float(expected.norm()))


def test_components_of_one_layer_are_summed_and_layers_are_kept_apart_in_order(make_set):
    sets = {
        "late": make_set(source=5, draw=1),
        "early": make_set(source=2, target=4, draw=2),
        "also": make_set(source=5),
    }
    pushes = resolve(parse("late#0@1,early#1@2,also#2@3"), library(**sets))
    assert [push.layer for push in pushes] == [2, 5]
    torch.testing.assert_close(pushes[0].vector, 2 * sets["early"].unit(1))
    torch.testing.assert_close(pushes[1].vector, sets["late"].unit(0) + 3 * sets["also"].unit(2))


def test_a_component_over_blocks_is_added_with_its_norm_at_each(make_set):
    made = make_set()
    last = made.origin.block_count - 1
    pushes = resolve(parse(f"code#0@5:0-{last},code#1@-2"), lambda source: made)
    assert [push.layer for push in pushes] == list(range(last + 1))
    alone = resolve(parse("code#0@5"), lambda source: made)[0].vector
    for push in pushes:
        extra = resolve(parse("code#1@-2"), lambda source: made)[0].vector if push.layer == made.origin.source else 0
        torch.testing.assert_close(push.vector, alone + extra)
    with pytest.raises(InputError, match=f"blocks from 0 to {last} for code, got {last + 1}"):
        resolve(parse(f"code#0@5:0-{last + 1}"), lambda source: made)


def test_blocks_are_kept_by_what_is_built_from_directions(make_set):
    made = make_set()
    (recipe,), named = recipes_of([(made[0] * 5).at(1, 3) - (made[1] * "2r").at(2)])
    assert [component.blocks for component in recipe.components] == [(1, 3), (2, 2)]
    assert format(recipe).endswith("#1@-2r:2")


@pytest.mark.parametrize(
    ("text", "component"),
    [
        ("code#3@ablate", Component("code", row=3, operation="ablate")),
        ("code#span:0-4@ablate:2-5", Component("code", span=(0, 4), operation="ablate", blocks=(2, 5))),
        ("code#3@cap=0.2r", Component("code", row=3, amount=0.2, unit="r", operation="cap")),
        ("code#mean:0-3@floor=-1", Component("code", mean=(0, 3), amount=-1, operation="floor")),
    ],
)
def test_what_is_taken_out_or_held_is_written_after_the_at(text, component):
    assert parse(text).components == (component,)
    assert format(parse(text)) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("code#span:0-4@2", "Expected to ablate a span of code"),
        ("code#3@cap", "ablate, cap=NUMBER or floor=NUMBER"),
        ("code#3@cap=x", "ablate, cap=NUMBER or floor=NUMBER"),
        ("code#3@ablate=2", "ablate, cap=NUMBER or floor=NUMBER"),
        ("code#span:4-4@ablate", "span:0-3 for rows 0, 1 and 2"),
    ],
)
def test_what_cannot_be_held_is_said(text, said):
    with pytest.raises(InputError, match=said):
        parse(text)


def test_held_is_before_added_and_ablations_take_out_one_span(make_set):
    made = make_set()
    source = made.origin.source
    edits = resolve(parse("code#2@ablate,code#0@cap=0.5r,code#0@3,code#1@ablate,code#1@floor=-2"), lambda name: made)
    cap, floor, ablation, push = edits
    assert [edit.layer for edit in edits] == [source] * 4
    bound = 0.5 * made.origin.residual_norm
    assert (cap.low.item(), cap.high.item()) == (-torch.inf, pytest.approx(bound))
    assert (floor.low.item(), floor.high.item()) == (-2, torch.inf)
    torch.testing.assert_close(cap.basis[0].float(), made.unit(0))
    both = made.vectors[1:3].double()
    projector = both.T @ torch.linalg.inv(both @ both.T) @ both
    torch.testing.assert_close(ablation.basis.T @ ablation.basis, projector)
    torch.testing.assert_close(push.vector, 3 * made.unit(0))
    (span,) = resolve(parse("code#span:1-3@ablate"), lambda name: made)
    torch.testing.assert_close(span.basis.T @ span.basis, projector)


def test_directions_of_a_set_in_memory_are_ablated_and_held(make_set):
    made = make_set()
    (recipe,), _ = recipes_of([made.span(0, 2).ablated() + made[0].capped("2f").at(1) + made[1].floored(3)])
    assert format(recipe) == "set#span:0-2@ablate,set#0@cap=2f:1,set#1@floor=3"
    (opposite,), _ = recipes_of([-(made.span(0, 2).ablated() + made[0].capped("2f").at(1) + made[1].floored(3))])
    assert opposite == recipe.negated()
    assert format(opposite) == "set#span:0-2@ablate,set#0@floor=-2f:1,set#1@cap=-3"


def test_a_set_is_loaded_once_for_all_its_components(make_set):
    loaded = []

    def load(source):
        loaded.append(source)
        return make_set()

    resolve(parse("code#0@1,code#1@1,code#mean:0-2@1"), load)
    assert loaded == ["code"]


def test_an_amount_of_zero_adds_nothing_but_is_checked(make_set):
    assert resolve(parse("code#0@0"), library(code=make_set())) == ()
    with pytest.raises(InputError, match="from 0 to 3"):
        resolve(parse("code#4@0"), library(code=make_set()))


@pytest.mark.parametrize("text", ["code#4@1", "code#mean:0-5@1", "code#mean:4-6@1"])
def test_rows_that_are_not_there_are_refused_with_those_that_are(make_set, text):
    with pytest.raises(InputError, match="from 0 to 3"):
        resolve(parse(text), library(code=make_set()))


def test_directions_of_norm_zero_are_refused(make_set):
    code = make_set(width=2, vectors=torch.tensor([[0.0, 0.0], [1.0, 0.0], [-1.0, 0.0]]))
    for text in ("code#0@1", "code#mean:1-3@1"):
        with pytest.raises(InputError, match="norm 0"):
            resolve(parse(text), library(code=code))


def test_a_scale_beyond_float32_is_refused(make_set):
    with pytest.raises(InputError, match="smaller"):
        resolve(parse("code#0@1e300"), library(code=make_set()))


def test_sets_of_different_widths_do_not_mix(make_set):
    with pytest.raises(InputError, match="6 for a and 8 for b"):
        resolve(parse("a#0@1,b#0@1"), library(a=make_set(), b=make_set(width=8)))


def test_what_the_library_raises_comes_through():
    def load(source):
        raise FileError("Expected a set, got none.")

    with pytest.raises(FileError):
        resolve(parse("code#0@1"), load)


def test_units_of_scales_add_the_norm_they_name(make_set):
    vectors = torch.tensor([[3.0, 4.0, 0.0], [0.0, 0.0, 2.0]])
    window = ScaleWindow(onset=1.0, break_=4.0, found=2.5, tried=8.0)
    back = ScaleWindow(onset=1.0, break_=9.0, found=6.0, tried=8.0)
    code = make_set(2, 3, vectors=vectors, residual_norm=10.0).with_windows({(0, 1): window, (0, -1): back})
    unit = torch.tensor([0.6, 0.8, 0.0])
    mean = torch.tensor([1.5, 2.0, 1.0])
    for text, expected in {
        "code#0@2": 2 * unit,
        "code#0@2a": 2 * unit,
        "code#0@-0.2r": -2 * unit,
        "code#0@2n": 10 * unit,
        "code#0@1f": 2.5 * unit,
        "code#0@-0.5f": -3 * unit,
        "code#mean:0-2@2": 2 * mean,
        "code#mean:0-2@-7a": -7 * mean / mean.norm(),
        "code#mean:0-2@0.5r": 5 * mean / mean.norm(),
    }.items():
        (push,) = resolve(parse(text), lambda _: code)
        torch.testing.assert_close(push.vector, expected, msg=text)


def test_a_scale_in_found_scales_needs_one(make_set):
    noise = ScaleWindow(onset=None, break_=2.0, found=None, tried=8.0)
    code = make_set(2, 3).with_windows({(0, -1): noise})
    with pytest.raises(InputError, match="row 0 of code in the negative sign, but its text breaks"):
        resolve(parse("code#0@-1f"), lambda _: code)
    with pytest.raises(InputError, match="row 0 of code in the positive sign, got none; run"):
        resolve(parse("code#0@1f"), lambda _: code)
