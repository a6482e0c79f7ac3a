"""Incremental decoding of tokens: each new one costs the decoding of a few, and no partial character is shown."""

from __future__ import annotations

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

from playground.model.panic import tokenizer_panics

_NO_CHARACTER = "\N{REPLACEMENT CHARACTER}"
"""How decoders write bytes that are no character, or not one yet. At the end of a text the two look the same, so it is
left out there."""

_PENDING = 8  # tokens without a character boundary before one is looked for inside them
_LONGEST = 4  # bytes of a UTF-8 character, so at most as many tokens


class StreamedText:
    """The text of one row so far. Special tokens are not part of it."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.text = ""
        self._tokenizer = tokenizer
        self._tokens: list[int] = []
        # The window that is decoded for each token: tokens start … settled are in the settled text already, and are
        # decoded again because the spaces of a token can depend on what stands before it.
        self._start = 0
        self._settled = 0
        self._settled_text = ""
        self._before = ""  # the text of tokens start … settled

    def add(self, token: int) -> str:
        """Append a token and return the text so far, without a character whose last bytes are still to come."""
        self._tokens.append(token)
        window = self._decode(self._start, len(self._tokens))
        self.text = (self._settled_text + window[len(self._before) :]).rstrip(_NO_CHARACTER)
        if not window.endswith(_NO_CHARACTER):
            self._settle(len(self._tokens), window)
        elif len(self._tokens) - self._settled >= _PENDING:
            # Bytes that make no text at all, as strong steering can bring them about. A window that grew with them
            # would cost the square of their number, so it is cut where what stands before the cut reads the same.
            for end in range(len(self._tokens) - 1, len(self._tokens) - 1 - _LONGEST, -1):
                text = self._decode(self._start, end)
                if window.startswith(text):
                    self._settle(end, text)
                    break
        return self.text

    def _settle(self, end: int, window: str) -> None:
        self._settled_text += window[len(self._before) :]
        self._start, self._settled = self._settled, end
        self._before = self._decode(self._start, self._settled)

    def _decode(self, start: int, end: int) -> str:
        return _decode(self._tokenizer, self._tokens[start:end])


def text_pieces(tokenizer: PreTrainedTokenizerBase, tokens: Sequence[int]) -> list[str]:
    """What each token adds to the text: joined they are `whole_text`. A token that ends in the middle of a character
    adds nothing; the next one adds all of it.
    """
    streamed, whole, pieces, done = StreamedText(tokenizer), whole_text(tokenizer, tokens), [], 0
    for token in tokens:
        end = len(streamed.add(token))
        pieces.append(whole[done:end])
        done = max(done, end)
    if pieces:
        pieces[-1] += whole[done:]
    return pieces


def whole_text(tokenizer: PreTrainedTokenizerBase, tokens: Sequence[int]) -> str:
    """The text of a finished row, decoded at once, without a character that was cut off at its end."""
    return _decode(tokenizer, tokens).rstrip(_NO_CHARACTER)


def _decode(tokenizer: PreTrainedTokenizerBase, tokens: Sequence[int]) -> str:
    with tokenizer_panics("this model"):
        return str(tokenizer.decode(list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False))
