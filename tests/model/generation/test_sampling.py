"""Drawing tokens: the right probabilities, from numbers that belong to the row alone."""

from __future__ import annotations

import pytest
import torch

from playground.core.push import Push
from playground.errors import InputError
from playground.model.generation.sampling import Sampling, SeededChoice, draw, sample_numbers, uniform_numbers
from playground.model.prompting import Encoded
from playground.model.row_pushes import batch_pushes


def batch(*rows: tuple[int, ...]) -> Encoded:
    longest = max(map(len, rows))
    ids = torch.tensor([[0] * (longest - len(row)) + list(row) for row in rows])
    return Encoded(ids, (ids > 0).long(), tuple(map(len, rows)))


def grid(count: int) -> torch.Tensor:
    """Points spread evenly over [0, 1): what is drawn at them has the frequencies of the distribution itself."""
    return (torch.arange(count) + 0.5) / count


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_tokens_come_up_as_often_as_their_probability_says(temperature):
    logits = torch.randn(7, generator=torch.Generator().manual_seed(0))
    tokens = draw(logits.expand(20_000, 7), temperature, 1.0, grid(20_000))
    expected = (logits / temperature).softmax(dim=0)
    torch.testing.assert_close(torch.bincount(tokens, minlength=7) / 20_000, expected, rtol=0, atol=1e-4)


def test_top_p_keeps_as_few_of_the_likeliest_tokens_as_reach_it():
    probabilities = torch.tensor([0.1, 0.5, 0.05, 0.35])
    for top_p, kept in [(0.5, [1]), (0.6, [1, 3]), (0.85, [1, 3]), (0.9, [0, 1, 3]), (1.0, [0, 1, 2, 3])]:
        # Sums such as 0.5 + 0.35 are not exact; the threshold stands a little below them.
        tokens = draw(probabilities.log().expand(10_000, 4), 1.0, top_p - 1e-6 if top_p < 1 else 1.0, grid(10_000))
        counts = torch.bincount(tokens, minlength=4) / 10_000
        assert counts.nonzero().flatten().tolist() == kept
        expected = probabilities[kept] / probabilities[kept].sum()
        torch.testing.assert_close(counts[kept], expected, rtol=0, atol=2e-4)


def test_a_token_without_probability_is_never_drawn():
    logits = torch.tensor([-torch.inf, 0.0, -torch.inf, 1.0, -torch.inf])
    uniforms = torch.tensor([0.0, 0.5, 1 - 2**-24])
    for top_p in (1.0, 0.99):
        assert set(draw(logits.expand(3, 5), 1.0, top_p, uniforms).tolist()) <= {1, 3}


def test_a_temperature_near_zero_is_greedy():
    logits = torch.tensor([[1.0, 1.001, 0.5]])
    assert draw(logits, 1e-38, 1.0, torch.tensor([0.3])).tolist() == [1]


def test_only_the_drawn_token_is_left_to_choose():
    uniforms = torch.tensor([[0.1, 0.9], [0.9, 0.1]])
    choose = SeededChoice(Sampling(temperature=1.0), uniforms)
    scores = torch.zeros(2, 4)
    assert choose(torch.zeros(2, 1), scores).argmax(dim=1).tolist() == [0, 3]
    assert choose(torch.zeros(2, 1), scores).argmax(dim=1).tolist() == [3, 0]


def test_numbers_belong_to_seed_prompt_and_sample_and_to_nothing_else_in_the_batch():
    sampling = Sampling(max_new_tokens=5, temperature=1.0, seed=1)
    one, two = (3, 4, 5), (6, 7)
    samples = sample_numbers(batch(one, two, one, one), ["", "", "a", ""])
    assert samples == (0, 0, 0, 1)
    numbers = uniform_numbers(batch(one, two, one, one), samples, sampling)
    assert numbers.shape == (5, 4)
    assert torch.equal(numbers[:, 0], numbers[:, 2])  # baseline and steered: the same luck
    assert not torch.equal(numbers[:, 0], numbers[:, 1])  # another prompt
    assert not torch.equal(numbers[:, 0], numbers[:, 3])  # the second sample
    alone = uniform_numbers(batch(two), [0], sampling)
    assert torch.equal(alone[:, 0], numbers[:, 1])  # padding and neighbours do not count
    longer = uniform_numbers(batch(two), [0], Sampling(max_new_tokens=9, temperature=1.0, seed=1))
    assert torch.equal(longer[:5], alone)
    assert not torch.equal(uniform_numbers(batch(two), [0], Sampling(5, 1.0, seed=2)), alone)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_new_tokens": 0}, "Expected a number of new tokens from 1 to 32768, got 0"),
        ({"max_new_tokens": 1.5}, "Expected a number of new tokens from 1 to 32768, got 1.5"),
        ({"temperature": -0.1}, "Expected a temperature of 0"),
        ({"temperature": float("nan")}, "Expected a temperature of 0"),
        ({"top_p": 0.0}, "Expected a top-p above 0 and up to 1, got 0"),
        ({"top_p": 1.1}, "Expected a top-p above 0 and up to 1, got 1.1"),
        ({"seed": -1}, "Expected a seed from 0 to 9223372036854775807, got -1"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        Sampling(**settings)


def test_a_batch_gets_one_push_a_layer_with_zeros_for_rows_that_are_not_steered_there():
    one, two, three = torch.ones(3), torch.full((3,), 2.0), torch.full((3,), 4.0, dtype=torch.bfloat16)
    first, second = batch_pushes([[Push(5, one), Push(2, two)], [], [Push(5, two), Push(5, three)]])
    assert (first.layer, second.layer) == (2, 5)
    assert first.vector.dtype == second.vector.dtype == torch.float32
    assert first.vector.tolist() == [[2.0] * 3, [0.0] * 3, [0.0] * 3]
    assert second.vector.tolist() == [[1.0] * 3, [0.0] * 3, [6.0] * 3]
    assert batch_pushes([[], []]) == ()
