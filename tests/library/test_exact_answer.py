"""Answers that are a number: read from files of every form, and out of what a model wrote."""

from __future__ import annotations

import json
import re
from decimal import Decimal

import pytest

from playground.errors import FileError, InputError
from playground.library.exact_answer import answer_number, last_number, written
from playground.library.prompt_set import ExactItem, PromptSet
from playground.library.prompts import built_in, read


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("The answer is 85.", "85"),
        ("50 + 30 = 80. 3 + 2 = 5. 80 + 5 = 85", "85"),
        ("4,215 + 1,986 = 6,201!", "6201"),
        ("1,000,000.5 in all", "1000000.5"),
        ("that is 12,5", "5"),
        ("9-4", "4"),
        ("it falls to -4", "-4"),
        ("x=−4.", "-4"),
        ("$3.50", "3.5"),
        ("85 %", "85"),
        ("version2", "2"),
        ("none at all", None),
        ("", None),
        ("7" * 40, None),
    ],
)
def test_a_text_answers_with_its_last_number(text, number):
    assert last_number(text) == (None if number is None else Decimal(number))


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        (72, "72"),
        (2.5, "2.5"),
        ("72", "72"),
        ("-4", "-4"),
        ("He adds 30 and 42.\n#### 72", "72"),
        ("#### 1,200", "1200"),
        ("Paris", None),
        ("in 1984 he left", None),
        (True, None),
        (None, None),
    ],
)
def test_an_answer_in_a_file_is_a_number_or_ends_in_one(answer, number):
    assert answer_number(answer) == (None if number is None else Decimal(number))


def test_equal_numbers_are_written_alike_and_without_an_exponent():
    assert [written(Decimal(text)) for text in ("85", "85.0", "85.50", "-0.5", "1e3", "100")] == [
        "85", "85", "85.5", "-0.5", "1000", "100",
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("sums.jsonl", '{"question": "1 + 1?", "answer": 2}\n{"question": "2 + 2?", "answer": "#### 4"}\n'),
        ("sums.json", json.dumps([{"question": "1 + 1?", "answer": "2"}, {"question": "2 + 2?", "answer": 4.0}])),
        ("sums.csv", "question,answer\n1 + 1?,2\n2 + 2?,4.00\n"),
    ],
)
def test_questions_with_answers_are_the_same_set_in_every_form(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    prompt_set = read(path)
    assert prompt_set.kind == "exact"
    assert prompt_set.items == (ExactItem("1 + 1?", "2"), ExactItem("2 + 2?", "4"))
    assert prompt_set.texts() == ("1 + 1?", "2 + 2?")


def test_answers_without_a_number_leave_a_file_the_list_of_prompts_it_was_before(tmp_path):
    path = tmp_path / "capitals.csv"
    path.write_text("question,answer\nCapital of France?,Paris\n", encoding="utf-8")
    assert (read(path).kind, read(path).items) == ("prompts", ("Capital of France?",))


def test_an_item_without_a_number_among_others_is_refused_with_its_line(tmp_path):
    path = tmp_path / "mixed.csv"
    path.write_text("question,answer\n1 + 1?,2\nCapital of France?,Paris\n", encoding="utf-8")
    with pytest.raises(FileError, match="line 3: Expected `answer` to end in a number, got 'Paris'"):
        read(path)


def test_a_set_that_says_it_is_exact_needs_an_answer_in_every_item(tmp_path):
    path = tmp_path / "half.json"
    items = [{"question": "1 + 1?", "answer": "2"}, {"question": "2 + 2?"}]
    path.write_text(json.dumps({"format": 1, "kind": "exact", "items": items}), encoding="utf-8")
    with pytest.raises(FileError, match="item 2: Expected a field `answer`"):
        read(path)
    with pytest.raises(InputError, match="end in a number"):
        ExactItem("1 + 1?", "two")


def test_shipped_sums_have_the_answers_of_their_own_text():
    sums = built_in()["organism-sums"]
    for item in sums.items:
        first, second = map(int, re.findall(r"\d+", item.question))
        assert item.number == first + second
    assert PromptSet("n", "t", "", "exact", sums.items).one_sided
