"""services/generate.py: rows in order, baseline first, all from one batch."""

from __future__ import annotations

import pytest
import torch

from playground.errors import FileError, InputError
from playground.library.origin import Origin, now
from playground.library.recipe import parse
from playground.library.vector_set import VectorSet
from playground.limits import LIMITS
from playground.model.conversation import Turn
from playground.model.generation.generate import Sampling
from playground.model.prompting import PromptFormat
from playground.services.generate import GenerateRequest, generate, plan
from playground.services.token_kl import token_kl

PROMPT = "How do I bake a loaf of bread?"


@pytest.fixture
def sets(tiny):
    loaded = tiny("qwen3")
    origin = Origin(
        model=loaded.name,
        fingerprint=loaded.fingerprint,
        width=32,
        block_count=4,
        source=1,
        method="random",
        residual_norm=2.0,
        created=now(),
    )
    vectors = torch.randn(3, 32, generator=torch.Generator().manual_seed(0))
    return {"a": VectorSet(vectors=vectors, origin=origin, name="a")}


def request(**changes) -> GenerateRequest:
    values = dict(prompts=(PROMPT,), recipes=(parse("a#0@20"),), sampling=Sampling(max_new_tokens=5))
    return GenerateRequest(**{**values, **changes})


def test_the_first_row_is_the_baseline_and_the_others_name_their_recipe(tiny, sets):
    result = generate(tiny("qwen3"), request(recipes=(parse("a#0@20"), parse("a#1@-20"))), sets.__getitem__)
    assert [row.recipe for row in result.rows] == ["", "a#0@20", "a#1@-20"]
    assert [row.norm for row in result.rows] == pytest.approx([0.0, 20.0, 20.0])
    assert {row.prompt for row in result.rows} == {PROMPT}
    assert len({row.token_ids for row in result.rows}) == 3
    assert all(len(row.token_ids) == 5 for row in result.rows)
    assert not result.cancelled
    assert result.tokens_per_second > 0


def test_rows_come_in_the_order_prompt_recipe_sample(tiny, sets):
    asked = request(prompts=(PROMPT, "Does it help?"), samples=2, sampling=Sampling(3, temperature=1.0))
    rows = generate(tiny("qwen3"), asked, sets.__getitem__).rows
    assert asked.rows == len(rows) == 8
    assert [(row.prompt[:3], row.recipe, row.sample) for row in rows] == [
        (prompt, recipe, sample) for prompt in ("How", "Doe") for recipe in ("", "a#0@20") for sample in (0, 1)
    ]


def test_samples_differ_and_the_seed_repeats_them(tiny, sets):
    asked = request(samples=3, sampling=Sampling(max_new_tokens=8, temperature=1.0, seed=4))
    first, again = (generate(tiny("qwen3"), asked, sets.__getitem__).rows for _ in range(2))
    assert [row.token_ids for row in first] == [row.token_ids for row in again]
    assert len({row.token_ids for row in first[:3]}) == 3


def test_the_baseline_is_that_of_a_run_without_recipes(tiny, sets):
    alone = generate(tiny("qwen3"), request(recipes=()), sets.__getitem__).rows
    beside = generate(tiny("qwen3"), request(), sets.__getitem__).rows
    assert alone[0].token_ids == beside[0].token_ids


def test_progress_holds_the_texts_so_far_in_the_order_of_the_rows(tiny, sets):
    events = []
    result = generate(tiny("qwen3"), request(), sets.__getitem__, events.append)
    assert events[-1].texts == tuple(row.text for row in result.rows)
    assert [event.step for event in events] == sorted({event.step for event in events})
    assert all(event.steps == 5 and 0 < event.share <= 1 for event in events)
    assert events[0].seconds_to_go is None  # there is no pace yet
    for row in range(2):
        texts = [event.texts[row] for event in events]
        assert all(later.startswith(earlier.rstrip("\ufffd")) for earlier, later in zip(texts, texts[1:], strict=False))


def test_a_cancel_keeps_the_texts_so_far(tiny, sets):
    count = 0

    def emit(event):
        nonlocal count
        count = event.step

    asked = request(sampling=Sampling(max_new_tokens=50))
    result = generate(tiny("qwen3"), asked, sets.__getitem__, emit, lambda: count >= 2)
    assert result.cancelled
    assert 2 <= len(result.rows[0].token_ids) <= 4


def test_a_request_without_the_baseline_has_its_recipes_only(tiny, sets):
    rows = generate(tiny("qwen3"), request(baseline=False), sets.__getitem__).rows
    assert [row.recipe for row in rows] == ["a#0@20"]


def test_a_set_from_another_model_is_a_warning_and_the_text_comes_anyway(tiny, sets):
    other = tiny("llama")
    result = generate(other, request(), sets.__getitem__)
    assert len(result.warnings) == 1
    assert len(result.rows) == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"prompts": ()}, "prompt"),
        ({"positions": "some"}, "all, prompt, last, generated or first-N"),
        ({"samples": 0}, "samples"),
        ({"baseline": False, "recipes": ()}, "baseline"),
        ({"samples": LIMITS.samples}, f"at most {LIMITS.rows} texts"),
    ],
)
def test_a_wrong_request_is_refused_when_it_is_built(changes, words):
    with pytest.raises(InputError, match=words):
        request(**changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"prompts": (PROMPT, " ")}, "Prompt 2 of 2"),
        ({"prompts": ("word " * 400,)}, "256"),
        ({"sampling": Sampling(max_new_tokens=255)}, "256"),
        ({"recipes": (parse("a#9@1"),)}, "row 9"),
    ],
)
def test_what_this_model_cannot_do_is_refused_before_a_token_is_made(tiny, sets, changes, words):
    events = []
    with pytest.raises(InputError, match=words):
        generate(tiny("qwen3"), request(**changes), sets.__getitem__, events.append)
    assert events == []


def test_a_missing_set_is_refused(tiny):
    def load(name):
        raise FileError(f"Expected a set, got {name}.")

    with pytest.raises(FileError):
        generate(tiny("qwen3"), request(), load)


def test_random_controls_have_the_norm_and_the_layers_of_the_recipe_and_follow_the_seed(tiny, sets):
    asked = request(controls=2, sampling=Sampling(max_new_tokens=5, seed=3))
    made = plan(tiny("qwen3"), asked, sets.__getitem__)
    assert [row.recipe for row in made] == ["", "a#0@20", "random-0 like a#0@20", "random-1 like a#0@20"]
    for row in made[2:]:
        assert [(push.layer, float(push.vector.norm())) for push in row.mix.edits] == [(1, pytest.approx(20))]
        assert abs(float(row.mix.edits[0].vector @ made[1].mix.edits[0].vector)) < 0.6 * 400
    again, other = (
        plan(tiny("qwen3"), request(controls=2, sampling=Sampling(max_new_tokens=5, seed=seed)), sets.__getitem__)
        for seed in (3, 4)
    )
    assert torch.equal(made[2].mix.edits[0].vector, again[2].mix.edits[0].vector)
    assert not torch.equal(made[2].mix.edits[0].vector, other[2].mix.edits[0].vector)
    result = generate(tiny("qwen3"), asked, sets.__getitem__)
    assert [row.recipe for row in result.rows] == [row.recipe for row in made]
    assert len({row.token_ids for row in result.rows}) == 4


def test_a_recipe_and_its_negative_share_their_controls(tiny, sets):
    asked = request(recipes=(parse("a#0@20"), parse("a#0@-20"), parse("a#0@10")), controls=1)
    names = [row.recipe for row in plan(tiny("qwen3"), asked, sets.__getitem__)]
    assert names == ["", "a#0@20", "a#0@-20", "a#0@10", "random-0 like a#0@20", "random-0 like a#0@10"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"controls": -1}, "number of random controls from 0"),
        ({"controls": 99}, "number of random controls from 0 to 32"),
        ({"controls": 1, "recipes": ()}, "a recipe that random controls are compared with"),
        ({"controls": 32, "samples": 10}, "at most 256 texts"),
    ],
)
def test_controls_that_make_no_sense_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        request(**changes)


def test_an_answer_goes_on_the_conversation_before_it(tiny, sets):
    turns = (Turn("user", "Hi"), Turn("assistant", "Hello"))
    formats = [PromptFormat(), PromptFormat(turns=turns)]
    apart = [generate(tiny("qwen3"), request(format=format), sets.__getitem__) for format in formats]
    assert apart[0].rows[0].token_ids != apart[1].rows[0].token_ids


def test_tokens_with_their_divergence_make_up_the_texts(tiny, sets):
    asked = request(samples=2, controls=1, sampling=Sampling(max_new_tokens=5, temperature=1.0))
    result = generate(tiny("qwen3"), asked, sets.__getitem__)
    tokens = token_kl(tiny("qwen3"), asked, result, sets.__getitem__)
    assert ["".join(token.text for token in row) for row in tokens] == [row.text for row in result.rows]
    assert [len(row) for row in tokens] == [len(row.token_ids) for row in result.rows]
    assert {token.kl for row in tokens[:2] for token in row} == {0.0}  # the baseline's own texts
    assert all(max(token.kl for token in row) > 0 for row in tokens[2:])


def test_a_text_that_ends_where_numbers_are_not_finite_says_from_where(tiny, sets):
    recipes = (parse("a#0@20"), parse("a#0@1e6"))
    half = tiny("qwen3", "float16")
    result = generate(half, request(recipes=recipes), sets.__getitem__)
    assert [bool(row.text) for row in result.rows] == [True, True, False]
    (said,) = [warning for warning in result.warnings if "finite" in warning]
    assert said.startswith("1 text ends where the model's numbers are no longer finite. Expected a push that ")
    assert said.endswith(
        "in float16, but its numbers are not finite from block 1 on; use a smaller scale or dtype float32."
    )
    assert not [warning for warning in generate(half, request(), sets.__getitem__).warnings if "finite" in warning]
