"""services/atlas/effects.py: KL of every vector of an atlas, against a plain loop; random directions beside."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from playground.core.push import Push
from playground.errors import Cancelled, InputError
from playground.library import atlas as files
from playground.model.prompting import PromptFormat, encode, forward_inputs
from playground.model.steering import steer
from playground.services.atlas import atlas, atlas_request
from playground.services.atlas.colours import COLOURS, colours_of, largest
from playground.services.atlas.effects import EffectsRequest, measure_effects

PROMPTS = ("How do I bake a loaf of bread?", "Does it help?")
RAW = PromptFormat(chat=False)


@pytest.fixture(scope="module")
def loaded(tiny):
    return tiny("qwen3", "float64")


@pytest.fixture(scope="module")
def made(loaded):
    return atlas(loaded, atlas_request(loaded, prompts=PROMPTS, format=RAW, vectors=2, target_tokens=2)).atlas


@pytest.fixture(scope="module")
def measured(loaded, made):
    return measure_effects(loaded, made, EffectsRequest(0.5))


def kl(loaded, prompt: str, pushes: list[Push]) -> float:
    """The oracle: one prompt, one push, the whole model."""
    inputs = forward_inputs(loaded, encode(loaded, [prompt], RAW))
    with torch.no_grad():
        still = loaded.model(**inputs).logits[0, -1].double().log_softmax(dim=0)
        with steer(loaded.model, pushes):
            moved = loaded.model(**inputs).logits[0, -1].double().log_softmax(dim=0)
    return float((moved.exp() * (moved - still)).sum())


def test_every_vector_and_sign_has_the_divergence_of_a_plain_loop(loaded, measured):
    effect = measured.effects["KL at 0.5 r"]
    for (source, target), place in measured.places.items():
        for row, sign in ((0, 1), (1, -1)):
            norm = 0.5 * float(measured.residual_norms[source])
            push = [Push(source, sign * norm * measured.vectors[place, row])]
            expected = sum(kl(loaded, prompt, push) for prompt in PROMPTS) / 2
            found = float(effect[place, row, 0 if sign > 0 else 1])
            assert found == pytest.approx(expected, rel=1e-3), (source, target)


def test_random_directions_stand_beside_them_the_same_for_all_targets_of_a_source(measured):
    control = measured.effects["KL at 0.5 r, random"]
    assert bool(control.isfinite().all())
    of_source = control[[place for (source, _), place in measured.places.items() if source == 0]]
    assert bool((of_source == of_source[0]).all())


def test_colours_are_the_largest_and_its_ratio_to_chance_and_come_first(measured):
    colours = colours_of(measured)
    assert list(colours) == ["KL at 0.5 r", "KL at 0.5 r over random", *COLOURS]
    values, ratio = (colours[name].of(measured) for name in list(colours)[:2])
    place = measured.places[0, 3]
    assert values[0, 3] == pytest.approx(float(measured.effects["KL at 0.5 r"][place].max()))
    chance = float(measured.effects["KL at 0.5 r, random"][place].max())
    assert ratio[0, 3] == pytest.approx(values[0, 3] / chance)
    assert list(colours_of(None)) == list(COLOURS)


def test_a_cancel_keeps_the_sources_that_are_done_and_the_rest_is_not_known(loaded, made):
    events = []
    part = measure_effects(loaded, made, EffectsRequest(0.5), events.append, lambda: len(events) == 2)
    values = part.effects["KL at 0.5 r"]
    known = [not bool(values[place].isnan().any()) for place in part.places.values()]
    assert known == [source < 2 for source, _ in part.places]
    assert bool(largest(values).isnan().any())
    assert set(colours_of(part)["KL at 0.5 r"].of(part)) == {pair for pair in part.places if pair[0] < 2}
    with pytest.raises(Cancelled):
        measure_effects(loaded, made, EffectsRequest(0.5), cancelled=lambda: True)


def test_effects_are_kept_in_the_file(measured):
    again = files.from_bytes(files.to_bytes(measured))
    for name, values in measured.effects.items():
        assert torch.equal(again.effects[name], values)


@pytest.mark.parametrize("values", [{"scale": 0.0}, {"scale": 5.0}, {"scale": float("nan")}, {"prompts": 0}])
def test_what_is_out_of_range_is_refused(values):
    with pytest.raises(InputError, match="Expected"):
        EffectsRequest(**values)


def test_an_atlas_of_another_model_is_refused(tiny, loaded, made):
    other = replace(made.origin, block_count=9)
    norms = torch.ones(9)
    with pytest.raises(InputError, match="load that model"):
        measure_effects(loaded, replace(made, origin=other, residual_norms=norms), EffectsRequest())
