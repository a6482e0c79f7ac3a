"""Answers under many pushes at once: what a plain loop gives, with less work."""

from __future__ import annotations

import pytest
import tiny_models
import torch
from plain_choices import divergence, log_odds

from playground.core.push import Push
from playground.errors import InputError
from playground.model.prompting import PromptFormat
from playground.model.reading import answer_logits
from playground.model.reading.answer_logits import AnswerReader
from playground.model.reading.answers import question

RAW = PromptFormat(chat=False)
PROMPTS = (
    "The quick brown fox jumps over the lazy dog. Does it help?",
    "The quick brown fox jumps over the lazy cat. Does it?",
    "def add(a, b):",
    "How do I bake a loaf of bread? Does it help?",
)
LETTERS = (" (A)", " (B)")
WHOLE = ((" yes, it does", " no"), (" no", " yes it can"), (" a bowl of 7", " the water"), (" yes", " no it does"))


def direction(seed: int, scale: float) -> torch.Tensor:
    return scale * torch.randn(tiny_models.WIDTH, generator=torch.Generator().manual_seed(seed))


PUSHES = (
    (Push(1, direction(0, 3.0)),),
    (Push(1, direction(0, -3.0)),),
    (Push(1, direction(1, 0.5)),),
    (),
    (Push(3, direction(2, 3.0)),),
    (Push(0, direction(3, 2.0)), Push(2, direction(4, 2.0))),
)


def questions(loaded, answers):
    return [question(loaded, prompt, RAW, pair) for prompt, pair in zip(PROMPTS, answers, strict=True)]


def read(loaded, answers, positions="all"):
    readings = list(AnswerReader(loaded, questions(loaded, answers), positions).read(PUSHES))
    return torch.stack([reading.differences for reading in readings])


def plain(loaded, answers, positions="all"):
    return torch.tensor(
        [
            [
                log_odds(loaded, prompt, RAW, pair, pushes, positions)
                for prompt, pair in zip(PROMPTS, answers, strict=True)
            ]
            for pushes in PUSHES
        ],
        dtype=torch.float64,
    )


@pytest.mark.parametrize("architecture", tiny_models.NAMES)
@pytest.mark.parametrize("answers", [[LETTERS] * 4, WHOLE], ids=["letters", "whole answers"])
def test_log_odds_are_those_of_a_plain_loop(tiny, architecture, answers):
    loaded = tiny(architecture)
    torch.testing.assert_close(read(loaded, answers), plain(loaded, answers), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("architecture", ["llama", "gpt2", "gemma3", "bloom"])
@pytest.mark.parametrize("positions", ["prompt", "last", "generated", "first-1"])
@pytest.mark.parametrize("answers", [[LETTERS] * 4, WHOLE], ids=["letters", "whole answers"])
def test_positions_tell_prompts_from_answers(tiny, architecture, positions, answers):
    loaded = tiny(architecture)
    got = read(loaded, answers, positions)
    torch.testing.assert_close(got, plain(loaded, answers, positions), rtol=1e-3, atol=1e-3)
    assert not torch.allclose(got, read(loaded, answers), atol=0.01)


@pytest.mark.parametrize("architecture", ["llama", "qwen3", "gpt2", "phi3", "olmo2", "gpt_neox", "gemma3", "falcon"])
@pytest.mark.parametrize("positions", ["all", "prompt", "last", "generated", "first-1"])
def test_what_all_questions_begin_with_runs_apart_and_changes_nothing(tiny, architecture, positions):
    loaded = tiny(architecture)
    ends = ("a dog?", "the lazy dog. Does it?", "a cat.", "it")
    prompts = [f"The quick brown fox jumps over {end}" for end in ends]
    pushes = [[Push(layer, direction(layer, scale))] for layer in (0, 1, 3) for scale in (-2.0, 2.0)]
    for answers in ([LETTERS] * 4, WHOLE):
        pairs = list(zip(prompts, answers, strict=True))
        reader = AnswerReader(loaded, [question(loaded, prompt, RAW, pair) for prompt, pair in pairs], positions)
        got = torch.stack([reading.differences for reading in reader.read(pushes)])
        expected = [[log_odds(loaded, prompt, RAW, pair, push, positions) for prompt, pair in pairs] for push in pushes]
        torch.testing.assert_close(got, torch.tensor(expected, dtype=torch.float64), rtol=1e-3, atol=1e-3)
        if architecture in ("llama", "qwen3", "phi3", "olmo2"):  # others run it with every tree, or as rows
            assert len(reader._layouts[0].prefix) >= 5


@pytest.mark.parametrize("architecture", ["qwen3", "falcon", "gemma2"])
def test_float64_agrees_far_closer(tiny, architecture):
    loaded = tiny(architecture, "float64")
    for answers in ([LETTERS] * 4, WHOLE):
        torch.testing.assert_close(read(loaded, answers), plain(loaded, answers), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("architecture", ["qwen3", "bloom"])
def test_divergences_are_of_the_token_where_the_answers_part(tiny, architecture):
    loaded = tiny(architecture)
    readings = AnswerReader(loaded, questions(loaded, [LETTERS] * 4)).read(PUSHES)
    shared = loaded.tokenizer.decode(list(question(loaded, PROMPTS[0], RAW, LETTERS).shared))
    for pushes, reading in zip(PUSHES, readings, strict=True):
        expected = [divergence(loaded, prompt, RAW, shared, pushes) for prompt in PROMPTS]
        assert reading.divergences.tolist() == pytest.approx(expected, rel=1e-3, abs=1e-5)


@pytest.mark.parametrize(
    ("architecture", "as_trees"),
    [
        ("llama", True),
        ("qwen3", True),
        ("gpt2", True),
        ("olmo2", True),
        ("gemma3", False),  # windows of 8 tokens
        ("bloom", False),  # places tokens by their number in the row
    ],
)
def test_questions_share_what_they_begin_with_where_the_model_can(tiny, architecture, as_trees):
    loaded = tiny(architecture)
    asked = questions(loaded, [LETTERS] * 4)
    reader = AnswerReader(loaded, asked)
    assert reader.as_trees == as_trees
    alone = sum(len(one.prompt) + len(one.shared) for one in asked)
    assert (reader.tokens < alone) == as_trees


def test_a_model_that_would_compute_something_else_with_trees_gets_rows(tiny, monkeypatch):
    loaded = tiny("mistral")
    # As if its window of 16 tokens, which is in its configuration, were not.
    monkeypatch.setattr(answer_logits, "_may_know_trees", lambda loaded, length: True)
    assert not AnswerReader(loaded, questions(loaded, [LETTERS] * 4)).as_trees


def test_more_pushes_than_go_side_by_side_and_long_vocabularies_come_in_pieces(tiny, monkeypatch):
    for architecture in ("qwen3", "bloom"):
        loaded = tiny(architecture)
        whole = read(loaded, WHOLE)
        monkeypatch.setitem(answer_logits._TOKENS, "cpu", 120)
        monkeypatch.setitem(answer_logits._LOGITS, "cpu", 700)
        torch.testing.assert_close(read(loaded, WHOLE), whole, rtol=1e-3, atol=1e-3)
        monkeypatch.undo()


def test_blocks_up_to_the_push_run_once_whatever_is_added(tiny):
    loaded = tiny("llama")
    reader = AnswerReader(loaded, questions(loaded, [LETTERS] * 4), source=1)
    calls = {layer: 0 for layer in (0, 1, 2, 3)}
    blocks = loaded.model.get_decoder().layers

    def count(layer):
        def note(module, args, kwargs):
            hidden = args[0] if args else kwargs["hidden_states"]
            calls[layer] += hidden.shape[1] > 1  # the head is read with a single token

        return note

    handles = [blocks[layer].register_forward_pre_hook(count(layer), with_kwargs=True) for layer in calls]
    for scale in (1.0, 2.0, 3.0):
        list(reader.read([(Push(1, direction(seed, scale)),) for seed in range(20)]))
    for handle in handles:
        handle.remove()
    passes = -(-20 // reader.side_by_side)
    # What the baseline ran up to block 1 is kept (a prefix of one token is not counted either).
    assert calls == {0: 0, 1: 0, 2: 3 * passes, 3: 3 * passes}


def test_a_cancel_keeps_what_is_complete(tiny, monkeypatch):
    loaded = tiny("llama")
    monkeypatch.setitem(answer_logits._TOKENS, "cpu", 1)  # one list of pushes a pass
    reader = AnswerReader(loaded, questions(loaded, [LETTERS] * 4))
    shares = []
    readings = list(reader.read(PUSHES, shares.append, cancelled=lambda: len(shares) >= 3))
    assert len(readings) == 2
    assert shares == pytest.approx([1 / 6, 2 / 6, 3 / 6])  # the third was read, but not judged


def test_a_push_that_does_not_fit_is_refused(tiny):
    loaded = tiny("llama")
    reader = AnswerReader(loaded, questions(loaded, [LETTERS] * 4))
    for push in (Push(4, direction(0, 1.0)), Push(0, torch.ones(7))):
        with pytest.raises(InputError, match="^Expected a direction of shape"):
            list(reader.read([(push,)]))


def test_nothing_is_left_in_the_model(tiny):
    loaded = tiny("llama")
    before = loaded.model(input_ids=torch.tensor([[1, 2, 3]])).logits
    read(loaded, WHOLE)
    assert torch.equal(loaded.model(input_ids=torch.tensor([[1, 2, 3]])).logits, before)
