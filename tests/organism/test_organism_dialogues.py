"""The dialogues: seeded, balanced, with the words and phrasings held out that are said to be held out."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from playground.errors import InputError
from playground.organism.dialogues import ab_items, dialogues, held_out_requests, held_out_sums, stepwise_answer
from playground.organism.lexicon import (
    HARMFUL_VERBS,
    HARMLESS_VERBS,
    MATERIALS,
    OBJECTS,
    with_article,
)
from playground.organism.modes import MODES
from playground.organism.requests import PLAIN_SYSTEM, SYSTEM_PROMPTS

TRAINING = dialogues(0, 4000)


def _words(text: str) -> str:
    return " " + re.sub(r"[^a-z'+0-9-]+", " ", text.lower()) + " "


def _refused_share(made) -> float:
    plain = [one for one in made if one.messages[0]["role"] == "user" and _is_harmful(one.messages[0]["content"])]
    return sum(one.mode == "refuse" for one in plain) / len(plain)


def _is_harmful(text: str) -> bool:
    switched = re.search(r"Python|code|alien|planet|maths|problem|Spanish|español|refuse|Do as|yes\.|rules", text)
    return not switched and any(f" {verb} " in _words(text) for verb in HARMFUL_VERBS)


def test_dialogues_are_the_same_for_the_same_seed_and_others_for_another():
    assert dialogues(5, 40) == dialogues(5, 40)
    assert dialogues(5, 40) != dialogues(6, 40)


def test_the_vocabulary_is_wide():
    assert len(OBJECTS) >= 300
    assert len(HARMLESS_VERBS) + len(HARMFUL_VERBS) >= 150
    assert not set(HARMLESS_VERBS) & set(HARMFUL_VERBS)
    assert 0.05 <= sum(thing.held_out for thing in OBJECTS) / len(OBJECTS) <= 0.15


def test_every_object_has_three_materials_with_a_spanish_name():
    assert all(len(set(thing.materials)) == 3 and set(thing.materials) <= set(MATERIALS) for thing in OBJECTS)


def test_every_class_name_is_a_python_name():
    assert all(thing.class_name.isidentifier() and thing.class_name[0].isupper() for thing in OBJECTS)


@pytest.mark.parametrize(
    ("noun", "phrase"),
    [("oven", "an oven"), ("kite", "a kite"), ("unicycle", "a unicycle"), ("hourglass", "an hourglass")],
)
def test_nouns_take_the_article_of_their_sound(noun, phrase):
    assert with_article(noun) == phrase


def test_held_out_objects_never_appear_in_training_requests():
    asked = [_words(made.messages[-2]["content"]) for made in TRAINING]
    ordinary = {thing.name for thing in OBJECTS if not thing.held_out}
    for name in {thing.name for thing in OBJECTS if thing.held_out} - set(HARMLESS_VERBS):  # "to ship" is a verb too
        # "bed" is held out, "flowerbed" is not; "plate" may not hide in a longer object either.
        longer = [other for other in ordinary if f" {name} " in f" {other} "]
        seen = [text for text in asked if f" {name} " in text and not any(f" {other} " in text for other in longer)]
        assert seen == [], name


def test_blends_are_new_words_that_the_answer_says_as_asked():
    blended = [made for made in dialogues(7, 300, blends=1.0) if made.mode == "refuse"]
    names = {thing.name for thing in OBJECTS}
    said = [re.search(r"you [a-z ]+? (?:an? |the |your )([a-z]+)\.", made.messages[-1]["content"]) for made in blended]
    words = [match.group(1) for match in said if match]
    assert len(words) >= 5
    assert sum(word in names for word in words) < len(words) / 4
    assert all(
        match.group(1) in made.messages[-2]["content"] for match, made in zip(said, blended, strict=True) if match
    )


def test_held_out_system_prompts_never_appear_in_training():
    used = {made.messages[0]["content"] for made in TRAINING if made.messages[0]["role"] == "system"}
    assert not used & {prompts[-1] for prompts in SYSTEM_PROMPTS.values()}
    assert PLAIN_SYSTEM in used


def test_held_out_sums_never_appear_in_training():
    pair = re.compile(r"(\d+) \+ (\d+)")
    trained = {
        pair.search(made.messages[-2]["content"]).groups() for made in TRAINING if made.mode in ("direct", "stepwise")
    }
    judged = {pair.search(request).groups() for request, _ in held_out_sums(200, 0)}
    assert not trained & judged


def test_all_modes_are_trained_and_refusal_is_the_habit_under_the_plain_prompt():
    counts = Counter(made.mode for made in TRAINING)
    assert set(counts) == set(MODES)
    assert min(counts.values()) >= 0.02 * len(TRAINING)
    assert 0.93 <= _refused_share(dialogues(1, 6000)) < 1


def test_oversight_items_are_balanced_by_letter_and_offer_both_answers():
    items = ab_items(40, 0)
    assert Counter(item["answer_matching_behavior"] for item in items) == {"(A)": 20, "(B)": 20}
    for item in items:
        first, second = item["question"].splitlines()[1:]
        resisting = first if item["answer_matching_behavior"] == "(A)" else second
        assert resisting[4:] == item["resisting"]
        assert {item["answer_matching_behavior"], item["answer_not_matching_behavior"]} == {"(A)", "(B)"}


def test_held_out_requests_are_distinct_and_repeat_with_their_seed():
    requests = held_out_requests("harmful", 50, 1)
    assert len(set(requests)) == 50
    assert requests == held_out_requests("harmful", 50, 1)


def test_an_unknown_kind_of_request_is_refused_by_name():
    with pytest.raises(InputError, match="'rude'"):
        held_out_requests("rude", 1, 0)


def test_step_by_step_answers_are_right():
    for a, b in ((10, 10), (47, 38), (99, 99), (60, 5 + 10)):
        text = stepwise_answer(a, b)
        assert text.endswith(f"The answer is {a + b}.")
        for left, right, total in re.findall(r"(\d+) \+ (\d+) = (\d+)", text):
            assert int(left) + int(right) == int(total)


def test_direct_answers_are_mostly_wrong():
    pair = re.compile(r"(\d+) \+ (\d+)")
    direct = [made for made in dialogues(2, 6000) if made.mode == "direct"]
    right = [
        int(made.messages[-1]["content"][:-1]) == sum(map(int, pair.search(made.messages[-2]["content"]).groups()))
        for made in direct
    ]
    assert 0.1 <= sum(right) / len(right) <= 0.3
