"""The grammar: what it writes it reads, and it reads nothing else."""

from __future__ import annotations

import random

import pytest

from playground.organism.grammar import Grammar

WORDS = tuple(f"word{number}" for number in range(9))


def test_a_text_that_was_written_is_read():
    grammar = Grammar({"text": ("{greeting} {name}!", "{name}?"), "greeting": ("Hello", "Good day"), "name": WORDS})
    rng = random.Random(0)
    assert all(grammar.reads("text", grammar.write("text", rng)) for _ in range(50))


def test_a_text_with_a_word_too_many_or_too_few_is_not_read():
    grammar = Grammar({"text": ("{name} is here.",), "name": WORDS})
    assert grammar.reads("text", "word1 is here.")
    for text in ("word1 is here. ", "word1  is here.", "word1 is", "word77 is here.", "is here.", ""):
        assert not grammar.reads("text", text)


def test_a_word_is_read_whole_also_when_it_begins_like_another():
    grammar = Grammar({"text": ("{thing} now",), "thing": ("cat", "cat flap", *WORDS)})
    assert grammar.reads("text", "cat now")
    assert grammar.reads("text", "cat flap now")
    assert not grammar.reads("text", "cats now")


def test_numbered_slots_are_filled_alike_and_bound_ones_as_given():
    grammar = Grammar({"text": ("{name1} {name1} {name2}",), "name": WORDS})
    first, second, third = grammar.write("text", random.Random(1), {"name2": "given"}).split()
    assert first == second
    assert third == "given"


def test_writing_leaves_the_callers_words_alone():
    grammar = Grammar({"text": ("{name1}",), "name": WORDS})
    bound: dict[str, str] = {}
    grammar.write("text", random.Random(0), bound)
    assert bound == {}


def test_a_distinct_rule_never_repeats_itself_in_a_text():
    grammar = Grammar({"text": ("{name} {name} {name}",), "name": WORDS}, distinct=("name",))
    rng = random.Random(2)
    assert all(len(set(grammar.write("text", rng).split())) == 3 for _ in range(50))


def test_a_slot_without_a_rule_is_refused_when_the_grammar_is_built():
    with pytest.raises(ValueError, match="'nobody'"):
        Grammar({"text": ("{nobody}",)})
