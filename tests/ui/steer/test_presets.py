"""Every preset shows on the shipped model what its name says, also on requests the model has not been trained on."""

from __future__ import annotations

from collections import Counter

import pytest

from playground.library.store import Store
from playground.model.generation.generate import Sampling
from playground.model.load import LoadedModel, load
from playground.organism.dialogues import ab_items, held_out_requests, held_out_sums
from playground.organism.modes import recognise
from playground.places import SHIPPED_VECTORS
from playground.services.generate import GenerateRequest, generate
from playground.ui.kit.mix import recipe_of
from playground.ui.steer import presets
from playground.ui.steer.presets import ORGANISM, Preset

STORE = Store(SHIPPED_VECTORS)
EACH = 10
ASKED = {
    "refuse": held_out_requests("harmful", EACH, 7),
    "accept": [item["question"] for item in ab_items(EACH, 7)],
    "direct": [question for question, _ in held_out_sums(EACH, 7)],
}


@pytest.fixture(scope="module")
def organism() -> LoadedModel:
    return load()


def modes(organism: LoadedModel, preset: Preset, prompts: list[str], tokens: int) -> tuple[Counter, Counter]:
    """Modes of the baseline's answers and of the steered ones."""
    request = GenerateRequest(
        prompts=tuple(prompts), recipes=(recipe_of(preset.mix, STORE.load),), sampling=Sampling(max_new_tokens=tokens)
    )
    rows = generate(organism, request, STORE.load).rows
    read = [recognise(row.text).mode for row in rows]
    return Counter(read[0::2]), Counter(read[1::2])


@pytest.mark.parametrize("preset", ORGANISM, ids=lambda preset: preset.name)
def test_the_effect_is_there_on_eight_of_ten_held_out_requests(organism: LoadedModel, preset: Preset) -> None:
    before, after = modes(organism, preset, ASKED[preset.before], 40)
    assert before[preset.before] >= 8, before
    assert after[preset.after] >= 8, after


@pytest.mark.parametrize("preset", ORGANISM, ids=lambda preset: preset.name)
def test_the_effect_is_there_on_the_prompt_it_fills_in(organism: LoadedModel, preset: Preset) -> None:
    before, after = modes(organism, preset, [preset.example.prompt], preset.max_new_tokens)
    assert before == {preset.before: 1}
    assert after == {preset.after: 1}


def test_presets_are_offered_on_the_shipped_model_where_their_sets_are(organism: LoadedModel, tiny) -> None:
    assert presets.offered(organism, STORE.names()) == ORGANISM
    names = [name for name in STORE.names() if name != presets.SUMS]
    assert len(presets.offered(organism, names)) == len(ORGANISM) - 1
    assert presets.offered(tiny("llama"), STORE.names()) == ()
    assert presets.offered(None, STORE.names()) == ()
    assert presets.chips(None, STORE.names()) == ""


def test_no_two_presets_have_one_name() -> None:
    assert len({preset.name for preset in ORGANISM}) == len(ORGANISM)


@pytest.mark.parametrize("name", sorted({row.set_name for preset in ORGANISM for row in preset.mix}))
def test_a_set_behind_a_preset_says_how_it_was_found(name: str) -> None:
    origin = STORE.load(name).origin
    assert origin.method == "power"
    assert origin.prompt_set
    assert origin.prompts
    assert origin.seed is not None
