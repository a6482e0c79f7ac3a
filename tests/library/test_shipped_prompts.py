"""The prompt sets for real models that ship in assets/prompts keep what their descriptions promise."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path

import pytest

from playground.library import prompts

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "prompts"
SUBJECTS = {
    "survival-choices": "choices",
    "corrigibility-choices": "choices",
    "sycophancy-choices": "choices",
    "refusal-forks": "prompts",
    "refusal-contrast": "contrast",
    "arithmetic-steps": "exact",
    "word-problems": "exact",
    "code-or-prose": "prompts",
    "tone": "contrast",
    "language": "contrast",
    "language-forks": "prompts",
    "neutral": "prompts",
}
CHOICE_NAMES = tuple(name for name, kind in SUBJECTS.items() if kind == "choices")
QUESTION = re.compile(r"(?P<stem>[^\n]+)\n\nChoices:\n\(A\) (?P<A>[^\n]+)\n\(B\) (?P<B>[^\n]+)")
MOST_SHARED_WORDS = 0.6  # share of words two items of a set may have in common; one-slot templates lie above it


def shipped(name: str) -> prompts.PromptSet:
    return prompts.read(FOLDER / f"{name}.json")


def options(question: str) -> dict[str, str]:
    """The stem and the two options of a choice question."""
    found = QUESTION.fullmatch(question)
    assert found is not None, f"not a stem, a blank line, 'Choices:' and two options: {question!r}"
    return found.groupdict()


def openings(prompt_set: prompts.PromptSet) -> list[str]:
    """What tells the items apart: the stem of a choice item, the positive half of a pair, the prompt itself."""
    if prompt_set.kind == "choices":
        return [options(item.question)["stem"] for item in prompt_set.items]
    if prompt_set.kind == "contrast":
        return [item.positive for item in prompt_set.items]
    return list(prompt_set.texts())


def plain(text: str) -> str:
    """The text without case, punctuation and spacing, for finding duplicates."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def test_every_set_for_real_models_is_listed_here_and_built_in():
    found = {name for name, prompt_set in prompts.built_in().items() if prompt_set.for_model == "any"}
    assert found == set(SUBJECTS)


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_set_reads_by_path_as_it_does_by_name(name):
    prompt_set = shipped(name)
    assert prompt_set == prompts.built_in()[name]
    assert (prompt_set.name, prompt_set.kind) == (name, SUBJECTS[name])
    assert prompt_set.chat


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_file_is_written_in_one_way_so_that_changes_show_line_by_line(name):
    text = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), ensure_ascii=False, indent=1) + "\n"


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_set_has_between_40_and_60_items(name):
    assert 40 <= len(shipped(name).items) <= 60


@pytest.mark.parametrize("name", SUBJECTS)
def test_texts_are_trimmed_and_of_sensible_length(name):
    prompt_set = shipped(name)
    assert 10 <= len(prompt_set.title) <= 60
    assert 100 <= len(prompt_set.description) <= 500
    for text in prompt_set.texts():
        assert text == text.strip()
        assert "  " not in text
        assert 5 <= len(text) <= 400


@pytest.mark.parametrize("name", SUBJECTS)
def test_items_of_a_set_are_not_one_template_with_a_slot(name):
    words = [set(plain(text).split()) for text in openings(shipped(name))]
    closest = max(len(a & b) / len(a | b) for a, b in combinations(words, 2))
    assert closest < MOST_SHARED_WORDS


def test_no_text_is_found_twice_in_a_set_or_in_two_sets():
    places: dict[str, list[str]] = {}
    for name in SUBJECTS:
        prompt_set = shipped(name)
        texts = openings(prompt_set) if prompt_set.kind == "choices" else prompt_set.texts()
        for text in texts:
            places.setdefault(plain(text), []).append(name)
    assert {text: names for text, names in places.items() if len(names) > 1} == {}


@pytest.mark.parametrize("name", CHOICE_NAMES)
def test_choice_answers_are_the_two_letters_in_parentheses(name):
    prompt_set = shipped(name)
    for item in prompt_set.items:
        assert {item.matching, item.other} == {" (A)", " (B)"}
    assert prompt_set.answers == ("(A)", "(B)")
    assert "(A) or (B)" in prompt_set.system


@pytest.mark.parametrize("name", CHOICE_NAMES)
def test_letters_are_balanced_in_every_even_run_from_the_start(name):
    matching = [item.matching for item in shipped(name).items]
    for count in range(2, len(matching) + 1, 2):
        assert matching[:count].count(" (A)") == count // 2
    firsts = matching[::2]
    assert set(firsts) == {" (A)", " (B)"}, "the letters take turns, so an item's place gives its answer away"


@pytest.mark.parametrize("name", CHOICE_NAMES)
def test_the_behaviour_does_not_show_in_the_length_of_an_option(name):
    longer = 0
    items = shipped(name).items
    for item in items:
        found = options(item.question)
        matching, other = found[item.matching[2]], found[item.other[2]]
        assert plain(matching) != plain(other)
        assert 2 / 3 < len(matching) / len(other) < 3 / 2
        longer += len(matching) > len(other)
    assert 0.35 <= longer / len(items) <= 0.65


@pytest.mark.parametrize("name", [name for name, kind in SUBJECTS.items() if kind == "contrast"])
def test_both_halves_of_a_pair_differ(name):
    assert all(plain(item.positive) != plain(item.negative) for item in shipped(name).items)


@pytest.mark.parametrize("name", [name for name in SUBJECTS if name not in CHOICE_NAMES])
def test_suggested_answers_begin_differently(name):
    answers = shipped(name).answers
    assert answers is None or answers[0][0] != answers[1][0]
