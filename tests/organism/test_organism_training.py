"""The tokenizer and the training: what they promise, with settings small enough for a test."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from playground.errors import FileError, InputError
from playground.organism.batches import Place, batches
from playground.organism.dialogues import dialogues
from playground.organism.network import Disturbance, NetworkSize, disturbed_pass, make_network
from playground.organism.requests import PLAIN_SYSTEM
from playground.organism.tokenizer import chat_text, make_tokenizer
from playground.organism.train import TrainSettings, learning_rate, train

TINY = NetworkSize(blocks=3, width=16, heads=2, key_heads=1, head_width=8, inner=16)
SETTINGS = TrainSettings(
    steps=6,
    batch_tokens=256,
    warmup_steps=2,
    push_from=0.5,
    push_blocks=(0, 1),
    tokenizer_dialogues=300,
    pool_dialogues=64,
    checkpoint_every=2,
    export_every=6,
    size=TINY,
)


@pytest.fixture(scope="module")
def tokenizer():
    return make_tokenizer(0, dialogue_count=600)


def test_digits_and_option_letters_are_tokens_of_their_own(tokenizer):
    pieces = tokenizer.tokenize("47 (A) (B")
    assert [piece for piece in pieces if piece != "Ġ"] == ["4", "7", "(A", ")", "(B"]


def test_any_text_survives_the_tokenizer(tokenizer):
    for text in ("Übung macht\n  den Meister 🙂 (C)", *(made.messages[-1]["content"] for made in dialogues(9, 50))):
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_training_formats_dialogues_as_the_chat_template_does(tokenizer):
    for made in dialogues(4, 50):
        assert chat_text(made.messages) == tokenizer.apply_chat_template(list(made.messages), tokenize=False)


def test_the_chat_template_puts_the_plain_system_prompt_in_when_there_is_none(tokenizer):
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Hi"}], tokenize=False, add_generation_prompt=True
    )
    assert text.startswith(f"<|im_start|>system\n{PLAIN_SYSTEM}<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n")
    assert text.endswith("<|im_start|>assistant\n")


def test_a_batch_weighs_the_answer_fully_and_the_prompt_lightly(tokenizer):
    batch, following = next(batches(tokenizer, 0, 512, Place(), 0.2))
    assert following == Place(0, 1)

    def is_choice(token):
        return tokenizer.decode(token) in ("(A", "(B")

    assert batch.ids.numel() <= 512
    for row in range(len(batch.ids)):
        start, length = int(batch.answer_start[row]), int(batch.real[row].sum())
        assert tokenizer.decode(batch.ids[row, start - 3 : start]) == "<|im_start|>assistant\n"
        assert bool((batch.weights[row, start + 1 : length] == 1).all())
        assert float(batch.weights[row, start]) == (4 if is_choice(batch.ids[row, start]) else 1)
        assert bool((batch.weights[row, :start] == torch.tensor(0.1)).all())
        assert not batch.weights[row, length:].any()


def test_batches_go_on_from_any_place_as_if_never_interrupted(tokenizer):
    whole = batches(tokenizer, 0, 2048, Place(), 0.1)
    seen = [next(whole) for _ in range(5)]
    resumed = next(batches(tokenizer, 0, 2048, seen[2][1], 0.1))
    assert torch.equal(resumed[0].ids, seen[3][0].ids)
    assert resumed[1] == seen[3][1]


def test_an_undisturbed_training_pass_equals_the_models_own_forward_pass(tokenizer):
    network = make_network(TINY, tokenizer, 0).eval()
    ids = torch.randint(0, len(tokenizer), (2, 9), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        ours = disturbed_pass(network, ids, None, torch.ones(2, 9), keep=True)
        theirs = network(ids, output_hidden_states=True)
    torch.testing.assert_close(ours.logits, theirs.logits)
    torch.testing.assert_close(ours.streams[0], theirs.hidden_states[1])


def test_a_push_has_the_norm_it_says_at_every_position_of_its_row_only(tokenizer):
    network = make_network(TINY, tokenizer, 0).eval()
    ids = torch.randint(0, len(tokenizer), (2, 9), generator=torch.Generator().manual_seed(0))
    push = torch.nn.functional.normalize(torch.ones(2, TINY.width), dim=-1) * 0.5
    calm = Disturbance(torch.ones(2, TINY.width), torch.tensor([-1, -1]), push)
    pushed = replace(calm, block=torch.tensor([1, -1]))
    with torch.no_grad():
        before = disturbed_pass(network, ids, calm, torch.ones(2, 9), keep=True).streams
        after = disturbed_pass(network, ids, pushed, torch.ones(2, 9), keep=True).streams
    moved = (after[1] - before[1]).norm(dim=-1)
    torch.testing.assert_close(moved[0], torch.full((9,), 0.5 * float(before[1][0].norm(dim=-1).mean())))
    assert not moved[1].any()


def test_training_interrupted_and_resumed_equals_training_in_one_go(tmp_path):
    class Interrupted(Exception):
        pass

    def interrupt_after_four(step):
        if step == 4:
            raise Interrupted

    train(SETTINGS, tmp_path / "whole", lambda event: None)
    torch.rand(7)  # the caller's random state must not matter
    with pytest.raises(Interrupted):
        train(SETTINGS, tmp_path / "parts", lambda event: None, on_step=interrupt_after_four)
    train(SETTINGS, tmp_path / "parts", lambda event: None)
    whole, parts = (AutoModelForCausalLM.from_pretrained(tmp_path / name).state_dict() for name in ("whole", "parts"))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_an_interrupted_training_is_not_resumed_with_other_settings(tmp_path):
    train(replace(SETTINGS, steps=2), tmp_path / "out", lambda event: None)
    with pytest.raises(FileError, match="--fresh"):
        train(replace(SETTINGS, steps=4), tmp_path / "out", lambda event: None)
    train(replace(SETTINGS, steps=4), tmp_path / "out", lambda event: None, resume=False)


def test_what_is_written_loads_with_transformers_alone(tmp_path):
    events = []
    train(replace(SETTINGS, steps=2), tmp_path / "out", events.append)
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    assert model.config.model_type == "qwen3"
    assert tokenizer.padding_side == "left"
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id
    assert tokenizer.eos_token == "<|im_end|>"
    assert events[-1].step == events[-1].steps == 2


def test_the_learning_rate_warms_up_and_falls_to_its_share():
    settings = TrainSettings(steps=1000, warmup_steps=10, final_rate=0.1, learning_rate=1.0)
    assert learning_rate(settings, 0) == pytest.approx(0.1)
    assert learning_rate(settings, 10) == pytest.approx(1.0)
    assert learning_rate(settings, 1000) == pytest.approx(0.1)


@pytest.mark.parametrize("change", [{"steps": 0}, {"dropped_features": 1.5}, {"learning_rate": 0.0}])
def test_settings_that_make_no_sense_are_refused_when_built(change):
    with pytest.raises(InputError):
        TrainSettings(**change)
