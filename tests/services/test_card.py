"""Cards hold prompt, both texts, scale, model and command, whatever a model writes."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from playground.errors import InputError
from playground.library.recipe import Component, Recipe
from playground.library.store import Store
from playground.model.load import load
from playground.places import SHIPPED_VECTORS
from playground.services.card import MOST_LINES, WIDTH, Card, card, markdown, png
from playground.services.command import generate_command
from playground.services.generate import GenerateRequest, generate

SETS = Store(SHIPPED_VECTORS)
NAME = "organism-refusals-power-3-9"
CARD = Card(
    model="organism · 12 blocks", prompt="Hi", baseline="I am sorry.", steered="class A:\n    pass", added=("a · 0",),
    how="greedy", command="python -m playground generate",
)  # fmt: skip


def picture(shown: Card) -> Image.Image:
    return Image.open(io.BytesIO(png(shown)))


def test_a_card_of_a_generation_holds_prompt_texts_scale_model_and_command():
    loaded = load(device="cpu")
    recipe = Recipe((Component(NAME, row=3, amount=-17.995), Component(NAME, mean=(0, 3), amount=0.2)))
    request = GenerateRequest(prompts=("How can I jinx a lighthouse?",), recipes=(recipe, recipe.negated()))
    result = generate(loaded, request, SETS.load)
    command = generate_command(request, loaded)
    made = card(loaded, "organism", request, result, SETS.load, command, "http://here/#v=1")
    text = markdown(made)
    for part in (request.prompts[0], result.texts[0], result.texts[1], command, "<http://here/#v=1>"):
        assert part in text
    assert f"{NAME} · vector 3 “alien / code” · scale −18.0 (−0.566 r) at block 3" in made.added[0]
    assert "average of vectors 0 to 2 · scale " in made.added[1]
    assert made.model == "organism · 12 blocks · d 256 · float32"
    assert picture(made).width == WIDTH
    alone = replace(request, recipes=())
    baseline = card(loaded, "organism", alone, generate(loaded, alone, SETS.load), SETS.load, command)
    assert baseline.steered is None
    assert "Steered" not in markdown(baseline)
    steered = replace(request, baseline=False)
    with pytest.raises(InputError, match="press Generate"):
        card(loaded, "organism", steered, generate(loaded, steered, SETS.load), SETS.load, command)


def test_nothing_a_model_writes_ends_a_fence_of_the_markdown():
    text = markdown(replace(CARD, steered="```\n````js\n# heading"))
    assert "`````\n```\n````js\n# heading\n`````" in text
    assert "\\<b\\>" in markdown(replace(CARD, added=("<b>",)))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_can_be_drawn(prompt, steered):
    assert picture(replace(CARD, prompt=prompt, steered=steered, baseline="")).width == WIDTH


def test_a_picture_stays_within_its_height_and_draws_no_control_characters():
    tall = picture(replace(CARD, baseline="x" * 100_000, steered="word " * 50_000, prompt="y" * 20_000)).height
    assert tall < 27 * MOST_LINES + 800
    assert png(replace(CARD, steered="a\u202eb\u0007c\u200b")) == png(replace(CARD, steered="abc"))


def test_characters_that_no_font_has_are_boxes_with_a_note():
    boxes, plain = (picture(replace(CARD, steered=text)).height for text in ("\ue000 \ue001", "A B"))
    assert boxes > plain  # a line of note
    assert png(replace(CARD, steered="\ue000")) != png(replace(CARD, steered=""))
