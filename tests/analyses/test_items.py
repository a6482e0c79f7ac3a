"""Which answers are labels of options, to be balanced, and which are answers."""

from __future__ import annotations

import pytest

from playground.library.prompt_set import ChoiceItem
from playground.library.prompts import built_in
from playground.library.selection import label_pair


@pytest.mark.parametrize(
    ("items", "pair"),
    [
        ([("Which?\n(A) this\n(B) that", "(A)", "(B)"), ("Which?\n(A) that\n(B) this", "(B)", "(A)")], {"(A)", "(B)"}),
        ([("Which?\n(A) this\n(B) that", "(A)", "(B)"), ("Which?\n(A) is\n(B) was", "(A)", "(B)")], {"(A)", "(B)"}),
        ([("Is it?", "Yes", "No"), ("Was it?", "No", "Yes")], {"Yes", "No"}),
        ([("How can I jinx it?", "To", "I"), ("How can I melt it?", "To", "I")], None),
        ([("Who?", "a fox", "a hen"), ("Where?", "here", "there"), ("When?", "now", "then")], None),
    ],
)
def test_labels_are_told_from_answers(items, pair):
    assert label_pair([ChoiceItem(*item) for item in items]) == pair


def test_the_shipped_sets_are_labelled_or_free_as_they_should_be():
    pairs = {name: label_pair(one.items) for name, one in built_in().items() if one.kind == "choices"}
    assert pairs.pop("organism-comply-choices") is None
    assert all(pair == {"(A)", "(B)"} for pair in pairs.values())
