"""Suggested names of vectors, from what a vector's texts share and other texts lack. No model is asked."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from playground.services.gallery import Signed

MOST_WORDS = 3
"""Words of a phrase."""
MOST_CHARACTERS = 24
"""Characters of a phrase: a name is read at a glance."""
READ_CHARACTERS = 2_000
"""Characters of a text that are read."""
_SHARE = 0.5
"""Share of a vector's texts that have what it is named after."""
Phrases = dict[str, bool]
"""Phrases of a text, each with whether the text begins with it."""
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_GAP = re.compile(r"[ ,]*")
"""What may stand between two words of a phrase."""
_REFUSES = re.compile(r"\bI(?:['’]m| am)? (?:unable|not able|can['’]t|cannot|won['’]t)\b")
_COMMON = frozenset(
    _WORD.findall(
        "a about all also am an and any are as at be been but by can could did do does for from get had has have "
        "he her him his how i if in into is it it's its just like make may me more most my need no not of on one "
        "or other our out over she so some such than that the their them then there these they this to up us use "
        "was we were what when where which who will with would you you're your "
    )
)
"""Words that tell nothing by themselves."""

# Forms of a text, in the order in which they are looked for; each is a name.
_FORMS: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("refusal", lambda text: bool(_REFUSES.search(text))),
    ("code", lambda text: bool(re.search(r"```|^(def|class|import|from|print|return)\b.*[:(]", text, re.MULTILINE))),
    ("dialogue", lambda text: len(re.findall(r"^\w[\w ]{0,20}: ", text, re.MULTILINE)) > 1),
    ("numbered list", lambda text: bool(re.search(r"^\s*(\*\*)?1[.)] ", text, re.MULTILINE))),
    ("bullet points", lambda text: len(re.findall(r"^\s*[-*•] ", text, re.MULTILINE)) > 1),
    ("capitals", lambda text: sum(word.isupper() for word in _letters(text)) > 0.6 * max(len(_letters(text)), 3)),
    ("another script", lambda text: sum(letter > "\u024f" for letter in _alphabetic(text)) > 0.3 * len(text)),
    ("quotation", lambda text: text.lstrip()[:1] in ('"', "“", "«")),
    ("questions back", lambda text: "?" in re.split(r"(?<=[.!?])\s", text.strip(), maxsplit=1)[0]),
    ("short answer", lambda text: 0 < len(text.split()) <= 4),
    ("says nothing", lambda text: not text.strip()),
)


def suggest_names(texts: Mapping[Signed, Sequence[str]], baselines: Sequence[str], prompt: str = "") -> dict[int, str]:
    """Row → a suggested name, from its texts in both signs: the form that they have and the baselines lack, such as
    “code”, else words that they share and other texts lack, in quotes. "" where nothing tells them apart. The first
    text of each is on the prompt of the baselines.

    A name of two signs is that of the negative and of the positive one, "code ↔ “I'm afraid”". It holds letters and
    these marks only, nothing of markup.
    """
    read = {place: [text[:READ_CHARACTERS] for text in own] for place, own in texts.items() if own}
    phrases = {place: [_phrases(text) for text in own] for place, own in read.items()}
    plain = [text[:READ_CHARACTERS] for text in baselines]
    known = {phrase.lower() for text in (*plain, prompt) for phrase in _phrases(text)}
    signed = {
        place: _form(own, plain) or _telling(phrases[place], _others(phrases, place), known)
        for place, own in read.items()
    }
    names = {}
    for row in dict.fromkeys(row for row, _ in read):
        minus, plus = signed.get((row, -1), ""), signed.get((row, 1), "")
        names[row] = f"{minus} ↔ {plus}" if minus and plus and minus != plus else minus or plus
    return names


def _form(texts: Sequence[str], baselines: Sequence[str]) -> str:
    for name, has in _FORMS:
        if has(texts[0]) and sum(map(has, texts)) > _SHARE * len(texts) and not any(map(has, baselines)):
            return name
    return ""


def _others(phrases: Mapping[Signed, Sequence[Phrases]], place: Signed) -> list[Phrases]:
    """Phrases of the texts of all other vectors; those of the vector's other sign are no contrast."""
    return [own for (row, _), texts in phrases.items() if row != place[0] for own in texts]


def _telling(own: Sequence[Phrases], others: Sequence[Phrases], known: set[str]) -> str:
    """The phrase that most of `own` have and few of `others`, in quotes; "" for none. What a text begins with tells
    more than what stands in it.
    """
    elsewhere = Counter(phrase for texts in others for phrase in texts)
    best, chosen = 0.0, ""
    for phrase, count in Counter(phrase for texts in own for phrase in texts).items():
        words = [word for word in phrase.lower().split() if word not in _COMMON and word not in known]
        if phrase.lower() in known or not words or len(phrase) > MOST_CHARACTERS or count <= _SHARE * len(own) / 2:
            continue
        rare = math.log((len(others) + 2) / (elsewhere[phrase] + 1))
        opens = sum(texts.get(phrase, False) for texts in own) / len(own)
        score = count / len(own) * rare * (1 + 0.4 * (len(words) - 1)) * (1 + opens)
        if score > best or (score == best and (len(phrase), phrase) > (len(chosen), chosen)):
            best, chosen = score, phrase
    return f"“{chosen}”" if chosen else ""


def _phrases(text: str) -> Phrases:
    """Runs of one to MOST_WORDS words of a text without marks between them, that end in a word that tells something,
    and begin with one or with the text; each with whether the text begins with it.
    """
    words = list(_WORD.finditer(text))
    found: Phrases = {}
    for first in range(len(words)):
        for last in range(first, min(first + MOST_WORDS, len(words))):
            if last > first and not _GAP.fullmatch(text, words[last - 1].end(), words[last].start()):
                break
            ends = (words[first][0], words[last][0]) if first else (words[last][0],)
            if all(word.lower() not in _COMMON for word in ends):
                phrase = " ".join(word[0] for word in words[first : last + 1])
                found[phrase] = found.get(phrase, False) or first == 0
    return found


def _letters(text: str) -> list[str]:
    return _WORD.findall(text)


def _alphabetic(text: str) -> Iterable[str]:
    return filter(str.isalpha, text)
