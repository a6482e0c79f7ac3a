"""Words of vectors on the page: the job that reads them, and a quiet line of them under a vector."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from playground.library.lens import Lens
from playground.library.vector_set import VectorSet
from playground.model.load import LoadedModel
from playground.services.gallery import SIGNS
from playground.services.jobs import JobContext
from playground.services.words import SetWords, Word, WordsRequest, words
from playground.ui.kit.frame import Frame
from playground.ui.kit.markup import SIGN_MARKS, escape, escape_sentence, visible_token
from playground.ui.kit.running import follow
from playground.ui.kit.visitor import Visitor

ROWS = 48
"""Vectors whose words the page reads at once: what comes after them in a large set is hardly looked at."""
LONG = 24
"""Characters of a token that are shown; some tokenizers have lines of a hundred dashes."""


@dataclass(frozen=True)
class Share:
    """Progress event of the reading, for the status line. `share` is from 0 to 1."""

    share: float


def read_words(
    frame: Frame, visitor: Visitor, vector_set: VectorSet, first: int = 0, lens: Lens | None = None
) -> Iterator[SetWords | None]:
    """Read the words of up to ROWS vectors from row `first` on, those without a norm left out: None while it runs, then
    the words. `lens` takes the place of the model's Jacobian. Raises PlaygroundError, and Cancelled after a Stop.
    """
    rows = tuple(row for row in range(vector_set.rows) if bool(vector_set.vectors[row].any()))
    shown = tuple(row for row in rows if row >= first)[:ROWS]
    request = WordsRequest(source_set=vector_set, rows=shown or None, lens=lens)

    def work(model: LoadedModel, context: JobContext) -> SetWords:
        return words(model, request, lambda share: context.emit(Share(share)), context.cancelled)

    job = frame.start(visitor, "reading words", work)
    for _ in follow(job):
        yield None
    yield job.result()


def words_line(found: SetWords | None, row: int, title: str = "words") -> str:
    """HTML of the words of a row in both signs, behind `title`; nothing where they were not read. Tokens are data:
    escaped, with white space and control characters made visible.
    """
    if found is None or (row, 1) not in found.words:
        return ""
    sides = " ".join(_side(sign, found.words[row, sign]) for sign in SIGNS)
    return f'<p class="sp-words"><span>{escape(title)}</span> {sides}</p>'


def caution(found: SetWords | None) -> str:
    """HTML of how they were read and where they are weak; nothing without any."""
    return "" if found is None else f'<p class="sp-caution">{escape_sentence(found.caution)}</p>'


def _side(sign: int, own: tuple[Word, ...]) -> str:
    mark, kind, _ = SIGN_MARKS[sign]
    tokens = ", ".join(f"<code>{_shown(word.text)}</code>" for word in own) or "none beyond chance"
    return f'<span><b class="sp-sign sp-{kind}">{mark}</b> {tokens}</span>'


def _shown(text: str) -> str:
    text = visible_token(text)
    return escape(text if len(text) <= LONG else f"{text[: LONG - 1]}…")
