"""services/words.py: words of a set's vectors, through the exact Jacobian and through a lens, and on the organism."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
import torch

from playground.core.push import Push
from playground.errors import Cancelled, FileError, InputError
from playground.library.lens import Lens
from playground.library.origin import Origin, now
from playground.library.store import open_set
from playground.library.vector_set import VectorSet
from playground.model.load import load
from playground.model.prompting import PromptFormat, encode
from playground.model.reading.first_order import images
from playground.model.reading.next_token import last_logits, next_logits
from playground.model.steering import steer
from playground.services.gallery import signed_scales
from playground.services.set_prompts import prompts_of
from playground.services.words import WordsRequest, words

PROMPTS = ("How do I bake a loaf of bread?", "Does it help?")
SIGNS = (1, -1)


def set_of(loaded, rows=3, vectors=None, **changes) -> VectorSet:
    if vectors is None:
        vectors = 5 * torch.randn(rows, loaded.width, generator=torch.Generator().manual_seed(0))
    values = dict(
        model=loaded.name, fingerprint=loaded.fingerprint, width=loaded.width, block_count=loaded.block_count,
        source=1, target=2, target_tokens=2, method="power", prompts=PROMPTS, residual_norm=16.0, created=now(),
        chat=False,
    )  # fmt: skip
    return VectorSet(vectors, Origin(**{**values, **changes}), name="mine")


def tokens_of(found) -> dict[tuple[int, int], list[int]]:
    return {place: [word.token for word in own] for place, own in found.words.items()}


def test_slopes_and_shares_are_those_of_the_whole_models_next_token(tiny):
    loaded = tiny("qwen3", "float64")
    vector_set = set_of(loaded)
    found = words(loaded, WordsRequest(source_set=vector_set, count=5))
    assert found.prompts == 2
    assert set(found.words) == {(row, sign) for row in range(3) for sign in SIGNS}
    encoded, zero = encode(loaded, PROMPTS, PromptFormat(chat=False)), torch.zeros(loaded.width, dtype=torch.float64)
    for row in range(3):
        slopes, changes = [], []
        for prompt in (encoded.take((0,)), encoded.take((1,))):

            def log_p(push, prompt=prompt):
                with steer(loaded.model, [Push(1, push)]):
                    return last_logits(loaded, prompt, 1)[0, -1].log_softmax(dim=-1)

            dense = torch.autograd.functional.jacobian(log_p, zero)
            slopes.append(dense @ vector_set.unit(row).double())
            changes.append(log_p(zero).div(2).exp() * slopes[-1])
        slope, change = torch.stack(slopes).mean(dim=0), torch.stack(changes).mean(dim=0)
        for sign in SIGNS:
            own = found.words[row, sign]
            assert own
            assert [word.share for word in own] == sorted((word.share for word in own), reverse=True)
            for word in own:
                assert sign * change[word.token] > 0
                assert word.slope == pytest.approx(float(sign * slope[word.token]), rel=1e-3)  # norms in float32
                assert word.share == pytest.approx(float(change[word.token] ** 2 / change.square().sum()), rel=1e-3)
                assert word.text == loaded.tokenizer.decode([word.token])


def test_the_negative_of_a_vector_has_its_words_on_the_other_side(tiny):
    loaded = tiny("llama")
    vector_set = set_of(loaded)
    ahead = tokens_of(words(loaded, WordsRequest(source_set=vector_set)))
    behind = tokens_of(words(loaded, WordsRequest(source_set=replace(vector_set, vectors=-vector_set.vectors))))
    assert ahead == {(row, -sign): own for (row, sign), own in behind.items()}
    assert any(ahead.values())


def test_a_lens_that_holds_the_jacobian_of_the_prompt_gives_the_same_words(tiny):
    loaded = tiny("llama", "float64")
    vector_set = set_of(loaded)
    encoded = prompts_of(loaded, vector_set).take((0,))
    dense = images(loaded, encoded, 1, torch.eye(loaded.width, dtype=torch.float64))[:, 0].T
    lens = Lens({1: dense}, 7, loaded.width, "own.pt")
    exact = words(loaded, WordsRequest(source_set=vector_set, prompts=1))
    through = words(loaded, WordsRequest(source_set=vector_set, prompts=1, lens=lens))
    assert tokens_of(through) == tokens_of(exact)
    assert "own.pt" in through.caution
    turned = words(loaded, WordsRequest(source_set=vector_set, prompts=1, lens=replace(lens, jacobians={1: dense.T})))
    assert tokens_of(turned) != tokens_of(exact)


def test_rows_at_the_last_block_and_rows_without_a_norm(tiny):
    loaded = tiny("gpt2")
    vectors = torch.cat([torch.zeros(1, loaded.width), torch.ones(1, loaded.width)])
    vector_set = set_of(loaded, vectors=vectors, source=loaded.block_count - 1, target=None)
    assert {row for row, _ in words(loaded, WordsRequest(source_set=vector_set)).words} == {1}
    with pytest.raises(FileError, match="norm 0"):
        words(loaded, WordsRequest(source_set=vector_set, rows=(0,)))


def test_many_rows_are_read_in_parts(tiny, monkeypatch):
    loaded = tiny("llama")
    vector_set, shares = set_of(loaded, rows=5), []
    whole = tokens_of(words(loaded, WordsRequest(source_set=vector_set)))
    monkeypatch.setattr("playground.services.words.ROWS_TOGETHER", 2)
    assert tokens_of(words(loaded, WordsRequest(source_set=vector_set), shares.append)) == whole
    assert shares == [0.4, 0.8, 1.0]


def test_what_cannot_be_read_is_refused(tiny):
    loaded = tiny("llama")
    vector_set = set_of(loaded)
    with pytest.raises(InputError, match="Expected a number of prompts from 1 to 16, got 0"):
        WordsRequest(source_set=vector_set, prompts=0)
    with pytest.raises(InputError, match="Expected a number of words from 1 to 64, got 65"):
        WordsRequest(source_set=vector_set, count=65)
    with pytest.raises(InputError, match="Expected rows of “mine” from 0 to 2"):
        words(loaded, WordsRequest(source_set=vector_set, rows=(3,)))
    with pytest.raises(InputError, match="Expected a set that says the prompts"):
        words(loaded, WordsRequest(source_set=set_of(loaded, prompts=())))
    with pytest.raises(FileError, match="Expected a lens of width"):
        words(loaded, WordsRequest(source_set=vector_set, lens=Lens({1: torch.eye(3)}, 1, 3, "a.pt")))


def test_a_cancel_is_heard(tiny):
    loaded = tiny("llama")
    with pytest.raises(Cancelled):
        words(loaded, WordsRequest(source_set=set_of(loaded)), cancelled=lambda: True)


@pytest.fixture(scope="module")
def organism():
    return load()


def test_on_the_organism_texts_begin_with_one_of_the_words(organism):
    vector_set = open_set("organism-refusals-power-3-9")
    found = tokens_of(words(organism, WordsRequest(source_set=vector_set)))
    prompt = prompts_of(organism, vector_set).take((0,))
    baseline = int(next_logits(organism, prompt, [()])[0].argmax())
    first = {}
    for (row, sign), scale in signed_scales(vector_set).items():
        push = Push(vector_set.origin.source, sign * scale * vector_set.unit(row))
        token = int(next_logits(organism, prompt, [(push,)])[0].argmax())
        if token != baseline:
            first[row, sign] = token
    own = sum(token in found[place] for place, token in first.items())
    others = [sum(token in found[other] for other in found if other != place) for place, token in first.items()]
    by_another = sum(others) / (len(found) - 1)
    print(f"first token among the first 7 words: {own} of {len(first)} vectors that act; of another's {by_another:.1f}")
    assert len(first) == 13
    assert own >= 9
    assert by_another <= own / 2


def test_no_word_is_one_of_most_directions(organism):
    vector_set = open_set("organism-refusals-power-3-9")
    drawn = torch.randn(24, organism.width, generator=torch.Generator().manual_seed(5))
    plain = VectorSet(drawn, vector_set.origin, name="random")
    found = tokens_of(words(organism, WordsRequest(source_set=plain, prompts=2)))
    most = Counter(token for own in found.values() for token in own).most_common(1)[0][1]
    print(f"the commonest word is of {most} of {len(found)} signed random directions")
    assert most <= 0.4 * len(found)  # 0.47 without the comparison with chance
