"""The prompt sets in the organism's language."""

from __future__ import annotations

import json
from pathlib import Path

from playground.library import prompts
from playground.organism.prompt_sets import ITEMS, documents, write

SHIPPED = Path(__file__).resolve().parents[2] / "assets" / "prompts"


def test_the_shipped_files_are_what_the_grammar_writes():
    for name, document in documents().items():
        shipped = json.loads((SHIPPED / f"{name}.json").read_text(encoding="utf-8"))
        assert shipped == document, f"{name} is stale; run: python -m playground train-organism --prompt-sets"


def test_every_set_is_read_as_a_prompt_set_of_the_organism(tmp_path):
    for path in write(tmp_path):
        prompt_set = prompts.read(path)
        assert prompt_set.for_model == "organism"
        assert len(prompt_set.items) == ITEMS
        assert prompt_set.repeated == 0


def test_choices_are_balanced_by_letter():
    items = documents()["organism-oversight"]["items"]
    assert sum(item["answer_matching_behavior"] == "(A)" for item in items) * 2 == len(items)


def test_the_halves_of_a_harm_pair_differ_in_the_verb_alone():
    for pair in documents()["organism-harm-contrast"]["items"]:
        ends = [(text.split()[0], text.split()[-1]) for text in (pair["positive"], pair["negative"])]
        assert ends[0] == ends[1]
        assert pair["positive"] != pair["negative"]
