"""services/suggest.py: a few words that a vector's texts share and others lack, and nothing of markup."""

from __future__ import annotations

import re

import pytest

from playground.services.suggest import MOST_CHARACTERS, suggest_names

BASELINE = "Building a shed is a complex task. To begin with, you will need a plan and some wood."


def one(text: str, *more: str) -> str:
    return suggest_names({(0, 1): [text, *more]}, [BASELINE])[0]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("```python\ndef build(shed):\n    return shed", "code"),
        ("1. Make a plan.\n2. Buy the wood.", "numbered list"),
        ("Tom: A shed?\nAnna: Yes, a shed.", "dialogue"),
        ("ТЫ можешь построить сарай из дерева", "another script"),
        ("I'm sorry, but I can't help with a shed.", "refusal"),
        ("What kind of shed do you want to build?", "questions back"),
        ("No.", "short answer"),
        ("", "says nothing"),
    ],
)
def test_the_form_of_a_text_is_its_name_where_the_baseline_has_another(text: str, name: str) -> None:
    assert one(text) == name


def test_a_form_that_the_baseline_has_too_tells_nothing() -> None:
    names = suggest_names({(0, 1): ["1. Sorry.\n2. Sorry."]}, ["1. Plan.\n2. Build."])
    assert names == {0: "“Sorry”"}


def test_words_that_the_texts_share_and_other_vectors_lack_are_the_name() -> None:
    texts = {
        (0, 1): ["I'm afraid a shed falls down.", "I'm afraid that is not allowed."],
        (1, 1): ["The ancient castle stood on a hill.", "An ancient castle is a strong place."],
    }
    assert suggest_names(texts, [BASELINE]) == {0: "“I'm afraid”", 1: "“ancient castle”"}


def test_both_signs_are_in_the_name_the_negative_first() -> None:
    texts = {(3, 1): ["Sorry, no."], (3, -1): ["```python\nbuild()"]}
    assert re.fullmatch(r"code ↔ .+", suggest_names(texts, [BASELINE])[3])


def test_words_of_the_baseline_and_of_the_prompt_are_no_name() -> None:
    assert suggest_names({(0, 1): ["Building a plan with wood"]}, [BASELINE], "a wood shed") == {0: ""}
    assert suggest_names({(0, 1): [BASELINE]}, [BASELINE]) == {0: ""}


@pytest.mark.parametrize(
    "hostile",
    [
        "<img src=x onerror=alert(1)> <img src=x onerror=alert(1)>",
        '"><script>alert(1)</script> of these',
        "[click](javascript:alert(1)) & more of it",
        "x" * 100_000,
        "\u202eevil \u202etext of \u2066something",
        "</textarea><svg/onload=alert(1)>",
    ],
)
def test_names_are_letters_and_short_whatever_the_text(hostile: str) -> None:
    name = one(hostile, hostile)
    assert not re.search(r"[<>&\"=()/\[\]\u202a-\u202e\u2066-\u2069]", name)
    assert len(name) <= MOST_CHARACTERS + 2


def test_rows_without_texts_have_no_name() -> None:
    assert suggest_names({}, [BASELINE]) == {}
    assert suggest_names({(0, 1): []}, [BASELINE]) == {}
