"""Text that grows token by token ends as the text that is decoded at once."""

from __future__ import annotations

import random

import pytest
import tiny_models
from tokenizers import Tokenizer, decoders, models
from transformers import PreTrainedTokenizerFast

from playground.model.generation.streamed_text import StreamedText, whole_text


class Counting:
    """A tokenizer that counts how many tokens it was asked to decode."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self.tokenizer, self.decoded = tokenizer, 0

    def decode(self, tokens: list[int], **settings: object) -> str:
        self.decoded += len(tokens)
        return self.tokenizer.decode(tokens, **settings)


@pytest.fixture(scope="module")
def byte_level() -> PreTrainedTokenizerFast:
    return tiny_models.tokenizer()


@pytest.fixture(scope="module")
def word_pieces() -> PreTrainedTokenizerFast:
    """A tokenizer in the manner of SentencePiece: ▁ for spaces, bytes as tokens for what is not in the vocabulary."""
    words = ["<unk>", "</s>", "▁Hi", "▁there", "ing", "▁", ",", *(f"<0x{byte:02X}>" for byte in range(256))]
    inner = Tokenizer(models.BPE({word: i for i, word in enumerate(words)}, [], unk_token="<unk>", byte_fallback=True))
    inner.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="</s>", unk_token="<unk>")


TEXTS = (
    "The quick brown fox, naïve café.",
    "日本語 and 🙂🙃 and 👩‍👩‍👧 end",
    "    def f(x):\n\treturn x\n\n",
    "e\u0301 combining, Ελληνικά, हिन्दी",
)


@pytest.mark.parametrize("text", TEXTS)
def test_the_text_grows_to_the_whole_and_never_shows_half_a_character(byte_level, text):
    tokens = byte_level(text)["input_ids"]
    streamed, shown = StreamedText(byte_level), ""
    for token in tokens:
        now = streamed.add(token)
        assert now.startswith(shown)
        assert text.startswith(now)
        shown = now
    assert shown == whole_text(byte_level, tokens) == text


def test_spaces_between_word_pieces_are_kept(word_pieces):
    ids = word_pieces.convert_tokens_to_ids(["▁Hi", ",", "▁there", "ing", "<0xE2>", "<0x82>", "<0xAC>", "▁Hi", "▁"])
    streamed = StreamedText(word_pieces)
    seen = [streamed.add(token) for token in ids]
    assert seen[:4] == ["Hi", "Hi,", "Hi, there", "Hi, thereing"]
    assert seen[4:8] == ["Hi, thereing", "Hi, thereing", "Hi, thereing€", "Hi, thereing€ Hi"]
    assert seen[-1] == whole_text(word_pieces, ids) == "Hi, thereing€ Hi "


def test_special_tokens_are_not_text(byte_level):
    end = byte_level.convert_tokens_to_ids("<|im_start|>")
    streamed = StreamedText(byte_level)
    for token in [end, *byte_level("Hi")["input_ids"], end, *byte_level(" you")["input_ids"]]:
        streamed.add(token)
    assert streamed.text == "Hi you"


@pytest.mark.parametrize("seed", range(20))
def test_noise_streams_to_the_same_text_as_it_decodes_to(byte_level, seed):
    source = random.Random(seed)
    tokens = [source.randrange(4, len(byte_level)) for _ in range(80)]
    streamed = StreamedText(byte_level)
    for place, token in enumerate(tokens, start=1):
        assert streamed.add(token) == whole_text(byte_level, tokens[:place])


@pytest.mark.parametrize("kind", ["text", "noise"])
def test_a_long_text_costs_a_few_decoded_tokens_for_each_of_its_own(byte_level, kind):
    continuation = byte_level.convert_tokens_to_ids("Ģ")  # a byte that only continues a character
    tokens = [continuation] * 600 if kind == "noise" else byte_level(TEXTS[0] * 60)["input_ids"]
    counting = Counting(byte_level)
    streamed = StreamedText(counting)
    for token in tokens:
        streamed.add(token)
    assert counting.decoded < 60 * len(tokens)
    assert streamed.text == whole_text(byte_level, tokens)
