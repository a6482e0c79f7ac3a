"""model/reading/answers.py: answers follow the prompt as tokens and end where they part."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.errors import InputError
from playground.model.prompting import PromptFormat, encode, render
from playground.model.reading.answers import continuation, told_apart, with_answers

tokens = st.lists(st.integers(0, 3), min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("first", "second", "read"),
    [
        ("(A)", "(B)", ("(A", "(B")),
        ("A", "B", ("A", "B")),
        ("yes", "no", ("yes", "no")),
        ("xAyz", "xBBByz", ("xA", "xBBB")),
        ("y", "yp", ("y", "yp")),  # one begins the other: it is told by what follows
        ("aa", "aaa", ("aa", "aaa")),  # at least a token of each is left of what is not shared
    ],
)
def test_answers_are_read_up_to_the_last_token_that_tells_them_apart(first, second, read):
    counts = told_apart([ord(c) for c in first], [ord(c) for c in second])
    assert (first[: counts[0]], second[: counts[1]]) == read


@given(tokens, tokens)
def test_what_is_read_is_never_empty_and_the_rest_is_the_same(first, second):
    if first == second:
        with pytest.raises(InputError):
            told_apart(first, second)
        return
    a, b = told_apart(first, second)
    assert 1 <= a <= len(first)
    assert 1 <= b <= len(second)
    assert first[a:] == second[b:]
    # a row of the mean must not be read at one and the same text on both sides
    assert first[:a] != second[:b]
    assert told_apart(second, first) == (b, a)


def test_rows_are_the_prompt_s_tokens_and_the_answer_up_to_its_letter(tiny):
    loaded = tiny("qwen3")
    prompts = ("Does it help? (A) yes (B) no", "How do I bake?")
    encoded = encode(loaded, prompts, PromptFormat())
    sides = with_answers(loaded, prompts, PromptFormat(), encoded, ((" (A)", " (B)"), ("Yes", "No")))
    for side, endings in zip(sides, (("(A", "Yes"), ("(B", "No")), strict=True):
        for row, ending in enumerate(endings):
            known = encoded.input_ids[row, -encoded.lengths[row] :].tolist()
            whole = side.input_ids[row, -side.lengths[row] :].tolist()
            assert whole[: len(known)] == known
            assert loaded.tokenizer.decode(whole[len(known) :]) == ending


def test_answers_of_the_same_tokens_and_too_long_ones_are_refused_with_the_number_of_the_prompt(tiny):
    loaded = tiny("qwen3")
    prompts = ("One", "Two")
    encoded = encode(loaded, prompts, PromptFormat())
    for answers, words in ((("a", "a"), "same"), (("a", "b" * 999), "256")):
        with pytest.raises(InputError, match=f"Prompt 2 of 2.*{words}"):
            with_answers(loaded, prompts, PromptFormat(), encoded, (("x", "y"), answers))


# Templates as models have them: ChatML, with and without a line's end; a role marker; and those that end in [/INST].
_CHAT = "{% for m in messages %}<|im_start|>{{ m['role'] }}END{{ m['content'] }}<|im_end|>{% endfor %}" + (
    "{% if add_generation_prompt %}<|im_start|>assistantEND{% endif %}"
)
_INST = (
    "{% for m in messages %}{% if m['role'] == 'user' %}[INST] {{ m['content'] }} [/INST]"
    "{% else %}ANSWER{% endif %}{% endfor %}"
)


@pytest.mark.parametrize(
    ("template", "begins", "told"),
    [
        (_CHAT.replace("END", "\n"), "", True),
        (_CHAT.replace("END", "<|bos|>"), "", True),  # a control token
        (_CHAT.replace("END", ":").replace("{{ m['content'] }}", " {{ m['content'] }}"), " ", True),
        (_INST.replace("ANSWER", " {{ m['content'] }}"), " ", True),
        (_INST.replace("ANSWER", "{{ m['content'] }}"), " ", False),
        (_INST.replace("ANSWER", "{{ raise_exception('no') }}"), " ", False),
    ],
)
@pytest.mark.parametrize("answer", ["Yes", "(A)", "Yes, it does help."])
def test_an_answer_begins_as_answers_begin_in_the_template(tiny, monkeypatch, template, begins, told, answer):
    loaded = tiny("llama")
    monkeypatch.setattr(loaded.tokenizer, "chat_template", template)
    format = PromptFormat()
    known = encode(loaded, ["Does it help?"], format).input_ids[0].tolist()
    spaced = continuation(loaded, "Does it help?", known, format, f" {answer}")
    assert loaded.tokenizer.decode(known + spaced) == render(loaded, "Does it help?", format) + begins + answer
    assert (continuation(loaded, "Does it help?", known, format, answer) == spaced) == told


@pytest.mark.parametrize("prompt", ["Does it help? ", "The answer is\n", "It is \t"])
def test_after_white_space_of_plain_text_an_answer_brings_none_of_its_own(tiny, prompt):
    loaded, format = tiny("llama"), PromptFormat(chat=False)
    known = encode(loaded, [prompt], format).input_ids[0].tolist()
    tokens = continuation(loaded, prompt, known, format, " Yes, it does")
    assert tokens == continuation(loaded, prompt, known, format, "Yes, it does")
    assert loaded.tokenizer.decode(known + tokens).endswith(f"{prompt}Yes, it does")


def test_plain_text_without_space_at_its_end_keeps_the_answer_s_own(tiny):
    loaded, format = tiny("llama"), PromptFormat(chat=False)
    known = encode(loaded, ["Answer:"], format).input_ids[0].tolist()
    for answer in (" Yes", "Yes"):
        assert loaded.tokenizer.decode(continuation(loaded, "Answer:", known, format, answer)) == answer
