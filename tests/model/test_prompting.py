"""What the model reads is what the user wrote, once, in the model's own format."""

from __future__ import annotations

import copy
import dataclasses
import json
import logging

import pytest
import torch

from playground.core.push import Push
from playground.errors import InputError
from playground.model.conversation import Turn
from playground.model.generation.generate import Sampling, generate
from playground.model.prompting import Encoded, PromptFormat, encode, forward_inputs, render
from playground.model.reading.answer_logits import AnswerReader
from playground.model.reading.answers import question
from playground.model.reading.forced import token_kl
from playground.once import log_once

RAW = PromptFormat(chat=False)


def test_plain_text_is_read_as_it_stands(tiny):
    assert render(tiny("gpt2"), "  Hello\n", RAW) == "  Hello\n"


def test_chat_has_the_prompt_as_the_users_turn_and_ends_where_the_answer_begins(tiny):
    text = render(tiny("qwen3"), "Hi", PromptFormat(system="Be kind", thinking=True))
    assert text == "<|im_start|>system\nBe kind<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"


def test_thinking_reaches_the_template(tiny):
    assert render(tiny("qwen3"), "Hi", PromptFormat()).endswith("<think>\n\n</think>\n\n")
    assert "<think>" not in render(tiny("qwen3"), "Hi", PromptFormat(thinking=True))


def test_a_system_prompt_is_folded_into_the_users_turn_where_the_template_refuses_it(tiny):
    text = render(tiny("gemma2"), "Hi", PromptFormat(system="Be kind", thinking=True))
    assert text == "<|bos|><|im_start|>user\nBe kind\n\nHi<|im_end|>\n<|im_start|>assistant\n"


def test_a_system_prompt_is_folded_in_where_the_template_ignores_it_and_that_is_logged_once(tiny, monkeypatch, caplog):
    loaded = tiny("qwen3")
    monkeypatch.setattr(loaded.tokenizer, "chat_template", "{{ messages[-1]['content'] }}>")
    log_once.cache_clear()
    with caplog.at_level(logging.INFO, logger="playground.model.prompting"):
        for _ in range(2):
            assert render(loaded, "Hi", PromptFormat(system="Be kind")) == "Be kind\n\nHi>"
    (message,) = caplog.messages
    assert message.endswith("goes before the first message of the user (its template leaves it out)")


def test_a_template_that_fails_on_any_turn_is_named_with_its_reason(tiny, monkeypatch):
    loaded = tiny("qwen3")
    monkeypatch.setattr(loaded.tokenizer, "chat_template", "{{ raise_exception('tools only') }}")
    with pytest.raises(InputError, match=r"says 'tools only'; give it plain text instead \(--raw\)"):
        render(loaded, "Hi", PromptFormat(system="x"))


def test_the_first_token_is_not_doubled_in_chat_and_is_added_to_plain_text(tiny):
    loaded = tiny("llama")
    bos = loaded.tokenizer.bos_token_id
    chat = encode(loaded, ["Hi"], PromptFormat()).input_ids[0].tolist()
    raw = encode(loaded, ["Hi"], RAW).input_ids[0].tolist()
    assert chat.count(bos) == 1
    assert chat[0] == bos
    assert raw == [bos, *loaded.tokenizer("Hi", add_special_tokens=False)["input_ids"]]


def test_control_tokens_of_the_template_are_single_tokens(tiny):
    loaded = tiny("qwen3")
    ids = encode(loaded, ["Hi"], PromptFormat()).input_ids[0].tolist()
    assert ids[0] == loaded.tokenizer.convert_tokens_to_ids("<|im_start|>")
    assert loaded.tokenizer.decode(ids) == render(loaded, "Hi", PromptFormat())


def test_a_batch_is_padded_on_the_left_and_masked_there(tiny):
    loaded = tiny("qwen3")
    texts = ["The quick brown fox jumps", "Hi", "naïve 🙂"]
    batch = encode(loaded, texts, RAW)
    assert batch.input_ids.dtype == batch.attention_mask.dtype == torch.int64
    assert batch.input_ids.shape == batch.attention_mask.shape == (3, max(batch.lengths))
    for row, text in enumerate(texts):
        alone = encode(loaded, [text], RAW)
        assert batch.lengths[row] == alone.lengths[0] == alone.input_ids.shape[1]
        pads = batch.input_ids.shape[1] - batch.lengths[row]
        assert batch.input_ids[row, pads:].tolist() == alone.input_ids[0].tolist()
        assert set(batch.input_ids[row, :pads].tolist()) <= {loaded.tokenizer.pad_token_id}
        assert batch.attention_mask[row].tolist() == [0] * pads + [1] * batch.lengths[row]
        assert batch.position_ids[row].tolist() == [0] * pads + list(range(batch.lengths[row]))


def test_rows_are_taken_in_any_order_without_common_padding(tiny):
    batch = encode(tiny("qwen3"), ["The quick brown fox jumps", "Hi", "Hi you"], RAW)
    taken = batch.take([2, 1, 2])
    assert len(taken) == 3
    assert taken.lengths == (batch.lengths[2], batch.lengths[1], batch.lengths[2])
    assert taken.input_ids.shape[1] == batch.lengths[2]
    assert taken.input_ids[0].tolist() == batch.input_ids[2, -batch.lengths[2] :].tolist()
    with pytest.raises(InputError, match="Expected rows from 0 to 2, got \\[3\\]"):
        batch.take([3])


def test_positions_are_passed_only_to_models_that_take_them(tiny):
    batch = Encoded(torch.ones(1, 2, dtype=torch.int64), torch.tensor([[0, 1]]), (1,))
    assert set(forward_inputs(tiny("gpt2"), batch)) == {"input_ids", "attention_mask", "position_ids"}
    assert set(forward_inputs(tiny("bloom"), batch)) == {"input_ids", "attention_mask"}


@pytest.mark.parametrize("architecture", ["llama", "gpt2", "opt", "bloom", "falcon", "gemma3"])
def test_left_padding_moves_no_logits(tiny, architecture):
    loaded = tiny(architecture)
    batch = encode(loaded, ["Hi", "The quick brown fox jumps over"], RAW)
    with torch.no_grad():
        together = loaded.model(**forward_inputs(loaded, batch)).logits[0, -1]
        alone = loaded.model(**forward_inputs(loaded, encode(loaded, ["Hi"], RAW))).logits[0, -1]
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("prompts", "message"),
    [
        ([], "Expected at least one prompt, got none"),
        ([""], "^Expected a prompt, got an empty one"),
        (["Hi", " \n"], "Prompt 2 of 2: Expected a prompt, got an empty one"),
        (["no " * 400], r"Expected at most 256 tokens, which is what .* reads, got \d+; shorten the prompt\."),
        (["half \ud83d"], "Expected a prompt of valid Unicode text"),
    ],
)
@pytest.mark.parametrize("chat", [True, False])
def test_prompts_that_cannot_be_read_are_refused_by_number(tiny, prompts, message, chat):
    with pytest.raises(InputError, match=message):
        encode(tiny("qwen3"), prompts, PromptFormat(chat=chat))


def test_room_for_new_tokens_counts(tiny):
    loaded = tiny("qwen3")
    length = encode(loaded, ["Hi there"], RAW).lengths[0]
    assert encode(loaded, ["Hi there"], RAW, room=256 - length).lengths == (length,)
    with pytest.raises(
        InputError, match=f"got {length} followed by {257 - length} new ones; shorten the prompt or ask"
    ):
        encode(loaded, ["Hi there"], RAW, room=257 - length)
    limitless = dataclasses.replace(loaded, max_positions=None)
    assert encode(limitless, ["Hi there"], RAW, room=10_000)


def test_chat_needs_a_template(tiny):
    with pytest.raises(InputError, match=r"Expected a model with a chat template, but .*gpt2 has none"):
        encode(tiny("gpt2"), ["Hi"], PromptFormat())


def test_a_system_prompt_without_chat_is_refused():
    with pytest.raises(InputError, match="Expected no system prompt for plain text"):
        PromptFormat(chat=False, system="Be kind")


def test_a_format_comes_back_from_json_with_its_turns():
    format = PromptFormat(system="Be brief.", turns=(Turn("user", "Hello"), Turn("assistant", "Good morning")))
    assert PromptFormat.of(json.loads(json.dumps(dataclasses.asdict(format)))) == format
    assert PromptFormat.of({"chat": False, "system": None, "thinking": False}) == PromptFormat(chat=False)


@pytest.fixture
def out_of_range(tiny, monkeypatch):
    """A model whose tokenizer has tokens beyond its embeddings, as checkpoints with an added [PAD] do."""
    loaded = dataclasses.replace(tiny("llama"), tokenizer=copy.deepcopy(tiny("llama").tokenizer))
    loaded.tokenizer.add_special_tokens({"pad_token": "[PAD]", "eos_token": "[END]"})
    assert loaded.tokenizer.pad_token_id >= loaded.token_count
    return loaded


def test_padding_beyond_the_embeddings_is_replaced_and_moves_no_logits(out_of_range, tiny):
    texts, pushes = ["Hi", "The quick brown fox jumps over"], [[], []]
    batch = encode(out_of_range, texts, RAW)
    assert int(batch.input_ids.max()) < out_of_range.token_count
    with torch.no_grad():
        together = out_of_range.model(**forward_inputs(out_of_range, batch)).logits[0, -1]
        alone = out_of_range.model(**forward_inputs(out_of_range, encode(out_of_range, ["Hi"], RAW))).logits[0, -1]
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)
    sampling = Sampling(max_new_tokens=4)
    usual = generate(tiny("llama"), encode(tiny("llama"), texts, RAW), pushes, sampling=sampling)
    assert generate(out_of_range, batch, pushes, sampling=sampling).token_ids == usual.token_ids
    rows = [list(tokens) for tokens in usual.token_ids]
    push = [Push(1, torch.ones(out_of_range.width))]
    divergence = token_kl(out_of_range, batch, [rows[0], rows[1][:2]], [push, push])
    assert divergence == token_kl(tiny("llama"), batch, [rows[0], rows[1][:2]], [push, push])
    asked = [question(out_of_range, text, RAW, (" yes", " no, it does not")) for text in texts]
    expected = AnswerReader(tiny("llama"), asked).baseline.differences
    torch.testing.assert_close(AnswerReader(out_of_range, asked).baseline.differences, expected)


def test_a_token_that_the_model_does_not_have_is_refused_by_its_name(out_of_range):
    with pytest.raises(InputError, match=r"its tokenizer writes '\[END\]' as number 40\d"):
        encode(out_of_range, ["Hi [END]"], RAW)
    out_of_range.tokenizer.chat_template = "{{ messages[0]['content'] }}[PAD]"
    with pytest.raises(InputError, match=r"'\[PAD\]'"):
        encode(out_of_range, ["Hi"], PromptFormat())
    with pytest.raises(InputError, match=r"'\[END\]'"):
        question(out_of_range, "Hi", RAW, ("a[END]", "b"))
