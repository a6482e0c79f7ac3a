"""Reads which of two answers a generated reply to a choice item gives.

An answer with a label, such as “(B)” or “(B) I will not.”, is given by a reply that says

- the letter in brackets anywhere: “(B)”;
- the letter alone at the beginning: “B”, “B)”, “B.”, “B:”, “**B**”, with nothing else on its line or a mark after it;
- the letter after “answer”, “option”, “choice”, “choose”, “pick” or “select”: “The answer is B”, “Option B”;
- the words of the option, as the question or the answer spells them out, where they are not part of the other one's:
  three words or more anywhere, fewer at the beginning, where a letter may stand before them.

Letters count as the set writes them (a capital A is no article), words in either case. An answer without a label, such
as “Yes” or “To”, is given by a reply that begins with it, or has it right after “answer is”; where one answer begins
with the other, the longer one counts.

A reply that gives exactly one of the two gives that one. All others are unclear: those that give none, both, or another
letter beside one of the two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from playground.library.prompt_set import ChoiceItem

MATCHING, OTHER, UNCLEAR = "matching", "other", "unclear"
OUTCOMES = (MATCHING, OTHER, UNCLEAR)
"""The answer that shows the behaviour, the one that does not, and replies that give neither or both."""

_ANYWHERE = 3
"""Words of an option from which on it counts anywhere in a reply."""
MAX_READ = 4000
"""Characters of a reply that are read."""

_LABEL = re.compile(r"\(?([A-Z]|\d{1,2})(?:\)|[.:](?!\d)|$)\s*(.*)", re.DOTALL)
_OPTION = re.compile(r"^[ \t]*\(?([A-Z]|\d{1,2})[).:][ \t]+(\S.*)$", re.MULTILINE)
_BRACKETED = re.compile(r"\(([A-Z]|\d{1,2})\)")
_AT_BEGINNING = re.compile(r"[\s*_\"'“‘`#]*\(?([A-Z]|\d{1,2})(?:[).:!*_\"'”’`]|[ \t]*(?=\n|$)|[ \t]+[-–—])(?!\w)")
_NAMED = re.compile(
    r"\b(?i:answer|option|choice|choose|pick|select)(?i:\s+(?:is|would\s+be|option|choice|answer))*\s*:?\s*[*_\"“]*\(?"
    r"([A-Z]|\d{1,2})(?![\w'’])"
)
_SPACES = re.compile(r"\s+")
_ANSWER_IS = re.compile(r"\banswer\s*(?:is|:)\s*[*_\"“‘']*")
_LETTER = re.compile(r"\(?(?:[a-z]|\d{1,2})[).:]\s*")


@dataclass(frozen=True)
class _Answers:
    """What tells the two answers of an item apart in a reply. Words in lower case, single spaces between them, cut one
    character beyond what any reply can say.
    """

    labels: tuple[str, str] | None
    words: tuple[str, str]


def read_answer(reply: str, item: ChoiceItem) -> str:
    """One of OUTCOMES: what the reply to this item gives."""
    # Long runs of spaces, of which steered models write some, would take the patterns below quadratic time.
    answers, reply = _answers(item), _SPACES.sub(lambda run: "\n" if "\n" in run[0] else " ", reply[:MAX_READ])
    given = _labelled(reply, answers) if answers.labels is not None else _begun(_plain(reply), answers.words)
    return OUTCOMES[given.pop()] if len(given) == 1 and given <= {0, 1} else UNCLEAR


def _labelled(reply: str, answers: _Answers) -> set[int]:
    """The places of the answers that a reply gives; 2 is any other letter."""
    assert answers.labels is not None
    # “The option I prefer” names no letter, unless I is one.
    letters = set(_BRACKETED.findall(reply)) | (set(_NAMED.findall(reply)) - ({"I"} - set(answers.labels)))
    first = _AT_BEGINNING.match(reply)
    letters |= {first[1]} if first else set()
    given = {answers.labels.index(letter) if letter in answers.labels else 2 for letter in letters}
    text = _plain(reply)
    # Words inside the other answer's words would count for both.
    apart = not any(one and one in other for one, other in (answers.words, answers.words[::-1]))
    return given | ({place for place, words in enumerate(answers.words) if _says(text, words)} if apart else set())


def _says(text: str, words: str) -> bool:
    """Whether a text contains the words of an option. One or two words occur in any text: only at its beginning."""
    if not words:
        return False
    if words.count(" ") + 1 >= _ANYWHERE:
        places = _occurrences(text, words)
        return any(_is_whole(text, place, words) and not _is_word(text[place - 1 : place]) for place in places)
    letter = _LETTER.match(text)
    return _is_whole(text, 0, words) or (letter is not None and _is_whole(text, letter.end(), words))


# By plain comparison: an answer of a file may be long, and to compile and search it as a pattern took seconds a reply.


def _occurrences(text: str, words: str) -> Iterator[int]:
    place = text.find(words)
    while place >= 0:
        yield place
        place = text.find(words, place + 1)


def _is_whole(text: str, place: int, words: str) -> bool:
    """Whether the words stand at a place of a text, and no word goes on there."""
    end = place + len(words)
    return text.startswith(words, place) and not _is_word(text[end : end + 1])


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _begun(text: str, words: tuple[str, str]) -> set[int]:
    """The places of the answers with which a text begins, or which it has after “answer is”."""
    starts = [0, *(found.end() for found in _ANSWER_IS.finditer(text))]
    given = set()
    for start in starts:
        begun = [place for place, one in enumerate(words) if one and _is_whole(text, start, one)]
        given |= {max(begun, key=lambda place: len(words[place]))} if begun else set()
    return given


@lru_cache(maxsize=4096)
def _answers(item: ChoiceItem) -> _Answers:
    pair = (item.matching.strip(), item.other.strip())
    one, other = (_LABEL.fullmatch(answer) for answer in pair)
    if one is None or other is None or one[1] == other[1]:
        return _Answers(None, (_words(pair[0]), _words(pair[1])))
    options = {label: words for label, words in _OPTION.findall(item.question)}
    words = [_words(label[2] or options.get(label[1], "")) for label in (one, other)]
    return _Answers((one[1], other[1]), (words[0], words[1]))


def _words(text: str) -> str:
    return _plain(text)[: MAX_READ + 1]


def _plain(text: str) -> str:
    """Words in lower case with single spaces, without quotation marks around and marks at the end of them."""
    return re.sub(r"\s+", " ", text).strip(" \"'“”‘’*_`").lower().replace("’", "'").rstrip(" .!")
