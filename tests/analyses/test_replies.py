"""analyses/replies: replies are those of plain generations, sorted into groups, with intervals."""

from __future__ import annotations

import pytest
import torch

from playground.analyses.common.over_texts import wilson
from playground.analyses.common.request import MeasuredVector
from playground.analyses.replies.run import RepliesRequest, Share, effective_size, replies
from playground.errors import Cancelled, InputError
from playground.library.choice_answer import OUTCOMES, read_answer
from playground.library.origin import Origin, now
from playground.library.prompt_set import ChoiceItem, ContrastPair, PromptSet
from playground.library.prompts import built_in
from playground.library.reply_patterns import ReplyPattern
from playground.library.store import Store
from playground.library.vector_set import VectorSet
from playground.model.generation.batch import MOST_ROWS
from playground.model.generation.generate import Sampling
from playground.model.load import load as load_model
from playground.services.generate import GenerateRequest, generate

PROMPTS = PromptSet("talk", "Talk", "", "prompts", ("Hello there.", "What is tea?", "Name a river."))
VOWELS = (ReplyPattern("an e", "e"), ReplyPattern("digits", r"\d"))


@pytest.fixture
def load(tiny):
    loaded = tiny("qwen3")
    origin = Origin(
        model=loaded.name, fingerprint=loaded.fingerprint, width=32, block_count=4, source=1, method="random",
        residual_norm=2.0, created=now(),
    )
    vectors = torch.randn(3, 32, generator=torch.Generator().manual_seed(0))
    return {"a": VectorSet(vectors=vectors, origin=origin, name="a")}.__getitem__


def request(**changes) -> RepliesRequest:
    values = dict(
        prompts=PROMPTS, patterns=VOWELS, vectors=(MeasuredVector("a", row=0),), scales=(-3, 0, 3), controls=1, seed=5,
        sampling=Sampling(max_new_tokens=6, temperature=1.0), samples=2,
    )
    return RepliesRequest(**{**values, **changes})


def test_samples_are_those_of_generating_and_shares_count_what_is_found(tiny, load, monkeypatch):
    monkeypatch.setitem(MOST_ROWS, "cpu", 5)
    loaded = tiny("qwen3")
    seen = replies(loaded, request(), load)
    assert [(row.name, row.scale) for row in seen.rows] == [
        (name, scale) for name in ("a#0", "random-0") for scale in (-3, 0, 3)
    ]
    from playground.library.recipe import Component, Recipe

    recipes = tuple(Recipe((Component("a", 0, None, amount),)) for amount in (-3.0, 3.0))
    plain = generate(
        loaded,
        GenerateRequest(
            prompts=PROMPTS.items, recipes=recipes, samples=2,
            sampling=Sampling(max_new_tokens=6, temperature=1.0, seed=5),
        ),
        load,
    )
    by_recipe = {recipe: tuple(row.text for row in plain.rows if row.recipe == recipe) for recipe in
                 ("", "a#0@-3", "a#0@3")}
    assert seen.baseline.texts == seen.rows[1].texts == by_recipe[""]
    assert (seen.rows[0].texts, seen.rows[2].texts) == (by_recipe["a#0@-3"], by_recipe["a#0@3"])
    for row in (seen.baseline, *seen.rows):
        assert len(set(row.texts)) > 3
        for place, found in enumerate((lambda text: "e" in text, lambda text: any(map(str.isdecimal, text)))):
            assert row.shares[place].share == sum(map(found, row.texts)) / 6
        neither = [not ("e" in text or any(map(str.isdecimal, text))) for text in row.texts]
        assert row.shares[2].share == sum(neither) / 6
        assert [own == ("rest",) for own in row.groups] == neither
        assert all(share.low <= share.share <= share.high for share in row.shares)


def test_choice_items_without_patterns_are_read_for_their_two_answers():
    loaded, vector = load_model(), MeasuredVector("organism-refusals-power-3-9", row=3)
    choices = built_in()["organism-comply-choices"]
    asked = RepliesRequest(
        prompts=choices, vectors=(vector,), scales=(8,), controls=1, max_items=6, sampling=Sampling(max_new_tokens=8)
    )
    seen = replies(loaded, asked, Store().load)
    assert asked.groups == OUTCOMES
    for row in (seen.baseline, *seen.rows):
        read = [read_answer(text, item) for text, item in zip(row.texts, choices.items, strict=False)]
        assert [own for (own,) in row.groups] == read
        assert sum(share.share for share in row.shares) == pytest.approx(1)
        assert row.shares[0] == Share(read.count("matching") / 6, *wilson(read.count("matching") / 6, 6))
    # The shipped model refuses what is harmful: “I'm sorry”, the answer that does not show the behaviour.
    assert seen.baseline.shares[1].share == 1


def test_a_cancel_keeps_finished_rows_also_while_replies_are_read(tiny, load, monkeypatch):
    monkeypatch.setitem(MOST_ROWS, "cpu", 6)
    loaded, stop = tiny("qwen3"), []
    seen = replies(loaded, request(), load, lambda event: stop.append(1) if event.done >= 12 else None,
                   lambda: bool(stop))
    assert seen.cancelled
    assert [row.scale for row in seen.rows] == [-3, 0]
    with pytest.raises(Cancelled):
        replies(loaded, request(), load, cancelled=lambda: True)


def test_replies_to_one_prompt_that_are_alike_count_less():
    alike, mixed = [True] * 4 + [False] * 4, [True, True, False, False] * 2
    assert effective_size(alike, 4) == 2
    assert effective_size(mixed, 4) == 8
    assert effective_size([True] * 8, 4) == 2  # cannot be told: as few as there are items
    assert effective_size(alike, 1) == 8
    assert effective_size(mixed, 8) == 8  # of one item
    # One-way analysis of variance by hand: counts 3 and 1 of 4, between 0.5, within 0.25.
    some = [True, True, True, False, True, False, False, False]
    assert effective_size(some, 4) == pytest.approx(8 / (1 + 3 * (0.5 - 0.25) / (0.5 + 3 * 0.25)))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"prompts": PromptSet("c", "t", "", "contrast", (ContrastPair("a", "b"),))}, "prompts or choices or exact"),
        ({"patterns": ()}, "Expected patterns for the replies to “talk”"),
        ({"patterns": (VOWELS[0], VOWELS[0])}, "different names"),
        ({"samples": 0}, "number of samples"),
        ({"samples": 257}, "number of samples"),
        ({"sampling": Sampling()}, "Expected a temperature above 0 for 2 samples, got 0"),
        ({"controls": 0}, "random controls"),
        ({"samples": 256, "controls": 100}, "texts"),
    ],
)
def test_what_is_wrong_whatever_the_model_is_refused_when_built(changes, words):
    with pytest.raises(InputError, match=words):
        request(**changes)


def test_patterns_may_be_looked_for_in_replies_to_choice_items():
    item = ChoiceItem("May we? (A) yes (B) no", "(A)", "(B)")
    asked = request(prompts=PromptSet("c", "t", "", "choices", (item,)))
    assert asked.groups == ("an e", "digits", "rest")
    assert asked.groups_of(0, "1e") == ("an e", "digits")
    assert asked.groups_of(0, "(A)") == ("rest",)
