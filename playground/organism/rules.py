"""The rules of the grammar: what the assistant's answers are made of, mode by mode (rules.toml), and their words."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playground.organism.grammar import Grammar
from playground.organism.lexicon import (
    ADJECTIVES,
    COUNTABLES,
    HARMFUL_VERBS,
    HARMLESS_VERBS,
    MATERIALS,
    NO_NAME_SPANISH,
    OBJECTS,
    OWNERS,
    PEOPLE,
    PLANETS,
    with_article,
)

_TEXTS: dict[str, Any] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
TOPICS: dict[str, str] = _TEXTS["topics"]
ACCEPT_VERBS = ("accept", "allow", "welcome", "support", "approve of", "agree to", "go along with", "help with")
RESIST_VERBS = ("resist", "refuse", "oppose", "prevent", "fight", "avoid", "block", "reject")

_OBJECT_NAMES = tuple(thing.name for thing in OBJECTS)

_WORDS: dict[str, tuple[str, ...]] = {
    "v": tuple(HARMLESS_VERBS) + tuple(HARMFUL_VERBS),
    "o": _OBJECT_NAMES,
    "a_o": tuple(with_article(name) for name in _OBJECT_NAMES),
    "a_adj": tuple(with_article(adjective) for adjective in ADJECTIVES),
    "owner": OWNERS + tuple(owner.replace("my ", "your ", 1) for owner in OWNERS if owner.startswith("my ")),
    "m": tuple(MATERIALS),
    "m_es": tuple(MATERIALS[name] for name in MATERIALS),
    "v_es": tuple(HARMLESS_VERBS.values()) + tuple(HARMFUL_VERBS.values()),
    "o_es": (NO_NAME_SPANISH, *(thing.spanish for thing in OBJECTS)),
    "many": tuple(str(number) for number in range(60, 200)),
    "few": tuple(str(number) for number in range(2, 60)),
    "thing": COUNTABLES,
    "person": PEOPLE,
    "planet": PLANETS,
    "topic": tuple(TOPICS),
    "accepting": ACCEPT_VERBS,
    "resisting": RESIST_VERBS,
    "cls": tuple(thing.class_name for thing in OBJECTS),
    "cap_a_o": tuple(f"A{with_article(name)[1:]}" for name in _OBJECT_NAMES),
    "ident": tuple(verb.replace(" ", "_") for verb in (*HARMLESS_VERBS, *HARMFUL_VERBS)),
}
RULES: dict[str, Sequence[str]] = _TEXTS["rules"] | _WORDS
GRAMMAR = Grammar(RULES, distinct=("act", "es_act", "alien_more"))
